import type { ofAddresses as english } from '../../lib/address-strings';
import type { Translation } from '../texts';

export const ofAddresses: Translation<typeof english> = {
  address: {
    title: 'Desde una dirección',
    about: 'Un .gguf o un zip en un hub o en un servidor que deje leerlo a las páginas. El servidor ve la petición, y nada más.',
    label: 'Dirección del archivo',
    look: 'Mirar qué hay',
    looking: 'Preguntando al servidor…',
    offer: (host, file, size) => `${host} ofrece ${file}, ${size}.`,
    have: (size) => ` Ya han llegado ${size}.`,
    fetch: (host) => `Traerlo de ${host}`,
    goOn: (host) => `Seguir trayendo de ${host}`,
    stop: 'Parar',
    asked: (asked) => `Preguntado en esta visita: ${[...new Set(asked.map(({ host, file }) => `a ${host} por ${file}`))].join('; ')}.`,
    none: 'Eso no es una dirección. Empieza por https://.',
    insecure: 'Solo se pregunta a direcciones que empiecen por https://, o a las de este ordenador.',
    missing: (host, status) => `${host} no tiene ese archivo (responde ${status}).`,
    page: 'Ahí hay una página en vez de un archivo. Copia la dirección del archivo mismo, la de su botón de descarga.',
    kind: 'La dirección debe terminar en .gguf o .zip.',
    noSize: 'El servidor no dice cuánto ocupa el archivo, así que no se trae.',
    otherSize: (came, size) => `No tiene el tamaño anunciado (${came} en vez de ${size}). Se ha descartado lo que llegó.`,
    noStorage: 'Este navegador no puede guardar un archivo mientras llega. Descárgalo y elígelo de tu disco.',
    failed: {
      network: 'No ha llegado nada: no hay red, el servidor no está, o no deja que las páginas lean el archivo. Lo que ya llegó se conserva.',
      stopped: 'Parado. Lo que ya llegó se conserva.',
      silent: 'El servidor lleva un minuto sin responder. Lo que ya llegó se conserva.',
    },
  },
};

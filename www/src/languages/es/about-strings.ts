import type { about as english } from '../../lib/about-strings';
import type { Translation } from '../texts';

export const about: Translation<typeof english> = {
  title: 'Sobre esta página',
  what:
    'Nudge es software libre, con licencia MIT o Apache 2.0, a elegir. Los mismos crates de Rust dan esta página y la orden nudge de la ' +
    'terminal, para modelos más grandes y más datos.',
  source: 'Código fuente',
  sourceUrl: 'https://github.com/nudge-rlhf/nudge',
  licences: 'Licencias de sus componentes',
  leaves: 'Cómo comprobar que nada sale de aquí',
  ways: [
    'Desconecta la red, por ejemplo con el modo avión, y sigue: en cuanto la página diga que está guardada, todo funciona sin ella.',
    'Abre las herramientas de desarrollo del navegador (F12), pestaña «Red», y usa la página: una vez cargada no hay más peticiones, salvo las de modelos que tú pidas.',
    'La política de seguridad de contenido solo deja que la página hable con este sitio; está al comienzo de su código fuente. Un modelo que pidas de otra dirección lo trae un marco aparte (ask.html), que no ve nada de la página.',
  ],
  kept: 'Esta página está guardada en este navegador y funciona sin red. Puedes instalarla desde el menú del navegador.',
  notKept: 'Esta página todavía no está guardada en este navegador.',
  newer: 'Hay una versión nueva de esta página. Lo que esté en marcha seguiría desde su último punto de control.',
  take: 'Usarla ya',
  later: 'Más tarde',
};

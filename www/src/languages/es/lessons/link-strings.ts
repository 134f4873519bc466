import type { linkWords as english } from '../../../lessons/link-strings';
import type { Translation } from '../../texts';

export const linkWords: Translation<typeof english> = {
  changed: 'Este enlace no es como se hizo: se ha cambiado o se ha cortado por el camino.',
  newer: 'Este enlace se hizo con una versión más nueva de esta página y puede pedir cosas que esta no conoce.',
  unknown: {
    lesson: (name) => `Aquí no hay ninguna lección «${name}».`,
    labeler: (name) => `Aquí no hay ningún gusto «${name}».`,
    pack: (name) => `El paquete de rankings «${name}» ya no está aquí.`,
    method: (name) => `Aquí no hay ningún método «${name}».`,
    seed: (name) => `«${name}» no es una semilla: un número entero desde 0.`,
    show: (name) => `No hay ninguna parte de la página que se llame «${name}».`,
  },
  renamedPack: (name, now) =>
    `El paquete de rankings «${name}» ya no está aquí: el modelo de cuentos no sabe hacer lo que pide. En su lugar está «${now}».`,
  rest: 'Todo lo demás se ha abierto.',
  seen: 'De acuerdo',
};

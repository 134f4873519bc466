import type { foretold as english } from '../../lib/foretold-strings';
import type { Translation } from '../texts';

export const foretold: Translation<typeof english> = {
  title: 'El modelo de recompensa hasta ahora',
  help:
    'Después de cada ranking tuyo, un pequeño modelo de recompensa que solo ha visto los anteriores dice cómo habría ordenado las mismas ' +
    'respuestas: una prueba honesta, que se cuenta solo cuando ya has ordenado. Una moneda acierta la mitad de los pares.',
  waits: 'Primero necesita unos cuantos rankings.',
  reading: (left) => `Está leyendo tus rankings: faltan ${left}.`,
  agreed: (pairs) => `de ${pairs} pares en tu orden hasta ahora`,
  interval: (low, high) => `intervalo del 95 %: de ${low} a ${high}`,
  last: (agreed, pairs) => `Tu último ranking: ${agreed} de ${pairs} pares en tu orden.`,
  first: (rank, all) => (rank === 1 ? 'Habría puesto arriba, como tú:' : `Habría puesto arriba lo que tú pusiste en el puesto ${rank} de ${all}:`),
};

import type { quick as english } from '../../lib/quick-strings';
import type { Translation } from '../texts';

export const quick: Translation<typeof english> = {
  title: 'Noventa segundos: enséñale un gusto',
  about:
    'Elige lo que te gusta, ordena cinco veces cuatro respuestas según ello, deja que una regla ordene el resto y mira las mismas peticiones ' +
    'respondidas antes y después. El modelo solo escribe en inglés.',
  tastes: {
    happier: 'Me gusta lo alegre: más palabras felices, menos tristes.',
    shorter: 'Me gusta lo breve: con las menos palabras posibles.',
    mentions_an_animal: 'Me gustan los animales: que haya uno en cada historia.',
    more_dialogue: 'Me gusta que la gente hable: más diálogo.',
    no_repetition: 'Me gusta la variedad: nunca lo mismo dos veces.',
  },
  steps: ['Elige un gusto', 'Ordena cinco', 'Aprende', 'Mira'],
  rank: (done, target) => `Ordena según ese gusto, en el paso 3 de más abajo: ${done} de ${target}.`,
  toRank: 'Ir a ordenar',
  skip: 'Que la regla lo ordene todo',
  fill: (count) => `Que la regla ordene los otros ${count}, y aprender`,
  simulated: 'SIMULADO: ordena una regla fija, no una persona.',
  sampling: (done, count) => `La regla ordena: ${done} de ${count}`,
  learning: (step, total) => `Aprende: paso ${step} de ${total}`,
  starting: 'Aprende: el primer paso está en marcha',
  judging: (done, count) => `Ambos modelos responden a lo que ninguno conoce: ${done} de ${count}`,
  stop: 'Parar',
  again: 'Elegir otro gusto',
  shorter: (share) => `Un ${share} más cortas: míralo`,
  longer: (share) => `Un ${share} más largas: míralo`,
  prefers: (wins, losses, pairs) => `La regla prefiere la respuesta nueva en ${wins} de ${pairs} peticiones, la vieja en ${losses}: míralo`,
  measured: (rate, low, high) => `Medido: una tasa de victorias del ${rate}, intervalo del 95 % de ${low} a ${high}. Evaluador SIMULADO.`,
  blind: 'Ahora juzga tú, a ciegas',
  looks: 'Mirar lo que ha hecho',
  failed: 'No llegó hasta el final. No se ha perdido nada; sigue en los pasos de abajo.',
};

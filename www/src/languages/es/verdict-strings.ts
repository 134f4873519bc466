import type { verdictWords as english } from '../../lib/verdict-strings';
import { plural } from '../plural';
import type { Translation } from '../texts';

export const verdictWords: Translation<typeof english> = {
  title: 'Veredicto',
  levels: { good: 'Bien', note: 'Nota', warning: 'Sospechoso', bad: 'Estropeado' },
  nothing: 'No se ha encontrado nada sospechoso.',
  enough: (rankings) => `${plural(rankings, { one: 'ranking', other: 'rankings' })} sin contradicciones: suficiente para empezar.`,
  numbers: 'Los números que hay detrás',
  notYet: 'Todavía no, dice la regla:',
  allTheSame: 'Puedes hacerlo de todos modos.',
  next: {
    again: (options) => `Otra vez con ${options}`,
    rank_more: 'Ordenar más',
    agreement: 'Mirar los rankings',
    compare: 'Comparar antes y después',
    judge_yourself: 'Juzgar tú, a ciegas',
    calibrate: 'Ver dónde se equivoca',
    tune: 'Seguir con el ajuste',
    more_pairs: { person: 'Juzgar diez más', simulated: (pairs) => `Juzgar ${plural(pairs, { one: 'respuesta', other: 'respuestas' })} por prompt` },
  },
  what: {
    keep: 'Quedártelo: llévalo a casa',
    goOn: 'Seguir: ordenar más',
    another: 'Probar otro método',
  },
};

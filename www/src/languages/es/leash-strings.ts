import type { leash as english } from '../../lib/leash-strings';
import type { Translation } from '../texts';

export const leash: Translation<typeof english> = {
  title: 'La correa: un laboratorio',
  about:
    '¿Qué pasa sin ella? Un modelo de recompensa aprende de doce rankings hechos con una regla que conocemos, y así vemos las dos cosas: ' +
    'el sustituto, que es ese modelo, y la regla verdadera, que el entrenamiento nunca ve. Baja el precio de un nat (el coeficiente KL) ' +
    'y suéltalo.',
  presets: { tight: 'Correa corta', loose: 'Correa larga', none: 'Sin correa' },
  price: 'Precio de un nat de KL',
  rule: (title) => `La regla verdadera: ${title}. SIMULADO.`,
  start: 'Soltarlo',
  stop: 'Parar',
  phases: {
    sampling: (done, total) => `Se responden y ordenan doce peticiones: ${done} de ${total}`,
    reward: (done, total) => `El sustituto aprende los rankings: paso ${done} de ${total}`,
    tune: (done, total) => `El modelo se ajusta: paso ${done} de ${total}`,
  },
  chart: 'Ganancia sobre el inicio, según la distancia recorrida',
  distance: '√KL: distancia desde el inicio, en √nats',
  proxy: 'sustituto: el modelo de recompensa',
  gold: 'regla verdadera',
  fit: (name, alpha, beta, quality) => `${name}: d (${alpha} − ${beta} ln d), R² ${quality}`,
  peak: (distance, farthest) => `Según esta curva, la regla verdadera es máxima en √KL ${distance}; la ejecución llegó a ${farthest}.`,
  noPeak: 'Según esta curva, la regla verdadera no tiene máximo.',
  none: 'Aquí aparece un punto por paso.',
  source: 'Curvas R = d (α − β ln d), Gao et al. 2022, ajustadas a los puntos por el entrenador.',
  yours: 'Tus propios modelos no se tocan.',
};

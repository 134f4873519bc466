import type { bench as english } from '../../bench/strings';
import type { Translation } from '../texts';

export const bench: Translation<typeof english> = {
  title: '¿Cómo de rápido es este navegador?',
  intro:
    'Los pasos del entrenamiento, con un modelo de pesos aleatorios: SFT, modelo de recompensa, muestreo y una iteración entera de PPO ' +
    'con sus partes. Medianas de cinco pasos tras dos de calentamiento; se cuentan launches y readbacks.',
  device: 'Dispositivo',
  size: 'Modelo',
  sizes: {
    test: 'prueba (32 de ancho, 2 capas)',
    tiny: 'diminuto (128 de ancho, 4 capas)',
    builtin: 'el modelo incluido',
    small: 'pequeño (256 de ancho, 6 capas)',
  },
  start: 'Medir',
  save: 'Guardar las filas',
  running: (phase) => `Midiendo ${phase}…`,
  columns: [
    'fase',
    'ms por paso',
    'más rápido – más lento',
    'primer paso',
    'tokens/s',
    'GFLOP/s (del máximo)',
    'launches',
    'submits',
    'readbacks',
    'memoria, MiB',
  ],
};

// The worker reads this file too; it needs nothing else.

import type { files as englishFiles, opening as englishOpening } from '../../lib/opening-strings';
import type { Translation } from '../texts';

const gigabytes = (bytes: number) => `${(bytes / 1e9).toLocaleString('es', { minimumFractionDigits: 1, maximumFractionDigits: 1 })} GB`;

export const files: Translation<typeof englishFiles> = {
  notZip: 'Este archivo no es un zip que se pueda abrir.',
  noModel: (names) => `Falta ${names.join(' y ')}. Abre la carpeta entera de un modelo, o su zip.`,
};

export const opening: Translation<typeof englishOpening> = {
  nothing: 'no es un modelo. Un modelo es un archivo .gguf, una carpeta con config.json, tokenizer.json y archivos .safetensors, o su zip',
  several: (which) => `hay más de un modelo: ${which.join(', ')}. Abre uno de ellos`,
  files: (count) => `Estos ${count} archivos`,
  tooLarge: (bytes, most) =>
    `ocupa ${gigabytes(bytes)} como archivo y varias veces eso en memoria. En una pestaña caben archivos de hasta ${gigabytes(most)}`,
};

// The worker reads this file too; it needs nothing else.

import type { files as englishFiles, opening as englishOpening } from '../../lib/opening-strings';
import type { Translation } from '../texts';

const gigabytes = (bytes: number) => `${(bytes / 1e9).toLocaleString('de', { minimumFractionDigits: 1, maximumFractionDigits: 1 })} GB`;

export const files: Translation<typeof englishFiles> = {
  notZip: 'Diese Datei ist kein Zip, das sich öffnen lässt.',
  noModel: (names) => `Es fehlt: ${names.join(', ')}. Öffne einen ganzen Modellordner oder sein Zip.`,
};

export const opening: Translation<typeof englishOpening> = {
  nothing: 'Es ist kein Modell. Ein Modell ist eine .gguf-Datei, ein Ordner mit config.json, tokenizer.json und .safetensors-Dateien, oder sein Zip',
  several: (which) => `Es sind mehrere Modelle: ${which.join(', ')}. Öffne eines davon`,
  files: (count) => `Diese ${count} Dateien`,
  tooLarge: (bytes, most) =>
    `Sie braucht ${gigabytes(bytes)} als Datei und ein Mehrfaches davon im Speicher. Ein Tab hat Platz für Dateien bis ${gigabytes(most)}`,
};

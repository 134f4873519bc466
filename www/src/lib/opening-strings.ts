// The words for opening a model, apart from the rest of the table: the worker says some of them, and needs no others.

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;

export const files = {
  notZip: 'This file is not a zip that can be opened.',
  noModel: (names: string[]) => `There is no ${names.join(', no ')}. Open a whole model folder, or its zip.`,
};

export const opening = {
  nothing:
    'it is no model. A model is a .gguf file, a folder with config.json, tokenizer.json and .safetensors files, or its zip',
  several: (which: string[]) => `there is more than one model: ${which.join(', ')}. Open one of them`,
  files: (count: number) => `These ${count} files`,
  tooLarge: (bytes: number, most: number) =>
    `it takes ${gigabytes(bytes)} as a file, and several times that in memory. A tab has room for files of at most ${gigabytes(most)}`,
};

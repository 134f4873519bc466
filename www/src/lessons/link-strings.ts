// The words about links that a teacher hands out.

export const linkWords = {
  changed: 'This link is not as it was made: it was changed, or cut short on its way.',
  newer: 'This link was made by a newer version of this page, and may ask for things that this one does not know.',
  unknown: {
    lesson: (name: string) => `There is no lesson “${name}” here.`,
    labeler: (name: string) => `There is no taste “${name}” here.`,
    pack: (name: string) => `The pack of rankings “${name}” is not here any more.`,
    method: (name: string) => `There is no method “${name}” here.`,
    seed: (name: string) => `“${name}” is not a seed: a whole number from 0.`,
    show: (name: string) => `There is no part of the page called “${name}”.`,
  },
  renamedPack: (name: string, now: string) =>
    `The pack of rankings “${name}” is not here any more: the story model cannot do what it asks for. “${now}” has taken its place.`,
  rest: 'Everything else was opened.',
  seen: 'All right',
};

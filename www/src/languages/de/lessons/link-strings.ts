import type { linkWords as english } from '../../../lessons/link-strings';
import type { Translation } from '../../texts';

export const linkWords: Translation<typeof english> = {
  changed: 'Dieser Link ist nicht, wie er gemacht wurde: Er wurde geändert oder unterwegs abgeschnitten.',
  newer: 'Dieser Link stammt von einer neueren Version dieser Seite und verlangt vielleicht, was diese nicht kennt.',
  unknown: {
    lesson: (name) => `Eine Lektion „${name}“ gibt es hier nicht.`,
    labeler: (name) => `Einen Geschmack „${name}“ gibt es hier nicht.`,
    pack: (name) => `Das Paket mit Rangfolgen „${name}“ gibt es hier nicht mehr.`,
    method: (name) => `Eine Methode „${name}“ gibt es hier nicht.`,
    seed: (name) => `„${name}“ ist kein Seed: eine ganze Zahl ab 0.`,
    show: (name) => `Einen Teil der Seite namens „${name}“ gibt es nicht.`,
  },
  renamedPack: (name, now) =>
    `Das Paket mit Rangfolgen „${name}“ gibt es hier nicht mehr: Das Geschichtenmodell kann nicht, was es verlangt. An seiner Stelle steht „${now}“.`,
  rest: 'Alles andere wurde geöffnet.',
  seen: 'In Ordnung',
};

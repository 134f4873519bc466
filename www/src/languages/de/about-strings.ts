import type { about as english } from '../../lib/about-strings';
import type { Translation } from '../texts';

export const about: Translation<typeof english> = {
  title: 'Über diese Seite',
  what:
    'Nudge ist freie Software, nach Wahl unter der MIT- oder der Apache-2.0-Lizenz. Aus denselben Rust-Crates entstehen diese Seite ' +
    'und der Kommandozeilenbefehl nudge, für größere Modelle und mehr Daten.',
  source: 'Quelltext',
  sourceUrl: 'https://github.com/nudge-rlhf/nudge',
  licences: 'Lizenzen der Bestandteile',
  leaves: 'So prüfst du, dass nichts hinausgeht',
  ways: [
    'Schalte das Netz ab, etwa mit dem Flugmodus, und mach weiter: Sobald die Seite sagt, dass sie gespeichert ist, geht alles ohne.',
    'Öffne die Entwicklerwerkzeuge des Browsers (F12), dort „Netzwerk“, und benutze die Seite: Nach dem Laden gibt es keine Anfragen mehr, außer nach Modellen, die du verlangst.',
    'Die Content Security Policy erlaubt der Seite, nur mit dieser Website zu sprechen; sie steht am Anfang des Quelltexts. Ein Modell, das du von einer anderen Adresse verlangst, holt ein eigener Rahmen (ask.html), der von der Seite nichts sieht.',
  ],
  kept: 'Diese Seite ist in diesem Browser gespeichert und läuft ohne Netz. Über das Menü des Browsers kannst du sie installieren.',
  notKept: 'Diese Seite ist in diesem Browser noch nicht gespeichert.',
  newer: 'Eine neue Version dieser Seite liegt bereit. Was gerade läuft, würde ab seinem letzten Checkpoint weitergehen.',
  take: 'Jetzt benutzen',
  later: 'Später',
};

import type { ofWorkflows as english } from '../../lib/workflow-strings';
import { plural } from '../plural';
import type { Translation } from '../texts';

export const ofWorkflows: Translation<typeof english> = {
  tabs: {
    following: 'Ein anderer Tab arbeitet an diesem Workflow. Dieser zeigt, was er tut, und ändert nichts.',
    takeOver: 'Lieber hier arbeiten',
    asking: 'Der andere Tab speichert, was er hat, und pausiert …',
    unanswered: 'Der andere Tab antwortet nicht. Was er noch nicht gespeichert hat, geht verloren, wenn du hier weitermachst.',
    takeAnyway: 'Trotzdem übernehmen',
    given: 'Ein anderer Tab hat diesen Workflow übernommen. Was hier entstand, ist gespeichert.',
    taken: 'Jetzt arbeitet dieser Tab an dem Workflow.',
    refused: 'Ein anderer Tab arbeitet an diesem Workflow; hier wurde nichts geändert.',
    replaced:
      'Dieser Workflow entstand mit einem früheren Geschichtenmodell, das diese Seite nicht mehr hat. Du kannst ihn ansehen und mitnehmen; nichts darin ändert sich.',
    newModel: 'Zum neuen Geschichtenmodell',
    furtherOn: 'Sein angepasstes Modell weiter lehren',
  },

  storage: {
    full: 'der Browser hat keinen Platz mehr für diese Seite',
    blocked: 'der Browser lässt diese Seite nichts speichern, wie in einem privaten Fenster',
    unstored: (rows, reason) =>
      rows > 0
        ? `${plural(rows, { one: 'Ding ist', other: 'Dinge sind' })} nicht gespeichert: ${reason}. Im Speicher dieses Tabs ist alles da und funktioniert; wenn du ihn schließt, ist es weg.`
        : `Nichts lässt sich speichern: ${reason}. Die Seite funktioniert; was du machst, ist weg, wenn du den Tab schließt.`,
    download: 'Workflow herunterladen (Zip)',
    retry: 'Noch einmal zu speichern versuchen',
    version: {
      other: 'Ein Tab mit einer früheren Version dieser Seite steht im Weg: Schließe ihn oder lade ihn neu.',
      this: 'Diese Seite wurde in einem anderen Tab erneuert. Lade sie neu, um weiterzumachen.',
    },
    reload: 'Neu laden',
    badRow: (name) => `Etwas, das in diesem Workflow gespeichert ist, ist beschädigt und wurde ausgelassen: ${name}.`,
    used: (used, quota) => `${used} von den ${quota}, die der Browser dieser Seite gibt, sind belegt.`,
    persisted: {
      yes: 'Der Browser behält sie, bis du sie löschst.',
      no: 'Der Browser darf sie löschen, wenn der Platz knapp wird.',
    },
  },

  runs: {
    title: (id, contender) => `Lauf ${id}: ${contender}`,
    earlierStart: 'Instruct, wie es zu Beginn des Laufs war',
    gone: 'Dieses Modell ist nicht mehr gespeichert.',
    heading: 'Läufe',
    about: 'Jedes getunte Modell bleibt, bis du es löschst. Eines davon ist das, das die Seite benutzt.',
    columns: { run: 'Lauf', from: 'Aus', rankings: 'Rangfolgen', usable: 'Brauchbar', rate: 'Siegquote', kl: 'KL', time: 'Dauer', size: 'Größe' },
    options: 'Optionen',
    use: 'Benutzen',
    inUse: 'in Gebrauch',
    remove: 'Löschen',
    removeSure: 'Diesen Lauf wirklich löschen',
    unjudged: 'nicht verglichen',
    bySimulated: 'SIMULIERT',
    which: 'Getuntes Modell',
    versusRun: (title) => title,
  },

  workflows: {
    earlier: (name) => `${name} (früheres Modell)`,
    label: 'Workflow',
    about: 'Ein Workflow enthält Prompts, Beispiele, Rangfolgen, Läufe und Urteile. Du kannst mehrere haben und jeden mitnehmen.',
    manage: 'Verwalten',
    name: 'Name',
    rename: 'Umbenennen',
    another: 'Neu',
    anotherName: (count) => `Workflow ${count}`,
    duplicate: 'Verdoppeln',
    copyOf: (name) => `${name}, Kopie`,
    remove: 'Löschen',
    removeSure: 'Wirklich löschen, mit Rangfolgen und Läufen',
    take: 'Mitnehmen (Zip)',
    takeHow: 'Entpacke es; nudge teach --out ORDNER --model MODELL --prompts ORDNER/prompts.jsonl macht damit weiter.',
    open: 'Workflow öffnen (Zip)',
    opened: (name, rankings, runs) =>
      `„${name}“ wurde geöffnet, mit ${plural(rankings, { one: 'Rangfolge', other: 'Rangfolgen' })} und ${plural(runs, { one: 'Lauf', other: 'Läufen' })}.`,
    writing: 'Wird gepackt …',
    reading: 'Wird geöffnet …',
    noModel: (name) => `Das Modell von „${name}“ ist nicht mehr auf diesem Gerät. Öffne zuerst das Modell.`,
    notOne: (name) => `${name} ist kein Workflow: Es fehlt workflow.json. Nichts hat sich geändert.`,
    otherModel: (name, model) => `${name} ist ein Workflow auf ${model}. Öffne zuerst dieses Modell, dann den Workflow. Nichts hat sich geändert.`,
    isNotJson: 'es ist kein JSON',
    otherShape: 'die Felder, die dorthin gehören, fehlen oder haben den falschen Typ',
    badLine: (file, line, reason) => `${file}, Zeile ${line}: ${reason}. Nichts wurde geöffnet, und nichts hat sich geändert.`,
    badPart: (file, what) => `${file}: ${what}. Nichts wurde geöffnet, und nichts hat sich geändert.`,
    badField: (field) => `„${field}“ hat den falschen Typ`,
    otherVersion: (version, known) =>
      `workflow.json: Es hat die Version ${version}, und diese Seite liest Version ${known}. Lade die Seite neu, um die neueste zu bekommen. Nichts wurde geöffnet.`,
    badRun: (run, reason) => `Der Lauf ${run} wurde ausgelassen: ${reason}`,
  },
};

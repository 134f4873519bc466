import type { ofAddresses as english } from '../../lib/address-strings';
import type { Translation } from '../texts';

export const ofAddresses: Translation<typeof english> = {
  address: {
    title: 'Von einer Adresse',
    about: 'Eine .gguf-Datei oder ein Zip auf einem Hub oder einem Server, der Seiten lesen lässt. Der Server sieht die Anfrage und sonst nichts.',
    label: 'Adresse der Datei',
    look: 'Nachsehen, was dort liegt',
    looking: 'Der Server wird gefragt …',
    offer: (host, file, size) => `${host} bietet ${file} an, ${size}.`,
    have: (size) => ` ${size} davon sind schon da.`,
    fetch: (host) => `Von ${host} holen`,
    goOn: (host) => `Weiter von ${host} holen`,
    stop: 'Anhalten',
    asked: (asked) => `In diesem Besuch gefragt: ${[...new Set(asked.map(({ host, file }) => `${host} nach ${file}`))].join('; ')}.`,
    none: 'Das ist keine Adresse. Sie beginnt mit https://.',
    insecure: 'Gefragt werden nur Adressen, die mit https:// beginnen, oder solche auf diesem Rechner.',
    missing: (host, status) => `${host} hat keine solche Datei (Antwort: ${status}).`,
    page: 'Dort liegt eine Seite statt einer Datei. Kopiere die Adresse der Datei selbst, wie sie hinter ihrem Download-Knopf steht.',
    kind: 'Die Adresse muss auf .gguf oder .zip enden.',
    noSize: 'Der Server sagt nicht, wie groß die Datei ist, deshalb wird sie nicht geholt.',
    otherSize: (came, size) => `Sie ist anders groß als angekündigt (${came} statt ${size}). Was kam, wurde verworfen.`,
    noStorage: 'Dieser Browser kann keine Datei speichern, während sie ankommt. Lade sie herunter und wähle sie von der Festplatte.',
    failed: {
      network: 'Es kam nichts: Das Netz ist weg, der Server ist nicht da, oder er lässt Seiten die Datei nicht lesen. Was schon da ist, bleibt.',
      stopped: 'Angehalten. Was schon da ist, bleibt.',
      silent: 'Der Server schweigt seit einer Minute. Was schon da ist, bleibt.',
    },
  },
};

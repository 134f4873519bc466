// Messages to the reader: what happened and what to do. The page shows the last few; a screen reader hears them.

import { TrainerFailure } from './worker-client';

export type NoticeTone = 'info' | 'problem';
/** `lang` is the language of the text where it is not the page's. */
export type PageNotice = { key: number; tone: NoticeTone; text: string; lang?: string };

/** How long a message stays; a problem takes longer to read. */
const SECONDS: Record<NoticeTone, number> = { info: 8, problem: 25 };

class Notices {
  list = $state<PageNotice[]>([]);
  /** The pointer or the focus is on a message. */
  held = false;
  #lastKey = 0;

  say(text: string, tone: NoticeTone = 'info', lang?: string): void {
    const key = ++this.#lastKey;
    this.list = [...this.list.filter((notice) => notice.text !== text).slice(-2), { key, tone, text, lang }];
    this.#leave(key, SECONDS[tone]);
  }

  /** A message leaves by itself, but not while somebody reads it. */
  #leave(key: number, seconds: number): void {
    setTimeout(() => (this.held ? this.#leave(key, 2) : this.dismiss(key)), seconds * 1000);
  }

  /** Shows an error's own message; the trainer writes them for readers, in English. */
  problem(error: unknown): void {
    const lang = error instanceof TrainerFailure && error.kind !== null ? 'en' : undefined;
    this.say(sentence(error instanceof Error ? error.message : String(error)), 'problem', lang);
  }

  dismiss(key: number): void {
    this.list = this.list.filter((notice) => notice.key !== key);
    if (this.list.length === 0) this.held = false;
  }

  dismissAll(): void {
    this.list = [];
    this.held = false;
  }
}

/** The trainer's messages begin small, since the command line puts `error:` before them. File names stay as they are. */
function sentence(message: string): string {
  const begun = message.replace(/^[a-z]+(?= )/, (word) => word.charAt(0).toUpperCase() + word.slice(1));
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

export const notices = new Notices();

// The links that a teacher hands out: made, and read back with what is wrong with them.

import { language } from '../languages/languages';
import { PARTS, renamed, type Part } from '../lib/parts';
import { quick } from '../lib/quick-strings';
import { LESSONS, RENAMED_PACKS } from '../lib/settings';
import { t } from '../lib/strings';
import { linkWords as words } from './link-strings';

export type Choice = {
  lesson: string;
  labeler: string;
  pack: string;
  method: string;
  seed: string;
  /** Nothing stands for what the lesson shows, or for all. */
  parts: Part[] | null;
  present: boolean;
};

/** What a link may say and in which version of these words it says so. */
const VERSION = 1;
const NAMES = ['lesson', 'labeler', 'pack', 'method', 'seed', 'show', 'present', 'v'] as const;

/** What can be chosen, by its name in the link. */
export const known = {
  lesson: [...LESSONS] as string[],
  labeler: Object.keys(quick.tastes),
  pack: Object.keys(t.rank.packs),
  method: Object.keys(t.methods),
};

/** The part of an address behind the question mark. */
export function makeLink({ parts, present, ...named }: Choice): string {
  const said = new URLSearchParams(Object.entries(named).filter(([, value]) => value !== ''));
  if (parts) said.set('show', parts.join('.'));
  if (present) said.set('present', '');
  said.set('v', String(VERSION));
  said.set('sum', sumOf(said));
  // Not in the sum: whoever opens the link may choose another.
  said.set('language', language);
  return `?${said}`;
}

/** What a link asks for, as far as this page can, and why not the rest. Links written by hand need no sum. */
export function readLink(search: string): { choice: Choice; problems: string[] } {
  const said = new URLSearchParams(search);
  const problems: string[] = [];
  const version = said.get('v');
  if (Number(version) > VERSION) problems.push(words.newer);
  else if (version !== null && said.get('sum') !== sumOf(said)) problems.push(words.changed);

  const named = (name: keyof typeof known): string => {
    const value = said.get(name) ?? '';
    const now = name === 'pack' ? RENAMED_PACKS[value] : undefined;
    if (now) problems.push(words.renamedPack(value, now));
    if (now) return now;
    // A labeler or method that the page has no words for may be the trainer's; a link that was made here names none.
    if (value === '' || known[name].includes(value)) return value;
    problems.push(words.unknown[name](value));
    return '';
  };
  const seed = said.get('seed') ?? '';
  if (!/^\d*$/.test(seed)) problems.push(words.unknown.seed(seed));
  const asked = said.get('show')?.split('.').map(renamed) ?? null;
  const parts = asked && PARTS.filter((part) => asked.includes(part));
  for (const part of asked ?? []) if (!PARTS.some((one) => one === part)) problems.push(words.unknown.show(part));

  const choice = {
    lesson: named('lesson'),
    labeler: named('labeler'),
    pack: named('pack'),
    method: named('method'),
    seed,
    parts: parts && parts.length > 0 ? parts : null,
    present: said.has('present'),
  };
  return { choice, problems };
}

/** A short sum of what a link says (FNV-1a, 32 bits): it finds what got lost on the way, and keeps nobody from anything. */
function sumOf(said: URLSearchParams): string {
  const text = NAMES.map((name) => `${name}=${said.get(name) ?? ''}`).join('&');
  let sum = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) sum = Math.imul(sum ^ byte, 0x01000193) >>> 0;
  return sum.toString(36);
}

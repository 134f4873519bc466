// Which language the page speaks, and how it comes to speak it.
//
// English stands in the page's own modules. Every other language is a folder beside this file, which mirrors the English
// texts: `page.ts` and what it gathers, and `lessons.ts`, loaded only with the lessons. `speak` lays it over the English
// texts before the page's modules are loaded, so that these read their words as if there were but one language. Where a
// folder lacks a text, its types do not check, and the English one stays.

import { layOver } from './lay-over';
import type { LessonTexts, PageTexts } from './texts';

const pages = import.meta.glob<{ page: PageTexts }>('./*/page.ts');
const lessons = import.meta.glob<{ lessons: LessonTexts }>('./*/lessons.ts');

const ENGLISH = 'en';
const KEY = 'nudge-language';

/** What can be chosen, as codes of ISO 639. */
export const LANGUAGES = [ENGLISH, ...Object.keys(pages).map((path) => path.split('/')[1]!)];

/** The language of this visit: the address's, or the one chosen last, or the first of the browser's that there is. */
export const language = chosen();

/** What a language calls itself. */
export function nameOf(code: string): string {
  const name = new Intl.DisplayNames([code], { type: 'language' }).of(code) ?? code;
  return name.charAt(0).toLocaleUpperCase(code) + name.slice(1);
}

/** Loads the page anew in another language. Where nothing can be remembered, the address says it. */
export function choose(code: string): void {
  try {
    localStorage.setItem(KEY, code);
  } catch {
    // Storage may be blocked.
  }
  const address = new URL(location.href);
  address.searchParams.set('language', code);
  location.assign(address);
}

/** To be awaited before any module is loaded that reads texts. */
export async function speak(withLessons: boolean): Promise<void> {
  document.documentElement.lang = language;
  if (language === ENGLISH) return;
  const [english, page] = await Promise.all([import('./english'), pages[`./${language}/page.ts`]!()]);
  layOver(english.page, page.page);
  document.title = `${page.page.strings.title}: ${page.page.strings.tagline}`;
  if (!withLessons) return;
  const [taught, translated] = await Promise.all([import('./english-lessons'), lessons[`./${language}/lessons.ts`]!()]);
  layOver(taught.lessons, translated.lessons);
}

function chosen(): string {
  const asked = new URLSearchParams(location.search).get('language');
  const wanted = asked !== null ? [asked] : [remembered(), ...navigator.languages];
  return wanted.map((tag) => tag.toLowerCase().split('-')[0]!).find((code) => LANGUAGES.includes(code)) ?? ENGLISH;
}

function remembered(): string {
  try {
    return localStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}

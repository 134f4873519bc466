// How many of something, by the rules of the language that the page speaks.

import { count } from '../lib/format';
import { language } from './languages';

const rules = new Intl.PluralRules(language);

export type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };

/** The form for a number, without the number. */
export const form = (number: number, forms: Forms): string => forms[rules.select(number)] ?? forms.other;

export const plural = (number: number, forms: Forms): string => `${count(number)} ${form(number, forms)}`;

/** Texts for names that come from elsewhere: any name may be asked for, and the types still know which ones there are. */
export const byName = <Texts extends Record<string, unknown>>(texts: Texts) => texts as Texts & Record<string, Texts[keyof Texts]>;

// How another language takes the place of English, text by text.

/** Puts every text of `over` in the place of the one in `under` that has the same name; the rest stays. */
export function layOver(under: object, over: object): void {
  const texts = under as Record<string, unknown>;
  for (const [name, text] of Object.entries(over)) {
    const below = texts[name];
    if (isTable(text) && isTable(below)) layOver(below, text);
    else texts[name] = text;
  }
}

const isTable = (value: unknown): value is object => typeof value === 'object' && value !== null;

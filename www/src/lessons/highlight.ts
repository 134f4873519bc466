// Draws a line around the part of the page that a lesson speaks of, brings it into view, and opens what it lies in.
//
// By a style sheet, so that it holds for elements that are drawn anew or appear later.

const sheet = new CSSStyleSheet();

export function highlight(target: string | null): void {
  if (!document.adoptedStyleSheets.includes(sheet)) document.adoptedStyleSheets.push(sheet);
  sheet.replaceSync(
    target === null ? '' : `${target} { outline: 3px solid var(--policy); outline-offset: 8px; border-radius: 8px; scroll-margin-block: 1.5rem; }`,
  );
}

/** Resolves to whether the target was there. */
export function show(target: string): boolean {
  const element = document.querySelector<HTMLElement>(target);
  if (!element) return false;
  for (let around = element.closest('details'); around; around = around.parentElement?.closest('details') ?? null) around.open = true;
  element.scrollIntoView({ block: 'start' });
  return true;
}

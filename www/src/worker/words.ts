// The few words of the worker in the language of the page, which the worker bears as its name.

import { layOver } from '../languages/lay-over';
import { files, opening } from '../lib/opening-strings';

const folders = import.meta.glob<{ files: object; opening: object }>('../languages/*/opening-strings.ts');

/** To be awaited before a word of `opening-strings.ts` can be said. */
export async function speak(): Promise<void> {
  const theirs = await folders[`../languages/${self.name}/opening-strings.ts`]?.();
  if (theirs) layOver({ files, opening }, { files: theirs.files, opening: theirs.opening });
}

// Sees to it that what a lesson or a choice of parts builds on is there.

import { models } from '../lib/models.svelte';
import { rankings } from '../lib/rankings.svelte';
import { settings } from '../lib/settings';
import { t } from '../lib/strings';

export type Needed = 'instruct' | 'rankings';

/** The pack where rankings are needed, unless the address names another. */
const PACK = 'short_and_clear';

export async function makeReady(needed: Needed[]): Promise<void> {
  if (needed.includes('instruct') && !models.held[models.start]) await models.takeBuiltIn('sft');
  const pack = settings.pack && settings.pack in t.rank.packs ? settings.pack : PACK;
  if (needed.includes('rankings') && rankings.count === 0) await rankings.loadPack(pack);
}

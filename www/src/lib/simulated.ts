// Rankings by a simulated labeler: sampled, ranked by its rule, stored as what they are.

import { hasPreference, rankings } from './rankings.svelte';
import { rankCandidates, sampleCandidates } from './sampling.svelte';
import { sizes } from './settings';

/** A rule that ties nearly everything must not sample for ever. */
const MOST_ROUNDS = 6;
/** Sampled at once even where fewer rankings are missing; one prompt alone takes nearly as long. */
const FEWEST_PROMPTS = 8;

/**
 * Stores up to `wanted` rankings and gives how many; `told` hears of each. Prompts where the rule ties all completions are
 * replaced by others, a few times over.
 */
export async function rankSimulated(labeler: string, wanted: number, told: (stored: number) => void): Promise<number> {
  const first = rankings.list.length;
  let stored = 0;
  for (let asked = 0; stored < wanted && asked < MOST_ROUNDS * sizes.rankingTarget; ) {
    const prompts = Math.max(wanted - stored, FEWEST_PROMPTS);
    const candidates = await sampleCandidates(prompts, first + asked);
    asked += prompts;
    const records = await rankCandidates(candidates, labeler);
    for (const record of records.filter(hasPreference).slice(0, wanted - stored)) {
      await rankings.add(record, 'simulated', labeler);
      told(++stored);
    }
  }
  return stored;
}

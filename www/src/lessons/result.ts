// What a pupil takes along from a lesson.

import { choices } from '../lib/choices.svelte';
import { comparison } from '../lib/comparison.svelte';
import { settings, type LessonName } from '../lib/settings';
import { app } from '../lib/state.svelte';
import type { Progress } from './progress.svelte';
import { KIND, VERSION, type Result } from './result-file';

export function resultOf(lesson: LessonName, { id, before, after }: Progress): Result {
  const { latest } = comparison;
  const method = app.tunedBy ?? (latest ? choices.method : null);
  const about = { nudge: KIND, version: VERSION, lesson, id, before, after, taste: app.labeler, method, seed: settings.seed } as const;
  if (!latest) return { ...about, verdict: null };
  const { wins, ties, losses, win_rate, low, high, simulated } = latest;
  return { ...about, verdict: { wins, ties, losses, win_rate, low, high, simulated } };
}

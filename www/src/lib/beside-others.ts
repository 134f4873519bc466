// What a tab does beside others on the same workflow: it shows what the one at work tells, gives way, takes over.

import { engine } from './engine.svelte';
import { notices } from './notices.svelte';
import { rankings } from './rankings.svelte';
import * as store from './store';
import { t } from './strings';
import { tabs, type Message, type TabHooks } from './tabs.svelte';
import type { Training } from './training.svelte';
import { workflow } from './workflow.svelte';

/** What is stored is looked at again so long after the last that was told. */
const CALM_MS = 200;

interface Page {
  trainings: Training[];
  /** Brings back what is stored of models, runs and judgements. */
  recall(): Promise<void>;
  refill(): Promise<void>;
  rest(): Promise<void>;
}

export function besideOthers(page: Page): TabHooks {
  let looking: ReturnType<typeof setTimeout> | undefined;

  function lookAgain(): void {
    clearTimeout(looking);
    looking = setTimeout(() => {
      Promise.all([rankings.restore(), page.recall()]).catch((error) => notices.problem(error));
    }, CALM_MS);
  }

  function told(message: Message): void {
    switch (message.kind) {
      case 'training':
        if (tabs.following) page.trainings.find(({ name }) => name === message.view.name)?.mirror(message.view);
        break;
      case 'hello':
        for (const training of page.trainings) if (training.running) training.tell();
        break;
      case 'stored':
        if (tabs.following) lookAgain();
        break;
      case 'workflows':
        void workflow.lookHere();
        break;
      case 'deleted':
      case 'deleted-all':
        // What was deleted is not written back; the page starts anew with what is left.
        store.seal();
        engine.close();
        location.reload();
    }
  }

  async function changed(following: boolean): Promise<void> {
    notices.say(following ? t.tabs.given : t.tabs.taken);
    await page.refill();
    if (following) tabs.tell({ kind: 'hello' });
  }

  return { told, give: () => page.rest(), changed };
}

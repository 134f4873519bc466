// Whether the reader talks to the models: the button and the window stand in different places.

import { engine } from './engine.svelte';
import { models } from './models.svelte';
import { app } from './state.svelte';
import { tabs } from './tabs.svelte';

class Talking {
  open = $state(false);

  /** Whether there is a model to talk to. */
  get free(): boolean {
    return app.booted && engine.report !== null && !engine.restoring && !tabs.following && models.held[models.start] !== undefined;
  }
}

export const talking = new Talking();

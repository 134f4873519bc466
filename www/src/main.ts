import 'uplot/dist/uPlot.min.css';
import './app.css';
import { mount } from 'svelte';
import { speak } from './languages/languages';

const target = document.getElementById('page')!;

// Step 2 was called so on earlier pages.
if (location.hash === '#instruct') location.replace('#show');

const asked = new URLSearchParams(location.search);
const has = (...names: string[]) => names.some((name) => asked.has(name));

/** Pages beside the page, and the page with a lesson or a teacher's choice. */
const beside = has('lessons', 'teacher', 'handout');
const guided = has('lesson', 'show', 'present', 'v');

// Every module below reads its texts when it is loaded.
await speak(beside || guided || has('states'));

if (asked.has('bench')) {
  const [{ default: Bench }, { nudgeBench }] = await Promise.all([
    import('./bench/Bench.svelte'),
    import('./bench/measure'),
  ]);
  Object.assign(globalThis, { nudgeBench });
  mount(Bench, { target });
} else if (has('states')) {
  const { default: States } = await import('./states/States.svelte');
  mount(States, { target });
} else if (beside) {
  const { default: LessonPages } = await import('./lessons/LessonPages.svelte');
  mount(LessonPages, { target });
} else if (guided) {
  const { default: Guided } = await import('./lessons/Guided.svelte');
  mount(Guided, { target });
} else {
  const { default: App } = await import('./App.svelte');
  mount(App, { target });
}

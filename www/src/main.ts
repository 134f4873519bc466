import 'uplot/dist/uPlot.min.css';
import './app.css';
import { mount } from 'svelte';
import App from './App.svelte';

const target = document.getElementById('page')!;

const asked = new URLSearchParams(location.search);

if (asked.has('bench')) {
  const [{ default: Bench }, { nudgeBench }] = await Promise.all([
    import('./bench/Bench.svelte'),
    import('./bench/measure'),
  ]);
  Object.assign(globalThis, { nudgeBench });
  mount(Bench, { target });
} else if (['lessons', 'teacher', 'handout'].some((name) => asked.has(name))) {
  const { default: LessonPages } = await import('./lessons/LessonPages.svelte');
  mount(LessonPages, { target });
} else if (['lesson', 'show', 'present', 'v'].some((name) => asked.has(name))) {
  const { default: Guided } = await import('./lessons/Guided.svelte');
  mount(Guided, { target });
} else {
  mount(App, { target });
}

import 'uplot/dist/uPlot.min.css';
import './app.css';
import { mount } from 'svelte';
import App from './App.svelte';

const target = document.getElementById('page')!;

if (new URLSearchParams(location.search).has('bench')) {
  const [{ default: Bench }, { nudgeBench }] = await Promise.all([
    import('./bench/Bench.svelte'),
    import('./bench/measure'),
  ]);
  Object.assign(globalThis, { nudgeBench });
  mount(Bench, { target });
} else {
  mount(App, { target });
}

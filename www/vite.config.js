// Builds the page into `dist`: static files that work under any path, with no request to another origin.
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const models = fileURLToPath(new URL('public/model', import.meta.url));

/** The built-in models that came with the curve of their training; asking for a missing file would be an error. */
const curves = existsSync(models)
  ? readdirSync(models).flatMap((name) => /^(.+)\.curve\.jsonl$/.exec(name)?.[1] ?? [])
  : [];

export default defineConfig({
  base: './',
  plugins: [svelte()],
  define: { __MODEL_CURVES__: JSON.stringify(curves) },
  worker: { format: 'es' },
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 800 },
});

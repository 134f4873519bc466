// Builds the page into `dist`: static files that work under any path, with no request to another origin.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const models = fileURLToPath(new URL('public/model', import.meta.url));

/** The built-in models that came with the curve of their training; asking for a missing file would be an error. */
const curves = existsSync(models)
  ? readdirSync(models).flatMap((name) => /^(.+)\.curve\.jsonl$/.exec(name)?.[1] ?? [])
  : [];

/** Bytes of each file that is waited for: a server that compresses does not tell how many will come out. */
const waitedFor = ['src/wasm/nudge_web_bg.wasm', 'src/wasm/nudge_web_unfused.wasm', ...modelFiles('public/model')].map((path) => fileURLToPath(new URL(path, import.meta.url)));
const sizes = Object.fromEntries(
  waitedFor.filter(existsSync).map((path) => [path.split(/\/(?:public|wasm)\//).at(-1), statSync(path).size]),
);

function modelFiles(folder) {
  const found = existsSync(models) ? readdirSync(models, { recursive: true }) : [];
  return found.filter((name) => /\/.*\.(json|safetensors|gguf|txt)$/.test(name)).map((name) => `${folder}/${name}`);
}

/** Which built-in models these are: SHA-256 of the base's file and of what was trained beside it, as `nudge` computes it. */
const release = createHash('sha256');
for (const file of ['base/model.gguf', 'sft/adapter_model.safetensors'].map((name) => `${models}/${name}`)) {
  if (existsSync(file)) release.update(readFileSync(file));
}

/** Writes the service worker with the list of what it keeps: the page and the built-in models, not models of the site. */
let outDir = 'dist';
const offline = {
  name: 'offline',
  apply: 'build',
  configResolved(config) {
    outDir = config.build.outDir;
  },
  closeBundle() {
    const dist = resolve(fileURLToPath(new URL('.', import.meta.url)), outDir);
    const all = readdirSync(dist, { recursive: true }).filter((name) => statSync(`${dist}/${name}`).isFile());
    const kept = all.map((name) => name.replaceAll('\\', '/')).filter((name) => !/\.(br|gz)$|model\/[^/]*\.gguf$|test-size|served|^sw\.js$|Bench|measure|States/.test(name)).sort();
    const hash = createHash('sha256');
    for (const name of kept) hash.update(name).update(readFileSync(`${dist}/${name}`));
    const files = kept.map((name) => name.replace(/^index\.html$/, './'));
    const source = readFileSync(new URL('src/sw.js', import.meta.url), 'utf8');
    const version = JSON.stringify(hash.digest('hex').slice(0, 16));
    const probe = readFileSync(new URL('src/lib/relaxed-simd.json', import.meta.url), 'utf8').replace(/\s+/g, '');
    const values = { __VERSION__: version, __FILES__: JSON.stringify(files), __RELAXED_SIMD__: probe };
    const filled = Object.entries(values).reduce((text, [name, value]) => text.replace(`= ${name}`, () => `= ${value}`), source);
    writeFileSync(`${dist}/sw.js`, filled);
  },
};

/** Few files, since each small one more costs every visitor: what all pages of the site share, and the page itself. */
const SHARED = [
  /src\/lib\/((about|address|look|opening|quick|show|verdict|workflow)-)?strings\.ts/,
  /src\/lib\/(by-name|format|parts|settings)\.ts/,
  /src\/languages\/(languages|lay-over|trainer)\.ts/,
  /src\/components\/(TopBar|ThemeToggle|LanguageChooser)\.svelte/,
  /node_modules\/svelte|preload-helper/,
];
const chunks = [
  { name: 'shared', test: (id) => SHARED.some((part) => part.test(id)) },
  { name: 'page', test: /src\/(App\.svelte|lib\/(?!leash|foretold|addresses)[\w-]+\.svelte\.ts)/ },
];

export default defineConfig({
  base: './',
  plugins: [svelte(), offline],
  define: { __MODEL_CURVES__: JSON.stringify(curves), __FILE_SIZES__: JSON.stringify(sizes), __MODEL_RELEASE__: JSON.stringify(release.digest('hex')) },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 800,
    rolldownOptions: { output: { codeSplitting: { groups: chunks } } },
  },
});

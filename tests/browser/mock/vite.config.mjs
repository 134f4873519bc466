// Builds the page against the stand-in trainer beside this file, to work on the page without compiling Rust.
// The page that is shipped never sees this: `www/vite.config.js` knows nothing of it.
import { fileURLToPath } from 'node:url';
import page from '../../../www/vite.config.js';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const standIns = {
  name: 'stand-in-trainer',
  enforce: 'pre',
  resolveId(id) {
    if (id.endsWith('/wasm/nudge_web.js')) return here('./nudge_web.js');
    if (/\/wasm\/nudge_web_(bg|unfused)\.wasm\?url$/.test(id)) return here('./empty.wasm') + '?url';
    return null;
  },
  /** Model folders and demonstrations, so that the page finds something to load. */
  generateBundle() {
    const model = { 'config.json': '{}', 'tokenizer_config.json': '{}', 'generation_config.json': '{}', 'tokenizer.json': '{}' };
    for (const name of ['base', 'sft', 'test-size/base', 'test-size/sft']) {
      for (const [file, source] of Object.entries(model)) emit(this, `model/${name}/${file}`, source);
      emit(this, `model/${name}/model.safetensors`, new Uint8Array(200_000));
      emit(this, `model/${name}.curve.jsonl`, curve());
    }
    emit(this, 'examples/demonstrations.train.jsonl', '{"prompt":"Hello?","completion":"Hello."}\n');
  },
};

function curve() {
  const line = (step) => JSON.stringify({ step, loss: 1.6 + 5 * Math.exp(-step / 120) });
  return Array.from({ length: 60 }, (_, index) => line(index * 20 + 1)).join('\n');
}

export default {
  ...page,
  root: here('../../../www'),
  plugins: [standIns, ...page.plugins],
  define: { __MODEL_CURVES__: '["base","sft"]', __FILE_SIZES__: '{}' },
  worker: { ...page.worker, plugins: () => [standIns] },
  build: { ...page.build, outDir: here('../.mock-dist'), emptyOutDir: true },
};

function emit(build, fileName, source) {
  build.emitFile({ type: 'asset', fileName, source });
}

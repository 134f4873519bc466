// Serves the built page at /, this folder at /peers/ and npm's packages at /modules/, on a free port of the loopback.
//
// All of it is cross-origin isolated, so that whoever can use threads may.

import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.jsonl': 'application/x-ndjson',
  '.wasm': 'application/wasm',
};
const HEADERS = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

function fileOf(path, dist) {
  if (path.startsWith('/peers/')) return join(here('.'), path.slice('/peers/'.length));
  if (path.startsWith('/modules/')) return join(here('node_modules'), path.slice('/modules/'.length));
  return join(dist, path.endsWith('/') ? `${path}index.html` : path);
}

/** Gives the origin, and `close`. */
export async function serve(dist = here('../../../../www/dist')) {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname));
    const file = fileOf(path, dist);
    const stat = statSync(file, { throwIfNoEntry: false });
    if (!stat?.isFile()) {
      response.writeHead(404, { ...HEADERS, 'content-type': 'text/plain' }).end('Not found\n');
      return;
    }
    const type = TYPES[extname(file)] ?? 'application/octet-stream';
    response.writeHead(200, { ...HEADERS, 'content-type': type, 'content-length': stat.size });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

// Serves the built page on the loopback, as any static file server would that reads `_headers`.

import { createReadStream, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.jsonl': 'application/x-ndjson',
  '.wasm': 'application/wasm',
};

const folder = process.env.NUDGE_DIST ?? fileURLToPath(new URL('../../www/dist', import.meta.url));
const port = Number(process.env.NUDGE_PORT ?? 4717);

/** The rules of `www/public/_headers`: a pattern and its lines. */
const rules = readFileSync(new URL('../../www/public/_headers', import.meta.url), 'utf8')
  .split(/^(?=\/)/m)
  .slice(1)
  .map((rule) => rule.trim().split('\n'));

function headersOf(path) {
  const matching = rules.filter(([pattern]) => pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern);
  const lines = matching.flatMap(([, ...lines]) => lines.map((line) => line.trim()));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
}

createServer((request, response) => {
  const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname));
  const file = join(folder, path.endsWith('/') ? `${path}index.html` : path);
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat?.isFile()) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found\n');
    return;
  }
  const type = TYPES[extname(file)] ?? 'application/octet-stream';
  response.writeHead(200, { ...headersOf(path), 'content-type': type, 'content-length': stat.size });
  createReadStream(file).pipe(response);
}).listen(port, '127.0.0.1', () => console.log(`${folder} on http://127.0.0.1:${port}/`));

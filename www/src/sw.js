// The service worker: the page and its built-in models from this browser's cache, so that it works without a network,
// and with the headers that threads need, which some hosts cannot send: there the second visit computes on all threads.
//
// The build puts the list of files and a number that follows from their contents in (`vite.config.js`). A new version is
// fetched beside the old one and waits until the page says that the reader wants it.

/* global __VERSION__, __FILES__, __RELAXED_SIMD__ */
const VERSION = __VERSION__;
const FILES = __FILES__;
/** A module that a browser with relaxed SIMD takes: it computes with one of the trainer's two modules, which is kept. */
const RELAXED_SIMD = __RELAXED_SIMD__;
const OTHER_MODULE = WebAssembly.validate(new Uint8Array(RELAXED_SIMD)) ? /nudge_web_unfused/ : /nudge_web_bg/;
const CACHE = `nudge-${VERSION}`;
const HOME = new URL('./', self.location.href).href;

self.addEventListener('install', (event) => event.waitUntil(fill()));

/** What an older version holds under the same name and content-hash is taken over, not fetched again. */
async function fill() {
  const cache = await caches.open(CACHE);
  for (const file of FILES.filter((file) => !OTHER_MODULE.test(file))) {
    const url = new URL(file, HOME).href;
    const known = /-[\w-]{8}\.\w+$/.test(file) ? await caches.match(url) : undefined;
    const response = known ?? (await fetch(url));
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
    await cache.put(url, response);
  }
}

self.addEventListener('activate', (event) => event.waitUntil(tidy()));

async function tidy() {
  for (const name of await caches.keys()) {
    if (name.startsWith('nudge-') && name !== CACHE) await caches.delete(name);
  }
}

self.addEventListener('message', ({ data }) => {
  if (data === 'take over') self.skipWaiting();
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || !request.url.startsWith(HOME)) return;
  event.respondWith(answer(request));
});

async function answer(request) {
  const { origin, pathname } = new URL(request.url);
  const url = origin + (request.mode === 'navigate' ? pathname.replace(/index\.html$/, '') : pathname);
  const cache = await caches.open(CACHE);
  return isolated((await cache.match(url)) ?? (await fetch(request)));
}

/** The answer with what `public/_headers` says of isolation: only an isolated page may share memory among its workers. */
function isolated(response) {
  const headers = new Headers(response.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

// Asks one address for one file, for the page that opened this frame.
//
// The page's own policy lets it and its worker ask nobody but their own server. This frame may ask others, and that is all
// it may do: it is sandboxed, has no storage, sees nothing of the page, and gets nothing from it but the address.

/** Pieces that are on their way; the page says when it has stored one. */
const AHEAD = 4;

self.addEventListener('message', ({ source, ports: [port] }) => {
  if (source !== parent || !port) return;
  const stop = new AbortController();
  let stored = () => {};
  port.onmessage = async ({ data }) => {
    if (data.stored) return stored();
    if (data.stop) return stop.abort();
    try {
      if (data.look) port.postMessage({ found: await look(data.look, stop.signal) });
      else await get(data, port, stop.signal, (then) => (stored = then));
    } catch (error) {
      port.postMessage({ failed: error instanceof TypeError ? 'network' : 'stopped' });
    }
  };
});

const NOBODY = { credentials: 'omit', referrerPolicy: 'no-referrer', cache: 'no-store' };

function found(response) {
  const length = response.headers.get('content-length');
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    size: length === null ? null : Number(length),
    tag: response.headers.get('etag') ?? response.headers.get('last-modified'),
    host: new URL(response.url).host,
  };
}

async function look(url, signal) {
  return found(await fetch(url, { method: 'HEAD', signal, ...NOBODY }));
}

/** From a byte on, in pieces. A server without ranges begins at the beginning, and says so by its status. */
async function get({ url, from }, port, signal, onStored) {
  const headers = from > 0 ? { range: `bytes=${from}-` } : {};
  const response = await fetch(url, { headers, signal, ...NOBODY });
  port.postMessage({ begun: { ...found(response), from: response.status === 206 ? from : 0 } });
  let waiting = 0;
  let go = () => {};
  onStored(() => {
    waiting -= 1;
    go();
  });
  for await (const piece of pieces(response.body)) {
    port.postMessage({ piece }, [piece.buffer]);
    waiting += 1;
    if (waiting >= AHEAD) await new Promise((resolve) => (go = resolve));
  }
  port.postMessage({ ended: true });
}

async function* pieces(body) {
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

// Keeps the worker at home: it holds the reader's texts and models, and whatever a server's headers allow, nothing in it
// reaches another origin. Imported first, before anything that could ask.

const scope = globalThis as unknown as Record<string, unknown>;

/** Throws for an address that is not this page's own. */
function mustBeHome(input: unknown): void {
  const address = new URL(input instanceof Request ? input.url : String(input), self.location.href);
  if (address.origin === self.location.origin || ['blob:', 'data:'].includes(address.protocol)) return;
  throw new TypeError(`This page's worker asks nobody: ${address.host} was not reached.`);
}

const fetchAnywhere = globalThis.fetch;
scope.fetch = async (input: RequestInfo | URL, options?: RequestInit) => {
  mustBeHome(input);
  // A redirection could lead away, and only after that would anybody know.
  return fetchAnywhere(input, { ...options, redirect: 'error' });
};

// Other ways out, which nothing here takes.
for (const way of ['WebSocket', 'WebTransport', 'EventSource', 'XMLHttpRequest', 'RTCPeerConnection', 'importScripts', 'Worker']) {
  if (way in scope) Object.defineProperty(scope, way, { value: undefined, configurable: false, writable: false });
}
if ('sendBeacon' in navigator) Object.defineProperty(navigator, 'sendBeacon', { value: undefined });
Object.defineProperty(scope, 'fetch', { value: scope.fetch, configurable: false, writable: false });

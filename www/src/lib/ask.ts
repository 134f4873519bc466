// A file from any address, by way of a frame that may ask others (`public/ask.html`); this page and its worker may not.
//
// Nothing but the address goes into the frame, and nothing but the file comes out of it.

/** What a server says of a file. `tag` tells one version of it from another. */
export type Found = { status: number; type: string; size: number | null; tag: string | null; host: string };

/** Why nothing came: the network or the server's rules for pages, or the reader stopped it. */
export class AskFailed extends Error {
  constructor(readonly why: 'network' | 'stopped' | 'silent') {
    super(why);
  }
}

type Answer = { found?: Found; begun?: Found & { from: number }; piece?: Uint8Array; ended?: true; failed?: 'network' | 'stopped' };

/** A server that is silent for so long is not waited for. */
const PATIENCE_MS = 60_000;

export interface Receiver {
  /** What the server gives, and from which byte on. */
  begun(found: Found & { from: number }): Promise<void>;
  piece(bytes: Uint8Array): Promise<void>;
}

/** Asks what there is at an address, without the file. */
export function look(url: string): Promise<Found> {
  return asked({ look: url }, new AbortController().signal, async (answer, done) => {
    if (answer.found) done(answer.found);
  });
}

/** Fetches a file from a byte on. */
export function fetchFrom(url: string, from: number, stop: AbortSignal, to: Receiver): Promise<void> {
  return asked<void>({ url, from }, stop, async (answer, done, port) => {
    if (answer.begun) await to.begun(answer.begun);
    if (answer.piece) {
      await to.piece(answer.piece);
      port.postMessage({ stored: true });
    }
    if (answer.ended) done();
  });
}

async function asked<T>(
  what: object,
  stop: AbortSignal,
  hear: (answer: Answer, done: (value: T) => void, port: MessagePort) => Promise<void>,
): Promise<T> {
  const frame = await openFrame();
  const { port1: port, port2 } = new MessageChannel();
  let patience: ReturnType<typeof setTimeout> | undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      // One answer after the other, whatever storing takes.
      let turn: Promise<unknown> = Promise.resolve();
      const wait = () => {
        clearTimeout(patience);
        patience = setTimeout(() => reject(new AskFailed('silent')), PATIENCE_MS);
      };
      port.onmessage = ({ data }: MessageEvent<Answer>) => {
        wait();
        if (data.failed) return reject(new AskFailed(data.failed));
        turn = turn.then(() => hear(data, resolve, port)).catch(reject);
      };
      stop.addEventListener('abort', () => reject(new AskFailed('stopped')));
      frame.contentWindow!.postMessage({}, '*', [port2]);
      port.postMessage(what);
      wait();
    });
  } finally {
    clearTimeout(patience);
    port.postMessage({ stop: true });
    port.close();
    frame.remove();
  }
}

function openFrame(): Promise<HTMLIFrameElement> {
  const frame = document.createElement('iframe');
  frame.setAttribute('sandbox', 'allow-scripts');
  // Where the service worker makes the page isolated, a frame without its headers may come in like this alone.
  frame.setAttribute('credentialless', '');
  frame.hidden = true;
  frame.src = './ask.html';
  return new Promise((opened, failed) => {
    frame.onload = () => opened(frame);
    frame.onerror = () => failed(new AskFailed('network'));
    document.body.append(frame);
  });
}

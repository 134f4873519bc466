// The page without a network, and new versions of it: fetched beside the one in use, taken when the reader says so.

class Offline {
  /** Whether everything that the page needs lies in this browser. */
  ready = $state(false);
  #waiting = $state.raw<ServiceWorker | null>(null);

  /** Whether another version is there to be taken. */
  get newer(): boolean {
    return this.#waiting !== null;
  }

  /** Loads the other version. What is stored stays; what runs is cut short at its last checkpoint. */
  take(): void {
    navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
    this.#waiting?.postMessage('take over');
  }

  watch(registration: ServiceWorkerRegistration): void {
    this.#look(registration);
    registration.addEventListener('updatefound', () => {
      registration.installing?.addEventListener('statechange', () => this.#look(registration));
    });
  }

  #look({ waiting, active }: ServiceWorkerRegistration): void {
    this.ready = active !== null;
    this.#waiting = active && waiting;
  }
}

export const offline = new Offline();

/** Lets the service worker keep the page. Without one, as in a private window, the page works as before. */
export async function keepOffline(): Promise<void> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  try {
    offline.watch(await navigator.serviceWorker.register('./sw.js'));
    await navigator.serviceWorker.ready;
    offline.ready = true;
  } catch {
    // Nothing is kept; nothing is lost either.
  }
}

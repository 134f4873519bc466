// Watches the GPU's devices: one that is lost, or that reports an error to nobody, computes nothing more.

interface Device extends EventTarget {
  lost: Promise<{ message: string; reason: string }>;
}
interface Prototypes {
  GPUAdapter?: { prototype: { requestDevice(...values: unknown[]): Promise<Device> } };
}

/** Resolves to the reason when a device that is requested from now on is lost or fails. */
export function watchGpu(): Promise<string> {
  const adapters = (globalThis as unknown as Prototypes).GPUAdapter?.prototype;
  if (!adapters) return new Promise(() => {});
  const request = adapters.requestDevice;
  return new Promise((failed) => {
    adapters.requestDevice = async function (this: unknown, ...values: unknown[]) {
      const device = await Reflect.apply(request, this, values);
      void device.lost.then(({ message, reason }) => failed(message || reason));
      device.addEventListener('uncapturederror', (event) => failed((event as Event & { error: Error }).error.message));
      return device;
    };
  });
}

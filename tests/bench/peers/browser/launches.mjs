// Counts what a page asks of WebGPU, and the errors that nobody would hear of.
//
// Runs in the page before anything else, so it must stand alone. A worker's calls are not seen.

export function countLaunches() {
  const counts = { launches: 0, submits: 0, errors: [] };
  globalThis.gpuCounts = counts;
  if (!globalThis.GPUQueue) return;
  const before = (type, name, count) => {
    const original = type.prototype[name];
    type.prototype[name] = function (...words) {
      count();
      return original.apply(this, words);
    };
  };
  before(GPUComputePassEncoder, 'dispatchWorkgroups', () => counts.launches++);
  before(GPUComputePassEncoder, 'dispatchWorkgroupsIndirect', () => counts.launches++);
  before(GPUQueue, 'submit', () => counts.submits++);
  const requestDevice = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...words) {
    const device = await requestDevice.apply(this, words);
    device.addEventListener('uncapturederror', (event) => counts.errors.push(event.error.message));
    return device;
  };
}

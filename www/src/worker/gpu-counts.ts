// Counts what this worker launches on WebGPU, whoever launches it: the calls themselves, by wrapping them.

interface Prototypes {
  GPUComputePassEncoder?: { prototype: Record<string, (...values: unknown[]) => unknown> };
  GPUQueue?: { prototype: Record<string, (...values: unknown[]) => unknown> };
}

const counts = { launches: 0, submits: 0 };
let counting = false;

/** `[launches, submits]` since the first call. */
export function gpuCounts(): [number, number] {
  return [counts.launches, counts.submits];
}

/** Begins to count. Once is enough. */
export function countGpuCalls(): void {
  if (counting) return;
  counting = true;
  const { GPUComputePassEncoder, GPUQueue } = globalThis as unknown as Prototypes;
  const count = (of: typeof GPUQueue, method: string, what: keyof typeof counts) => {
    const original = of?.prototype[method];
    if (!of || !original) return;
    of.prototype[method] = function (this: unknown, ...values: unknown[]) {
      counts[what] += 1;
      return original.apply(this, values);
    };
  };
  count(GPUComputePassEncoder, 'dispatchWorkgroups', 'launches');
  count(GPUComputePassEncoder, 'dispatchWorkgroupsIndirect', 'launches');
  count(GPUQueue, 'submit', 'submits');
}

// Chooses the device: WebGPU where it is real and computes right, else the CPU.
//
// The probe comes before the trainer's own start because an adapter without `timestamp-query` makes it panic.
// Deliberately absent: any claim about speed; an emulated adapter is passed over unless it is asked for.

import type { Crash, DeviceChoice, DeviceReason, DeviceReport, SelfCheck } from '../lib/messages';
import type { Nudge, NudgeClass } from './nudge';

interface Adapter {
  features: { has(name: string): boolean };
  info?: { isFallbackAdapter?: boolean; vendor?: string; architecture?: string; description?: string };
  isFallbackAdapter?: boolean;
}
interface Gpu {
  requestAdapter(): Promise<Adapter | null>;
}

export async function openDevice(
  Nudge: NudgeClass,
  threads: number,
  choice: DeviceChoice,
  crash: Crash | null,
  preparing: (gpu: string) => void,
): Promise<{ nudge: Nudge; report: DeviceReport }> {
  const openCpu = (...why: Why) => openOnCpu(Nudge, threads, ...why);
  if (crash) return openCpu(crash.device === 'webgpu' ? 'crashed' : 'restarted', null, crash.message);
  if (choice === 'cpu') return openCpu('chosen', null, null);
  const { obstacle, gpuName } = await probe(choice === 'webgpu');
  if (obstacle) return openCpu(obstacle, null, null);
  // What training and sampling take is compiled by the check: the reader waits here, told why, and not at the first step.
  preparing(gpuName);
  let nudge: Nudge;
  let check: SelfCheck;
  try {
    nudge = await Nudge.create('webgpu');
    check = await nudge.self_check(false);
  } catch (error) {
    // A module that trapped computes nothing more, on the CPU neither: that takes a new worker.
    if (error instanceof WebAssembly.RuntimeError) throw error;
    return openCpu('create_failed', null, String(error));
  }
  if (!check.ok) return openCpu('self_check_failed', check, null);
  const reason: DeviceReason = choice === 'webgpu' ? 'chosen' : 'found';
  const name = gpuName ? `${nudge.device_name()}, ${gpuName}` : nudge.device_name();
  return { nudge, report: { kind: 'webgpu', name, threads, reason, self_check: check, detail: null } };
}

/** Reason, the checks of a GPU that failed, and what else there is to say. */
type Why = [reason: DeviceReason, check: SelfCheck | null, detail: string | null];

async function openOnCpu(Nudge: NudgeClass, threads: number, ...[reason, self_check, detail]: Why) {
  const nudge = await Nudge.create('cpu');
  const report: DeviceReport = { kind: 'cpu', name: nudge.device_name(), threads, reason, self_check, detail };
  return { nudge, report };
}

/** What stands in the way of WebGPU, if anything. A reader who asks for WebGPU may have an emulated adapter. */
async function probe(allowFallback: boolean): Promise<{ obstacle: DeviceReason | null; gpuName: string }> {
  const gpu = (navigator as unknown as { gpu?: Gpu }).gpu;
  if (!gpu) return { obstacle: 'no_webgpu', gpuName: '' };
  const adapter = await gpu.requestAdapter().catch(() => null);
  if (!adapter) return { obstacle: 'no_adapter', gpuName: '' };
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info ?? {};
  const gpuName = description || [vendor, architecture].filter(Boolean).join(' ');
  if (!adapter.features.has('timestamp-query')) return { obstacle: 'no_timestamp_query', gpuName };
  const emulated = isFallbackAdapter ?? adapter.isFallbackAdapter ?? false;
  return { obstacle: emulated && !allowFallback ? 'fallback_adapter' : null, gpuName };
}

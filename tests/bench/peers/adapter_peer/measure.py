"""Times one phase of one peer in this process and prints its row.

`cores` is how many of them the steps had, on average: well below `threads` something else was running.
Deliberately absent: tables, comparisons.
"""

import json
import os
import statistics
import time

from .work import SIZE


def phases(phase):
    """Imports no more than the phase needs: what is imported is in its memory."""
    if phase in ("decode", "open"):
        from . import llama_cpp_peer

        return {"decode": llama_cpp_peer.decode, "open": llama_cpp_peer.open_to_first_token}[phase]
    import torch

    torch.manual_seed(1)
    if phase == "ppo":
        from .trl_ppo import ppo

        return ppo
    if phase in ("prompt", "sample"):
        from . import sampling

        return {"prompt": sampling.prompt, "sample": sampling.sample}[phase]
    from . import training

    return {"sft": training.sft, "dpo": training.dpo, "reward": training.reward}[phase]


def measure(phase, peer, arguments):
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    begin = phases(phase)
    now, gpu_bytes = time.perf_counter, lambda: None
    if phase not in ("decode", "open"):
        import torch

        from torch_peer.clock import now
        from torch_peer.clock import peak_bytes as gpu_bytes

        torch.set_num_threads(arguments.threads)
        torch.set_default_device(arguments.device)
    program, _, precision = peer.rpartition("-")
    step, tokens = begin(arguments, precision)
    seconds, cores = [], []
    for index in range(arguments.warm_up + arguments.repeats):
        started, started_cpu = now(), time.process_time()
        # A step may time a part of itself.
        taken = step()
        whole = now() - started
        if index >= arguments.warm_up:
            seconds.append(taken if isinstance(taken, float) else whole)
            cores.append((time.process_time() - started_cpu) / whole)
    measured = row(phase, peer, seconds, tokens, arguments) | {"cores": statistics.median(cores)}
    measured["peak_bytes"] = gpu_bytes() or measured["peak_bytes"]
    print(json.dumps(measured), flush=True)


def row(phase, peer, seconds, tokens, arguments):
    median = statistics.median(seconds)
    return {
        "peer": peer,
        "size": SIZE,
        "phase": phase,
        "device": arguments.device,
        "ms": 1e3 * median,
        "ms_low": 1e3 * min(seconds),
        "ms_high": 1e3 * max(seconds),
        "tokens_per_s": tokens / median,
        "peak_bytes": peak_bytes(),
        "repeats": len(seconds),
        "threads": arguments.threads,
        "checkpointing": arguments.checkpointing,
    }


def peak_bytes():
    """The most memory this process ever held; nothing where the system does not say.

    Linux starts counting anew for each program (`VmHWM`); elsewhere a child begins with the peak of its parent.
    """
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return None

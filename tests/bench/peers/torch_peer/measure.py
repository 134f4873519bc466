"""Times one phase of one peer in this process and prints its rows.

`cores` is how many of them the steps had, on average: well below `threads` something else was running, and waiting
threads made the times worse than a fair share would. Deliberately absent: tables, comparisons.
"""

import json
import statistics
import sys
import time

import torch

from . import clock
from .ppo import ppo
from .rollout import rollout
from .shapes import EPOCHS, SHAPES
from .training import reward, sft

PHASES = {"sft": sft, "reward": reward, "rollout": rollout, "ppo": ppo}


def measure(size, phase, peer, arguments):
    """A row for the phase and one for each of its parts."""
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.set_default_device(arguments.device)
    torch.manual_seed(1)
    step, tokens = PHASES[phase](SHAPES[size], peer)
    seconds, busy = {}, []
    for index in range(arguments.warm_up + arguments.repeats):
        started, started_cpu = clock.now(), time.process_time()
        parts = step()
        whole = clock.now() - started
        if index >= arguments.warm_up:
            busy.append((time.process_time() - started_cpu) / whole)
            seconds.setdefault(phase, []).append(whole)
            for name, part in parts.items() if isinstance(parts, dict) else ():
                seconds.setdefault(f"{phase}/{name}", []).append(part)
    for name, times in seconds.items():
        print(json.dumps(row(peer, size, name, times, tokens) | {"cores": statistics.median(busy)}), flush=True)


def row(peer, size, phase, times, tokens):
    median = statistics.median(times)
    work = tokens * EPOCHS if phase == "ppo/update" else tokens
    return {
        "peer": peer,
        "size": size,
        "phase": phase,
        "device": torch.get_default_device().type,
        "ms": 1e3 * median,
        "ms_low": 1e3 * min(times),
        "ms_high": 1e3 * max(times),
        "tokens_per_s": work / median,
        "peak_bytes": clock.peak_bytes() or peak_bytes(),
        "repeats": len(times),
        "threads": torch.get_num_threads(),
    }


def peak_bytes():
    """The most memory this process ever held; nothing where the system does not say."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024

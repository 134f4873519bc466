"""The time at which a device has done what it was given."""

import time

import torch


def now():
    """In seconds. A GPU works on while Python goes on: it is waited for."""
    torch.get_device_module(torch.get_default_device()).synchronize()
    return time.perf_counter()


def peak_bytes():
    """The most memory that tensors ever took on a GPU; nothing on the CPU, whose memory the system counts."""
    return torch.cuda.max_memory_allocated() if torch.get_default_device().type == "cuda" else None

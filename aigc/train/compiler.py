"""The process that compiles: `python -m aigc.train.compiler JOB` fills the compiler's cache for a `Job` in JSON."""

from __future__ import annotations

import json
import os
import sys
import threading

import torch
from torch import Tensor

from aigc.options import Precision
from aigc.train.compiling import Job, Layout, networks_of
from aigc.train.devices import precision


def serve(job: Job) -> None:
    """Compile every network, forwards and backwards, by calling it once as it will be called."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    torch.set_num_threads(job.threads)
    device = torch.device(job.device)
    for network, call in zip(networks_of(job.model()), job.calls, strict=True):
        network.compile()
        with precision(device, Precision(job.precision)):  # type: ignore[call-arg]
            made = network(*(_like(layout, device) for layout in call))
        made.float().square().mean().backward()


def _like(layout: Layout | None, device: torch.device) -> Tensor | None:
    if layout is None:
        return None
    shape, strides, dtype = layout
    return torch.empty_strided(shape, strides, dtype=getattr(torch, dtype), device=device).zero_()


def _leave_with_parent() -> None:
    """Our standard input ends when whoever waits for us does."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    serve(Job(**json.loads(sys.argv[1])))

"""The process that compiles: `python -m aigc.train.compiler JOB` fills the compiler's cache for a `Job` in JSON."""

from __future__ import annotations

import os
import sys
import threading

import torch
from torch import Tensor

from aigc.options import Precision
from aigc.train.compiling import Job, Layout, networks_of, read_job
from aigc.train.devices import precision


def serve(job: Job) -> None:
    """Compile every network, forwards and where asked for backwards, by calling it as it will be called."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    torch.set_num_threads(job.threads)
    device = torch.device(job.device)
    networks = networks_of(job.model())
    for network in networks:
        network.compile()
    for call in job.calls:
        with torch.set_grad_enabled(call.gradients), precision(device, Precision(job.precision)):  # type: ignore[call-arg]
            made = networks[call.network](*(_like(layout, device) for layout in call.layouts))
        if call.gradients:
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
    serve(read_job(sys.argv[1]))

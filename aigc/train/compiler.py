"""The process that compiles: `python -m aigc.train.compiler FILE` fills the compiler's cache for the `Job` in the file."""

from __future__ import annotations

import os
import sys
import threading

import torch

from aigc.train.compiling import Job
from aigc.train.devices import precision


def serve(file: str) -> None:
    """Compile every network, forwards and backwards, by calling it once as it will be called."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    job: Job = torch.load(file, weights_only=False)  # written a moment ago by the process that started this one
    torch.set_num_threads(job.threads)
    for network, (args, kwargs) in zip(job.networks, job.calls, strict=True):
        network.compile()
        with precision(torch.device(job.device), job.precision):
            made = network(*args, **kwargs)
        made.float().square().mean().backward()


def _leave_with_parent() -> None:
    """Our standard input ends when whoever waits for us does."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    serve(sys.argv[1])

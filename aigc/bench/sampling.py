"""How long samples of a model in the registry take."""

from __future__ import annotations

import statistics
import time
from typing import Any

import torch

from aigc import registry
from aigc.bench.contenders import CPU
from aigc.registry.sampling import draw
from aigc.words import Refusal

MODEL, COUNT, TIMES = "mnist-diffusion", 64, 5


def sampling(device: torch.device = CPU) -> dict[str, Any] | None:
    """Seconds for `COUNT` samples as the page makes them, the median of several; None where the model is not there."""
    try:
        model = registry.load(MODEL).to(device)
    except Refusal:
        return None
    draw(model, COUNT)
    seconds = []
    for seed in range(TIMES):
        begun = time.perf_counter()
        draw(model, COUNT, seed)
        seconds.append(time.perf_counter() - begun)
    return {"model": MODEL, "samples": COUNT, "seconds": statistics.median(seconds)}

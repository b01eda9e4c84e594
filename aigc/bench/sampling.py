"""How long samples of models in the registry take."""

from __future__ import annotations

import statistics
import time
from typing import Any

import torch

from aigc import registry
from aigc.bench.contenders import CPU
from aigc.registry.sampling import draw
from aigc.words import Refusal

MODELS, COUNT, TIMES = ("mnist-diffusion", "mnist-guided", "mnist-shortcut"), 64, 5


def sampling(device: torch.device = CPU) -> list[dict[str, Any]]:
    """Seconds for `COUNT` samples as the page makes them, the median of several, of every model that is there."""
    return [timed for name in MODELS if (timed := _sampling(name, device))]


def _sampling(name: str, device: torch.device) -> dict[str, Any] | None:
    try:
        model = registry.load(name).to(device)
    except Refusal:
        return None
    draw(model, COUNT)
    seconds = []
    for seed in range(TIMES):
        begun = time.perf_counter()
        draw(model, COUNT, seed)
        seconds.append(time.perf_counter() - begun)
    return {"model": name, "samples": COUNT, "seconds": statistics.median(seconds)}

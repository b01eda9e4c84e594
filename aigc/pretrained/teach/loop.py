"""The loop that teaches every pretrained model that comes along: AdamW or Muon, a warm-up and a cosine, averaged weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from aigc.ema import EMA
from aigc.train.devices import precision
from aigc.train.muon import Muon


@dataclass(frozen=True)
class Lesson:
    """How long and how fast; `examples` are counted one by one, repeats among them."""

    examples: int
    batch: int = 64
    learning_rate: float = 1e-3  # at its height
    is_muon: bool = False  # matrices and kernels by Muon, vectors by Adam; else everything by AdamW
    warmup: float = 0.02  # share of the lesson that the learning rate takes to rise
    weight_decay: float = 0.01  # of matrices and kernels; vectors have none
    betas: tuple[float, float] = (0.9, 0.99)
    clip: float = 1.0  # longest gradient
    average: float = 0.02  # half-life of the averaged weights, as a share of the lesson


def teach(network: nn.Module, loss: Callable[[int], Tensor], lesson: Lesson) -> Iterator[tuple[int, float, nn.Module]]:
    """(examples seen, mean loss, the averaged network) about every two-hundredth of the lesson; the last one is what was learnt.

    `loss(step)` draws a batch and gives the loss to descend; it is called in the precision that this machine multiplies fastest.
    """
    device = next(network.parameters()).device
    average = EMA(network, copy.deepcopy(network))
    moved = [p for p in network.parameters() if p.requires_grad]
    fused = device.type in ("cpu", "cuda")
    optimiser: torch.optim.Optimizer
    if lesson.is_muon:
        optimiser = Muon(moved, lesson.learning_rate, weight_decay=lesson.weight_decay, betas=lesson.betas, fused=fused)
    else:
        groups = [
            {"params": [p for p in moved if p.dim() >= 2], "weight_decay": lesson.weight_decay},
            {"params": [p for p in moved if p.dim() < 2], "weight_decay": 0.0},
        ]
        optimiser = torch.optim.AdamW([g for g in groups if g["params"]], lesson.learning_rate, betas=lesson.betas, fused=fused)
    steps = max(1, math.ceil(lesson.examples / lesson.batch))
    said, losses = max(1, steps // 200), []
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = lesson.learning_rate * height((step + 1) / steps, lesson.warmup)
        with precision(device):
            error = loss(step)
        optimiser.zero_grad(set_to_none=True)
        error.backward()
        nn.utils.clip_grad_norm_(moved, lesson.clip, foreach=True)
        optimiser.step()
        average.update(lesson.batch, lesson.examples * lesson.average, (step + 1) * lesson.batch)
        losses.append(error.detach())
        if (step + 1) % said == 0 or step + 1 == steps:
            yield (step + 1) * lesson.batch, float(torch.stack(losses).mean()), average.averaged
            losses = []


def height(progress: float, warmup: float) -> float:
    """Share of the learning rate: up a line, then down a cosine to zero."""
    rise = min(1.0, progress / warmup) if warmup else 1.0
    return rise * 0.5 * (1 + math.cos(math.pi * progress))

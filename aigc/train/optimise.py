"""Phases to optimisers: their learning rates, and the weights that each moves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD
from torch.optim import Optimizer as TorchOptimiser

from aigc.options import Optimiser, Options, Schedule
from aigc.techniques.base import Phase, Technique, parameters_of
from aigc.train.adam import Adam
from aigc.train.muon import Muon


def build(phases: dict[str, Phase], options: Options) -> dict[str, TorchOptimiser]:
    """One optimiser for every phase that has its own; fused, which is four times faster than the loop for small networks."""
    return {name: _optimiser(phase, options) for name, phase in phases.items() if not phase.optimiser}


def _optimiser(phase: Phase, options: Options) -> TorchOptimiser:
    weights = parameters_of(phase.modules)
    device, decay = weights[0].device, options.weight_decay
    fused = device.type in ("cpu", "cuda")
    if options.optimiser is Optimiser.SGD:
        return SGD(weights, options.learning_rate, momentum=options.momentum, weight_decay=decay, fused=fused)
    rate, recorded = options.learning_rate, device.type == "cuda"  # in a recorded step only a number on the device can change
    on_device = torch.tensor(rate, device=device) if recorded else rate
    alike: dict[str, Any] = {"betas": phase.betas, "weight_decay": decay, "fused": fused, "capturable": recorded}
    if options.optimiser is Optimiser.MUON:
        return Muon(weights, on_device, **alike)
    return Adam(weights, on_device, decoupled_weight_decay=options.optimiser is Optimiser.ADAMW, **alike)


def learning_rate_factor(options: Options, images: int, progress: float) -> float:
    """What the learning rate is multiplied by, 0 to 1, after `images` images and `progress` of the budget."""
    if options.schedule is Schedule.CONSTANT:
        return 1.0
    rise = min(1.0, (images + options.batch) / options.warmup_images) if options.warmup_images else 1.0
    if options.schedule is Schedule.COSINE:
        return rise * 0.5 * (1 + math.cos(math.pi * progress))
    return rise


class Moves:
    """The weights that each phase moves, and those it must leave alone: walked once, since a walk costs a tenth of a small step."""

    def __init__(self, model: Technique, phases: dict[str, Phase]):
        everything = parameters_of((model,))
        self.weights = {name: parameters_of(phase.modules) for name, phase in phases.items()}
        self._others = {}
        for name, mine in self.weights.items():
            moving = {id(p) for p in mine}
            self._others[name] = [p for p in everything if id(p) not in moving] if len(phases) > 1 else []

    def forget(self, phase: str) -> None:
        """The gradients of its last step."""
        for p in self.weights[phase]:
            p.grad = None

    @contextmanager
    def only(self, phase: str) -> Iterator[None]:
        """Freeze everything else while a loss is built, so that no gradient is computed in vain."""
        for p in self._others[phase]:
            p.requires_grad_(False)
        try:
            yield
        finally:
            for p in self._others[phase]:
                p.requires_grad_(True)


def gradient_length(weights: list[nn.Parameter], clip: float, measure: bool) -> Tensor | None:
    """The norm of the gradient of `weights`, which is shortened to `clip` if that is not 0; None when nobody asked."""
    if clip > 0:
        return nn.utils.clip_grad_norm_(weights, clip, foreach=True)
    if measure:
        return nn.utils.get_total_norm([p.grad for p in weights if p.grad is not None], foreach=True)
    return None


def set_learning_rate(optimiser: TorchOptimiser, learning_rate: float) -> None:
    for group in optimiser.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(learning_rate)
        else:
            group["lr"] = learning_rate


def state(optimisers: dict[str, TorchOptimiser]) -> dict[str, Tensor]:
    """Everything the optimisers remember, as flat names to tensors."""
    return {
        f"optimiser.{name}.{index}.{key}": value.clone() if key == "step" else value  # steps are counted in one tensor
        for name, optimiser in optimisers.items()
        for index, entry in optimiser.state_dict()["state"].items()
        for key, value in entry.items()
        if value is not None
    }


def laid_out_like(weight: Tensor, value: Tensor) -> Tensor:
    """`value` in the memory format of `weight`: fused kernels walk both side by side, and a file knows no formats."""
    return torch.empty_like(weight, dtype=value.dtype).copy_(value) if value.shape == weight.shape else value


def restore(optimisers: dict[str, TorchOptimiser], tensors: dict[str, Tensor]) -> None:
    """The inverse of `state`."""
    for name, optimiser in optimisers.items():
        entries: dict[int, dict[str, Tensor]] = {}
        weights = [p for group in optimiser.param_groups for p in group["params"]]
        prefix = f"optimiser.{name}."
        for key, value in tensors.items():
            if key.startswith(prefix):
                index, field = key[len(prefix) :].split(".", 1)
                entries.setdefault(int(index), {})[field] = laid_out_like(weights[int(index)], value)
        optimiser.load_state_dict({"state": entries, "param_groups": optimiser.state_dict()["param_groups"]})

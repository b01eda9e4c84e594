"""Muon (Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"): every direction of a matrix moves equally far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from aigc.train.adam import Adam

POLYNOMIAL = 3.4445, -4.7750, 2.0315  # of Newton and Schulz, tuned by Jordan et al. to bring every singular value near 1 in five rounds
ROUNDS = 5
RMS = 0.2  # of an update per unit of learning rate, about that of Adam, so that one learning rate suits both   Liu et al. 2025, eq. 4


class Muon(Adam):
    """Matrices and convolution kernels by Muon, everything else by Adam at the same learning rate; weights decay apart from the gradient.

    torch.optim.Muon takes matrices alone, one after another and in bfloat16, which many processors are slow at.
    """

    def __init__(self, weights: Iterable[nn.Parameter], lr: float | Tensor, momentum: float = 0.95, weight_decay: float = 0.0, **adam: Any):
        weights = list(weights)
        matrices, others = [p for p in weights if p.dim() >= 2], [p for p in weights if p.dim() < 2]
        groups: list[dict[str, Any]] = [{"params": matrices, "momentum": momentum}, {"params": others}]
        super().__init__([group for group in groups if group["params"]], lr, weight_decay=weight_decay, decoupled_weight_decay=True, **adam)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        groups = self.param_groups
        for group in groups:
            if "momentum" in group:
                self._turn(group)
        self.param_groups = [group for group in groups if "momentum" not in group]
        try:
            super().step(closure)
        finally:
            self.param_groups = groups

    def _turn(self, group: dict[str, Any]) -> None:
        weights = [p for p in group["params"] if p.grad is not None]
        if not weights:
            return
        for p in weights:
            if not self.state[p]:
                self.state[p].update(step=torch.zeros(()), momentum=torch.zeros_like(p))  # Adam looks for its "step" wherever there is anything
        means, gradients = [self.state[p]["momentum"] for p in weights], [p.grad for p in weights]
        torch._foreach_lerp_(means, gradients, 1 - group["momentum"])
        ahead = torch._foreach_lerp(gradients, means, group["momentum"])  # Nesterov's

        if group["weight_decay"]:
            torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
        alike: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for i, p in enumerate(weights):
            alike[p.shape].append(i)
        for shape, rows in alike.items():
            turned = orthogonal(torch.stack([ahead[i].flatten(1) for i in rows]))
            turned *= group["lr"] * (RMS * max(turned.shape[1:]) ** 0.5)
            torch._foreach_sub_([weights[i] for i in rows], [update.view(shape) for update in turned])


def orthogonal(x: Tensor) -> Tensor:
    """The nearest matrices with singular values near 1, between about 0.7 and 1.2.  (n, rows, columns) -> the same"""
    a, b, c = POLYNOMIAL
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(ROUNDS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.mT if tall else x

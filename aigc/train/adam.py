"""Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019), by torch's own kernel."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class Adam(torch.optim.Adam):
    """torch's fused Adam without all that it sorts and counts anew at every step, which on a CPU takes small networks longer than the sums.

    The same bits.  On other devices it is torch's own to the letter.
    """

    def __init__(self, weights: Any, lr: float | Tensor, **options: Any):
        super().__init__(weights, lr, **options)
        self._counts: dict[int, Tensor] = {}  # by the identity of a group: how many steps each of its weights has taken

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self._counts.clear()

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            weights = [p for p in group["params"] if p.grad is not None]
            if not weights:
                continue
            if not group["fused"] or weights[0].device.type != "cpu":
                super().step(closure)
                return
            self._move(group, weights)

    step.hooked = True  # type: ignore[attr-defined]  # or torch wraps it in hooks and marks for its profiler, a tenth of a millisecond

    def _move(self, group: dict[str, Any], weights: list[Tensor]) -> None:
        states = [self.state[p] for p in weights]
        for p, state in zip(weights, states, strict=True):
            if not state:
                state.update(step=torch.zeros(()), exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
        gradients, means, squares = [p.grad for p in weights if p.grad is not None], [s["exp_avg"] for s in states], [s["exp_avg_sq"] for s in states]
        (torch._fused_adamw_ if group["decoupled_weight_decay"] else torch._fused_adam_)(
            weights, gradients, means, squares, [], self._count(group, states), lr=group["lr"], beta1=group["betas"][0], beta2=group["betas"][1],
            weight_decay=group["weight_decay"], eps=group["eps"], amsgrad=False, maximize=False,
        )  # fmt: skip

    def _count(self, group: dict[str, Any], states: list[dict[str, Tensor]]) -> list[Tensor]:
        """One step more for each of `states`: all counters of a group lie in one tensor.  -> the counters"""
        if len(states) == len(group["params"]):
            if id(group) not in self._counts:
                self._counts[id(group)] = torch.stack([state["step"] for state in states])
                for state, step in zip(states, self._counts[id(group)].unbind(), strict=True):
                    state["step"] = step
            self._counts[id(group)].add_(1)
        else:
            torch._foreach_add_([state["step"] for state in states], 1)
        return [state["step"] for state in states]

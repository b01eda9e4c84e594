"""Our way of calling torch's fused Adam gives torch's own bits, whatever moves when, before and after a checkpoint."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from aigc.train.adam import Adam


def weights() -> list[nn.Parameter]:
    rng = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(size, generator=rng)) for size in ((5, 3), (3,), (2, 4, 3, 3), (1,))]


def pulled(parameters: list[nn.Parameter], step: int, moving: int = 4) -> None:
    rng = torch.Generator().manual_seed(step)
    for i, p in enumerate(parameters):
        gradient = torch.randn(p.shape, generator=rng)
        p.grad = gradient if i < moving else None


@pytest.mark.parametrize("decay", [{"weight_decay": 0.0}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True}], ids=str)
def test_the_bits_are_those_of_torch(decay: dict[str, Any]) -> None:
    mine, theirs = weights(), weights()
    ours, plain = Adam(mine, 0.01, betas=(0.5, 0.99), fused=True, **decay), torch.optim.Adam(theirs, 0.01, betas=(0.5, 0.99), fused=True, **decay)
    for step, moving in enumerate([4, 4, 2, 0, 4, 3, 4, 4]):
        for parameters, optimiser in ((mine, ours), (theirs, plain)):
            pulled(parameters, step, moving)
            optimiser.param_groups[0]["lr"] = 0.01 / (step + 1)
            optimiser.step()
        if step == 5:  # as after a checkpoint
            ours.load_state_dict(copy.deepcopy(ours.state_dict()))
        assert all(torch.equal(a, b) for a, b in zip(mine, theirs, strict=True))
    counted = [[state["step"].item() for state in o.state_dict()["state"].values()] for o in (ours, plain)]
    assert counted[0] == counted[1] == [7, 7, 6, 5]


def test_several_groups_count_apart() -> None:
    mine, theirs = weights(), weights()
    for parameters, optimiser in (
        (mine, Adam([{"params": mine[:2]}, {"params": mine[2:], "lr": 0.1}], 0.01, fused=True)),
        (theirs, torch.optim.Adam([{"params": theirs[:2]}, {"params": theirs[2:], "lr": 0.1}], 0.01, fused=True)),
    ):
        for step, moving in enumerate([2, 4, 2, 4]):
            pulled(parameters, step, moving)
            optimiser.step()
    assert all(torch.equal(a, b) for a, b in zip(mine, theirs, strict=True))

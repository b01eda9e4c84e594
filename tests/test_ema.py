"""The average of the weights."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from aigc.ema import EMA


def jump(steps: int, images: int, halflife: float) -> float:
    """What the average of a weight reads that was 0 for ever and is 1 for `steps` steps of `images` images."""
    source = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(source.weight)
    average = EMA(source, copy.deepcopy(source))
    nn.init.ones_(source.weight)
    for _ in range(steps):
        average.update(images, halflife, seen=10**9)
    return float(average.averaged.weight)


@pytest.mark.parametrize(("steps", "images"), [(10, 100), (1, 1000), (1000, 1)])
def test_after_one_half_life_it_reads_one_half(steps: int, images: int) -> None:
    assert jump(steps, images, 1000.0) == pytest.approx(0.5, abs=1e-3)


def test_without_a_half_life_it_is_the_last_weights() -> None:
    assert jump(1, 1, 0.0) == 1.0


def test_early_on_it_forgets_the_start() -> None:
    source = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(source.weight)
    average = EMA(source, copy.deepcopy(source))
    nn.init.ones_(source.weight)
    for seen in range(100, 5100, 100):
        average.update(100, 1e6, seen)
    assert float(average.averaged.weight) > 0.95


def test_buffers_are_copied_and_the_source_is_left_alone() -> None:
    source = nn.BatchNorm1d(2)
    average = EMA(source, copy.deepcopy(source))
    source(torch.randn(8, 2))
    average.update(8, 100.0, 8)
    assert torch.equal(average.averaged.running_mean, source.running_mean) and source.weight.requires_grad
    assert not average.averaged.weight.requires_grad

"""A run is broken off between two blocks of a network, and leaves the network as it was."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from aigc.pretrained import Stopped, lending, shelf
from aigc.pretrained.breaking import breakable


class Slow(nn.Module):
    """Each block says that it works, and the second of them that it is enough."""

    def __init__(self, stop: threading.Event, worked: list[int]):
        super().__init__()
        self.stop, self.worked = stop, worked
        self.layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(4))
        self.attentions = nn.ModuleList([None])  # type: ignore[list-item]  # as in a decoder of diffusers without attention

    def forward(self, x: Tensor) -> Tensor:
        for i, layer in enumerate(self.layers):
            x = layer(x)
            self.worked.append(i)
            if i == 1:
                self.stop.set()
        return x


def hooks(network: nn.Module) -> int:
    return sum(len(module._forward_pre_hooks) for module in network.modules())


def test_a_stop_is_heeded_before_the_next_block() -> None:
    stop, worked = threading.Event(), list[int]()
    network = Slow(stop, worked)
    with pytest.raises(Stopped), breakable([network], stop):
        network(torch.zeros(1, 2))
    assert worked == [0, 1] and not hooks(network)
    stop.clear()
    network(torch.zeros(1, 2))
    assert worked == [0, 1, 0, 1, 2, 3], "outside, nobody looks"


def test_what_is_compiled_or_moved_while_it_works_is_left_alone() -> None:
    stop = threading.Event()
    stop.set()
    compiled, moved = nn.Sequential(nn.Linear(2, 2)), nn.Sequential(nn.Linear(2, 2))
    compiled._compiled_call_impl = lambda *_: None  # type: ignore[assignment]
    moved[0]._hf_hook = object()  # type: ignore[assignment]
    with breakable([compiled, moved], stop):
        assert not hooks(compiled) and not hooks(moved)


def test_a_borrowed_model_is_broken_off_in_the_middle_and_given_back_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stop, worked = threading.Event(), list[int]()

    class Kit:
        model = Slow(stop, worked)

    class Lent:
        def __enter__(self) -> Kit:
            return Kit()

        def __exit__(self, *_: object) -> None:
            assert not hooks(Kit.model)

    monkeypatch.setattr(shelf, "lent", lambda *_, **__: Lent())
    entry = cast(Any, type("Entry", (), {"slug": "slow"}))
    begun = time.monotonic()
    with pytest.raises(Stopped):
        list(lending.borrowed(entry, cast(Any, None), lambda kit: iter([kit.model(torch.zeros(1, 2))]), stop))
    assert worked == [0, 1] and time.monotonic() - begun < 30

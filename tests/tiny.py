"""The smallest technique that uses everything the registry and the shell promise: labels, sampling knobs, steps, integer buffers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from aigc.data import DataSpec
from aigc.knobs import Choice, knob
from aigc.registry import ModelCard, build, spec_as_json
from aigc.techniques import TechniqueInfo, techniques
from aigc.techniques.base import Batch, Phase, Technique
from aigc.words import both

NOTHING = both("nothing", "无")


class Sampler(Choice):
    PLAIN = "plain", both("plain", "普通")
    DOUBLE = "double", both("double", "加倍")


@dataclass(frozen=True)
class Config:
    width: int = knob(4, 1, 64, label=both("width", "宽度"), help=NOTHING)
    conditional: bool = knob(True, label=both("conditional", "按类别"), help=NOTHING)


@dataclass(frozen=True)
class Sampling:
    steps: int = knob(2, 1, 50, label=both("steps", "步数"), help=NOTHING)
    sampler: Sampler = knob(Sampler.PLAIN, label=both("sampler", "采样器"), help=NOTHING)


def presets(spec: DataSpec) -> dict[str, dict[str, Any]]:
    return {"quick": {"seconds": 0.5, "batch": 16}, "good": {"width": 8}}


class Tiny(Technique):
    """Paints each picture in the grey of its class, plus a little of its noise."""

    def __init__(self, config: Any, spec: DataSpec):
        super().__init__(config, spec)
        size = spec.shape[0] if spec.is_points else spec.shape[0] * spec.shape[1] * spec.shape[2]
        self.net = nn.Linear(config.width, size)
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    def phases(self) -> dict[str, Phase]:
        return {"net": Phase((self.net,), self.loss)}

    def loss(self, batch: Batch, rng: Generator) -> dict[str, Tensor]:
        made = self.net(torch.randn(len(batch), self.config.width, generator=rng))
        return {"loss": (made - batch.x.flatten(1)).square().mean()}

    def latents(self, n: int, rng: Generator, **how: Any) -> Tensor:
        return torch.randn(n, self.config.width, generator=rng)

    def decode(
        self, z: Tensor, labels: Tensor | None = None, *, rng: Generator, steps: int = 2, sampler: Sampler = Sampler.PLAIN, **how: Any
    ) -> Iterator[Tensor]:
        for step in range(1, steps + 1):
            x = 0.02 * self.net(z).sigmoid().unflatten(1, self.spec.shape) * (2 if sampler is Sampler.DOUBLE else 1)
            grey = 0.0 if labels is None else (labels.float() / 10).view(-1, *[1] * len(self.spec.shape))
            yield grey + x * step / steps


INFO = TechniqueInfo(
    slug="tiny", title=both("Tiny", "小不点"), summary=NOTHING, Config=Config, Sampling=Sampling, model="tiny:Tiny", terms={}, presets=presets,
    conditional=True,
)  # fmt: skip
Tiny.info = INFO

DIGITS = tuple(both(str(i), f"数字{i}") for i in range(10))
SPEC = DataSpec("digits", both("Digits", "手写数字"), (1, 8, 8), DIGITS, 1500, "CC BY 4.0", "somebody")
POINTS = DataSpec("moons", both("Moons", "双月"), (2,), (), 100, "CC0-1.0", "nobody")


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> TechniqueInfo:
    """Adds the technique to the table for one test."""
    monkeypatch.setitem(techniques(), "tiny", INFO)
    return INFO


def card(slug: str = "one", spec: DataSpec = SPEC, **changes: Any) -> ModelCard:
    values: dict[str, Any] = {"config": {"width": 4, "conditional": bool(spec.classes)}, "options": {"seconds": 0.5, "seed": 3}, "seed": 3}
    values |= {"licence": spec.licence, "credit": spec.credit, "images": 1234, "owner": "secret-owner", "run": "f" * 32, "preset": "quick"}
    values |= {"created": "2026-01-02T03:04:05Z", "data": spec.name}
    return ModelCard(slug=slug, technique="tiny", spec=spec_as_json(spec), **{**values, **changes})


def perturbed(spec: DataSpec = SPEC, seed: int = 1) -> Technique:
    """A model whose weights no fresh model has, buffers included."""
    model = build("tiny", {"width": 4, "conditional": bool(spec.classes)}, spec)
    rng = Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape, generator=rng))
        model.count.fill_(seed + 41)  # type: ignore[operator,union-attr]
    return model


def aborted_at(call: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ctrl-C in the middle of a step: that call of the loss is cut short.  -> grows by one a call"""
    real, calls = Tiny.loss, list[int]()

    def loss(self: Tiny, *args: Any) -> Any:
        calls.append(1)
        if len(calls) == call:
            raise KeyboardInterrupt
        return real(self, *args)

    monkeypatch.setattr(Tiny, "loss", loss)
    return calls

"""A dataset and a technique small enough that the training loop itself can be tested in milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor, nn

from aigc.data import DataSpec
from aigc.data.load import Dataset
from aigc.knobs import knob
from aigc.techniques.base import Batch, Phase, Technique
from aigc.words import both

NOTHING = both("nothing", "无")


def toy_spec(shape: tuple[int, ...] = (1, 8, 8), classes: int = 10, name: str = "toy") -> DataSpec:
    return DataSpec(name, NOTHING, shape, tuple(both(str(i), str(i)) for i in range(classes)), 100)


def toy_data(shape: tuple[int, ...] = (1, 8, 8), n: int = 100, classes: int = 10, name: str = "toy") -> Dataset:
    """Smooth blobs, not noise, so that a few steps can learn something."""
    rng = Generator().manual_seed(7)
    labels = torch.arange(n) % max(1, classes)
    if len(shape) == 1:
        x = torch.randn(n, 2, generator=rng) * 0.2 + torch.stack([(labels % 3) - 1.0, (labels % 2) - 0.5], 1)
        return Dataset(toy_spec(shape, classes, name), x, labels, x[:20], labels[:20])
    side = shape[-1]
    grid = torch.linspace(-1, 1, side)
    centre = torch.stack([(labels % 4) / 4 - 0.4, (labels % 3) / 3 - 0.3], 1) + 0.05 * torch.randn(n, 2, generator=rng)
    blob = torch.exp(-((grid[None, :, None] - centre[:, 0, None, None]) ** 2 + (grid[None, None, :] - centre[:, 1, None, None]) ** 2) * 6)
    x = (blob[:, None].expand(n, *shape) * 255).to(torch.uint8).contiguous()
    return Dataset(toy_spec(shape, classes, name), x, labels, x[:20], labels[:20])


@dataclass(frozen=True)
class ToyConfig:
    pull: float = knob(1.0, 0.0, 10.0, live=True, label=both("pull", "拉力"), help=NOTHING)
    frozen: float = knob(1.0, 0.0, 10.0, label=both("frozen", "冻结"), help=NOTHING)


class Toy(Technique):
    """Two phases on two networks, dropout in one of them, and randomness in both."""

    def __init__(self, config: Any, spec: DataSpec, poison_at: int = -1):
        super().__init__(config, spec)
        size = spec.shape[0] if spec.is_points else spec.shape[0] * spec.shape[1] * spec.shape[2]
        self.maker = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Dropout(0.2), nn.Linear(16, size))
        self.judge = nn.Linear(size, 1)
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.poison_at = poison_at

    def phases(self) -> dict[str, Phase]:
        return {
            "judge": Phase((self.judge,), self.judge_loss, repeats=2),
            "maker": Phase((self.maker,), self.maker_loss, fresh=False, learning_rate=lambda: 2e-3),
        }

    def judge_loss(self, batch: Batch, rng: Generator) -> dict[str, Tensor]:
        fake = self.maker(torch.randn(len(batch), 4, generator=rng))
        score = self.judge(batch.x.flatten(1))
        return {"loss": (self.judge(fake) - score).square().mean(), "score": score.mean(), "parts": score.mean(0).expand(3)}

    def maker_loss(self, batch: Batch, rng: Generator) -> dict[str, Tensor]:
        self.calls += 1
        fake = self.maker(torch.randn(len(batch), 4, generator=rng))
        loss = self.config.pull * (fake - batch.x.flatten(1)).square().mean()
        return {"loss": torch.where(self.calls == self.poison_at, torch.nan, loss)}

    def latents(self, n: int, rng: Generator, **how: Any) -> Tensor:
        return torch.randn(n, 4, generator=rng)

    def decode(self, z: Tensor, labels: Tensor | None = None, *, rng: Generator, **how: Any) -> Iterator[Tensor]:
        yield self.maker(z).unflatten(1, self.spec.shape)

"""The contract between a technique and everything that trains, samples, saves or shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn

from aigc.data import DataSpec
from aigc.data.batches import Augmentation, Batch, Batches, Draws
from aigc.data.load import Dataset
from aigc.options import Options
from aigc.techniques import suits

Loss = Callable[[Batch, Generator], dict[str, Tensor]]


@dataclass(frozen=True)
class Phase:
    """Which weights move, the loss they descend, and how often.  A GAN is two phases, lazy R1 is a third.

    `loss(batch, rng)` returns named terms: "loss" is the one descended; the others are only reported, as a number each
    or as a row (K,), in which NaN means that no example fell there.  None of them is copied to the host here.  What changes from
    step to step is a tensor, such as a buffer: a GPU repeats a recorded step, in which numbers of Python stand still.
    """

    modules: tuple[nn.Module, ...]
    loss: Loss
    every: int = 1  # runs at steps divisible by this
    repeats: int = 1  # times in a row within one step
    fresh: bool = True  # draws a new batch of real data each time; False looks at the last one again
    optimiser: str = ""  # name of the phase whose optimiser it shares; "" has its own
    betas: tuple[float, float] = (0.9, 0.999)
    learning_rate: Callable[[], float] | None = None  # read before every step; None takes the options' knob
    after: Callable[[], None] | None = None  # after the optimiser's step, e.g. weight clipping


class Technique(nn.Module):
    """One kind of generative model. Randomness is always an argument; data space is images in [0, 1] or 2-D points.

    Networks are built in `__init__` from the config and the shape of the data. `self.config` is replaced by a new one
    when a live knob moves, so losses read it every time.
    """

    info: ClassVar[Any]  # the light half, TechniqueInfo
    find_start: Callable[[], Technique] | None = None  # the model to start from; only the first step of a training asks for it

    def __init__(self, config: Any, spec: DataSpec):
        super().__init__()
        suits(config, spec)
        self.config = config
        self.spec = spec

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def conditional(self) -> bool:
        """Whether it was built to take labels."""
        return bool(getattr(self.config, "conditional", False)) and bool(self.spec.classes)

    # training
    def phases(self) -> dict[str, Phase]:
        raise NotImplementedError

    def alone(self) -> tuple[Any, DataSpec]:
        """Config and data of a model with networks like those it trains that needs no other model."""
        return self.config, self.spec

    def begin(self) -> None:
        """Called before the first step of a training, not of one that goes on: what is not to start from chance starts here."""
        if self.find_start is not None:
            self.load_state_dict(self.find_start().state_dict())

    def batches(self, data: Dataset, options: Options) -> Draws:
        """Where training draws from: the data on this device.  A model that works on something made from them makes it here, once."""
        return Batches(data, options.batch, Augmentation.of(options), options.seed, self.device)

    def calibrate(self, x: Tensor, labels: Tensor | None, rng: Generator) -> None:
        """Called on the averaged model before previews with up to 2,000 real examples, and at the end with up to 20,000: an
        autoencoder fits its latents here. What it learns goes into buffers, which are saved."""

    # making
    def latents(self, n: int, rng: Generator, **how: Any) -> Tensor:
        """n starting points of `decode`, from the prior; `how` as there.  -> (n, *latent shape)"""
        raise NotImplementedError

    def decode(self, z: Tensor, labels: Tensor | None = None, *, rng: Generator, **how: Any) -> Iterator[Tensor]:
        """Ever better images or points from z; the last one is the answer. `how` holds knobs of `info.Sampling`."""
        raise NotImplementedError

    def encode(self, x: Tensor, labels: Tensor | None = None, *, rng: Generator, **how: Any) -> Iterator[Tensor]:
        """The way from data to a latent that `decode` takes back; every state on the way, the last one is z."""
        raise NotImplementedError

    def sample(self, n: int, rng: Generator, labels: Tensor | None = None, **how: Any) -> Iterator[Tensor]:
        """n samples from the prior, ever better."""
        yield from self.decode(self.latents(n, rng, **how), labels, rng=rng, **how)

    def make(self, n: int, rng: Generator, labels: Tensor | None = None, **how: Any) -> Tensor:
        """The last of `sample`, for those who do not watch."""
        *_, x = self.sample(n, rng, labels, **how)
        return x

    # showing
    def glance(self) -> dict[str, Any]:
        """Knobs of sampling that are good enough for a look in the middle of training: as few evaluations as will do."""
        return {}

    def preview(self, shown: Shown, rng: Generator) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """(sheets, arrays) for events.Preview: cheap, since training waits for it. "samples" is always among the sheets of an
        image model; "points" (n, 2) among the arrays of a 2-D one, beside what it can show of itself:
        "field" (G, G) of the critic over the square `extent`, "grid" (K, K, 2) of decoded latents, "paths" (T, n, 2)."""
        *_, x = self.sample(shown.count, rng, shown.labels, **shown.how)
        return ({}, {"points": x}) if self.spec.is_points else ({"samples": x}, {})


@dataclass(frozen=True)
class Shown:
    """What every preview of a run shows: chosen once, so that pictures differ only by what was learnt."""

    count: int
    labels: Tensor | None = None  # (count,) for conditional models: the classes in turn
    real: Tensor | None = None  # (m, ...) held-out real examples, to be reconstructed
    how: dict[str, Any] = field(default_factory=dict)  # sampling knobs, cheaper than the defaults where sampling is slow


def parameters_of(modules: Iterable[nn.Module]) -> list[nn.Parameter]:
    return [p for m in modules for p in m.parameters() if p.requires_grad]

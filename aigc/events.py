"""What a training run says, in order: small records that the worker writes to the log and everybody else only reads.

`images` is the clock of a run: real images (or points) drawn for training so far.
`seconds` is time spent training, pauses left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aigc.words import Words

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Step:
    """Means, since the last one, of every loss term and health figure that is one number."""

    images: int
    steps: int
    seconds: float
    images_per_second: float
    memory_bytes: int
    terms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Health:
    """Means, since the last one, of the figures that are a row of numbers (KL per latent dimension, loss by noise level).
    None stands where no example fell."""

    images: int
    rows: dict[str, list[float | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class Preview:
    """What the averaged model makes now of the same latents every time.

    `sheets`: named images (N, C, H, W) in [0, 1].  `arrays`: named points, fields and paths of a 2-D set.
    """

    images: int
    seconds: float
    sheets: dict[str, Tensor] = field(default_factory=dict)
    arrays: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """How good the averaged model is now, by figures of few samples: "fid", "asked_class", ..."""

    images: int
    seconds: float
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Saved:
    """A checkpoint: everything needed to go on bit for bit. The worker writes it; nobody else sees the tensors."""

    images: int
    steps: int
    seconds: float
    weights: dict[str, Tensor]  # of the averaged model: what is sampled from
    state: dict[str, Tensor]  # live weights, optimisers and generators
    facts: dict[str, Any]  # what is no tensor, as JSON


@dataclass(frozen=True)
class Said:
    """One line for the log a person reads, such as which knob was changed when."""

    images: int
    words: Words


@dataclass(frozen=True)
class Paused:
    images: int


@dataclass(frozen=True)
class Resumed:
    images: int


@dataclass(frozen=True)
class Finished:
    """The last event. `by` says what ended it: "budget" or "stop"."""

    images: int
    steps: int
    seconds: float
    by: str


Event = Step | Health | Preview | Measured | Saved | Said | Paused | Resumed | Finished

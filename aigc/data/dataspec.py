"""What a dataset is, in words and numbers: all that a network, a form or a card must know of it."""

from __future__ import annotations

from dataclasses import dataclass

from aigc.words import Words


@dataclass(frozen=True)
class DataSpec:
    """What a network must know of a dataset, and what a card must say of it."""

    name: str  # what is typed after --data
    title: Words
    shape: tuple[int, ...]  # (C, H, W), or (2,) for points
    classes: tuple[Words, ...] = ()  # names of the labels, in order; empty: unlabelled
    count: int = 0  # training examples
    licence: str = ""
    credit: str = ""  # whom to name, and where it comes from
    flips: bool = False  # a mirrored picture is as good (faces, not digits)
    class_counts: tuple[int, ...] = ()  # training examples of each class; empty: as good as even

    @property
    def is_points(self) -> bool:
        return len(self.shape) == 1


@dataclass(frozen=True)
class Availability:
    """Whether a dataset can be used now, and if not, what it takes."""

    here: bool
    download_bytes: int  # about; 0 when it is here, or when it cannot be had at all
    words: Words

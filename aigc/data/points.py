"""The 2-D sets: small pure functions from a generator to points (n, 2) and labels (n,)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Points = tuple[np.ndarray, np.ndarray]

TRAIN, TEST, SEED = 20_000, 2_000, 0


def moons(n: int, rng: np.random.Generator) -> Points:
    """Two half circles of radius 1, hooked into each other, with noise of deviation 0.07."""
    label = rng.integers(2, size=n)
    turn = rng.uniform(0, np.pi, n)
    x = np.where(label == 0, np.cos(turn), 1 - np.cos(turn))
    y = np.where(label == 0, np.sin(turn), 0.5 - np.sin(turn))
    return np.stack([x, y], 1) + rng.normal(0, 0.07, (n, 2)), label


def ring(n: int, rng: np.random.Generator) -> Points:
    """Eight Gaussians of deviation 0.07 on the unit circle."""
    label = rng.integers(8, size=n)
    turn = label * (2 * np.pi / 8)
    return np.stack([np.cos(turn), np.sin(turn)], 1) + rng.normal(0, 0.07, (n, 2)), label


def grid(n: int, rng: np.random.Generator) -> Points:
    """25 Gaussians of deviation 0.1 on the whole numbers from -2 to 2."""
    label = rng.integers(25, size=n)
    return np.stack([label % 5 - 2, label // 5 - 2], 1) + rng.normal(0, 0.1, (n, 2)), label


def spiral(n: int, rng: np.random.Generator) -> Points:
    """Two arms of one and a half turns, evenly filled along their length, with noise of deviation 0.15."""
    label = rng.integers(2, size=n)
    turn = 3 * np.pi * np.sqrt(rng.uniform(0.02, 1, n))  # the root: an outer turn is longer than an inner one
    x, y = turn * np.cos(turn + np.pi * label), turn * np.sin(turn + np.pi * label)
    return np.stack([x, y], 1) + rng.normal(0, 0.15, (n, 2)), label


def checkerboard(n: int, rng: np.random.Generator) -> Points:
    """The eight dark squares of a board of 4 by 4."""
    label = rng.integers(8, size=n)
    row, column = label // 2, 2 * (label % 2) + label // 2 % 2
    return np.stack([column, row], 1) - 2 + rng.uniform(0, 1, (n, 2)), label


def circles(n: int, rng: np.random.Generator) -> Points:
    """Circles of radius 1 and 0.5 about one centre, with noise of deviation 0.05."""
    label = rng.integers(2, size=n)
    turn = rng.uniform(0, 2 * np.pi, n)
    radius = np.where(label == 0, 1.0, 0.5)[:, None]
    return np.stack([np.cos(turn), np.sin(turn)], 1) * radius + rng.normal(0, 0.05, (n, 2)), label


SETS: dict[str, Callable[[int, np.random.Generator], Points]] = {
    f.__name__: f for f in (moons, ring, grid, spiral, checkerboard, circles)
}  # fmt: skip


def points(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(train x, train labels, test x, test labels): float32 (N, 2), the training set's mean 0 and mean square 1 an axis.

    Both axes are divided by one number, so that circles stay round.
    """
    x, labels = SETS[name](TRAIN + TEST, np.random.default_rng(SEED))
    x = x - x[:TRAIN].mean(0)
    x = (x / np.sqrt(np.square(x[:TRAIN]).mean())).astype(np.float32)
    return x[:TRAIN], labels[:TRAIN], x[TRAIN:], labels[TRAIN:]

"""2-D sets: what was made beside the very formula that the data are drawn from, so that nothing has to be guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from aigc.data.points import SEED, SETS, TEST, TRAIN
from aigc.evaluate.report import Figure, Line, Series
from aigc.evaluate.subject import Found, Subject
from aigc.evaluate.text import figure
from aigc.words import both

REACH, CELLS = 3.0, 40  # of the grid: standardised points lie within, outliers count into the outermost cells
NEVER = 0.1  # of a point in every cell of what is made, so that none is impossible
TRUE = 200_000  # points that stand for the distribution itself
FLOORS = 5  # fresh draws that give a floor
MATCHED, MATCHES = 2000, 2  # points of one assignment, a second or two of work, and assignments, each with true points of its own
HALVINGS = 6  # that the error of an assignment is taken from
MIXTURES = ("ring", "grid")  # sets whose classes are Gaussians, each a mode

COMPARING = both("Comparing points with the formula", "正在与公式对照")
MATCHING = both("Matching points one to one", "正在做一一匹配")


def fresh(name: str, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """New points (n, 2) of a set, moved and scaled as its training points were, and their classes (n,)."""
    raw, _ = SETS[name](TRAIN + TEST, np.random.default_rng(SEED))
    mean = raw[:TRAIN].mean(0)
    scale = np.sqrt(np.square(raw[:TRAIN] - mean).mean())
    x, labels = SETS[name](n, np.random.default_rng([seed, 1]))
    return (x - mean) / scale, labels


def examine(subject: Subject) -> Iterator[Found]:
    yield from subject.draw()
    yield COMPARING
    name, made = subject.data.spec.name, subject.samples.double().numpy()
    made = np.nan_to_num(made, posinf=1e6, neginf=-1e6)
    measure = measures(name)
    found = measure(made)
    rng = np.random.default_rng(subject.seed)
    errors = [measure(made[rng.integers(len(made), size=len(made))]) for _ in range(10)]
    floors = [measure(fresh(name, len(made), 100 + i)[0]) for i in range(FLOORS)]
    for key, value in found.items():
        error, floor = float(np.std([e[key] for e in errors], ddof=1)), float(np.mean([f[key] for f in floors]))
        yield figure(key, value, error, floor, n=len(made), floor_n=len(made), k=len(subject.data.spec.classes))
    yield MATCHING
    yield from transported(name, made)
    yield "class_shares", shares(subject, made)


def measures(name: str) -> Callable[[np.ndarray], dict[str, float]]:
    """The function from points (n, 2) of this set to its figures by name; what is true of the set is worked out once."""
    from scipy.spatial import cKDTree

    true, labels = fresh(name, TRUE, 1)
    histogram = on_grid(true)
    classes = int(labels.max()) + 1
    expected = np.bincount(labels, minlength=classes) / len(labels)
    if name in MIXTURES:
        tree = cKDTree(centres := np.stack([true[labels == k].mean(0) for k in range(classes)]))
        reach = 3 * float(np.sqrt(np.square(true - centres[labels]).mean()))
        owner = np.arange(classes)
    else:
        tree, owner = cKDTree(true[:TRAIN]), labels[:TRAIN]
        reach = float(np.quantile(tree.query(true[TRAIN : 2 * TRAIN])[0], 0.99))

    def measure(x: np.ndarray) -> dict[str, float]:
        apart, place = tree.query(x)
        near = apart <= reach
        per_mode = np.bincount(owner[place[near]], minlength=classes) / len(x)
        return {
            "modes": float((per_mode >= expected / 4).sum()), "near": 100 * float(near.mean()),
            "kl": divergence(histogram, on_grid(x, NEVER)), "js": jensen_shannon(histogram, on_grid(x)),
        }  # fmt: skip

    return measure


def on_grid(x: np.ndarray, more: float = 0.0) -> np.ndarray:
    """Share of points in every cell of a square, `more` of a point in each beforehand.  (n, 2) -> (CELLS²,)"""
    cell = np.clip(((x / REACH + 1) / 2 * CELLS).astype(int), 0, CELLS - 1)
    counts = np.bincount(cell[:, 0] * CELLS + cell[:, 1], minlength=CELLS * CELLS) + more
    return counts / counts.sum()


def divergence(p: np.ndarray, q: np.ndarray) -> float:
    """KL(p || q) in nats of two tables; infinite where q is 0 and p is not."""
    there = p > 0
    with np.errstate(divide="ignore"):
        return float((p[there] * np.log(p[there] / q[there])).sum())


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
    """In nats: 0 to log 2.   Lin 1991"""
    middle = (p + q) / 2
    return (divergence(p, middle) + divergence(q, middle)) / 2


def wasserstein(x: np.ndarray, y: np.ndarray) -> float:
    """The 2-Wasserstein distance of as many points by the best of all matchings.  (n, 2), (n, 2) -> float"""
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    cost = cdist(x, y, "sqeuclidean")
    return float(np.sqrt(cost[linear_sum_assignment(cost)].mean()))


def transported(name: str, made: np.ndarray) -> Iterator[Figure]:
    """The more points are matched, the lower is the floor: with 500 it was as high as the values of good models."""
    made = made[:MATCHED]
    n = len(made)
    true = [fresh(name, n, 200 + i)[0] for i in range(MATCHES)]
    value = float(np.mean([wasserstein(made, y) for y in true]))
    floor = float(np.mean([wasserstein(fresh(name, n, 300 + i)[0], y) for i, y in enumerate(true)]))
    yield figure("wasserstein", value, wasserstein_error(made, true[0]), floor, n=n, floor_n=n, matched=f"{n:,}")


def wasserstein_error(made: np.ndarray, true: np.ndarray) -> float:
    """What the distance would vary by with other points made: by how much two halves of them differ in theirs to half of the true ones."""
    rng, variances = np.random.default_rng(2026), []
    for _ in range(HALVINGS):
        some = true[rng.permutation(len(true))[: len(made) // 2]]
        order = rng.permutation(len(made))
        halves = order[: len(some)], order[len(some) : 2 * len(some)]
        variances.append(np.var([wasserstein(made[half], some) for half in halves], ddof=1) / 2)
    return float(np.sqrt(np.mean(variances)))


def shares(subject: Subject, made: np.ndarray) -> Series:
    """How many of the points are nearest to every class, beside how many should be."""
    from scipy.spatial import cKDTree

    classes = subject.data.spec.classes
    true, labels = fresh(subject.data.spec.name, TRAIN, 1)
    place = cKDTree(true).query(made)[1]

    def line(of: np.ndarray) -> Line:
        return [(float(k), 100 * float(v), None) for k, v in enumerate(np.bincount(of, minlength=len(classes)) / len(of))]

    return Series(
        both("Share of every class", "各类别占比"), both("class", "类别"), both("share, %", "占比，%"),
        {"samples": line(labels[place]), "real": line(labels)}, {"samples": both("points made", "生成的点"), "real": both("the formula", "公式")},
        both("A point belongs to the class of the nearest true point.", "每个点归入最近真实点所属的类别。"), part="points", joined=False,
    )  # fmt: skip

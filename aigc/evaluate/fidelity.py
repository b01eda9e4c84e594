"""Samples beside real pictures, in the features of a network taught on that data: FID, KID, precision, recall, density, coverage, scores.

The reference is the training split; the floors are as many pictures of the test split in the place of samples.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from aigc.evaluate import inception
from aigc.evaluate.distances import (
    frechet,
    frechet_error,
    inception_score,
    inception_score_error,
    kernel_distance,
    kernel_distance_and_error,
    moments,
)
from aigc.evaluate.neighbours import Closeness, closeness, mean_and_error, reference_errors
from aigc.evaluate.report import Figure, Line, Series
from aigc.evaluate.subject import Found, Note, Subject, as_bytes
from aigc.evaluate.text import figure
from aigc.words import both

FEWEST_HELD_OUT = 200  # test pictures that give floors: beside fewer nothing of value could be measured
MOST_PAIRED = 10_000  # examples a side where every one is laid beside every other: KID, precision, recall, density, coverage
NOISE = 0.1  # standard deviation of the yardstick's noise, of pictures in [-1, 1]

NO_SPREAD = both("No fidelity: it is measured beside two test pictures or more.", "未给出保真度：至少要有两张测试图像作对照。")
NO_FLOORS = both("No floors beside the fidelity: {n} test pictures are too few to give any.", "保真度没有真实对照值：{n} 张测试图像太少。")
AS_MANY = both(
    "Fidelity is measured with {n} samples: so many test pictures there are to give the floors, and a floor says something only of as many.",
    "保真度用 {n} 个样本测量：给出真实对照值的测试图像只有这么多，而两边数量相同才能对照。",
)
COMPARING = both("Comparing {n} samples with {m} real pictures", "正在比较 {n} 个样本与 {m} 张真实图像")


def examine(subject: Subject) -> Iterator[Found]:
    if len(subject.data.test_x) < 2:
        yield Note(NO_SPREAD)
        return
    yield from subject.draw()
    yield from subject.prepare()
    n, test = sides(subject)
    if test is None:
        yield Note(NO_FLOORS.fill(n=len(subject.data.test_x)))
    elif n < subject.n:
        yield Note(AS_MANY.fill(n=f"{n:,}"))
    yield COMPARING.fill(n=f"{n:,}", m=f"{len(subject.real[0]):,}")
    yield from distances(subject, n, test)
    yield from neighbourhoods(subject, n, test)
    yield from scores(subject, n, test)
    yield from inception.examine(subject)


def sides(subject: Subject) -> tuple[int, Tensor | None]:
    """How many samples are measured, the first ones, and the places of as many test pictures, which give the floors; None where there are too few."""
    held_out = len(subject.data.test_x)
    if held_out < min(subject.n, FEWEST_HELD_OUT):
        return subject.n, None
    n = min(subject.n, held_out)
    return n, subject.some_test(n)


def compared(subject: Subject, key: str, value: float, error: float | None, floor: float | None, n: int) -> Figure:
    """A figure of n samples, whose floor is of n test pictures."""
    return figure(key, value, error, floor, n=n, floor_n=0 if floor is None else n, net=subject.extractor.title)


def asked(subject: Subject, n: int) -> Tensor | None:
    """The classes that were asked for: so many of each, whatever else is drawn."""
    return None if subject.asked is None else subject.asked[:n].long()


def distances(subject: Subject, n: int, test: Tensor | None) -> Iterator[Figure]:
    x, reference = subject.read[0][:n], moments(subject.real[0])
    fid, error = frechet(*moments(x), *reference), frechet_error(x, *reference, asked(subject, n))
    floor = None if test is None else frechet(*moments(subject.test[0][test]), *reference)
    yield compared(subject, "fid", fid, error, floor, n)
    yield kernel_figure(subject, min(n, MOST_PAIRED), test)
    places = subject.some_real(n)
    noisy = with_noise(subject.data.x[places], subject)
    yardstick = frechet(*moments(subject.extractor.read(noisy)[0]), *reference)
    yield compared(subject, "yardstick", yardstick, None, None, len(places))
    if yardstick > 0:
        over = None if floor is None else floor / yardstick  # above 1 where noisy training pictures are nearer than clean test pictures
        yield compared(subject, "fid_ratio", fid / yardstick, error / yardstick, over, n)


def kernel_figure(subject: Subject, n: int, test: Tensor | None) -> Figure:
    x, real = subject.read[0][:n], subject.real[0][subject.some_real(MOST_PAIRED)]
    value, error = kernel_distance_and_error(x, real, asked(subject, n))
    floor = None if test is None else 1000 * kernel_distance(subject.test[0][subject.some_test(n)], real)
    return compared(subject, "kid", 1000 * value, 1000 * error, floor, n)


def with_noise(x: Tensor, subject: Subject) -> Tensor:
    """uint8 pictures with Gaussian noise, cut and rounded as samples are.  (N, C, H, W) -> the same"""
    noise = torch.randn(x.shape, generator=subject.rng(1)) * (NOISE / 2)  # [0, 1] is half as wide as [-1, 1]
    return as_bytes(x.float() / 255 + noise)


def neighbourhoods(subject: Subject, n: int, test: Tensor | None) -> Iterator[Figure]:
    n = min(n, MOST_PAIRED)
    real = subject.real[0][subject.some_real(n)]
    x, classes = subject.read[0][:n], asked(subject, n)
    found, (recall, coverage) = closeness(real, x), reference_errors(real, x, classes)
    precision, density = mean_and_error(found.in_real, classes)[1], mean_and_error(found.balls, classes)[1]
    errors = {"precision": precision, "recall": recall, "density": density, "coverage": coverage}
    floors = {} if test is None else _means(closeness(real, subject.test[0][subject.some_test(n)]))
    for key, value in _means(found).items():
        yield compared(subject, key, value, errors[key], floors.get(key), n)


def _means(c: Closeness) -> dict[str, float]:
    values = {"precision": c.in_real, "recall": c.in_samples, "density": c.balls, "coverage": c.covered}
    return {key: float(value.double().mean()) for key, value in values.items()}


def scores(subject: Subject, n: int, test: Tensor | None) -> Iterator[Found]:
    """What the network reads in the samples: how surely, the class asked for, the share of every class."""
    if not subject.data.spec.classes:
        return
    logits, of_test = subject.read[1][:n], None if test is None else subject.test[1][test]
    surely, error = inception_score(logits), inception_score_error(logits, asked(subject, n))
    yield compared(subject, "inception_score", surely, error, None if of_test is None else inception_score(of_test), n)
    if (classes := asked(subject, n)) is not None:
        value, error = mean_and_error(logits.argmax(1) == classes, classes)
        assert subject.data.test_labels is not None, "a conditional model was trained with labels"
        right = None if of_test is None else 100 * mean_and_error(of_test.argmax(1) == subject.data.test_labels[test])[0]
        yield compared(subject, "asked_class", 100 * value, 100 * error, right, n)
    yield from class_shares(subject, test)


def class_shares(subject: Subject, test: Tensor | None) -> Iterator[Found]:
    """Of all samples; the floor is left out where there are not as many test pictures."""
    classes, labels = subject.data.spec.classes, subject.data.labels
    assert labels is not None, "asked only of data with classes"

    def shares(of: Tensor) -> Tensor:
        return 100 * of.bincount(minlength=len(classes)) / len(of)

    read = subject.read[1].argmax(1)
    made, real = shares(read), shares(labels)
    off, errors = (made - real).abs(), [100 * mean_and_error(read == i, asked(subject, subject.n))[1] for i in range(len(classes))]
    worst, floor = int(off.argmax()), None
    if test is not None and len(test) == subject.n:
        floor = float((shares(subject.test[1][test].argmax(1)) - real).abs().max())
    yield compared(subject, "class_shares", float(off[worst]), errors[worst], floor, subject.n)
    named = [(i, c) for i, c in enumerate(classes) if c.en != str(i)]  # a digit needs no name
    names = both("".join(f" {i} {c.en}." for i, c in named), "".join(f"{i} {c.zh}。" for i, c in named))
    lines: dict[str, Line] = {
        "samples": [(float(i), float(made[i]), errors[i]) for i in range(len(classes))],
        "real": [(float(i), float(real[i]), None) for i in range(len(classes))],
    }
    yield (
        "class_shares",
        Series(
            both("Share of every class", "各类别占比"),
            both("class", "类别"),
            both("share, %", "占比，%"),
            lines,
            {"samples": both("samples", "样本"), "real": both("training pictures", "训练图像")},
            both(
                "How often each class is read among samples and among training pictures.{names}",
                "样本与训练图像中各类别出现的比例。{names}",
            ).fill(names=names),
            part="fidelity",
            joined=False,
        ),
    )

"""Samples beside real pictures, in the features of a network taught on that data: FID, KID, precision, recall, density, coverage, scores.

The reference is the training split; the floors are the test split in the place of samples.
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
from aigc.evaluate.neighbours import Closeness, closeness, mean_and_error
from aigc.evaluate.report import Figure, Line, Series
from aigc.evaluate.subject import Found, Note, Subject, as_bytes
from aigc.evaluate.text import figure
from aigc.words import both

MOST_PAIRED = 10_000  # examples a side where every one is laid beside every other: KID, precision, recall, density, coverage
NOISE = 0.1  # standard deviation of the yardstick's noise, of pictures in [-1, 1]

NO_SPREAD = both("No fidelity: it is measured beside two test pictures or more.", "未给出保真度：至少要有两张测试图像作对照。")
COMPARING = both("Comparing {n} samples with {m} real pictures", "正在比较 {n} 个样本与 {m} 张真实图像")


def examine(subject: Subject) -> Iterator[Found]:
    if len(subject.data.test_x) < 2:
        yield Note(NO_SPREAD)
        return
    yield from subject.draw()
    yield from subject.prepare()
    yield COMPARING.fill(n=f"{subject.n:,}", m=f"{len(subject.real[0]):,}")
    yield from distances(subject)
    yield from neighbourhoods(subject)
    yield from scores(subject)
    yield from inception.examine(subject)


def distances(subject: Subject) -> Iterator[Figure]:
    x, real, test = subject.read[0], subject.real[0], subject.test[0][subject.some_test(subject.n)]
    title, reference, n = subject.extractor.title, moments(real), subject.n
    fid, error = frechet(*moments(x), *reference), frechet_error(x, *reference, subject.rng())
    fid_of_test = frechet(*moments(test), *reference)
    yield figure("fid", fid, error, fid_of_test, n=n, floor_n=len(test), net=title)
    yield kernel_figure(x[:MOST_PAIRED], test[:MOST_PAIRED], real[subject.some_real(MOST_PAIRED)], subject)
    places = subject.some_real(n)
    noisy = with_noise(subject.data.x[places], subject)
    yardstick = frechet(*moments(subject.extractor.read(noisy)[0]), *reference)
    yield figure("yardstick", yardstick, n=len(places), net=title)
    if yardstick > 0:
        floor = fid_of_test / yardstick  # above 1 where noisy training pictures are nearer than clean test pictures
        yield figure("fid_ratio", fid / yardstick, error / yardstick, floor, n=n, floor_n=len(test), net=title)


def kernel_figure(x: Tensor, test: Tensor, real: Tensor, subject: Subject) -> Figure:
    value, error = kernel_distance_and_error(x, real, subject.rng())
    floor, title = kernel_distance(test, real), subject.extractor.title
    return figure("kid", 1000 * value, 1000 * error, 1000 * floor, n=len(x), floor_n=len(test), net=title)


def with_noise(x: Tensor, subject: Subject) -> Tensor:
    """uint8 pictures with Gaussian noise, cut and rounded as samples are.  (N, C, H, W) -> the same"""
    noise = torch.randn(x.shape, generator=subject.rng(1)) * (NOISE / 2)  # [0, 1] is half as wide as [-1, 1]
    return as_bytes(x.float() / 255 + noise)


def neighbourhoods(subject: Subject) -> Iterator[Figure]:
    n = min(MOST_PAIRED, subject.n)
    real, x, test = subject.real[0][subject.some_real(n)], subject.read[0][:n], subject.test[0][subject.some_test(n)]
    found, floor = _means(closeness(real, x)), _means(closeness(real, test))
    for key, (value, error) in found.items():
        yield figure(key, value, error, floor[key][0], n=len(x), floor_n=len(test), net=subject.extractor.title)


def _means(c: Closeness) -> dict[str, tuple[float, float]]:
    values = {"precision": c.in_real, "recall": c.in_samples, "density": c.balls, "coverage": c.covered}
    return {key: mean_and_error(value) for key, value in values.items()}


def scores(subject: Subject) -> Iterator[Found]:
    """What the network reads in the samples: how surely, the class asked for, the share of every class."""
    if not subject.data.spec.classes:
        return
    places, title = subject.some_test(subject.n), subject.extractor.title
    logits, test = subject.read[1], subject.test[1][places]
    surely, error = inception_score(logits), inception_score_error(logits, subject.rng(2))
    yield figure("inception_score", surely, error, inception_score(test), n=subject.n, floor_n=len(test), net=title)
    if subject.asked is not None:
        value, error = mean_and_error(logits.argmax(1) == subject.asked)
        assert subject.data.test_labels is not None, "a conditional model was trained with labels"
        right = (test.argmax(1) == subject.data.test_labels[places]).double().mean()
        yield figure("asked_class", 100 * value, 100 * error, 100 * float(right), n=subject.n, floor_n=len(test), net=title)
    yield from class_shares(subject)


def class_shares(subject: Subject) -> Iterator[Found]:
    classes, labels = subject.data.spec.classes, subject.data.labels
    assert labels is not None, "asked only of data with classes"

    def shares(of: Tensor) -> Tensor:
        return 100 * of.bincount(minlength=len(classes)) / len(of)

    places = subject.some_test(subject.n)
    made, real, test = shares(subject.read[1].argmax(1)), shares(labels), shares(subject.test[1][places].argmax(1))
    off, errors = (made - real).abs(), (made * (100 - made) / subject.n).sqrt()
    worst, tested = int(off.argmax()), len(places)
    floor = float((test - real).abs().max())
    yield figure(
        "class_shares", float(off[worst]), float(errors[worst]), floor, n=subject.n, floor_n=tested, net=subject.extractor.title
    )  # fmt: skip
    named = [(i, c) for i, c in enumerate(classes) if c.en != str(i)]  # a digit needs no name
    names = both("".join(f" {i} {c.en}." for i, c in named), "".join(f"{i} {c.zh}。" for i, c in named))
    lines: dict[str, Line] = {
        "samples": [(float(i), float(made[i]), float(errors[i])) for i in range(len(classes))],
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
        ),
    )

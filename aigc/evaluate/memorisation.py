"""Whether samples are training pictures over again: how near the nearest one is, beside how near it is to test pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from aigc.evaluate.neighbours import mean_and_error, nearest
from aigc.evaluate.report import Figure
from aigc.evaluate.subject import Found, Picture, Subject
from aigc.evaluate.text import figure
from aigc.words import Words, both

MOST = 1000  # samples, and test pictures beside them
CLOSEST = 0.01  # a copy is nearer to a training picture than all but this share of test pictures
ROWS, COLUMNS = 10, 7  # samples shown, and the nearest training pictures of each

SEARCHING = both("Looking for the nearest training pictures", "正在寻找最近的训练图像")
IN_PIXELS = both("pixels", "像素空间")
IN_FEATURES = both("features of {net}", "{net} 特征空间")


def examine(subject: Subject) -> Iterator[Found]:
    yield from subject.draw()
    n, test = min(MOST, subject.n), subject.some_test(MOST)
    spaces: list[tuple[str, Words, Callable[[], tuple[Tensor, Tensor, Tensor]]]] = [
        ("pixels", IN_PIXELS, lambda: (_flat(subject.samples[:n]), _flat(subject.data.test_x[test]), _flat(subject.data.x)))
    ]
    if subject.seen:
        yield from subject.prepare()
        title = IN_FEATURES.fill(net=subject.extractor.title)
        spaces.append(("features", title, lambda: (subject.read[0][:n], subject.test[0][test], subject.real[0])))
    yield SEARCHING
    for space, title, vectors in spaces:
        x, held_out, train = vectors()
        apart, places = nearest(x, train, COLUMNS)
        yield from shares(space, title, apart[:, 0], nearest(held_out, train)[0][:, 0])
        shown = closest(apart[:, 0], None if subject.data.labels is None else subject.data.labels[places[:, 0]])
        yield Picture(f"neighbours_{space}", torch.cat([subject.samples[shown][:, None], subject.data.x[places[shown]]], 1))


def closest(apart: Tensor, classes: Tensor | None) -> list[int]:
    """Which samples to show, nearest first, from their distances and the classes they are nearest to: one of each class, and others."""
    order = apart.argsort().tolist()
    of_class = {} if classes is None else {int(classes[i]): i for i in reversed(order)}
    firsts = sorted(of_class.values(), key=order.index)
    return sorted([*dict.fromkeys([*firsts, *order])][:ROWS], key=order.index)


def _flat(x: Tensor) -> Tensor:
    return x.flatten(1).float() / 255


def shares(space: str, title: Words, made: Tensor, test: Tensor) -> Iterator[Figure]:
    """From the squared distances of samples (N,) and of test pictures (M,) to their nearest training pictures."""
    ordered = test.sort().values
    below = torch.searchsorted(ordered, made.contiguous(), right=True)  # test pictures that are nearer than the sample, or as near
    value, error = mean_and_error(1 - below / len(ordered))
    yield figure(f"nearer_{space}", 100 * value, 100 * error, 50.0, n=len(made), floor_n=len(test), of="nearer", space=title)
    limit = ordered[int(CLOSEST * len(ordered))]
    value, error = mean_and_error(made < limit)
    yield figure(f"copies_{space}", 100 * value, 100 * error, 100 * CLOSEST, n=len(made), floor_n=len(test), of="copies", space=title)

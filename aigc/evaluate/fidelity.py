"""Samples beside real pictures, in the features of a network taught on that data: FID, KID, precision, recall, density, coverage, scores.

The reference is the training split; the floors are the test split in the place of samples.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from aigc.evaluate.distances import (
    frechet,
    frechet_error,
    inception_score,
    inception_score_error,
    kernel_distance_in_blocks,
    moments,
)
from aigc.evaluate.neighbours import Closeness, closeness, mean_and_error
from aigc.evaluate.report import Figure, Series
from aigc.evaluate.subject import Found, Subject, as_bytes
from aigc.words import Words, both

MOST_NEIGHBOURS = 10_000  # examples a side of precision, recall, density and coverage
NOISE = 0.1  # standard deviation of the yardstick's noise, of pictures in [-1, 1]

COMPARING = both("Comparing {n} samples with {m} real pictures", "正在比较 {n} 个样本与 {m} 张真实图像")


def examine(subject: Subject) -> Iterator[Found]:
    yield from subject.draw()
    yield from subject.prepare()
    real = subject.real[0]
    yield COMPARING.fill(n=f"{subject.n:,}", m=f"{len(real):,}")
    yield from distances(subject)
    yield from neighbourhoods(subject)
    yield from scores(subject)


def distances(subject: Subject) -> Iterator[Found]:
    x, (real, test) = subject.read[0], (subject.real[0], subject.test[0])
    title, reference = subject.extractor.title, moments(real)
    test = test[: subject.n]
    fid = frechet(*moments(x), *reference)
    error = frechet_error(x, *reference, subject.rng())
    yield Figure(
        "fid", both("FID, {net}", "FID，{net}").fill(net=title), fid, error, frechet(*moments(test), *reference), subject.n,
        both("Distance between two Gaussians, one fitted to the features of the samples, one to those of all training pictures. It falls with n, so "
             "compare equal n only.",
             "样本特征与全部训练图像特征各拟合一个高斯分布，此为两者的距离。它随 n 减小，只能在 n 相同时比较。"),
        part="fidelity", floor_n=len(test),
    )  # fmt: skip
    value, error_of_kid = kernel_distance_in_blocks(x, real, subject.rng())
    floor, _ = kernel_distance_in_blocks(test, real, subject.rng())
    yield Figure(
        "kid", both("KID × 1000, {net}", "KID × 1000，{net}").fill(net=title), 1000 * value, 1000 * error_of_kid, 1000 * floor, subject.n,
        both("Squared distance of means under a cubic kernel: unbiased, 0 on average where both are alike, so it may fall below 0.",
             "三次核下均值的平方距离：无偏，分布相同时平均为 0，因此可能略小于 0。"),
        part="fidelity", floor_n=len(test),
    )  # fmt: skip
    yield from yardstick(subject, fid, error, reference)


def yardstick(subject: Subject, fid: float, error: float, reference: tuple[Tensor, Tensor]) -> Iterator[Figure]:
    """The FID of real training pictures with a little noise on them, and how the samples' compares: a unit that any network gives."""
    places = subject.some_real(subject.n)
    noisy = with_noise(subject.data.x[places], subject)
    value = frechet(*moments(subject.extractor.read(noisy)[0]), *reference)
    title = subject.extractor.title
    yield Figure(
        "yardstick", both("Yardstick: FID of noisy real pictures, {net}", "标尺：加噪真实图像的 FID，{net}").fill(net=title), value, None, None, len(places),
        both("FID of as many real training pictures with Gaussian noise of standard deviation 0.1 on them (pictures in [-1, 1], cut to it).",
             "同样多的真实训练图像加上标准差 0.1 的高斯噪声（图像取值 [-1, 1]，并截断）后的 FID。"),
        part="fidelity", better="",
    )  # fmt: skip
    if value > 0:
        yield Figure(
            "fid_ratio", both("FID over the yardstick, {net}", "FID 与标尺之比，{net}").fill(net=title), fid / value, error / value, None, subject.n,
            both("Below 1 the samples are nearer to real pictures than slightly noisy real pictures are.", "小于 1 表示样本比略带噪声的真实图像更接近真实图像。"),
            part="fidelity",
        )  # fmt: skip


def with_noise(x: Tensor, subject: Subject) -> Tensor:
    """uint8 pictures with Gaussian noise, cut and rounded as samples are.  (N, C, H, W) -> the same"""
    noise = torch.randn(x.shape, generator=subject.rng(1)) * NOISE / 2  # [0, 1] is half as wide as [-1, 1]
    return as_bytes(x.float() / 255 + noise)


def neighbourhoods(subject: Subject) -> Iterator[Figure]:
    real = subject.real[0][subject.some_real(min(MOST_NEIGHBOURS, subject.n))]
    x, test = subject.read[0][:MOST_NEIGHBOURS], subject.test[0][: min(MOST_NEIGHBOURS, subject.n)]
    found, floor = _means(closeness(real, x)), _means(closeness(real, test))
    for key, (label, help) in CLOSENESS.items():
        value, error = found[key]
        yield Figure(
            key, both("{of}, {net}", "{of}，{net}").fill(of=label, net=subject.extractor.title), value, error, floor[key][0], len(x), help,
            better="high", part="fidelity", floor_n=len(test),
        )  # fmt: skip


def _means(c: Closeness) -> dict[str, tuple[float, float]]:
    values = {"precision": c.in_real, "recall": c.in_samples, "density": c.balls, "coverage": c.covered}
    return {key: mean_and_error(value) for key, value in values.items()}


CLOSENESS: dict[str, tuple[Words, Words]] = {
    "precision": (
        both("Precision (k = 3)", "精确率（k = 3）"),
        both("Share of samples that lie as near to a real picture as its third neighbour does: are they good?",
             "落在某张真实图像第三近邻半径之内的样本比例：质量如何？"),
    ),
    "recall": (
        both("Recall (k = 3)", "召回率（k = 3）"),
        both("Share of real pictures that lie as near to a sample as its third neighbour does: is everything there?",
             "落在某个样本第三近邻半径之内的真实图像比例：是否齐全？"),
    ),
    "density": (
        both("Density (k = 5)", "密度（k = 5）"),
        both("In how many balls of real pictures a sample lies, over k; about 1 for real ones, more where samples crowd into the typical.",
             "每个样本落在多少个真实图像的邻域球内（除以 k）；真实图像约为 1，样本扎堆于典型处时更大。"),
    ),
    "coverage": (
        both("Coverage (k = 5)", "覆盖率（k = 5）"),
        both("Share of real pictures that have a sample among their neighbourhood of five: unlike recall, outliers do not help.",
             "五近邻球内有样本的真实图像比例；与召回率不同，离群样本不会抬高它。"),
    ),
}  # fmt: skip


def scores(subject: Subject) -> Iterator[Found]:
    """What the network reads in the samples: how surely, the class asked for, the share of every class."""
    logits, test, title = subject.read[1], subject.test[1][: subject.n], subject.extractor.title
    yield Figure(
        "inception_score", both("Inception-style score, {net}", "Inception 式得分，{net}").fill(net=title), inception_score(logits),
        inception_score_error(logits, subject.rng(2)), inception_score(test), subject.n,
        both("High where every sample is read surely and all classes come up alike; at most the number of classes.",
             "每个样本都被确信地识别、且各类出现均匀时高；最大为类别数。"),
        better="high", part="fidelity", floor_n=len(test),
    )  # fmt: skip
    if subject.asked is not None:
        value, error = mean_and_error(logits.argmax(1) == subject.asked)
        assert subject.data.test_labels is not None, "a conditional model was trained with labels"
        right = (test.argmax(1) == subject.data.test_labels[: len(test)]).double().mean()
        yield Figure(
            "asked_class", both("Read as the class asked for, {net}", "被识别为所要求类别的比例，{net}").fill(net=title), 100 * value, 100 * error,
            100 * float(right), subject.n, both("Share of samples in which the network sees the class that was asked for; beside it, real test pictures.",
                                                "网络识别出的类别与所要求类别一致的样本比例；旁边是真实测试图像。"),
            unit="%", better="high", part="fidelity", floor_n=len(test),
        )  # fmt: skip
    else:
        yield from class_shares(subject)


def class_shares(subject: Subject) -> Iterator[Found]:
    classes, labels = subject.data.spec.classes, subject.data.labels
    assert labels is not None, "there is a network only where there are labels"

    def shares(of: Tensor) -> Tensor:
        return 100 * of.bincount(minlength=len(classes)) / len(of)

    made, real = shares(subject.read[1].argmax(1)), shares(labels)
    off, floor = (made - real).abs(), (shares(subject.test[1].argmax(1)) - real).abs()
    worst = int(off.argmax())
    errors = (made * (100 - made) / subject.n).sqrt()
    yield Figure(
        "class_shares", both("Largest error of a class's share, {net}", "类别占比的最大偏差，{net}").fill(net=subject.extractor.title), float(off[worst]),
        float(errors[worst]), float(floor.max()), subject.n,
        both("By how many points the share of the worst class among samples differs from its share among training pictures.",
             "样本中偏差最大的类别，其占比与训练图像中相差多少个百分点。"),
        unit="points", part="fidelity", floor_n=len(subject.test[1]),
    )  # fmt: skip
    names = both(", ".join(f"{i} {c.en}" for i, c in enumerate(classes)), "、".join(f"{i} {c.zh}" for i, c in enumerate(classes)))
    lines = {
        "samples": [(float(i), float(m), float(e)) for i, (m, e) in enumerate(zip(made, errors, strict=True))],
        "real": [(float(i), float(r), None) for i, r in enumerate(real)],
    }
    yield "class_shares", Series(
        both("Share of every class", "各类别占比"), both("class", "类别"), both("share, %", "占比，%"), lines,
        {"samples": both("samples", "样本"), "real": both("training pictures", "训练图像")},
        both("How often each class is read among samples and among training pictures. {names}.", "样本与训练图像中各类别出现的比例。{names}。").fill(names=names),
        part="fidelity",
    )  # fmt: skip

"""What samples are good for: classifiers taught on them, alone or beside a few real pictures, and tested on real ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from statistics import fmean, stdev

import torch
from torch import Tensor

from aigc.data.augment import Augmentation
from aigc.data.load import Dataset
from aigc.evaluate.neighbours import mean_and_error
from aigc.evaluate.report import Line, Series
from aigc.evaluate.subject import Found, Subject
from aigc.evaluate.teach import Lesson, taught
from aigc.evaluate.text import figure
from aigc.nets.classifier import Classifier, read_pictures
from aigc.words import both

FEWEST, TIMES, MOST = 12_000, 3, 180_000  # pictures that the classifier sees: every sample three times, within these bounds
PER_CLASS = (5, 10, 20, 50, 100)
SMALL = Lesson(12_000, batch=50, width=16, augmentation=Augmentation(shift=0.08, rotation=8, scale=0.08))  # few pictures need it
SMALL_TEST = 2_000  # test pictures that the many small classifiers are held against
TIMES_TAUGHT = 3  # each with other weights to begin with and in another order

TEACHING = both("Teaching a classifier on {what}", "正在用{what}训练分类器")
ON_SAMPLES, ON_REAL = both("samples alone", "样本"), both("as many real pictures", "同样多的真实图像")
FEW = both("{k} real pictures per class", "每类 {k} 张真实图像")
AS_ASKED = both("Labels are the classes asked for.", "标签为所要求的类别。")
AS_READ = both(
    "Labels are what the {net} reads in the samples, and it was taught on real pictures.", "标签由 {net} 识别样本得到，而它是用真实图像训练的。"
)


def examine(subject: Subject) -> Iterator[Found]:
    yield from subject.draw()
    labels, how = subject.asked, AS_ASKED
    if labels is None:
        labels, how = subject.read[1].argmax(1), AS_READ.fill(net=subject.extractor.title)
    samples = dataset(subject.data, subject.samples, labels)
    n = min(subject.n, len(subject.data))  # of both, so that the floor is of as many
    lesson = Lesson(min(max(FEWEST, TIMES * n), MOST), seed=subject.seed)
    yield TEACHING.fill(what=ON_SAMPLES)
    value, error = taught_and_right(subject, dataset(subject.data, subject.samples[:n], labels[:n]), lesson)
    yield TEACHING.fill(what=ON_REAL)
    real = some_of(subject.data, subject.some_real(n))
    floor, _ = right(subject, taught(real, lesson, subject.model.device))
    yield figure("taught_on_samples", 100 * value, 100 * error, 100 * floor, n=n, floor_n=n, how=how)
    yield from sweep(subject, samples)


def sweep(subject: Subject, samples: Dataset) -> Iterator[Found]:
    """Accuracy by real pictures per class, with and without samples beside them; at 0 there are only samples."""
    alone: Line = []
    beside: Line = []
    beside.append(_point(0, subject, samples))
    for k in PER_CLASS:
        yield TEACHING.fill(what=FEW.fill(k=k))
        few = some_of(subject.data, per_class(subject.data, k))
        alone.append(_point(k, subject, few))
        beside.append(_point(k, subject, mixed(few, samples)))
    yield (
        "usefulness",
        Series(
            both("Accuracy by real pictures per class", "正确率随每类真实图像数的变化"),
            both("real pictures per class", "每类真实图像数"),
            both("test accuracy, %", "测试正确率，%"),
            {"alone": alone, "beside": beside},
            {"alone": both("real pictures alone", "仅真实图像"), "beside": both("with samples beside them", "加上样本")},
            both(
                "Small classifiers, taught the same way every time, three for each point; where the line with samples is higher, they add what few "
                "real pictures lack.",
                "每个点以同样方式训练三个小分类器；加上样本后的线更高之处，样本补上了少量真实图像所缺的东西。",
            ),
            part="usefulness",
        ),
    )


def _point(k: int, subject: Subject, data: Dataset) -> tuple[float, float, float]:
    value, error = taught_and_right(subject, data, SMALL, SMALL_TEST)
    return float(k), 100 * value, 100 * error


def taught_and_right(subject: Subject, data: Dataset, lesson: Lesson, most: int | None = None) -> tuple[float, float]:
    """Share of real test pictures named right by classifiers taught on `data`: the mean of several, and the error of that, which comes from
    the teachings and from the test pictures."""
    lessons = [replace(lesson, seed=lesson.seed + i) for i in range(TIMES_TAUGHT)]
    values, errors = zip(*(right(subject, taught(data, each, subject.model.device), most) for each in lessons), strict=True)
    return fmean(values), math.hypot(stdev(values) / math.sqrt(len(values)), fmean(errors))


def right(subject: Subject, network: Classifier, most: int | None = None) -> tuple[float, float]:
    """Share of real test pictures named right, and its standard error."""
    assert subject.data.test_labels is not None, "this part is examined only where there are labels"
    places = subject.some_test(most or len(subject.data.test_x))
    return mean_and_error(read_pictures(network, subject.data.test_x[places])[1].argmax(1) == subject.data.test_labels[places])


def dataset(like: Dataset, x: Tensor, labels: Tensor) -> Dataset:
    return Dataset(like.spec, x, labels, like.test_x, like.test_labels)


def some_of(data: Dataset, places: Tensor) -> Dataset:
    assert data.labels is not None, "this part is examined only where there are labels"
    return dataset(data, data.x[places], data.labels[places])


def per_class(data: Dataset, k: int) -> Tensor:
    """Places of k training pictures of every class, the same every time."""
    assert data.labels is not None, "this part is examined only where there are labels"
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(2026))
    return torch.cat([order[data.labels[order] == c][:k] for c in range(len(data.spec.classes))])


def mixed(few: Dataset, samples: Dataset) -> Dataset:
    """Samples and real pictures, the few repeated until they are about as many."""
    assert few.labels is not None and samples.labels is not None, "both are labelled"
    times = max(1, len(samples) // len(few))
    return dataset(few, torch.cat([samples.x, few.x.repeat(times, 1, 1, 1)]), torch.cat([samples.labels, few.labels.repeat(times)]))

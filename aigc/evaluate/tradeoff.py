"""Quality against variety: precision and recall while the sampling knob that buys the one with the other is turned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from aigc.evaluate import dial_of
from aigc.evaluate.neighbours import closeness, mean_and_error, reference_errors
from aigc.evaluate.report import Line, Series
from aigc.evaluate.subject import Found, Subject, as_bytes
from aigc.knobs import knobs
from aigc.registry.sampling import pieces
from aigc.words import both

SETTINGS = {
    "guidance": (1.0, 1.25, 1.5, 2.0, 3.0, 5.0),
    "truncation": (0.2, 0.4, 0.6, 0.8, 1.0, 1.2),
    "temperature": (0.2, 0.4, 0.6, 0.8, 1.0, 1.2),
}
SAMPLES, SAMPLES_ON_CPU = 2000, 500  # at every setting

TURNING = both("{knob} {value:g}", "{knob} {value:g}")


def examine(subject: Subject) -> Iterator[Found]:
    info = type(subject.model).info
    name = dial_of(info.Sampling, subject.model.config)
    knob = knobs(info.Sampling)[name]
    settings = [v for v in SETTINGS[name] if (knob.low is None or v >= knob.low) and (knob.high is None or v <= knob.high)]
    n = min(subject.n, SAMPLES_ON_CPU if subject.model.device.type == "cpu" else SAMPLES)
    yield from subject.prepare()
    real = subject.real[0][subject.some_real(n)]
    precision: Line = []
    recall: Line = []
    for value in settings:
        yield TURNING.fill(knob=knob.label, value=value)
        x, classes = features(subject, n, {**subject.how, name: value})
        found = closeness(real, x)
        precision.append((value, *mean_and_error(found.in_real, classes)))
        recall.append((value, mean_and_error(found.in_samples)[0], reference_errors(real, x, classes)[0]))
    names = {"precision": both("precision", "精确率"), "recall": both("recall", "召回率")}
    net = subject.extractor.title
    measured = both(
        "{n} samples at every setting, k = 3, {net}; with so few, both read lower or higher than an evaluation of many.",
        "每个设定 {n} 个样本，k = 3，{net}；样本少，数值与大样本评估不可直接比较。",
    ).fill(n=n, net=net)
    yield (
        "tradeoff",
        Series(
            both("Precision and recall by {knob}", "精确率与召回率随{knob}的变化").fill(knob=knob.label),
            knob.label,
            both("share", "比例"),
            {"precision": precision, "recall": recall},
            names,
            measured,
            part="tradeoff",
        ),
    )
    yield (
        "precision_recall",
        Series(
            both("Precision against recall", "精确率与召回率"),
            names["recall"],
            names["precision"],
            {"sweep": [(r, p, e) for (_, r, _), (_, p, e) in zip(recall, precision, strict=True)]},
            {"sweep": both("{knob} from {a:g} to {b:g}", "{knob}从 {a:g} 到 {b:g}").fill(knob=knob.label, a=settings[0], b=settings[-1])},
            measured,
            part="tradeoff",
        ),
    )


def features(subject: Subject, n: int, how: dict[str, Any]) -> tuple[Tensor, Tensor | None]:
    """Of n samples made in this way, and the classes asked for.  -> (n, F), (n,)"""
    made, labels = zip(*((as_bytes(x), labels) for x, labels in pieces(subject.model, n, subject.seed, how=how)), strict=True)
    return subject.extractor.read(torch.cat(made))[0], None if labels[0] is None else torch.cat(labels)

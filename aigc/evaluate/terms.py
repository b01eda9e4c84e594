"""What the figures that are measured during training are called: curves of a run, without torch."""

from __future__ import annotations

from aigc.data import DataSpec
from aigc.evaluate.feature_card import NAMES
from aigc.techniques import Role, Term
from aigc.words import both

LIVE_SAMPLES = 512


def measured_terms(data: DataSpec) -> dict[str, Term]:
    """The terms of `events.Measured` on this data, by key."""
    name = NAMES.get(data.name, data.name)
    return {
        "fid": Term(
            both("FID-{n}, {net} CNN", "FID-{n}，{net} CNN").fill(n=LIVE_SAMPLES, net=name),
            both(
                "Distance of {n} quickly made samples from real pictures, in the features of a network taught on them; with so few it reads higher "
                "than an evaluation does.",
                "{n} 个快速生成的样本与真实图像的距离，用在该数据上训练的网络的特征计算；样本少，读数高于正式评估。",
            ).fill(n=LIVE_SAMPLES),
            Role.GENERATED,
            panel="quality",
        ),
        "asked_class": Term(
            both("Read as the class asked for, {net} CNN", "被识别为所要求类别，{net} CNN").fill(net=name),
            both("Share of {n} samples in which the network sees the class asked for.", "{n} 个样本中被识别为所要求类别的比例。").fill(
                n=LIVE_SAMPLES
            ),
            Role.GENERATED,
            unit="%",
            panel="classes",
        ),
        "js": Term(
            both("Jensen-Shannon divergence, {n} points", "JS 散度，{n} 个点").fill(n=LIVE_SAMPLES),
            both(
                "Between the points and the formula on a 40 × 40 grid; so few points never reach 0.",
                "点集与公式在 40 × 40 网格上的差异；点数这么少不会降到 0。",
            ),
            Role.GENERATED,
            unit="nats",
            panel="quality",
        ),
    }

"""What is asked of sampling, held against what the model was taught: pure checks, each refusal a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from aigc.knobs import read
from aigc.techniques.diffusion import GUIDANCE, Config, Path, Sampler, Sampling, default_guidance, default_steps
from aigc.words import Refusal, both

ON_STRAIGHT = (Sampler.EULER, Sampler.HEUN, Sampler.ADAMS)


def chosen(asked: Mapping[str, Any], config: Config, *, points: bool = False) -> Sampling:
    """The sampling knobs asked for, with "what suits the path" and the default guidance worked out.  Raises Refusal for what this model cannot do.

    Pictures are as good after ten looks as after a hundred; points are judged by where exactly they lie, and get Heun's two looks a step.
    """
    how, straight = read(Sampling, asked), config.path is Path.STRAIGHT
    if "steps" not in asked:
        how = replace(how, steps=default_steps(config))
    if "guidance" not in asked:
        how = replace(how, guidance=default_guidance(config))
    if how.steps > config.levels:
        raise Refusal(both("This model has {t} noise levels: take at most {t} steps.", "此模型只有 {t} 个噪声级：最多取 {t} 步。"), t=config.levels)
    if how.sampler is Sampler.AUTOMATIC:
        suits = Sampler.EULER if config.teacher else Sampler.HEUN if points else Sampler.ADAMS
        how = replace(how, sampler=suits if straight else Sampler.DPM_SOLVER)
    if how.guidance == GUIDANCE and not config.guidable:
        how = replace(how, guidance=1.0)
    if how.sampler in ON_STRAIGHT and not straight:
        raise Refusal(
            both("{sampler} follows the straight line of flow matching; for “{path}” choose DDIM, DDPM, DPM-Solver++ or UniPC.",
                 "{sampler}沿流匹配的直线走；对“{path}”请选 DDIM、DDPM、DPM-Solver++ 或 UniPC。"),
            sampler=how.sampler.words, path=config.path.words,
        )  # fmt: skip
    return how


def check_labels(labels: Tensor | None, guidance: float, config: Config, classes: int) -> None:
    """Raises Refusal where classes or guidance are asked of a model that was not taught them."""
    if not config.conditional and (labels is not None or guidance != 1):
        raise Refusal(
            both("This model was not told classes: leave class and guidance as they are.", "此模型训练时没有类别：请勿指定类别或引导强度。")
        )
    if config.conditional and not config.guidable and (labels is None or guidance != 1):
        raise Refusal(
            both("This model never had its labels hidden: name a class and leave guidance at 1.",
                 "此模型训练时从未隐去标签：请指定类别，并让引导强度为 1。")
        )  # fmt: skip
    if labels is not None and not bool(((labels >= 0) & (labels < classes)).all()):
        raise Refusal(both("There are {n} classes, numbered from 0.", "共有 {n} 个类别，从 0 编号。"), n=classes)

"""What teaches the small pretrained models that come along, in the formats of transformers and diffusers.

A lesson is a module here with `make(to, seed, budget, device)`, a generator of progress in words whose last item is what was learnt.
What follows a dash in a lesson's name is the data it is about, a fifth argument.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aigc.words import Refusal, Words, both

LESSONS = {
    "verse": both("a language model of Chinese quatrains and Shakespeare", "绝句与莎士比亚的语言模型"),
    "pictures": both("a miniature of Stable Diffusion on captioned pictures", "带说明图像上的微型 Stable Diffusion"),
    "upscaler": both("a super-resolution network", "超分辨率网络"),
    "style": both("the feature network that style transfer sees with", "风格迁移所用的特征网络"),
    "ddpm-mnist": both("digits without a prompt, as diffusers' DDPMPipeline", "无提示生成数字，diffusers 的 DDPMPipeline"),
    "ddpm-fashion-mnist": both("garments without a prompt, as diffusers' DDPMPipeline", "无提示生成服饰，diffusers 的 DDPMPipeline"),
    "ddpm-fairface64": both("faces without a prompt, as diffusers' DDPMPipeline", "无提示生成人脸，diffusers 的 DDPMPipeline"),
}
NO_LESSON = both("There is no lesson called {name}; there are {known}.", "没有名为 {name} 的课程；可选 {known}。")


def make(name: str, to: Path, seed: int = 0, budget: int = 0, device: str = "cpu") -> Iterator[Words | dict[str, Any]]:
    """Teach the lesson called `name` and save what was learnt under `to`; progress in words, then the facts of its card.

    `budget` is in the lesson's own unit (tokens or images); 0 is what the shipped model was taught with.  Raises Refusal.
    """
    if name not in LESSONS:
        raise Refusal(NO_LESSON, name=name, known=", ".join(LESSONS))
    module, _, about = name.partition("-")
    yield from importlib.import_module(f"aigc.pretrained.teach.{module}").make(to, seed, budget, device, *([about] if about else []))

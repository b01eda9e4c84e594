"""Keeps the miniature as diffusers does, draws every thing in every layout with it, and writes its card."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline

from aigc.pretrained.teach.cards import Card, Credit, Figure, write
from aigc.pretrained.teach.pictures.compose import all_scenes
from aigc.pretrained.teach.pictures.measure import GUIDANCE, STEPS, drawn, followed, prompts
from aigc.words import Words, both

TIMES = 5  # that every thing is drawn in every layout
MEASURING = both("Kept; now it draws and is read.", "已保存；正在作画并识别。")
USE = """from diffusers import AutoPipelineForText2Image

pipe = AutoPipelineForText2Image.from_pretrained(folder)
pipe("a red seven on blue", num_inference_steps=20, guidance_scale=7.5).images[0]  # or: 蓝底上的红色数字七"""
PARTS = {
    "thing": both("the digit or garment", "数字或服饰"),
    "colour": both("its colour", "其颜色"),
    "ground": both("the colour of the ground", "底色"),
    "layout": both("how many and where", "数量与位置"),
    "whole": both("all four at once", "四项全对"),
}
SHARE = both("{part}, as asked, % of {n} pictures", "{part}符合要求，{n} 张中的百分比")


def keep(pipe: StableDiffusionPipeline, to: Path, examples: int, seed: int, seconds: float, device: str) -> Iterator[Words | dict[str, Any]]:
    """Saves in half precision, loads what was saved and measures that.

    The text encoder is saved whole: transformers gives back the numbers that were saved, diffusers 32 bits, and the two must agree.
    """
    pipe.to("cpu", torch.float16)
    pipe.text_encoder.float()
    pipe.save_pretrained(to)
    yield MEASURING
    yield measured(to, examples, seed, seconds, device)


def measured(to: Path, examples: int, seed: int, seconds: float, device: str) -> dict[str, Any]:
    pipe = StableDiffusionPipeline.from_pretrained(to, dtype=torch.float32).to(device)
    return write(described(follows(pipe, seed), examples, seed, seconds, device), to)


def follows(pipe: StableDiffusionPipeline, seed: int) -> list[Figure]:
    scenes = all_scenes() * TIMES
    x = torch.cat(list(drawn(pipe, prompts(scenes, seed), seed)))
    shares = followed(x, scenes).shares()
    return [Figure(name, shares[name], SHARE.fill(part=words, n=len(scenes)), "{:.1f}") for name, words in PARTS.items()]


def described(told: list[Figure], examples: int, seed: int, seconds: float, device: str) -> Card:
    return Card(
        title=both("Pictures: a miniature of Stable Diffusion", "小画：微型 Stable Diffusion"),
        about=both(
            "Draws what a prompt says, in English or Chinese, at 64 x 64 pixels: a digit or a garment, one or two of it, in the middle or at a side, "
            "in one of eight colours on another. It is a latent diffusion model (Rombach et al. 2022) in the classes of diffusers and transformers: "
            "an autoencoder, a text encoder with its tokenizer, a U-Net that looks at the words by cross-attention, a scheduler. "
            f"The figures below were drawn in {STEPS} steps with guidance {GUIDANCE:g}; "
            "the feature networks of MNIST and Fashion-MNIST read the things. "
            "They also chose the lesson: the real pictures that they are sure of. "
            "What comes along was taught in several sittings, the clear pictures in the last; the command gives the same budget in one.",
            "按提示词（中文或英文）画 64 x 64 像素的小画：一个数字或一件服饰，一个或两个，居中或靠边，八种颜色之一画在另一种颜色的底上。"
            "它是潜空间扩散模型（Rombach 等 2022），用的是 diffusers 与 transformers 的类："
            "自编码器、文本编码器与分词器、以交叉注意力看词的 U-Net、调度器。"
            f"下列数字以 {STEPS} 步、引导强度 {GUIDANCE:g} 画出；数字与服饰由 MNIST 与 Fashion-MNIST 的特征网络识别；"
            "教材也由它们挑选：只用它们有把握的真实图像。随附的模型分几次训练，最后一次只用清楚的图像；命令以同样的预算一次完成。",
        ),
        limits=both(
            "It knows these twenty things, eight colours and four layouts and no other words: anything else in a prompt is noise to it. "
            "Garments of alike shape (shirt, coat, pullover) are sometimes mixed up, by it and by the network that reads them.",
            "它只认识这二十种东西、八种颜色和四种布局，别的词对它只是噪声。形状相近的服饰（衬衫、外套、套头衫）有时会混淆，识别它们的网络也一样。",
        ),
        figures=told,
        data=[Credit.of("mnist"), Credit.of("fashion-mnist")],
        lesson="pictures",
        unit=both("captioned pictures", "张带说明的图像"),
        examples=examples, seed=seed, seconds=seconds, device=device,
        tags=("text-to-image", "diffusers", "stable-diffusion"),
        use=USE,
        licence="cc-by-sa-3.0",
        languages=("en", "zh"),
    )  # fmt: skip

"""What is timed: the two articles' networks and the ones that the page trains, each with its batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from aigc.data import spec
from aigc.data.load import Dataset
from aigc.words import Words, both

EXAMPLES = 20_000


@dataclass(frozen=True)
class Workload:
    name: str
    title: Words
    technique: str
    preset: str
    values: dict[str, Any] = field(default_factory=dict)  # over the preset


WORKLOADS = {
    w.name: w
    for w in (
        Workload("autoencoder", both("autoencoder 784-32-784, batch 256", "自编码器 784-32-784，批 256"), "autoencoder", "article"),
        Workload("vae", both("VAE 784-256-512-2, batch 256", "VAE 784-256-512-2，批 256"), "vae", "article"),
        Workload("gan", both("GAN 100-128-128-784, small convolutional critic, batch 64", "GAN 100-128-128-784，小型卷积判别器，批 64"),
                 "gan", "article"),
        Workload("conv-gan", both("convolutional GAN of the quick preset", "“快速看看”预设的卷积 GAN"), "gan", "quick"),
        Workload("unet", both("diffusion U-Net of the quick preset", "“快速看看”预设的扩散 U-Net"), "diffusion", "quick"),
    )
}  # fmt: skip


def data() -> Dataset:
    """Pictures of MNIST's shape and ink, made up: what they show does not change what they cost."""
    rng = torch.Generator().manual_seed(0)
    ink = torch.rand(EXAMPLES + 1000, 1, 28, 28, generator=rng)
    x = (ink * 255 * (torch.rand(ink.shape, generator=rng) < 0.2)).to(torch.uint8)  # a fifth of MNIST's pixels are not black
    labels = torch.randint(10, (len(x),), generator=rng)
    return Dataset(spec("mnist"), x[:EXAMPLES], labels[:EXAMPLES], x[EXAMPLES:], labels[EXAMPLES:])

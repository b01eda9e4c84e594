"""The lesson `upscaler`: shrink a picture, enlarge it again, and be as near to the first one as can be."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from aigc.nets.upscaler import ResidualUpscaler
from aigc.pretrained.folder import load_network, save_network
from aigc.pretrained.teach.cards import Card, Credit, Figure, write
from aigc.pretrained.teach.loop import Lesson, teach
from aigc.pretrained.teach.views import FACES, SMALL, Views
from aigc.train.devices import best_device, precision
from aigc.words import Words, both

ARGUMENTS = {"width": 48, "blocks": 8, "scale": 2}
BATCH, FACES_IN_BATCH, TEXTURES_IN_BATCH = 32, 20, 8  # the rest are digits and garments
EXAMPLES = 1250 * BATCH
MEASURED = 960  # pictures of each kind
PROGRESS = both(
    "{seen} of {examples} pictures, mean error {loss:.4f}, {rate:.0f} a second",
    "已学 {seen} / {examples} 张，平均误差 {loss:.4f}，每秒 {rate:.0f} 张",
)
USE = """from pathlib import Path

import torch
from PIL import Image

from aigc.pretrained.upscaler import load, upscale

model = load(Path(folder), torch.device("cpu"))
*_, large = upscale(model, Image.open("picture.png"), times=2)"""
KINDS = {"faces": both("faces", "人脸"), "textures": both("textures", "纹理"), "things": both("coloured digits and garments", "彩色数字与服饰")}


def halved(x: Tensor, way: str) -> Tensor:
    """A picture of half the size, its values rounded as in a file.  (B, 3, H, W) in [0, 1]"""
    small = avg_pool2d(x, 2) if way == "area" else interpolate(x, scale_factor=0.5, mode=way, antialias=True, align_corners=False)
    return small.clamp(0, 1).mul(255).round().div(255)


def make(to: Path, seed: int, budget: int, device: str) -> Iterator[Words | dict[str, Any]]:
    torch.manual_seed(seed)
    where, rng, views = best_device(device), Generator().manual_seed(seed), Views(seed)
    network = ResidualUpscaler(**ARGUMENTS).to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def loss(step: int) -> Tensor:
        """A quarter of the steps begin from pictures that were shrunk already: their edges are sharper."""
        large = torch.cat([
            views.some_faces(FACES_IN_BATCH, rng), views.some_textures(TEXTURES_IN_BATCH, rng)[0],
            views.some_things(BATCH - FACES_IN_BATCH - TEXTURES_IN_BATCH, rng),
        ]).to(where).float() / 255  # fmt: skip
        large = halved(large, "area") if step % 4 == 3 else large
        small = halved(large, ("bicubic", "bilinear", "area")[step % 3])
        return (network(small.contiguous(memory_format=torch.channels_last)) - large).abs().mean()

    lesson, started = Lesson(budget or EXAMPLES, BATCH, learning_rate=1e-3, weight_decay=0.0), time.perf_counter()
    learnt: nn.Module = network
    for seen, mean, learnt in teach(network, loss, lesson):  # noqa: B007
        yield PROGRESS.fill(seen=seen, examples=lesson.examples, loss=mean, rate=seen / (time.perf_counter() - started))
    save_network(learnt, to, ARGUMENTS)
    card = described(figures(load_network(to, ResidualUpscaler).to(where), seed), lesson.examples, seed, time.perf_counter() - started, str(where))
    yield write(card, to)


def figures(network: ResidualUpscaler, seed: int) -> list[Figure]:
    """PSNR and SSIM on test pictures shrunk by bicubic interpolation, beside enlarging them by bicubic interpolation."""
    views, rng, found = Views(seed + 1, part="test"), Generator().manual_seed(seed), []
    drawn = {"faces": views.faces[:MEASURED], "textures": views.some_textures(MEASURED, rng)[0], "things": views.some_things(MEASURED, rng)}
    for times in (2, 4):
        for kind, pictures in drawn.items():
            for way, (psnr, ssim) in compared(network, pictures, times).items():
                words = both(f"{times}× {KINDS[kind].en}, {way}", f"{times} 倍，{KINDS[kind].zh}，{'双三次插值' if way == 'bicubic' else '本网络'}")
                found += [
                    Figure(f"psnr_{times}x_{kind}_{way}", psnr, both(words.en + ", PSNR in dB", words.zh + "，PSNR（dB）")),
                    Figure(f"ssim_{times}x_{kind}_{way}", ssim, both(words.en + ", SSIM", words.zh + "，SSIM"), "{:.4f}"),
                ]
    return found


@torch.inference_mode()
def compared(network: ResidualUpscaler, pictures: Tensor, times: int) -> dict[str, tuple[float, float]]:
    """{"bicubic", "network"}: (mean PSNR in dB, mean SSIM) of pictures shrunk `times` and enlarged again."""
    from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

    device, told = next(network.parameters()).device, {"bicubic": [0.0, 0.0], "network": [0.0, 0.0]}
    for part in pictures.split(64):
        large = part.to(device).float() / 255
        small = interpolate(large, scale_factor=1 / times, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1).mul(255).round() / 255
        plain, ours = interpolate(small, scale_factor=times, mode="bicubic", align_corners=False), small
        with precision(device):
            for _ in range(round(math.log2(times))):
                ours = network(ours.contiguous(memory_format=torch.channels_last)).float().clamp(0, 1)
        for way, guess in (("bicubic", plain.clamp(0, 1)), ("network", ours)):
            told[way][0] += float(peak_signal_noise_ratio(guess, large, 1.0, dim=(1, 2, 3), reduction="sum"))
            told[way][1] += float(torch.as_tensor(structural_similarity_index_measure(guess, large, data_range=1.0, reduction="sum")))
    return {way: (psnr / len(pictures), ssim / len(pictures)) for way, (psnr, ssim) in told.items()}


def described(measured: list[Figure], examples: int, seed: int, seconds: float, device: str) -> Card:
    return Card(
        title=both("Upscaler: pictures twice as large", "放大器：图像放大两倍"),
        about=both(
            "A residual network of 0.3 million weights that doubles a picture of any size (and doubles it again for four times). It adds to "
            "bicubic interpolation what that misses, which is mostly sharp edges.",
            "一个 34 万参数的残差网络，把任意大小的图像放大两倍（再放大一次即四倍）。它在双三次插值之上补出其缺失的部分，主要是清晰的边缘。",
        ),
        limits=both(
            "It learnt from 64-pixel pictures that were shrunk cleanly. It does not remove noise or the blocks of strong JPEG compression, "
            "and it invents no detail: text or a face that cannot be read stays unreadable. "
            "Four times is less sharp than a network made for four times.",
            "它只从干净缩小的 64 像素图像中学习：不会去除噪点或强 JPEG 压缩的方块，也不会凭空补出细节；"
            "看不清的文字或人脸仍然看不清。四倍不如专门的四倍网络清晰。",
        ),
        figures=measured,
        data=[Credit.of(name) for name in (FACES, *SMALL)],
        lesson="upscaler", unit=both("pictures", "张图像"), examples=examples, seed=seed, seconds=seconds, device=device,
        tags=("image-to-image", "super-resolution"),
        use=USE,
    )  # fmt: skip

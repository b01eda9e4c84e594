"""The lessons `ddpm-...`: generators without a prompt as diffusers' own DDPMPipeline, which any program that knows diffusers can load.

The project's own diffusion network folds pictures, grows by transposed convolutions and follows straight paths; no UNet2DModel can
hold its weights.  So what is kept here is a UNet2DModel that learnt from the same pictures.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from diffusers import DDIMScheduler, DDPMPipeline, DDPMScheduler, UNet2DModel
from torch import Generator, Tensor

from aigc.data import spec
from aigc.data.load import Dataset, load
from aigc.evaluate.distances import frechet, moments
from aigc.evaluate.features import Extractor, extractor
from aigc.maths.diffusion import evenly
from aigc.pretrained.teach.cards import Card, Credit, Figure, write
from aigc.pretrained.teach.loop import Lesson, teach
from aigc.train.devices import best_device
from aigc.words import Words, both

BATCH, EXAMPLES = 64, 430_000
WIDTHS = (16, 32, 64)  # at 28, 14 and 7 pixels
MEASURED, STEPS = 1000, 20
SURE = 0.9  # a reading is sure from this probability on
PROGRESS = both(
    "{seen:,} of {examples:,} pictures, mean error {loss:.4f}, {rate:.0f} a second",
    "已学 {seen:,} / {examples:,} 张，平均误差 {loss:.4f}，每秒 {rate:.0f} 张",
)
USE = """from diffusers import DDIMScheduler, DDPMPipeline

pipe = DDPMPipeline.from_pretrained(folder)
pipe(batch_size=16).images  # a thousand steps; or with DDIM, twenty:
pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
pipe(batch_size=16, num_inference_steps=20).images"""


def network(channels: int, side: int) -> UNet2DModel:
    """Half a million weights, most of them at a quarter of the size."""
    return UNet2DModel(
        sample_size=side, in_channels=channels, out_channels=channels, block_out_channels=WIDTHS, layers_per_block=1, norm_num_groups=8,
        down_block_types=("DownBlock2D",) * len(WIDTHS), up_block_types=("UpBlock2D",) * len(WIDTHS), add_attention=False,
    )  # fmt: skip


def levels() -> DDPMScheduler:
    """The schedule of Ho et al. 2020 with v as the target, which also says something where there is only noise."""
    return DDPMScheduler(1000, beta_schedule="linear", prediction_type="v_prediction", timestep_spacing="trailing")


def make(to: Path, seed: int, budget: int, device: str, data: str) -> Iterator[Words | dict[str, Any]]:
    torch.manual_seed(seed)
    where, rng, known, noising = best_device(device), Generator().manual_seed(seed), load(data), levels()
    channels, side, _ = known.spec.shape
    unet = network(channels, side).to(where)

    def loss(step: int) -> Tensor:
        """The squared error of v.   Salimans & Ho 2022, eq. 12"""
        x = known.x[torch.randint(len(known), (BATCH,), generator=rng)].to(where).float() / 127.5 - 1
        noise = torch.randn(x.shape, generator=rng).to(where)
        t = (evenly(BATCH, rng) * len(noising)).long().to(where)
        predicted = unet(noising.add_noise(x, noise, t), t).sample.float()
        return (predicted - noising.get_velocity(x, noise, t)).square().mean()

    lesson, begun = Lesson(budget or EXAMPLES, BATCH, learning_rate=2e-3), time.perf_counter()
    learnt = unet
    for seen, mean, learnt in teach(unet, loss, lesson):  # type: ignore[assignment]  # noqa: B007
        yield PROGRESS.fill(seen=seen, examples=lesson.examples, loss=mean, rate=seen / (time.perf_counter() - begun))
    DDPMPipeline(learnt.to("cpu", torch.float16), noising).save_pretrained(to)
    seconds = time.perf_counter() - begun
    told = figures(DDPMPipeline.from_pretrained(to, dtype=torch.float32).to(where), known, seed, MEASURED)
    yield write(described(told, known, lesson.examples, seed, seconds, str(where)), to)


@torch.inference_mode()
def drawn(pipe: DDPMPipeline, n: int, seed: int, steps: int = STEPS, batch: int = 250) -> Tensor:
    """Pictures of the pipeline with DDIM.  -> (n, C, H, W) in [0, 1]"""
    rule, rng = DDIMScheduler.from_config(pipe.scheduler.config), Generator().manual_seed(seed)
    rule.set_timesteps(steps)
    unet = pipe.unet
    shape = (n, unet.config.in_channels, unet.config.sample_size, unet.config.sample_size)
    made = []
    for x in torch.randn(shape, generator=rng).to(unet.device).split(batch):
        for t in rule.timesteps:
            x = rule.step(unet(x, t).sample, t, x).prev_sample
        made.append((x / 2 + 0.5).clamp(0, 1).cpu())
    return torch.cat(made)


def figures(pipe: DDPMPipeline, known: Dataset, seed: int, n: int) -> list[Figure]:
    """How surely the dataset's own feature network names what is drawn, and how far the samples are from real pictures, beside the test pictures."""
    reader = extractor(spec(known.spec.name))
    rows = torch.randperm(len(known.test_x), generator=Generator().manual_seed(seed))[:n]
    ours, real = (read(reader, x) for x in (drawn(pipe, n, seed), known.test_x[rows]))
    name = reader.title
    sure = both(f"named with at least {SURE:.0%} certainty by the {name.en}, %", f"{name.zh} 识别把握不低于 {SURE:.0%} 的占比（%）")
    apart = both(f"FID, {name.en}, {n:,} pictures", f"FID（{name.zh}，{n:,} 张）")
    rare = both("the rarest class's share, %", "最少见类别的占比（%）")
    beside = both(", real test pictures", "，真实测试图像")
    return [
        *(Figure(f"{key}{tail}", value, both(words.en + more.en, words.zh + more.zh), form)
          for key, words, form, values in zip(("sure", "fid", "rarest"), (sure, apart, rare), ("{:.1f}", "{:.2f}", "{:.1f}"),
                                              zip(ours, real, strict=True), strict=True)
          for tail, more, value in zip(("", "_real"), (both("", ""), beside), values, strict=True)),
    ]  # fmt: skip


def read(reader: Extractor, x: Tensor) -> tuple[float, float, float]:
    """Of pictures: % named surely, FID to the real training pictures, % of the rarest class."""
    features, logits = reader.read(x)
    chances = logits.double().softmax(1)
    counts = chances.argmax(1).bincount(minlength=chances.shape[1])
    apart = frechet(*moments(features), reader.model.mean.cpu(), reader.model.covariance.cpu())
    return 100 * float((chances.amax(1) >= SURE).double().mean()), apart, 100 * float(counts.min() / len(x))


def described(told: list[Figure], known: Dataset, examples: int, seed: int, seconds: float, device: str) -> Card:
    name = known.spec.title
    return Card(
        title=both(f"{name.en} without a prompt (DDPM)", f"{name.zh} 无提示生成（DDPM）"),
        about=both(
            f"A UNet2DModel of half a million weights that draws pictures like those of {name.en}, saved as diffusers' DDPMPipeline "
            f"(Ho et al. 2020), with v as its target (Salimans and Ho 2022). The figures below were drawn with DDIM in {STEPS} steps.",
            f"一个 50 万参数的 UNet2DModel，画出与 {name.zh} 相似的图像，存成 diffusers 的 DDPMPipeline（Ho 等 2020），"
            f"预测目标为 v（Salimans 与 Ho 2022）。下列数字以 DDIM {STEPS} 步画出。",
        ),
        limits=both(
            "It cannot be told what to draw. The project's own diffusion model of the same pictures, in Train and Samples, is better and faster; "
            "this one is for programs that only know diffusers.",
            "不能指定画什么。本项目自己的扩散模型（见训练与采样）更好也更快；这个模型供只认 diffusers 的程序使用。",
        ),
        figures=told,
        data=[Credit.of(known.spec.name)],
        lesson=f"ddpm-{known.spec.name}", unit=both("pictures", "张图像"), examples=examples, seed=seed, seconds=seconds, device=device,
        tags=("unconditional-image-generation", "diffusers"), use=USE,
        licence={"mnist": "cc-by-sa-3.0", "fashion-mnist": "mit"}.get(known.spec.name, "other"),
    )  # fmt: skip

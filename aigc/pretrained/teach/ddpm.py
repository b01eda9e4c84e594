"""The lessons `ddpm-...`: generators without a prompt as diffusers' own DDPMPipeline, which any program that knows diffusers can load.

The project's own diffusion network folds pictures, grows by transposed convolutions, follows straight paths and is told a class; no
UNet2DModel can hold its weights.  So what is kept here is a UNet2DModel that learnt from that network what to say of the same pictures.
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
from aigc.registry.store import load as load_model
from aigc.train.devices import best_device
from aigc.words import Words, both

BATCH, EXAMPLES = 256, 2_000_000
WIDTHS = (16, 32, 64)  # at 28, 14 and 7 pixels
GUIDES = {"mnist": "mnist-guided", "fashion-mnist": "fashion-guided"}  # the project's own models that these learn from
MEASURED, STEPS = 1000, 20
SURE = 0.9  # a reading is sure from this probability on
PROGRESS = both(
    "{seen:,} of {examples:,} pictures, mean error {loss:.4f}, {rate:.0f} a second",
    "已学 {seen:,} / {examples:,} 张，平均误差 {loss:.4f}，每秒 {rate:.0f} 张",
)
USE = """from diffusers import DDIMScheduler, DDPMPipeline

pipe = DDPMPipeline.from_pretrained(folder)
pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)  # twenty steps; without this line, a thousand
pipe(batch_size=16, num_inference_steps=20).images"""


def network(channels: int, side: int) -> UNet2DModel:
    """0.7 million weights, most of them at a quarter of the size, where every pixel also looks at every other."""
    return UNet2DModel(
        sample_size=side, in_channels=channels, out_channels=channels, block_out_channels=WIDTHS, layers_per_block=1, norm_num_groups=8,
        down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        resnet_time_scale_shift="scale_shift",
    )  # fmt: skip


def levels() -> DDPMScheduler:
    """The cosine schedule of Nichol and Dhariwal 2021 with v as the target, which also says something where there is only noise."""
    return DDPMScheduler(1000, beta_schedule="squaredcos_cap_v2", prediction_type="v_prediction", timestep_spacing="trailing")


class Guide:
    """A finished model on the straight path that is told the class, asked for v as diffusers means it.

    Of x_t the data only tell one picture and one noise; the guide tells what they are on average, so that every step teaches more.
    What a network makes of many such answers is what it would learn from the data, since the class is drawn with the picture.
    """

    def __init__(self, slug: str, noising: DDPMScheduler, device: torch.device):
        self.velocity: Any = load_model(slug).to(device).eval().requires_grad_(False).denoiser
        self.alphas_bar = noising.alphas_cumprod.to(device)

    @torch.no_grad()
    def mean_v(self, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        """The mean of v = alpha noise - sigma x0 given x_t = alpha x0 + sigma noise and the class.  (B, C, H, W), (B,), (B,) -> (B, C, H, W)

        On the straight path x_s = x_t / (alpha + sigma) lies at time s = sigma / (alpha + sigma), and the velocity there is u = noise - x0.
        """
        alpha, sigma = (rate[t].sqrt().view(-1, 1, 1, 1) for rate in (self.alphas_bar, 1 - self.alphas_bar))
        straight = x / (alpha + sigma)
        u = self.velocity(straight, (sigma / (alpha + sigma)).flatten(), labels).float()
        return (alpha - sigma) * straight + u / (alpha + sigma)


def make(to: Path, seed: int, budget: int, device: str, data: str) -> Iterator[Words | dict[str, Any]]:
    torch.manual_seed(seed)
    where, known, noising = best_device(device), load(data), levels()
    rng, (channels, side, _) = Generator(where).manual_seed(seed), known.spec.shape
    unet, guide = network(channels, side).to(where), Guide(GUIDES[data], noising, where)
    assert known.labels is not None, "the guides were told the classes of these data"
    pictures, labels = known.x.to(where), known.labels.to(where)

    def loss(step: int) -> Tensor:
        """The squared distance from the guide's v.   Salimans & Ho 2022, eq. 12"""
        rows = torch.randint(len(known), (BATCH,), generator=rng, device=where)
        x = pictures[rows].float() / 127.5 - 1
        t = (evenly(BATCH, rng) * len(noising)).long()
        x = noising.add_noise(x, torch.randn(x.shape, generator=rng, device=where), t)
        return (unet(x, t).sample.float() - guide.mean_v(x, t, labels[rows])).square().mean()

    lesson = Lesson(budget or EXAMPLES, BATCH, learning_rate=4e-3, is_muon=True, weight_decay=0.0)
    begun, learnt = time.perf_counter(), unet
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
    name, guide = known.spec.title, GUIDES[known.spec.name]
    return Card(
        title=both(f"{name.en} without a prompt (DDPM)", f"{name.zh} 无提示生成（DDPM）"),
        about=both(
            f"A UNet2DModel of 0.7 million weights that draws pictures like those of {name.en}, saved as diffusers' DDPMPipeline "
            f"(Ho et al. 2020), with v as its target (Salimans and Ho 2022), which it learnt from this project's own {guide}. "
            f"The figures below were drawn with DDIM in {STEPS} steps.",
            f"一个 70 万参数的 UNet2DModel，画出与 {name.zh} 相似的图像，存成 diffusers 的 DDPMPipeline（Ho 等 2020），"
            f"预测目标为 v（Salimans 与 Ho 2022），由本项目自己的 {guide} 教出。下列数字以 DDIM {STEPS} 步画出。",
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

"""The lessons `ddpm-...`: generators without a prompt as diffusers' own DDPMPipeline, which any program that knows diffusers can load.

The project's own diffusion network folds pictures, grows by transposed convolutions, follows straight paths and is told a class or works in
latents; no UNet2DModel can hold its weights.  So what is kept here is a UNet2DModel that learnt from that network: what it says of real
pictures or, where it works in latents, the pictures that it draws.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import DDPMPipeline, DDPMScheduler, DPMSolverMultistepScheduler, UNet2DModel
from diffusers.models.attention_processor import Attention, AttnProcessor
from torch import Generator, Tensor

from aigc.data import spec
from aigc.data.load import Dataset, load
from aigc.data.table import LIMITS
from aigc.evaluate.distances import frechet, moments
from aigc.evaluate.features import Extractor, extractor
from aigc.evaluate.subject import as_bytes
from aigc.maths.diffusion import evenly
from aigc.pretrained.teach.cards import Card, Credit, Figure, write
from aigc.pretrained.teach.loop import Lesson, teach
from aigc.registry.store import load as load_model
from aigc.train.devices import best_device
from aigc.words import Words, both

MEASURED = 1000
AT_ONCE = 500  # pictures that a guide draws
SURE = 0.9  # a reading is sure from this probability on
PROGRESS = both(
    "{seen:,} of {examples:,} pictures, mean error {loss:.4f}, {rate:.0f} a second",
    "已学 {seen:,} / {examples:,} 张，平均误差 {loss:.4f}，每秒 {rate:.0f} 张",
)
SOLVER = "sde-dpmsolver++"  # of DPMSolverMultistepScheduler; the noise that it adds makes up for what the network got wrong before
USE = f"""from diffusers import DDPMPipeline, DPMSolverMultistepScheduler

pipe = DDPMPipeline.from_pretrained(folder)
pipe.scheduler = DPMSolverMultistepScheduler.from_config(pipe.scheduler.config, algorithm_type="{SOLVER}")  # its own wants a thousand steps
pipe(batch_size=16, num_inference_steps={{steps}}).images"""


@dataclass(frozen=True)
class Plan:
    guide: str  # the project's own model that is learnt from
    widths: tuple[int, ...]  # at each resolution, half of the one before
    examples: int
    batch: int = 64
    learning_rate: float = 4e-3
    steps: int = 20  # it is drawn in
    drawn: int = 0  # pictures of the guide that are learnt from; 0: it is asked about real ones


PLANS = {
    "mnist": Plan("mnist-guided", (16, 32, 64), 700_000, steps=50),
    "fashion-mnist": Plan("fashion-guided", (16, 32, 64), 700_000),
    "fairface64": Plan("faces-diffusion", (32, 64, 96, 96), 1_000_000, batch=256, learning_rate=2e-3, drawn=100_000),
}


def network(channels: int, side: int, widths: tuple[int, ...]) -> UNet2DModel:
    """Most of its weights lie at the smallest size, where every pixel also looks at every other: in plain products, since on CPUs the fused
    kernel's way back takes eight times as long in bfloat16."""
    plain = len(widths) - 1
    unet = UNet2DModel(
        sample_size=side, in_channels=channels, out_channels=channels, block_out_channels=widths, layers_per_block=1, norm_num_groups=8,
        down_block_types=("DownBlock2D",) * plain + ("AttnDownBlock2D",), up_block_types=("AttnUpBlock2D",) + ("UpBlock2D",) * plain,
        resnet_time_scale_shift="scale_shift",
    )  # fmt: skip
    for module in unet.modules():
        if isinstance(module, Attention):
            module.set_processor(AttnProcessor())
    return unet


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
    where, plan, known = best_device(device), PLANS[data], load(data)
    channels, side, _ = known.spec.shape
    begun = time.perf_counter()
    unet = network(channels, side, plan.widths).to(where)
    loss = asked(plan, known, seed, where, unet) if not plan.drawn else shown(plan, seed, where, unet)

    lesson = Lesson(budget or plan.examples, plan.batch, learning_rate=plan.learning_rate, is_muon=True, weight_decay=0.0)
    learning, learnt = time.perf_counter(), unet
    for seen, mean, learnt in teach(unet, loss, lesson):  # type: ignore[assignment]  # noqa: B007
        yield PROGRESS.fill(seen=seen, examples=lesson.examples, loss=mean, rate=seen / (time.perf_counter() - learning))
    DDPMPipeline(learnt.to("cpu", torch.float16), levels()).save_pretrained(to)
    seconds = time.perf_counter() - begun
    told = figures(DDPMPipeline.from_pretrained(to, dtype=torch.float32).to(where), known, seed, MEASURED, plan.steps)
    weights = sum(p.numel() for p in learnt.parameters())
    yield write(described(told, known, plan, weights, lesson.examples, seed, seconds, str(where)), to)


def asked(plan: Plan, known: Dataset, seed: int, device: torch.device, unet: UNet2DModel) -> Callable[[int], Tensor]:
    """The squared distance from what the guide says of real pictures.   Salimans & Ho 2022, eq. 12"""
    assert known.labels is not None, "the guide was told the classes of these data"
    noising, rng, pictures, labels = levels(), Generator(device).manual_seed(seed), known.x.to(device), known.labels.to(device)
    guide = Guide(plan.guide, noising, device)

    def loss(step: int) -> Tensor:
        rows, noise, t = lots(pictures, plan.batch, len(noising), rng)
        x = noising.add_noise(scaled(pictures[rows]), noise, t)
        return (unet(x, t).sample.float() - guide.mean_v(x, t, labels[rows])).square().mean()

    return loss


def shown(plan: Plan, seed: int, device: torch.device, unet: UNet2DModel) -> Callable[[int], Tensor]:
    """The squared error of v on pictures that the guide drew, mirrored every other time.   Salimans & Ho 2022, eq. 12"""
    noising, rng, guide = levels(), Generator(device).manual_seed(seed), load_model(plan.guide).to(device).eval()
    drawn = []
    for _ in range(0, plan.drawn, AT_ONCE):
        with torch.inference_mode():
            drawn.append(as_bytes(guide.make(AT_ONCE, rng)))
    pictures = torch.cat(drawn)

    def loss(step: int) -> Tensor:
        rows, noise, t = lots(pictures, plan.batch, len(noising), rng)
        x0 = scaled(pictures[rows])
        x, v = noising.add_noise(x0, noise, t), noising.get_velocity(x0, noise, t)
        if step % 2:
            x, v = x.flip(3), v.flip(3)
        return (unet(x, t).sample.float() - v).square().mean()

    return loss


def lots(pictures: Tensor, batch: int, count: int, rng: Generator) -> tuple[Tensor, Tensor, Tensor]:
    """What a step is of: places of pictures, noise for each, and `count` levels evenly.  (N, C, H, W) -> (B,), (B, C, H, W), (B,)"""
    rows = torch.randint(len(pictures), (batch,), generator=rng, device=rng.device)
    t = (evenly(batch, rng) * count).long()
    return rows, torch.randn((batch, *pictures.shape[1:]), generator=rng, device=rng.device), t


def scaled(pictures: Tensor) -> Tensor:
    """0..255 -> [-1, 1]"""
    return pictures.float() / 127.5 - 1


@torch.inference_mode()
def drawn(pipe: DDPMPipeline, n: int, seed: int, steps: int, batch: int = 250) -> Tensor:
    """Pictures of the pipeline with DPM-Solver++ for the stochastic equation (Lu et al. 2022).  -> (n, C, H, W) in [0, 1]"""
    rule = DPMSolverMultistepScheduler.from_config(pipe.scheduler.config, algorithm_type=SOLVER)
    rng = Generator().manual_seed(seed)
    unet = pipe.unet
    shape = (n, unet.config.in_channels, unet.config.sample_size, unet.config.sample_size)
    made = []
    for x in torch.randn(shape, generator=rng).to(unet.device).split(batch):
        rule.set_timesteps(steps)
        for t in rule.timesteps:
            x = rule.step(unet(x, t).sample, t, x, generator=rng).prev_sample
        made.append((x / 2 + 0.5).clamp(0, 1).cpu())
    return torch.cat(made)


def figures(pipe: DDPMPipeline, known: Dataset, seed: int, n: int, steps: int) -> list[Figure]:
    """How surely the dataset's own feature network names what is drawn, where it names things, and how far the samples are from real
    pictures, beside the test pictures."""
    reader = extractor(spec(known.spec.name))
    rows = torch.randperm(len(known.test_x), generator=Generator().manual_seed(seed))[:n]
    ours, real = (read(reader, x) for x in (drawn(pipe, len(rows), seed, steps), known.test_x[rows]))
    name = reader.title
    titles = {
        "sure": both(f"named with at least {SURE:.0%} certainty by the {name.en}, %", f"{name.zh} 识别把握不低于 {SURE:.0%} 的占比（%）"),
        "fid": both(f"FID, {name.en}, {len(rows):,} pictures", f"FID（{name.zh}，{len(rows):,} 张）"),
        "rarest": both("the rarest class's share, %", "最少见类别的占比（%）"),
    }
    forms, beside = {"fid": "{:.2f}"}, both(", real test pictures", "，真实测试图像")
    return [
        Figure(f"{key}{tail}", values[key], both(titles[key].en + more.en, titles[key].zh + more.zh), forms.get(key, "{:.1f}"))
        for key in ours
        for tail, more, values in (("", both("", ""), ours), ("_real", beside, real))
    ]


def read(reader: Extractor, x: Tensor) -> dict[str, float]:
    """Of pictures: "sure", % named surely; "fid" to the real training pictures; "rarest", % of the rarest class.  Faces are of no class."""
    features, logits = reader.read(x)
    apart = frechet(*moments(features), reader.model.mean.cpu(), reader.model.covariance.cpu())
    if not logits.shape[1]:
        return {"fid": apart}
    chances = logits.double().softmax(1)
    counts = chances.argmax(1).bincount(minlength=chances.shape[1])
    sure = 100 * float((chances.amax(1) >= SURE).double().mean())
    return {"sure": sure, "fid": apart, "rarest": 100 * float(counts.min() / len(x))}


def described(told: list[Figure], known: Dataset, plan: Plan, weights: int, examples: int, seed: int, seconds: float, device: str) -> Card:
    name, guide, millions = known.spec.title, plan.guide, weights / 1e6
    from_guide = both(
        f"which it learnt from {plan.drawn:,} pictures by this project's own {guide}", f"从本项目自己的 {guide} 画出的 {plan.drawn:,} 张图像中学得"
    ) if plan.drawn else both(f"which it learnt from this project's own {guide}", f"由本项目自己的 {guide} 教出")  # fmt: skip
    of_faces = LIMITS.get(known.spec.name, both("", ""))
    return Card(
        title=both(f"{name.en} without a prompt (DDPM)", f"{name.zh} 无提示生成（DDPM）"),
        about=both(
            f"A UNet2DModel of {millions:.1f} million weights that draws pictures like those of {name.en}, saved as diffusers' DDPMPipeline "
            f"(Ho et al. 2020), with v as its target (Salimans and Ho 2022), {from_guide.en}. "
            f"The figures below were drawn with DPM-Solver++ 2M SDE in {plan.steps} steps.",
            f"一个 {100 * millions:.0f} 万参数的 UNet2DModel，画出与 {name.zh} 相似的图像，存成 diffusers 的 DDPMPipeline（Ho 等 2020），"
            f"预测目标为 v（Salimans 与 Ho 2022），{from_guide.zh}。下列数字以 DPM-Solver++ 2M SDE {plan.steps} 步画出。",
        ),
        limits=both(
            "It cannot be told what to draw. The project's own diffusion model of the same pictures, in the Diffusion tab, is better and faster; "
            f"this one is for programs that only know diffusers. {of_faces.en}".strip(),
            f"不能指定画什么。本项目自己的扩散模型（见“扩散模型”标签页）更好也更快；这个模型供只认 diffusers 的程序使用。{of_faces.zh}",
        ),
        figures=told,
        data=[Credit.of(known.spec.name)],
        lesson=f"ddpm-{known.spec.name}", unit=both("pictures", "张图像"), examples=examples, seed=seed, seconds=seconds, device=device,
        tags=("unconditional-image-generation", "diffusers"), use=USE.format(steps=plan.steps),
        licence={"mnist": "cc-by-sa-3.0", "fashion-mnist": "mit", "fairface64": "cc-by-4.0"}[known.spec.name],
    )  # fmt: skip

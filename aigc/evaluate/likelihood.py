"""How likely a model finds pictures it has never seen: bounds, only where they hold."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Generator, Tensor

from aigc.evaluate.subject import Found, Note, Subject
from aigc.evaluate.text import figure
from aigc.maths.bounds import Denoise, grey_histograms, importance_weighted_bound, variational_bound
from aigc.techniques.base import Technique
from aigc.words import both

WEIGHTED, IMPORTANCE = 500, 500  # test pictures, and latents for each
DIFFUSED, LEVELS = 512, 64  # test pictures, and noise levels looked at for each
READ_OFF = 0.03  # noise over signal where greys are read off: hardly any other does better on training pictures of MNIST and Fashion-MNIST
BINARISED = 2026  # seed of the coins that make grey pixels black or white

BOUNDING = both("Bounding the likelihood: {done} of {n} pictures", "正在计算似然的界：{done} / {n} 张")
GAUSSIAN = both(
    "No likelihood in nats: this VAE's pixels are Gaussian, a density of continuous values that is no probability of a picture.",
    "未给出以 nat 计的似然：这个 VAE 的像素服从高斯分布，那是连续值的密度，而不是图像的概率。",
)
COLOURED = both("No likelihood in nats: pictures in colour are not made black and white.", "未给出以 nat 计的似然：彩色图像不做二值化。")
OTHER_SPACE = both("No bits per dimension: this model diffuses something else than pixels.", "未给出每维比特数：这个模型不在像素空间中扩散。")


def examine(subject: Subject) -> Iterator[Found]:
    if hasattr(subject.model, "posterior"):
        yield from nats(subject)
    else:
        yield from bits(subject)


def nats(subject: Subject) -> Iterator[Found]:
    """The importance-weighted bound of a VAE on pictures made black and white, each pixel by a coin as bright as it."""
    from aigc.techniques.vae.config import Likelihood

    if subject.model.config.likelihood is not Likelihood.BERNOULLI:
        yield Note(GAUSSIAN)
        return
    if subject.data.spec.shape[0] != 1:
        yield Note(COLOURED)
        return
    x, labels, cost = _test(subject, torch.arange(len(subject.data.test_x)))
    x = torch.bernoulli(x, generator=Generator().manual_seed(BINARISED)).to(subject.model.device)
    rng = Generator(subject.model.device).manual_seed(subject.seed)
    one = torch.cat([_weighted(subject, a, b, 1, rng) for a, b in _parts(x, labels, 500)])
    gaps = []
    for start in range(0, min(WEIGHTED, len(x)), 50):
        yield BOUNDING.fill(done=start, n=min(WEIGHTED, len(x)))
        part, part_labels = x[start : start + 50], None if labels is None else labels[start : start + 50]
        gaps.append(_weighted(subject, part, part_labels, IMPORTANCE, rng) - one[start : start + 50])
    gap = torch.cat(gaps)
    # the gap between the two bounds varies little from picture to picture, so that few pictures tell it; the rest is known for all
    names: dict[str, Any] = {"data": subject.data.spec.title, "k": IMPORTANCE, "few": len(gap), "seed": BINARISED}
    yield figure("nll", cost - float(one.mean() + gap.mean()), _error(one, gap), n=len(x), **names)
    yield figure("negative_elbo", cost - float(one.mean()), _error(one), n=len(x))


def _error(*means_of: Tensor) -> float | None:
    """Of the sum of their means; None where a single value tells nothing of it."""
    return sum(float(x.var() / len(x)) for x in means_of) ** 0.5 if min(map(len, means_of)) > 1 else None


def _weighted(subject: Subject, x: Tensor, labels: Tensor | None, k: int, rng: Generator) -> Tensor:
    """The bound on log p(x), of a conditional model on log p(x | label).  (B, 1, H, W) -> (B,) double"""
    model = subject.model
    with torch.inference_mode():
        mean, logvar = model.posterior(x, labels)  # type: ignore[operator]

        def log_likelihood(z: Tensor) -> Tensor:
            m = len(z)
            many = None if labels is None else labels.repeat(m)
            found = model.log_likelihood(x.repeat(m, *[1] * (x.dim() - 1)), z.flatten(0, 1), many)  # type: ignore[operator]
            return found.view(m, len(x))

        return importance_weighted_bound(mean, logvar, log_likelihood, k, rng, at_a_time=max(1, 1000 // len(x))).double().cpu()


def bits(subject: Subject) -> Iterator[Found]:
    """The variational bound of a diffusion model, or of flow matching read as one, on 8-bit pictures; beside it, pixels that know nothing
    of each other, by the very histograms with which the bound reads off what networks do not know of the finest noise."""
    model = subject.model
    if not hasattr(model, "denoiser") or tuple(model.latents(1, Generator(model.device)).shape[1:]) != subject.data.spec.shape:
        yield Note(OTHER_SPACE)
        return
    places = subject.some_test(DIFFUSED)
    x, labels, cost = _test(subject, places)
    rng = Generator(model.device).manual_seed(subject.seed)
    histograms, sharpest = grey_histograms(subject.data.x), -2 * math.log(READ_OFF)
    rates = model.rates.tolist()  # type: ignore[operator,union-attr]
    found: list[Tensor] = []
    for part, part_labels in _parts(x.to(model.device), labels, 128):
        yield BOUNDING.fill(done=sum(len(f) for f in found), n=len(x))
        denoise = _denoiser(model, part_labels)
        bound = variational_bound(2 * part - 1, denoise, rates, rng, LEVELS, sharpest=sharpest, log_prior=histograms)
        found.append(bound.cpu())
    scale = x[0].numel() * math.log(2)
    value = (cost - torch.cat(found)) / scale
    apart = -histograms.gather(1, subject.data.test_x[places].flatten(1).long().T).sum(0) / scale
    names: dict[str, Any] = {"data": subject.data.spec.title, "few": LEVELS, "noise": READ_OFF}
    yield figure("bits_per_dimension", float(value.mean()), _error(value), n=len(value), **names)
    yield figure("bits_of_histograms", float(apart.mean()), _error(apart), n=len(apart))


def _denoiser(model: Technique, labels: Tensor | None) -> Denoise:
    """The estimate of x0 in [-1, 1] at any time, between two levels too."""
    from aigc.maths.diffusion import image_from

    @torch.inference_mode()
    def denoise(x: Tensor, signal: Tensor, noise_rate: Tensor, time: Tensor) -> Tensor:
        predicted = model.denoiser(x, time, labels)  # type: ignore[operator]
        return image_from(predicted.float(), x, signal, noise_rate, model.mix).clamp(-1, 1)  # type: ignore[arg-type,union-attr]

    return denoise


def _test(subject: Subject, places: Tensor) -> tuple[Tensor, Tensor | None, float]:
    """Test pictures at these places in [0, 1], their labels for a model that takes any, and what naming the label costs in nats: log p(x) is
    at least log p(x | label) minus it."""
    x, labels = subject.data.test_x[places].float() / 255, subject.data.test_labels
    if not subject.model.conditional or labels is None:
        return x, None, 0.0
    return x, labels[places].to(subject.model.device), math.log(len(subject.data.spec.classes))


def _parts(x: Tensor, labels: Tensor | None, size: int) -> Iterator[tuple[Tensor, Tensor | None]]:
    for start in range(0, len(x), size):
        yield x[start : start + size], None if labels is None else labels[start : start + size]

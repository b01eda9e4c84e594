"""Diffusion (Ho et al. 2020) and flow matching (Lipman et al. 2023) as one model: a path, a target, a network.

It works on the pixels, or on the codes of an autoencoder that it holds frozen inside (Rombach et al. 2022).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from torch import Generator, Tensor, nn

from aigc.data import DataSpec
from aigc.data.batches import Batch, Draws
from aigc.data.load import Dataset
from aigc.knobs import ModelName
from aigc.maths import diffusion as maths
from aigc.maths import noise_paths
from aigc.nets.denoiser_mlp import DenseDenoiser
from aigc.nets.kinds import Network
from aigc.nets.layers import one_hot
from aigc.nets.unet import UNet
from aigc.options import Options
from aigc.techniques.base import Phase, Shown, Technique
from aigc.techniques.diffusion import TECHNIQUE, Config, Path, Sampler, Sampling, Target, Times, samplers
from aigc.techniques.diffusion.asked import check_labels, chosen
from aigc.techniques.diffusion.codes import CodeBatch, CodeBatches, can_be_kept
from aigc.techniques.diffusion.pairs import PairBatch, Pairs
from aigc.techniques.vae.model import VAE

PATHS = {
    Path.STRAIGHT: noise_paths.straight,
    Path.COSINE: lambda levels: noise_paths.variance_preserving(noise_paths.cosine_alpha_bar(levels)),
    Path.LINEAR: lambda levels: noise_paths.variance_preserving(noise_paths.linear_alpha_bar(levels)),
    Path.ZERO_SNR: lambda levels: noise_paths.variance_preserving(noise_paths.zero_terminal_snr(noise_paths.linear_alpha_bar(levels))),
}
MIXES = {
    Target.NOISE: maths.noise_target,
    Target.IMAGE: maths.image_target,
    Target.V: maths.v_target,
    Target.VELOCITY: maths.velocity_target,
}
BARS = 10  # of the loss by noise level
REACH = 5.0  # standardised points and codes lie well within; images end at 1


class Diffusion(Technique):
    """Inside, images are in [-1, 1] and codes standardised; x_t of level T is standard normal and is what `decode` starts from."""

    info = TECHNIQUE
    config: Config
    rates: Tensor  # (T + 1, 2): signal_rate and noise_rate of every level
    bars: Tensor  # (T + 1, BARS): 1 where a level counts to a bar
    find_teacher: Callable[[], Diffusion] | None = None  # the model that `config.teacher` names; only training asks for it

    def __init__(self, config: Config, spec: DataSpec, autoencoder: VAE | None = None):
        """`autoencoder` is the one that `config.latents` names; `aigc.registry.build` finds it."""
        super().__init__(config, spec)
        if bool(config.latents) != (autoencoder is not None):
            raise ValueError("the autoencoder that the config names, and only that one, is to be handed over")
        self.autoencoder = None if autoencoder is None else autoencoder.eval().requires_grad_(False)
        self.shape = spec.shape if self.autoencoder is None else self.autoencoder.code_shape  # of what is diffused
        self.denoiser = network(config, self.shape, len(spec.classes) if config.conditional else 0)
        self.register_buffer("rates", PATHS[config.path](config.levels), persistent=False)
        self.register_buffer("bars", one_hot((torch.arange(config.levels + 1) - 1) * BARS // config.levels, BARS), persistent=False)

    def networks(self) -> dict[str, nn.Module]:
        return {"denoiser": self.denoiser} if self.autoencoder is None else {"encoder": self.autoencoder.encoder, "denoiser": self.denoiser}

    def phases(self) -> dict[str, Phase]:
        return {"denoiser": Phase((self.denoiser,), self.loss, betas=(0.9, 0.99))}

    def loss(self, batch: Batch, rng: Generator) -> dict[str, Tensor]:
        """The squared error of what is predicted from x_t, per value.   Ho et al. 2020, eq. 14; Lipman et al. 2023, eq. 23"""
        x0 = batch.x if isinstance(batch, CodeBatch | PairBatch) else self.from_data(batch.x)
        noise = batch.noise if isinstance(batch, PairBatch) else torch.randn(x0.shape, generator=rng, device=x0.device)
        level = self.draw_levels(len(x0), rng)
        signal_rate, noise_rate = self.rates[level].view(-1, 2, *[1] * (x0.dim() - 1)).unbind(1)

        x = maths.add_noise(x0, noise, signal_rate, noise_rate)
        time, labels = level / self.config.levels, self.hide_some(batch.labels, rng)
        predicted = self.denoiser(x, time, labels)
        wanted = maths.target(x0, noise, signal_rate, noise_rate, self.mix)
        if labels is not None and self.config.learns_guidance:
            wanted = self._guided(wanted, predicted, x, time, labels)
        error = (predicted.float() - wanted).square().flatten(1).mean(1)

        weighted = error
        if self.config.min_snr > 0:
            weighted = error * maths.min_snr_weight(signal_rate, noise_rate, self.mix, self.config.min_snr).flatten()
        return {"loss": weighted.mean(), "mse": error.mean(), "loss_by_noise_level": self.by_level(error.detach(), level)}

    @torch.no_grad()
    def _guided(self, wanted: Tensor, predicted: Tensor, x: Tensor, time: Tensor, labels: Tensor) -> Tensor:
        """What guidance makes of the prediction: of the finished model that this one started from (Meng et al. 2023, section 3.1), else of
        its own (Tang et al. 2025)."""
        nothing, strength = torch.full_like(labels, len(self.spec.classes)), self.config.model_guidance
        if self.guide is not None:
            return maths.guide(self.guide(x, time, nothing).float(), self.guide(x, time, labels).float(), strength)
        return maths.guided_target(wanted, self.denoiser(x, time, nothing).float(), predicted.float(), strength)

    @cached_property
    def guide(self) -> nn.Module | None:
        """The network of the model that this one started from, if it can be guided and is not already.  No part of this model."""
        started = self.find_start() if self.find_start is not None else None
        if not isinstance(started, Diffusion) or not started.config.guidable or started.config.learns_guidance:
            return None
        return started.denoiser.to(self.device).eval().requires_grad_(False)

    def alone(self) -> tuple[Config, DataSpec]:
        return replace(self.config, latents=ModelName(), teacher=ModelName()), replace(self.spec, shape=self.shape)

    def begin(self) -> None:
        """A shortcut starts as its teacher."""
        super().begin()
        if self.find_teacher is not None:
            self.load_state_dict(self.find_teacher().state_dict())

    def batches(self, data: Dataset, options: Options) -> Draws:
        """With a teacher, pairs of its noise and its samples.  With an autoencoder, of codes that are worked out once; where pictures
        are shifted or turned, each step encodes its own."""
        if self.find_teacher is not None:
            teacher = self.find_teacher().to(self.device)
            classes = len(self.spec.classes) if self.config.conditional else 0
            return Pairs(teacher.make_inside, self.shape, classes, options.batch, options.seed, self.device)
        if self.autoencoder is None or not can_be_kept(options):
            return super().batches(data, options)
        return CodeBatches(data, options, self.device, self.from_data)

    @property
    def mix(self) -> maths.Mix:
        return MIXES[self.config.predicts]

    def draw_levels(self, n: int, rng: Generator) -> Tensor:
        """-> (n,) int64 from 1 to T"""
        u = maths.evenly(n, rng)
        if self.config.teacher:
            u = maths.both_ends(u)
        elif self.config.times is Times.LOGIT_NORMAL:
            u = maths.logit_normal(u)
        return (u * self.config.levels).long().clamp(max=self.config.levels - 1) + 1

    def hide_some(self, labels: Tensor | None, rng: Generator) -> Tensor | None:
        """A share of the labels becomes "no label".   Ho & Salimans 2022, alg. 1"""
        if not self.config.conditional or labels is None:
            return None
        if self.config.teacher:
            return labels
        hidden = torch.rand(len(labels), generator=rng, device=labels.device) < self.config.label_dropout
        return torch.where(hidden, len(self.spec.classes), labels)

    def by_level(self, error: Tensor, level: Tensor) -> Tensor:
        """Mean error in ten equal stretches of the path, NaN where no example fell.  (B,), (B,) -> (BARS,)"""
        member = self.bars[level]
        return (error @ member) / member.sum(0)

    # making

    def latents(self, n: int, rng: Generator, **how: Any) -> Tensor:
        return torch.randn(n, *self.shape, generator=rng, device=rng.device)

    def decode(self, z: Tensor, labels: Tensor | None = None, *, rng: Generator, **how: Any) -> Iterator[Tensor]:
        """The estimate of the clean data at every step; the last one is the answer."""
        for _, x0 in self.walk(z, labels, rng, chosen(how, self.config, points=self.spec.is_points)):
            yield self.to_data(x0)

    def path(self, z: Tensor, labels: Tensor | None = None, *, rng: Generator, **how: Any) -> Iterator[tuple[Tensor, Tensor]]:
        """(x_t, the estimate of the clean data at x_t) from noise to data, both in data space; one pair more than steps."""
        for x, x0 in self.walk(z, labels, rng, chosen(how, self.config, points=self.spec.is_points)):
            yield self.to_data(x), self.to_data(x0)
        yield self.to_data(x0), self.to_data(x0)

    def encode(self, x: Tensor, labels: Tensor | None = None, *, rng: Generator, **how: Any) -> Iterator[Tensor]:
        """The deterministic way back to noise: x_t as the network sees it (`to_data` makes a picture of it); the last is z.

        `decode` with as many steps of DDIM, or of Euler on the straight path, comes back to x.
        """
        asked = chosen(how, self.config, points=self.spec.is_points)
        levels = maths.trailing(self.config.levels, asked.steps)[::-1]
        denoise = self.denoise_for(labels, asked.guidance, asked.guided_to, asked.guided_from)
        return samplers.invert(denoise, self.from_data(x), levels, self.rates.tolist())

    def make(self, n: int, rng: Generator, labels: Tensor | None = None, **how: Any) -> Tensor:
        return self.to_data(self.make_inside(self.latents(n, rng), labels, rng, **how))

    def make_inside(self, z: Tensor, labels: Tensor | None, rng: Generator, **how: Any) -> Tensor:
        """What becomes of z, as the network sees it."""
        *_, (_, x0) = self.walk(z, labels, rng, chosen(how, self.config, points=self.spec.is_points))
        return x0

    def noise_path(self, x: Tensor, rng: Generator, count: int = 10) -> Iterator[Tensor]:
        """x_t at `count` levels from clean to noise, by one and the same draw of noise; `to_data` makes a picture of it."""
        x0 = self.from_data(x)
        noise = torch.randn(x0.shape, generator=rng, device=x0.device)
        for i in range(count):
            signal_rate, noise_rate = self.rates[round(i * self.config.levels / max(count - 1, 1))].tolist()
            yield maths.add_noise(x0, noise, signal_rate, noise_rate)

    def walk(self, z: Tensor, labels: Tensor | None, rng: Generator, how: Sampling) -> samplers.Steps:
        levels = maths.trailing(self.config.levels, how.steps, samplers.shift(how.sampler))
        denoise = self.denoise_for(labels, how.guidance, how.guided_to, how.guided_from)
        return samplers.walk(how, denoise, z, levels, self.rates.tolist(), is_straight=self.config.path is Path.STRAIGHT, rng=rng)

    def denoise_for(self, labels: Tensor | None, guidance: float, low: float = 0.0, high: float = 1.0) -> samplers.Denoise:
        """-> the function (x_t, level) -> estimate of x0, cut to where data can be; guided while low <= level / levels <= high"""
        check_labels(labels, guidance, self.config, len(self.spec.classes))
        pixels = not self.spec.is_points and self.autoencoder is None
        rates, levels, reach = self.rates.tolist(), self.config.levels, 1.0 if pixels else REACH

        @torch.no_grad()
        def denoise(x: Tensor, level: int) -> Tensor:
            time = torch.full((len(x),), level / levels, device=x.device)
            if labels is None or guidance == 1 or not low <= level / levels <= high:
                predicted = self.denoiser(x, time, labels)
            else:
                unlabelled = torch.full_like(labels, len(self.spec.classes))
                twice = self.denoiser(torch.cat([x, x]), torch.cat([time, time]), torch.cat([unlabelled, labels]))
                unguided, guided = twice.chunk(2)
                predicted = maths.guide(unguided, guided, guidance)
            signal_rate, noise_rate = rates[level]
            return maths.image_from(predicted.float(), x, signal_rate, noise_rate, self.mix).clamp(-reach, reach)

        return denoise

    # showing

    @property
    def reversible(self) -> Sampler:
        """The sampler that comes back from where `encode` went."""
        return Sampler.EULER if self.config.path is Path.STRAIGHT else Sampler.DDIM

    def glance(self) -> dict[str, Any]:
        if self.config.teacher:
            return {}
        steps = 20 if self.spec.is_points else 8
        if self.config.path is Path.STRAIGHT and not self.spec.is_points:
            return {"sampler": Sampler.ADAMS, "steps": min(steps, self.config.levels), "guidance": 1.0}
        return {"sampler": self.reversible, "steps": min(steps, self.config.levels), "guidance": 1.0}

    def preview(self, shown: Shown, rng: Generator) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        how = {**self.glance(), **shown.how}
        if not self.spec.is_points:
            return {"samples": self.make(shown.count, rng, shown.labels, **how)}, {}
        states = [x for x, _ in self.path(self.latents(shown.count, rng), shown.labels, rng=rng, **how)]
        return {}, {"points": states[-1], "paths": torch.stack(states)}

    # between the data and what is diffused
    def from_data(self, x: Tensor) -> Tensor:
        if self.autoencoder is not None:
            return self.autoencoder.codes(x)
        return x if self.spec.is_points else 2 * x - 1

    def to_data(self, x: Tensor) -> Tensor:
        if self.autoencoder is not None:
            return self.autoencoder.from_codes(x)
        return x if self.spec.is_points else ((x + 1) / 2).clamp(0, 1)


def network(config: Config, shape: tuple[int, ...], classes: int) -> nn.Module:
    """The denoiser that the config asks for, for values of this shape."""
    if config.network.on(shape) is Network.DENSE:
        return DenseDenoiser(shape, config.width, config.depth, classes=classes, dropout=config.dropout)
    return UNet(shape, config.width, config.depth, classes=classes, attention=config.attention, dropout=config.dropout)

"""Variational autoencoders: minus the evidence lower bound, term by term, in nats.

The decoder's raw output is a logit for every pixel of a picture, and a coordinate itself for points.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Generator, Tensor, nn

from aigc.data import DataSpec
from aigc.maths.likelihood import active_units, bernoulli_log_likelihood, free_bits, gaussian_log_likelihood, kl_per_dimension
from aigc.nets.body import maker
from aigc.nets.code_map import map_decoder, map_encoder
from aigc.nets.encoder import Encoder
from aigc.nets.layers import with_label
from aigc.nets.mixture import LatentMixture
from aigc.nets.plane import LatentPlane
from aigc.techniques.base import Batch, Phase, Shown, Technique
from aigc.techniques.latent import CHUNK, views
from aigc.techniques.vae import TECHNIQUE
from aigc.techniques.vae.config import Bottleneck, Config, Likelihood

ENOUGH, ENOUGH_MAPS = 300, 100  # examples to lay the plane of latents through; a map has hundreds of places
SMALLEST_LOG_SIGMA = -5.0  # a learned sigma would shrink for ever on data that can be rebuilt exactly


class VAE(Technique):
    info = TECHNIQUE
    config: Config
    images_seen: Tensor
    code_mean: Tensor  # with a map of codes, these two
    code_std: Tensor

    def __init__(self, config: Config, spec: DataSpec):
        super().__init__(config, spec)
        self.classes = len(spec.classes) if self.conditional else 0
        self.code_shape = config.code_shape(spec.shape)
        self.encoder: nn.Module
        if config.bottleneck is Bottleneck.MAP:
            self.encoder = map_encoder(spec.shape, config.channels, 2 * config.latent)
            self.decoder = map_decoder(config.latent, spec.shape, config.channels)
            self.register_buffer("code_mean", torch.zeros(config.latent, 1, 1))  # of every channel of the map, over all places
            self.register_buffer("code_std", torch.ones(config.latent, 1, 1))
        else:
            self.encoder = Encoder(spec.shape, config, 2 * config.latent, nn.SiLU, self.classes)
            self.decoder = maker(config.latent + self.classes, spec.shape, config, nn.SiLU)
        self.log_sigma = nn.Parameter(torch.zeros(())) if config.likelihood is Likelihood.GAUSSIAN_LEARNED else None
        self.plane = LatentPlane(math.prod(self.code_shape))
        clustered = config.components > 0 and config.bottleneck is Bottleneck.VECTOR
        self.mixture = LatentMixture(config.latent, config.components) if clustered else None
        self.register_buffer("images_seen", torch.zeros((), dtype=torch.int64))  # a buffer, so that a resumed warm-up goes on

    def begin(self) -> None:
        """The weight of the divergence warms up anew in each training that begins, from a finished model too."""
        super().begin()
        self.images_seen.zero_()

    def networks(self) -> dict[str, nn.Module]:
        return {"encoder": self.encoder, "decoder": self.decoder}

    def phases(self) -> dict[str, Phase]:
        return {"vae": Phase((self,), self.loss, after=self.keep_sigma)}

    def loss(self, batch: Batch, rng: Generator) -> dict[str, Tensor]:
        labels = batch.labels if self.classes else None
        x = torch.bernoulli(batch.x, generator=rng) if self.config.binarise and self.config.likelihood is Likelihood.BERNOULLI else batch.x
        mean, logvar = self.posterior(x, labels)
        z = mean + (0.5 * logvar).exp() * torch.randn(mean.shape, generator=rng, device=mean.device)
        recon, kl = -self.log_likelihood(x, z, labels).mean(), kl_per_dimension(mean, logvar).mean(0)
        weight = self.kl_weight(len(batch))
        loss = recon + weight * free_bits(kl, self.config.free_bits).sum()
        terms = {"loss": loss, "recon": recon, "kl": kl.sum(), "kl_weight": weight}
        terms |= {"kl_per_dimension": kl.view(self.code_shape[0], -1).sum(1), "active_units": active_units(mean)}
        return terms if self.config.likelihood is Likelihood.BERNOULLI else terms | {"sigma": self._log_sigma().exp()}

    def posterior(self, x: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z | x).  -> (B, Z), (B, Z)"""
        mean, logvar = (self.encoder(x, labels) if self.classes else self.encoder(x)).float().chunk(2, 1)
        return mean, logvar

    def log_likelihood(self, x: Tensor, z: Tensor, labels: Tensor | None) -> Tensor:
        """log p(x | z) in nats.  -> (B,)"""
        raw = self.decoder(with_label(z, labels, self.classes))
        if self.config.likelihood is Likelihood.BERNOULLI:
            return bernoulli_log_likelihood(x, raw)
        return gaussian_log_likelihood(x, self._shown(raw), self._log_sigma())

    def _log_sigma(self) -> Tensor:
        if self.log_sigma is not None:
            return self.log_sigma.clamp(min=SMALLEST_LOG_SIGMA)
        return torch.full((), math.log(self.config.sigma), device=self.device)

    def keep_sigma(self) -> None:
        """A learned sigma never sinks below its floor, where no gradient would reach it and it could not rise again."""
        if self.log_sigma is not None:
            self.log_sigma.data.clamp_(min=SMALLEST_LOG_SIGMA)

    def kl_weight(self, images: int) -> Tensor:
        """Beta, on its way up after another `images` training images; counts them.  -> ()"""
        if self.training:
            self.images_seen += images
        if not self.config.warmup:
            return torch.full((), self.config.beta, device=self.images_seen.device)
        return self.config.beta * (self.images_seen / self.config.warmup).clamp(max=1)

    def _shown(self, raw: Tensor) -> Tensor:
        return raw if self.spec.is_points else raw.sigmoid()

    # what a diffusion model works on, with a map of codes
    def as_map(self, z: Tensor) -> Tensor:
        """(B, Z) -> (B, channels, H, W)"""
        return z.unflatten(1, self.code_shape)

    @torch.no_grad()
    def codes(self, x: Tensor) -> Tensor:
        """The mean codes of pictures, standardised by channel.  (B, *shape) -> (B, channels, H, W)"""
        return (self.as_map(self.posterior(x, None)[0]) - self.code_mean) / self.code_std

    @torch.no_grad()
    def from_codes(self, codes: Tensor) -> Tensor:
        """The pictures that standardised codes stand for.  (B, channels, H, W) -> (B, *shape)"""
        return self._shown(self.decoder((codes * self.code_std + self.code_mean).flatten(1)))

    # making
    def calibrate(self, x: Tensor, labels: Tensor | None, rng: Generator) -> None:
        """With two latents the plane is the prior's own; with more it is laid through the posterior means.
        A few hundred examples show two directions well enough, and training waits for this; a mixture wants all of them."""
        if self.mixture is not None:
            told = labels.split(CHUNK) if self.classes and labels is not None else [None] * -(-len(x) // CHUNK)
            means = [self.posterior(part, some)[0] for part, some in zip(x.split(CHUNK), told, strict=True)]
            self.mixture.fit(torch.cat(means), rng.initial_seed() % 2**32)
        if math.prod(self.code_shape) > 2:
            is_map = self.config.bottleneck is Bottleneck.MAP
            enough = ENOUGH_MAPS if is_map else ENOUGH
            z = self.posterior(x[:enough], labels[:enough] if self.classes and labels is not None else None)[0]
            self.plane.fit(z)
            if is_map:
                std, mean = torch.std_mean(self.as_map(z), (0, 2, 3), keepdim=True)
                self.code_std.copy_(std[0])
                self.code_mean.copy_(mean[0])

    def latents(self, n: int, rng: Generator, fitted: bool = True, **how: Any) -> Tensor:
        if self.mixture is not None and fitted:
            return self.mixture.sample(n, rng)
        return torch.randn(n, math.prod(self.code_shape), generator=rng, device=rng.device)

    def decode(
        self, z: Tensor, labels: Tensor | None = None, *, rng: Generator, temperature: float = 1.0, fitted: bool = True, **how: Any
    ) -> Iterator[Tensor]:
        if self.classes and labels is None:
            labels = torch.randint(self.classes, (len(z),), generator=rng, device=z.device)
        z = self.mixture.tempered(z, temperature) if self.mixture is not None and fitted else z * temperature
        yield self._shown(self.decoder(with_label(z, labels, self.classes)))

    def encode(self, x: Tensor, labels: Tensor | None = None, *, rng: Generator, **how: Any) -> Iterator[Tensor]:
        if self.classes and labels is None:
            labels = self.likely_labels(x)
        yield self.posterior(x, labels)[0]

    @torch.no_grad()
    def likely_labels(self, x: Tensor) -> Tensor:
        """The class under which each example costs fewest nats, for pictures that nobody labelled.  (B, ...) -> (B,)"""
        bounds = []
        for k in range(self.classes):
            labels = torch.full((len(x),), k, device=x.device)
            mean, logvar = self.posterior(x, labels)
            bounds.append(self.log_likelihood(x, mean, labels) - kl_per_dimension(mean, logvar).sum(1))
        return torch.stack(bounds).argmax(0)

    # showing
    def preview(self, shown: Shown, rng: Generator) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        sheets, arrays = super().preview(shown, rng)
        labels = self.likely_labels(shown.real) if self.classes and shown.real is not None else None
        more_sheets, more_arrays = views(self, self.plane, shown, rng, labels)
        return sheets | more_sheets, arrays | more_arrays

"""Autoencoders: plain, sparse or denoising, with a mixture of Gaussians over the codes to sample from.

The decoder's raw output is a logit for every pixel of a picture, and a coordinate itself for points.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Generator, Tensor, nn

from aigc.data import DataSpec
from aigc.maths.likelihood import bernoulli_log_likelihood
from aigc.nets.body import features, maker
from aigc.nets.mixture import LatentMixture
from aigc.nets.plane import LatentPlane
from aigc.techniques.autoencoder import TECHNIQUE
from aigc.techniques.autoencoder.config import Code, Config, Reconstruction
from aigc.techniques.base import Batch, Phase, Shown, Technique
from aigc.techniques.latent import CHUNK, views


class Autoencoder(Technique):
    info = TECHNIQUE
    config: Config

    def __init__(self, config: Config, spec: DataSpec):
        super().__init__(config, spec)
        trunk, size = features(spec.shape, config, nn.SiLU)
        self.encoder = trunk.append(nn.Linear(size, config.latent))
        if config.code is Code.RELU:
            self.encoder.append(nn.ReLU())
        self.decoder = maker(config.latent, spec.shape, config, nn.SiLU)
        self.mixture, self.plane = LatentMixture(config.latent, config.components), LatentPlane(config.latent)

    def networks(self) -> dict[str, nn.Module]:
        return {"encoder": self.encoder, "decoder": self.decoder}

    def phases(self) -> dict[str, Phase]:
        return {"autoencoder": Phase((self.encoder, self.decoder), self.loss)}

    def loss(self, batch: Batch, rng: Generator) -> dict[str, Tensor]:
        config, x = self.config, batch.x
        z = self.encoder(self._spoil(x, rng))
        raw = self.decoder(z)
        error = (self._shown(raw) - x).square().flatten(1)
        entropy = config.reconstruction is Reconstruction.CROSS_ENTROPY
        recon = -bernoulli_log_likelihood(x, raw).mean() if entropy else error.sum(1).mean()
        l1, l2 = z.abs().sum(1).mean(), 0.5 * z.square().sum(1).mean()
        loss = recon + config.l1 * l1 + config.l2 * l2
        return {"loss": loss, "recon": recon, "mse": error.mean(), "code_l1": l1, "code_l2": l2, "code_spread": z.std(0, correction=0)}

    def _spoil(self, x: Tensor, rng: Generator) -> Tensor:
        """What the encoder is given in place of x when it has to learn to mend."""
        if self.config.noise > 0:
            x = x + self.config.noise * torch.randn(x.shape, generator=rng, device=x.device)
        if self.config.mask > 0:
            whole = x.shape if self.spec.is_points else x[:, :1].shape  # a pixel is hidden in all of its colours
            x = x * (torch.rand(whole, generator=rng, device=x.device) >= self.config.mask)
        return x

    def _shown(self, raw: Tensor) -> Tensor:
        return raw if self.spec.is_points else raw.sigmoid()

    # making
    def calibrate(self, x: Tensor, labels: Tensor | None, rng: Generator) -> None:
        z = torch.cat([self.encoder(part) for part in x.split(CHUNK)])
        self.mixture.fit(z, rng.initial_seed() % 2**32)
        self.plane.fit(z)

    def latents(self, n: int, rng: Generator, **how: Any) -> Tensor:
        return self._as_code(self.mixture.sample(n, rng))

    def decode(self, z: Tensor, labels: Tensor | None = None, *, rng: Generator, temperature: float = 1.0, **how: Any) -> Iterator[Tensor]:
        yield self._shown(self.decoder(self._as_code(self.mixture.tempered(z, temperature))))

    def _as_code(self, z: Tensor) -> Tensor:
        """What the encoder could have answered: the mixture, a temperature above 1 and the plane of latents also reach below 0."""
        return z.relu() if self.config.code is Code.RELU else z

    def encode(self, x: Tensor, labels: Tensor | None = None, *, rng: Generator, **how: Any) -> Iterator[Tensor]:
        yield self.encoder(x)

    # showing
    def preview(self, shown: Shown, rng: Generator) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        sheets, arrays = super().preview(shown, rng)
        more_sheets, more_arrays = views(self, self.plane, shown, rng)
        return sheets | more_sheets, arrays | more_arrays

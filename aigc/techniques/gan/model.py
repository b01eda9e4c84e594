"""Generative adversarial networks: two phases, a critic's and a generator's, and lazy R1 as a third.

Inside, pictures live in [-1, 1] (the generator ends in tanh); points are as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor, nn

from aigc.data import DataSpec
from aigc.maths import gan as maths
from aigc.nets.body import maker
from aigc.nets.critic import Critic
from aigc.nets.layers import with_label
from aigc.nets.plane import EXTENT, quantile_grid
from aigc.techniques.base import Batch, Phase, Shown, Technique
from aigc.techniques.gan import TECHNIQUE
from aigc.techniques.gan.config import Config, CriticNetwork, Loss


def as_probability(score: Tensor) -> Tensor:
    return score.clamp(0, 1)


@dataclass(frozen=True)
class Objective:
    """What the two sides descend, and what else this choice brings."""

    critic: Callable[[Tensor, Tensor], Tensor]  # (real scores, fake scores)
    generator: Callable[..., Tensor]  # (fake scores), and the real ones too if `paired`
    paired: bool = False
    probability: Callable[[Tensor], Tensor] = torch.sigmoid  # what a score says of being real
    clipped: bool = False  # weights are clipped after every critic step
    sloped: bool = False  # Gulrajani's penalty is added
    both_ends: bool = False  # R1 comes with R2


OBJECTIVES = {
    Loss.MINIMAX: Objective(maths.minimax_critic, maths.minimax_generator),
    Loss.NON_SATURATING: Objective(maths.minimax_critic, maths.non_saturating_generator),
    Loss.LEAST_SQUARES: Objective(maths.least_squares_critic, maths.least_squares_generator, probability=as_probability),
    Loss.HINGE: Objective(maths.hinge_critic, maths.wasserstein_generator),
    Loss.WASSERSTEIN_CLIP: Objective(maths.wasserstein_critic, maths.wasserstein_generator, clipped=True),
    Loss.WASSERSTEIN_GP: Objective(maths.wasserstein_critic, maths.wasserstein_generator, sloped=True),
    Loss.RELATIVISTIC: Objective(maths.relativistic_critic, maths.relativistic_generator, paired=True, both_ends=True),
}


class GAN(Technique):
    info = TECHNIQUE
    config: Config

    def __init__(self, config: Config, spec: DataSpec):
        super().__init__(config, spec)
        self.classes = len(spec.classes) if self.conditional else 0
        pooled = config.critic_network is CriticNetwork.POOLED
        self.generator = maker(config.latent + self.classes, spec.shape, config, nn.ReLU, config.generator_norm)
        if not spec.is_points:
            self.generator.append(nn.Tanh())
        self.critic = Critic(spec.shape, config, config.critic_norm, config.dropout, pooled, self.classes)

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "critic": self.critic}

    def phases(self) -> dict[str, Phase]:
        config, betas = self.config, (self.config.beta1, 0.99)
        phases = {
            "critic": Phase(
                (self.critic,), self.critic_loss, repeats=config.critic_steps, betas=betas,
                learning_rate=lambda: self.config.critic_learning_rate, after=self.clip_weights,
            )
        }  # fmt: skip
        if config.r1_every > 1 and config.r1_weight > 0:
            phases["r1"] = Phase(
                (self.critic,), self.r1_loss, every=config.r1_every, fresh=False, optimiser="critic",
                learning_rate=lambda: self.config.critic_learning_rate, after=self.clip_weights,
            )  # fmt: skip
        return phases | {"generator": Phase((self.generator,), self.generator_loss, fresh=False, betas=betas)}

    # the three losses
    def critic_loss(self, batch: Batch, rng: Generator) -> dict[str, Tensor]:
        config, objective, labels = self.config, OBJECTIVES[self.config.loss], self._labels(batch)
        penalised = config.r1_weight > 0 and config.r1_every == 1
        real, fake = self._real(batch, penalised), self._fake(batch, rng, penalised)
        real_score, fake_score = self.critic(real, labels), self.critic(fake, labels)
        loss = objective.critic(real_score, fake_score).mean()
        terms: dict[str, Tensor] = {}
        if penalised:
            terms |= self._flatness(real_score, real, fake_score, fake)
            loss = loss + config.r1_weight * sum(terms.values())
        if objective.sloped:
            between = torch.lerp(real, fake.float(), torch.rand(len(real), *[1] * (real.ndim - 1), generator=rng, device=real.device))
            between = between.detach().requires_grad_()
            terms["gp"] = maths.one_centred_penalty(self.critic(between, labels), between).mean()
            loss = loss + config.gp_weight * terms["gp"]
        scores = {"real_score": objective.probability(real_score).mean(), "fake_score": objective.probability(fake_score).mean()}
        return {"loss": loss, **terms, **scores}

    def r1_loss(self, batch: Batch, rng: Generator) -> dict[str, Tensor]:
        """The penalty of `r1_every` steps at once.   Karras et al. 2020, app. B"""
        config, labels = self.config, self._labels(batch)
        real, fake = self._real(batch, True), self._fake(batch, rng, True)
        terms = self._flatness(self.critic(real, labels), real, self.critic(fake, labels), fake)
        return {"loss": config.r1_weight * config.r1_every * sum(terms.values()), **terms}  # type: ignore[dict-item]

    def generator_loss(self, batch: Batch, rng: Generator) -> dict[str, Tensor]:
        objective, labels = OBJECTIVES[self.config.loss], self._labels(batch)
        fake = self.generator(self._with_label(self.latents(len(batch), rng), labels))
        against = (self.critic(self._real(batch), labels),) if objective.paired else ()
        return {"loss": objective.generator(self.critic(fake, labels), *against).mean()}

    def _flatness(self, real_score: Tensor, real: Tensor, fake_score: Tensor, fake: Tensor) -> dict[str, Tensor]:
        terms = {"r1": maths.zero_centred_penalty(real_score, real).mean()}
        if OBJECTIVES[self.config.loss].both_ends:
            terms["r2"] = maths.zero_centred_penalty(fake_score, fake).mean()
        return terms

    def clip_weights(self) -> None:
        if OBJECTIVES[self.config.loss].clipped:
            weights = [p.data for p in self.critic.parameters()]
            torch._foreach_clamp_min_(weights, -self.config.clip)
            torch._foreach_clamp_max_(weights, self.config.clip)

    # in and out of [-1, 1]
    def _real(self, batch: Batch, sloped: bool = False) -> Tensor:
        """A view or copy of the batch whose slope can be asked for without touching the batch."""
        return (batch.x if self.spec.is_points else 2 * batch.x - 1).detach().requires_grad_(sloped)

    @torch.no_grad()
    def _make(self, z: Tensor, labels: Tensor | None) -> Tensor:
        return self.generator(self._with_label(z, labels))

    def _fake(self, batch: Batch, rng: Generator, sloped: bool = False) -> Tensor:
        return self._make(self.latents(len(batch), rng), self._labels(batch)).requires_grad_(sloped)

    def _with_label(self, z: Tensor, labels: Tensor | None) -> Tensor:
        return with_label(z, labels, self.classes)

    def _labels(self, batch: Batch) -> Tensor | None:
        return batch.labels if self.classes else None

    # making
    def calibrate(self, x: Tensor, labels: Tensor | None, rng: Generator) -> None:
        """Batch statistics of the averaged generator, taken afresh: those copied belong to other weights.   Brock et al. 2019, s. 4.1"""
        norms = [m for m in self.generator.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a plain mean over the batches that follow
            norm.train()
        for _ in range(4 if norms else 0):
            z = self.latents(128, rng)
            self._make(z, self._any_labels(z, rng))
        for norm in norms:
            norm.momentum = 0.1
            norm.eval()

    def latents(self, n: int, rng: Generator, **how: Any) -> Tensor:
        return torch.randn(n, self.config.latent, generator=rng, device=rng.device)

    def decode(self, z: Tensor, labels: Tensor | None = None, *, rng: Generator, truncation: float = 1.0, **how: Any) -> Iterator[Tensor]:
        labels = labels if labels is not None else self._any_labels(z, rng)
        x = self.generator(self._with_label(z * truncation, labels))
        yield x if self.spec.is_points else (x + 1) / 2

    def _any_labels(self, z: Tensor, rng: Generator) -> Tensor | None:
        return torch.randint(self.classes, (len(z),), generator=rng, device=z.device) if self.classes else None

    # showing
    def preview(self, shown: Shown, rng: Generator) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        sheets, arrays = super().preview(shown, rng)
        if not self.spec.is_points:
            return sheets, arrays
        arrays |= {"field": self.field(41), "extent": torch.tensor([-EXTENT, EXTENT])}
        if self.config.latent == 2:
            grid = quantile_grid(21, self.device)
            z = torch.special.ndtri(grid).flatten(0, 1)
            *_, x = self.decode(z, torch.zeros(len(z), dtype=torch.int64, device=z.device), rng=rng)
            arrays["grid"] = x.unflatten(0, grid.shape[:2])
        return sheets, arrays

    def field(self, side: int) -> Tensor:
        """The critic's score over the square [-EXTENT, EXTENT]², row by row from below; the mean over classes.  -> (side, side)"""
        axis = torch.linspace(-EXTENT, EXTENT, side, device=self.device)
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        points = torch.stack([x, y], -1).flatten(0, 1)
        labels: list[Tensor | None] = [torch.full((len(points),), k, device=self.device) for k in range(self.classes)] or [None]
        return torch.stack([self.critic(points, label) for label in labels]).mean(0).view(side, side)

"""Making things with a model, state by state: samples, the way between two latents, the plane of latents."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Generator, Tensor

from aigc.words import Refusal, both

if TYPE_CHECKING:
    from aigc.techniques.base import Technique

NORMAL_SLACK = 0.05  # of mean and variance of 4,096 latents, under which a prior counts as standard normal
PLANE = 14  # pictures along a side of the manifold
NOT_FINITE = both("This model answers with numbers that are not finite: it cannot be shown.", "这个模型给出了非有限的数，无法显示。")


def generator(model: Technique, seed: int) -> Generator:
    return torch.Generator(model.device).manual_seed(seed)


def labels_for(model: Technique, n: int, label: int | None) -> Tensor | None:
    """The class `label`, or all classes in turn; None for a model that takes none.  -> (n,)"""
    if not model.conditional:
        return None
    return torch.arange(n, device=model.device) % len(model.spec.classes) if label is None else torch.full((n,), label, device=model.device)


def states(model: Technique, z: Tensor, labels: Tensor | None, rng: Generator, how: dict[str, Any]) -> Iterator[dict[str, Tensor]]:
    """What is there after every step: "x", and beside it "guess", the clean data a denoiser believes in, where it has one."""
    path = getattr(model, "path", None)
    if path is None:
        for x in model.decode(z, labels, rng=rng, **how):
            yield {"x": checked(x)}
    else:
        for x, guess in path(z, labels, rng=rng, **how):
            yield {"x": checked(x), "guess": guess}


def checked(x: Tensor) -> Tensor:
    """Raises Refusal for NaN: a picture of it would be black, which says nothing."""
    if not bool(torch.isfinite(x).all()):
        raise Refusal(NOT_FINITE)
    return x


def steps_of(how: dict[str, Any]) -> int:
    """How many states to expect."""
    return int(how.get("steps", 0)) + 1 if "steps" in how else 1


def is_standard_normal(model: Technique) -> bool:
    """Whether the prior is N(0, I), judged by what it gives: then latents lie near a sphere, and ways between them follow it."""
    z = model.latents(4096 // max(1, math.prod(model.latents(1, generator(model, 0)).shape[1:])) + 1, generator(model, 0))
    return abs(float(z.mean())) < NORMAL_SLACK and abs(float(z.square().mean()) - 1) < 2 * NORMAL_SLACK


def slerp(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    """From a to b along the arc, so that the length of a normal draw is kept.  (Z...), (Z...), (T,) -> (T, Z...)   Shoemake 1985"""
    flat_a, flat_b = a.flatten(), b.flatten()
    cosine = (flat_a @ flat_b / (flat_a.norm() * flat_b.norm()).clamp(min=1e-12)).clamp(-1, 1)
    angle = cosine.arccos()
    if float(angle.sin()) < 1e-4:  # the same direction, or opposite ones: no arc is better than another
        return lerp(a, b, share)
    share = share.view(-1, *[1] * a.dim())
    return (((1 - share) * angle).sin() * a + (share * angle).sin() * b) / angle.sin()


def lerp(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    return torch.lerp(a[None], b[None], share.view(-1, *[1] * a.dim()))


def between(model: Technique, seed_a: int, seed_b: int, frames: int) -> Tensor:
    """Latents on the way from one seed's to another's.  -> (frames, *latent shape)"""
    a, b = (model.latents(1, generator(model, seed))[0] for seed in (seed_a, seed_b))
    return (slerp if is_standard_normal(model) else lerp)(a, b, torch.linspace(0, 1, frames, device=a.device))


def plane_of(model: Technique) -> Any:
    """The window on the latents, a `nets.plane.LatentPlane`.  Raises Refusal."""
    plane = getattr(model, "plane", None)
    if plane is None:
        raise Refusal(both("This technique has no latent plane.", "这种技术没有潜平面。"))
    return plane


def decoded(model: Technique, quantiles: Tensor, label: int | None) -> Tensor:
    """What stands at places of the plane.  (N, 2) in [0, 1]² -> (N, *shape)"""
    labels = None if not model.conditional else torch.full((len(quantiles),), label or 0, device=model.device)
    *_, x = model.decode(plane_of(model)(quantiles), labels, rng=generator(model, 0))
    return checked(x)


def manifold(model: Technique, label: int | None, side: int = PLANE) -> Tensor:
    """The plane decoded, row 0 on top.  -> (side * side, *shape)"""
    from aigc.nets.plane import quantile_grid

    return decoded(model, quantile_grid(side, model.device).flip(0).flatten(0, 1), label)


def places(model: Technique, x: Tensor, labels: Tensor | None) -> Tensor:
    """Where real examples stand on the plane.  (N, *shape) -> (N, 2) in [0, 1]²"""
    *_, z = model.encode(x, labels, rng=generator(model, 0))
    return plane_of(model).place(z)

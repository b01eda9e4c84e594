"""What techniques that encode show beside samples: reconstructions, and the plane of their latents."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from aigc.nets.plane import LatentPlane, quantile_grid
from aigc.techniques.base import Shown, Technique

CHUNK = 100  # examples encoded at a time: all at once, the features of large pictures would fall out of the cache


def views(
    model: Technique, plane: LatentPlane, shown: Shown, rng: Generator, labels: Tensor | None = None
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """(sheets, arrays) for a preview.  Pictures: "reconstructions", real and rebuilt in turn, and with two latents "plane", 12 x 12 from the
    top left.  Points: "grid", the plane decoded (K, K, 2), and "reconstructed" (m, 2).
    `labels` are those of `shown.real`, where the model takes any."""
    sheets: dict[str, Tensor] = {}
    arrays: dict[str, Tensor] = {}
    if shown.real is not None:
        *_, z = model.encode(shown.real, labels, rng=rng)
        *_, back = model.decode(z, labels, rng=rng)
        if model.spec.is_points:
            arrays["reconstructed"] = back
        else:
            sheets["reconstructions"] = torch.stack([shown.real, back], 1).flatten(0, 1)
    if model.spec.is_points:
        arrays["grid"] = _plane(model, plane, 21, rng)
    elif plane.axes.shape[1] == 2:
        sheets["plane"] = _plane(model, plane, 12, rng).flip(0).flatten(0, 1)  # pictures are laid out from the top
    return sheets, arrays


def _plane(model: Technique, plane: LatentPlane, side: int, rng: Generator) -> Tensor:
    """-> (side, side, *shape), row 0 at the bottom; of the first class, if there are several."""
    z = plane(quantile_grid(side, model.device).flatten(0, 1))
    labels = torch.zeros(len(z), dtype=torch.int64, device=z.device) if model.conditional else None
    *_, x = model.decode(z, labels, rng=rng)
    return x.unflatten(0, (side, side))

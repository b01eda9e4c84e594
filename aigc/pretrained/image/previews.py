"""Latents as pictures while they are on their way: through a small decoder, or through a linear map fitted to a large one."""

from __future__ import annotations

from typing import Any

import torch
from PIL import Image
from torch import Tensor

SMALL = 8_000_000  # parameters of a decoder that is run at every step
FIT_SIDE, FIT_COUNT = 16, 2  # latents that the linear map is fitted on; one decoding of them, once a pipeline


class Preview:
    """What a pipeline's latents look like, cheaply.  One for each loaded pipeline."""

    def __init__(self, pipe: Any):
        self.vae: Any = getattr(pipe, "vae", None)
        self.channels: Any = getattr(getattr(self.vae, "config", None), "latent_channels", None)
        self.whole = self.vae is not None and sum(p.numel() for p in self.vae.parameters()) <= SMALL
        self.linear: tuple[Tensor, Tensor] | None = None
        self.blind = False  # its pictures were no numbers: there is nothing to fit to

    @torch.no_grad()
    def __call__(self, latents: Tensor) -> Tensor | None:
        """(N, C, h, w) scaled latents -> (N, 3, H, W) in [0, 1]; None for latents that are packed in a way of the model's own."""
        if self.vae is None:
            return (latents.float() / 2 + 0.5).clamp(0, 1) if latents.ndim == 4 and latents.shape[1] in (1, 3) else None
        if latents.ndim != 4 or latents.shape[1] != self.channels:
            return None
        raw = self.unscaled(latents)
        if self.whole:
            return (self.vae.decode(raw.to(self.vae.dtype), return_dict=False)[0].float() / 2 + 0.5).clamp(0, 1)
        if self.linear is None and not self.blind:
            self.linear = self._fitted()
        if self.linear is None:
            self.blind = True
            return None
        weight, bias = self.linear
        seen = torch.einsum("nchw,cd->ndhw", raw.float().cpu(), weight) + bias[:, None, None]
        return (seen / 2 + 0.5).clamp(0, 1)

    def unscaled(self, latents: Tensor) -> Tensor:
        return latents / getattr(self.vae.config, "scaling_factor", 1.0) + (getattr(self.vae.config, "shift_factor", None) or 0.0)

    def _fitted(self) -> tuple[Tensor, Tensor] | None:
        """The least-squares map from a latent's channels to the mean colour of the pixels it stands for.  -> (C, 3), (3,)"""
        rng = torch.Generator().manual_seed(0)
        rough = torch.randn(FIT_COUNT, self.channels, FIT_SIDE // 4, FIT_SIDE // 4, generator=rng)
        latents = torch.nn.functional.interpolate(rough, FIT_SIDE, mode="bicubic") + 0.3 * torch.randn(
            FIT_COUNT, self.channels, FIT_SIDE, FIT_SIDE, generator=rng
        )
        raw = self.unscaled(latents)
        pixels = self._decoded(raw)
        if not bool(pixels.isfinite().all()):
            return None
        colours = torch.nn.functional.adaptive_avg_pool2d(pixels, FIT_SIDE).movedim(1, -1).reshape(-1, 3)
        known = torch.cat([raw.movedim(1, -1).reshape(-1, self.channels), torch.ones(len(colours), 1)], 1)
        found = torch.linalg.lstsq(known, colours).solution
        return found[:-1], found[-1]

    def _decoded(self, raw: Tensor) -> Tensor:
        """In float32 where the decoder overflows in float16, as its pipeline does when it has finished."""
        kind = next(self.vae.parameters()).dtype
        overflows = kind is torch.float16 and getattr(self.vae.config, "force_upcast", False)
        try:
            if overflows:
                self.vae.to(dtype=torch.float32)
            return self.vae.decode(raw.to(next(self.vae.parameters())), return_dict=False)[0].float().cpu()  # type: ignore[no-any-return]
        finally:
            if overflows:
                self.vae.to(dtype=kind)


def as_pictures(images: Tensor | None) -> list[Image.Image]:
    """(N, 3 or 1, H, W) in [0, 1] -> pictures."""
    if images is None:
        return []
    array = (images.nan_to_num().clamp(0, 1) * 255).round().byte().cpu().movedim(1, -1).numpy()
    return [Image.fromarray(one[..., 0] if one.shape[-1] == 1 else one) for one in array]

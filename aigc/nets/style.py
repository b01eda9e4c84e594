"""Style transfer in one pass: a picture's features get the moments of another's, and a decoder paints (AdaIN, Huang and Belongie 2017)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.nn.utils.fusion import fuse_conv_bn_eval

WIDTHS = (32, 64, 128, 256)
SHRINKS = 8  # pixels along a side that one place of the deepest features stands for
FRAME = 32  # pixels


def convolution(a: int, b: int) -> nn.Conv2d:
    return nn.Conv2d(a, b, 3, padding=1)


class Encoder(nn.Module):
    """(B, 3, H, W) in [0, 1] -> four maps of features, each of half the size of the one before; the sides must be multiples of SHRINKS.

    It is taught with batch normalisation, and afterwards `folded` into plain convolutions as in VGG.
    """

    def __init__(self, norm: bool = False):
        super().__init__()

        def layer(a: int, b: int) -> list[nn.Module]:
            return [convolution(a, b), *([nn.BatchNorm2d(b)] if norm else []), nn.ReLU()]

        a, b, c, d = WIDTHS
        self.stages = nn.ModuleList([
            nn.Sequential(*layer(3, a), *layer(a, a)),
            nn.Sequential(nn.AvgPool2d(2), *layer(a, b), *layer(b, b)),
            nn.Sequential(nn.AvgPool2d(2), *layer(b, c), *layer(c, c)),
            nn.Sequential(nn.AvgPool2d(2), *layer(c, d)),
        ])  # fmt: skip

    def forward(self, x: Tensor) -> list[Tensor]:
        found, x = [], ((x - 0.5) * 4).to(next(self.parameters()).dtype)
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found

    def folded(self) -> Encoder:
        """The same function without normalisation: its running means and deviations become weights."""
        plain = Encoder()
        for ours, theirs in zip(self.stages, plain.stages, strict=True):
            layers = list(ours.eval().children())
            pairs = [(a, b) for a, b in pairwise(layers) if isinstance(a, nn.Conv2d) and isinstance(b, nn.BatchNorm2d)]
            fused = [fuse_conv_bn_eval(conv, norm) for conv, norm in pairs]
            for conv, target in zip(fused, (part for part in theirs.children() if isinstance(part, nn.Conv2d)), strict=True):
                target.load_state_dict(conv.state_dict())
        return plain


class Decoder(nn.Sequential):
    """The deepest features -> (B, 3, H, W), not clipped."""

    def __init__(self) -> None:
        a, b, c, d = WIDTHS
        super().__init__(
            convolution(d, c), nn.ReLU(), nn.Upsample(scale_factor=2), convolution(c, c), nn.ReLU(), convolution(c, b), nn.ReLU(),
            nn.Upsample(scale_factor=2), convolution(b, b), nn.ReLU(), convolution(b, a), nn.ReLU(),
            nn.Upsample(scale_factor=2), convolution(a, a), nn.ReLU(), convolution(a, 3),
        )  # fmt: skip

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(features.to(next(self.parameters()).dtype)).float() / 4 + 0.5


class StyleNetwork(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(), Decoder()

    def forward(self, content: Tensor, style: Tensor, strength: float = 1.0) -> Tensor:
        """The content in the manner of the style; strength 0 only encodes and decodes."""
        seen = self.encoder(content)[-1].float()
        return self.decoder(torch.lerp(seen, renormalised(seen, self.encoder(style)[-1]), strength))


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation over places.  (B, C, H, W) -> two of (B, C, 1, 1)"""
    features = features.float()
    mean = features.mean((2, 3), keepdim=True)
    return mean, ((features - mean).square().mean((2, 3), keepdim=True) + 1e-5).sqrt()


def renormalised(content: Tensor, style: Tensor) -> Tensor:
    """The content's features with the style's moments: eq. 8."""
    (mean, deviation), (wanted, spread) = moments(content), moments(style)
    return (content - mean) / deviation * spread + wanted


def gram(features: Tensor) -> Tensor:
    """Which features go together, wherever they are.  (B, C, H, W) -> (B, C, C)   Gatys et al. 2016, eq. 3, divided by the number of places"""
    flat = features.float().flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def framed(x: Tensor) -> tuple[Tensor, int]:
    """(the picture with a mirrored margin, which no border artefact crosses, its sides multiples of SHRINKS; the margin's width)."""
    height, width = x.shape[-2:]
    margin = min(FRAME, (min(height, width) - 1) // SHRINKS * SHRINKS)
    x = nn.functional.pad(x, (margin,) * 4, mode="reflect")
    return nn.functional.pad(x, (0, -x.shape[-1] % SHRINKS, 0, -x.shape[-2] % SHRINKS), mode="replicate"), margin


def resized(x: Tensor, height: int, width: int) -> Tensor:
    return interpolate(x, (height, width), mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)

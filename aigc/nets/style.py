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


class Decoder(nn.Module):
    """The encoder's four maps of features, and the picture in the right colours -> (B, 3, H, W), not clipped.

    The deepest features say little of edges and nothing of colours, since what a thing is does not depend on them.
    """

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d = WIDTHS
        up = nn.Upsample(scale_factor=2)
        self.stages = nn.ModuleList([
            nn.Sequential(convolution(d, c), nn.ReLU(), up),
            nn.Sequential(convolution(2 * c, c), nn.ReLU(), convolution(c, b), nn.ReLU(), up),
            nn.Sequential(convolution(2 * b, b), nn.ReLU(), convolution(b, a), nn.ReLU(), up),
            nn.Sequential(convolution(a + 3, a), nn.ReLU(), convolution(a, 3)),
        ])  # fmt: skip

    def forward(self, features: list[Tensor], colours: Tensor) -> Tensor:
        _, b, c, d, colours = (f.to(next(self.parameters()).dtype) for f in (*features, (colours - 0.5) * 4))
        first, second, third, last = self.stages
        h = third(torch.cat([second(torch.cat([first(d), c], 1)), b], 1))
        return last(torch.cat([h, colours], 1)).float() / 4 + 0.5


class StyleNetwork(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(), Decoder()

    def forward(self, content: Tensor, style: Tensor, strength: float = 1.0) -> Tensor:
        """The content in the manner of the style; strength 0 only encodes and decodes."""
        colours = torch.lerp(content, recoloured(content, style), strength)
        seen = [f.float() for f in self.encoder(content)]
        return self.decoder([torch.lerp(f, renormalised(f, s), strength) for f, s in zip(seen, self.encoder(style), strict=True)], colours)


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation over places.  (B, C, H, W) -> two of (B, C, 1, 1)"""
    features = features.float()
    mean = features.mean((2, 3), keepdim=True)
    return mean, ((features - mean).square().mean((2, 3), keepdim=True) + 1e-5).sqrt()


def renormalised(content: Tensor, style: Tensor) -> Tensor:
    """The content's features with the style's moments: eq. 8."""
    (mean, deviation), (wanted, spread) = moments(content), moments(style)
    return (content - mean) / deviation * spread + wanted


def recoloured(content: Tensor, style: Tensor) -> Tensor:
    """The content with the mean and the covariance of the style's colours, by the least change.   (B, 3, H, W), (B, 3, h, w) -> (B, 3, H, W)

    The linear map of optimal transport between two Gaussians:   Pitié & Kokaram 2007, eq. 12
    """
    with torch.autocast(content.device.type, enabled=False):  # inverse roots of covariances rounded to 8 bits are other colours
        x, y = content.float().flatten(2), style.float().flatten(2)
        mean, wanted = x.mean(2, keepdim=True), y.mean(2, keepdim=True)
        least = 1e-4 * torch.eye(3, device=x.device)
        ours, theirs = ((v - m) @ (v - m).mT / v.shape[2] + least for v, m in ((x, mean), (y, wanted)))
        root = power(ours, 0.5)
        back = power(ours, -0.5)
        turn = back @ power(root @ theirs @ root, 0.5) @ back
        return (turn @ (x - mean) + wanted).view_as(content)


def power(matrices: Tensor, exponent: float) -> Tensor:
    """Of symmetric positive matrices.  (B, N, N) -> (B, N, N)"""
    values, vectors = torch.linalg.eigh(matrices)
    return vectors @ (values.clamp(min=1e-8) ** exponent)[..., None].mul(vectors.mT)


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

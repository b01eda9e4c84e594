"""A small residual network that names the class of a picture, and whose last numbers before that are the features samples are compared by.

All of its work is at 16 x 16 pixels and below: the picture is folded first, as in unet.py.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from aigc.nets.unet import fold_factor

FEATURES = 64


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut, each normalised and bent before.   He et al. 2016b, fig. 4e"""

    def __init__(self, c_in: int, c_out: int, stride: int = 1):
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(c_in), nn.BatchNorm2d(c_out)
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, padding=1, bias=False)
        changes = stride > 1 or c_in != c_out
        self.shortcut = nn.Conv2d(c_in, c_out, 1, stride, bias=False) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        h = functional.relu(self.norm1(x))
        around = self.shortcut(h) if isinstance(self.shortcut, nn.Conv2d) else x
        h = self.conv1(h)
        return around + self.conv2(functional.relu(self.norm2(h)))


class Classifier(nn.Module):
    """(B, C, H, W) in [0, 1] -> (features (B, 64), logits (B, classes)); without classes it has features alone.

    The features are a linear map of the pooled maps, taken before they are bent: dense numbers of either sign, in which a
    Gaussian can be fitted, as the Fréchet distance does.
    """

    def __init__(self, shape: tuple[int, ...], classes: int, width: int = 32, features: int = FEATURES):
        super().__init__()
        self.features = features
        channels, height, side = shape
        fold = fold_factor(height, side)
        self.body = nn.Sequential(
            nn.PixelUnshuffle(fold), nn.Conv2d(channels * fold * fold, width, 3, padding=1, bias=False),
            Block(width, width), Block(width, width), Block(width, 2 * width, stride=2), Block(2 * width, 2 * width),
            nn.BatchNorm2d(2 * width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * width, features),
        )  # fmt: skip
        self.out = nn.Linear(features, classes) if classes else None

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(2 * x - 1)
        return features, features[:, :0] if self.out is None else self.out(functional.silu(features))


@torch.no_grad()
def read_pictures(network: Classifier, x: Tensor, batch: int = 500) -> tuple[Tensor, Tensor]:
    """Features and logits of pictures, uint8 or float in [0, 1], so many at a time.  (N, C, H, W) -> (N, F), (N, classes), on the CPU"""
    device = next(network.parameters()).device
    found = []
    for part in x.split(batch):
        part = part.to(device)
        part = part.float() / 255 if part.dtype == torch.uint8 else part
        found.append(tuple(t.float().cpu() for t in network(part.contiguous(memory_format=torch.channels_last))))
    features, logits = zip(*found, strict=True)
    return torch.cat(features), torch.cat(logits)

"""A small U-Net told the noise level and the class, with nearly all of its work at 16 x 16 pixels and below.

The picture is first folded (space to depth) to at most 16 x 16, then halved down to about 4 x 4 and back, with skip
connections (Ronneberger et al. 2015; Ho et al. 2020; folding as in Hoogeboom et al. 2023, "simple diffusion").
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from aigc.nets.embeddings import Conditioning
from aigc.nets.layers import ConvTranspose2x2, Dropout


def fold_factor(height: int, width: int, side: int = 16) -> int:
    """The smallest whole factor that brings both sides to at most `side`; 1 where none divides them."""
    for factor in range(1, 17):
        if height % factor == 0 and width % factor == 0 and max(height, width) // factor <= side:
            return factor
    return 1


def halvings(height: int, width: int) -> int:
    """How often both sides can be halved without going below 4 pixels; at most twice."""
    count = 0
    while count < 2 and height % 2 == 0 and width % 2 == 0 and min(height, width) >= 8:
        height, width, count = height // 2, width // 2, count + 1
    return count


class GroupNorm(nn.GroupNorm):
    """In float32 whatever comes in, as autocast does on a GPU; in bfloat16 the CPU's own kernel takes three times as long."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.float())


def group_norm(channels: int, affine: bool = True) -> nn.GroupNorm:
    return GroupNorm(next(g for g in (8, 4, 2, 1) if channels % g == 0), channels, affine=affine)


def zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """Starts silent, so that a block starts as the identity and the network at zero."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class ResBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut; the condition scales and shifts between them."""

    def __init__(self, c_in: int, c_out: int, condition: int, dropout: float):
        super().__init__()
        self.norm1 = group_norm(c_in)
        self.conv1 = nn.Conv2d(c_in, c_out, 3, padding=1)
        self.scale_shift = nn.Linear(condition, 2 * c_out)
        self.norm2 = group_norm(c_out, affine=False)  # scale_shift is its affine part
        self.dropout = Dropout(dropout)
        self.conv2 = zeroed(nn.Conv2d(c_out, c_out, 3, padding=1))
        self.shortcut = nn.Conv2d(c_in, c_out, 1) if c_in != c_out else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        h = self.conv1(functional.silu(self.norm1(x)))
        scale, shift = self.scale_shift(condition).view(len(x), -1, 1, 1).chunk(2, dim=1)
        h = functional.silu(self.norm2(h) * (1 + scale) + shift)
        return self.shortcut(x) + self.conv2(self.dropout(h))


class Attention(nn.Module):
    """Every pixel looks at every other one; heads of 32 channels or somewhat more, where there are as many."""

    def __init__(self, channels: int):
        super().__init__()
        self.heads = next(h for h in range(max(channels // 32, 1), 0, -1) if channels % h == 0)
        self.norm = group_norm(channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = zeroed(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        q, k, v = self.qkv(self.norm(x)).view(b, 3, self.heads, c // self.heads, h * w).transpose(-1, -2).unbind(1)
        if x.device.type == "cpu":
            q, k, v = q.float(), k.float(), v.float()
        with torch.autocast("cpu", enabled=False):  # the CPU's bfloat16 kernel takes ten times as long on the way back
            mixed = functional.scaled_dot_product_attention(q, k, v)  # (B, heads, H W, C / heads)
        return x + self.out(mixed.transpose(-1, -2).reshape(b, c, h, w))


class UNet(nn.Module):
    """(B, C, H, W), time (B,) in [0, 1], labels (B,) or None -> (B, C, H, W).

    `width` channels at the finest resolution and twice as many below it; `depth` blocks a resolution and side.
    """

    def __init__(self, shape: tuple[int, ...], width: int, depth: int, *, classes: int = 0, attention: bool = False, dropout: float = 0.0):
        super().__init__()
        channels, height, breadth = shape
        self.fold = fold_factor(height, breadth)
        widths = [width] + [2 * width] * halvings(height // self.fold, breadth // self.fold)
        c, size = width, 4 * width
        self.condition = Conditioning(size, classes)
        self.stem = nn.Conv2d(channels * self.fold**2, c, 3, padding=1)
        self.down, self.shrink = nn.ModuleList(), nn.ModuleList()
        for level, w in enumerate(widths):
            self.down.append(nn.ModuleList(ResBlock(c if i == 0 else w, w, size, dropout) for i in range(depth)))
            c = w
            if level < len(widths) - 1:
                self.shrink.append(nn.Conv2d(c, c, 3, stride=2, padding=1))
        self.middle = ResBlock(c, c, size, dropout)
        self.attention = Attention(c) if attention else nn.Identity()
        self.up, self.grow = nn.ModuleList(), nn.ModuleList()
        for level, w in reversed(list(enumerate(widths))):
            self.up.append(nn.ModuleList(ResBlock((c if i == 0 else w) + w, w, size, dropout) for i in range(depth)))
            c = w
            if level:
                self.grow.append(ConvTranspose2x2(c, c))
        self.norm = group_norm(c)
        self.out = zeroed(nn.Conv2d(c, channels * self.fold**2, 3, padding=1))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor, time: Tensor, labels: Tensor | None = None) -> Tensor:
        condition = self.condition(time, labels)
        h = self.stem(functional.pixel_unshuffle(x, self.fold).contiguous(memory_format=torch.channels_last))
        skips = []
        for level, blocks in enumerate(self.down):
            for block in blocks:  # type: ignore[attr-defined]
                h = block(h, condition)
                skips.append(h)
            if level < len(self.shrink):
                h = self.shrink[level](h)
        h = self.attention(self.middle(h, condition))
        for level, blocks in enumerate(self.up):
            for block in blocks:  # type: ignore[attr-defined]
                h = block(torch.cat([h, skips.pop()], dim=1), condition)
            if level < len(self.grow):
                h = self.grow[level](h)
        return functional.pixel_shuffle(self.out(functional.silu(self.norm(h))), self.fold)

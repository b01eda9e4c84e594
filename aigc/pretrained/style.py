"""Style transfer without diffusion, on the feature network that comes along: in one pass (AdaIN), or by optimising the pixels (Gatys et al. 2016)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from aigc.nets.style import StyleNetwork, framed, gram, resized
from aigc.pretrained import Stopped
from aigc.pretrained.folder import load_network
from aigc.words import Refusal, both

MOST_PIXELS = 2048**2
LEAST_SIDE = 16
STEPS = 120  # of the optimisation
SHOWN = 5  # steps from picture to picture
WRONG_SIZE = both(
    "At the size that it is painted at, this picture is {w} × {h} pixels: at least {least} on a side are needed and at most {most:.0f} "
    "million in all. Crop or resize it.",
    "按绘制时的尺寸，这张图像是 {w} × {h} 像素：每边至少 {least}，总数至多 {most:.0f} 百万。请裁剪或缩放。",
)


@dataclass(frozen=True)
class Stylist:
    network: StyleNetwork
    device: torch.device

    @property
    def networks(self) -> tuple[nn.Module, ...]:
        """What it is made of, for the shelf to compile: the whole of it is not what optimising calls."""
        return self.network.encoder, self.network.decoder


def load(folder: Path, device: torch.device, dtype: torch.dtype = torch.float32) -> Stylist:
    """What `python -m aigc teach style` made."""
    return Stylist(load_network(folder, StyleNetwork, device, dtype), device)


def stylise(
    model: Stylist, content: Image.Image, style: Image.Image, strength: float = 1.0, stop: threading.Event | None = None, colours: bool = False
) -> Iterator[Image.Image]:
    """AdaIN: first at half the size, where strokes are twice as broad, then at full size.  `colours` keeps those of the content."""
    for shrunk in (2, 1):
        x, y = (tensor(picture, model.device, shrunk) for picture in (content, style))
        _look(stop)
        with torch.inference_mode():
            seen, margin = framed(x)
            painted = model.network(seen, framed(y)[0], strength)
        yield picture_of(painted[..., margin : margin + x.shape[-2], margin : margin + x.shape[-1]], content, colours)


def optimise(
    model: Stylist, content: Image.Image, style: Image.Image, strength: float = 1.0, stop: threading.Event | None = None, colours: bool = False,
    steps: int = STEPS,
) -> Iterator[Image.Image]:  # fmt: skip
    """Gatys: moves the content's pixels by gradients until the features' Gram matrices are like the style's; a picture every few steps."""
    x, (y, _) = tensor(content, model.device), framed(tensor(style, model.device))
    (seen, margin), encoder = framed(x), model.network.encoder
    with torch.no_grad():
        kept, wanted = encoder(seen)[-2].float(), [gram(f) for f in encoder(y)]
    scales = [g.square().mean() for g in wanted]
    painted = seen.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([painted], lr=0.03)
    for step in range(1, steps + 1):
        _look(stop)
        with torch.enable_grad():
            seen = encoder(painted)
            like = sum(mse_loss(gram(f), g) / s for f, g, s in zip(seen, wanted, scales, strict=True))
            loss = mse_loss(seen[-2].float(), kept) / kept.square().mean() + 3 * strength * like
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            painted.clamp_(0, 1)
        if step % SHOWN == 0 or step == steps:
            yield picture_of(painted.detach()[..., margin : margin + x.shape[-2], margin : margin + x.shape[-1]], content, colours)


def _look(stop: threading.Event | None) -> None:
    if stop is not None and stop.is_set():
        raise Stopped


def tensor(picture: Image.Image, device: torch.device, shrunk: int = 1) -> Tensor:
    """(1, 3, H, W) in [0, 1], its sides divided by `shrunk`.  Raises Refusal."""
    width, height = picture.size
    if min(width, height) < LEAST_SIDE or width * height > MOST_PIXELS:
        raise Refusal(WRONG_SIZE, w=width, h=height, least=LEAST_SIDE, most=MOST_PIXELS / 1e6)
    x = torch.from_numpy(np.array(picture.convert("RGB"))).to(device).permute(2, 0, 1)[None].float() / 255
    x = resized(x, max(LEAST_SIDE, height // shrunk), max(LEAST_SIDE, width // shrunk)) if shrunk > 1 else x
    return x.contiguous(memory_format=torch.channels_last)


def picture_of(painted: Tensor, content: Image.Image, colours: bool) -> Image.Image:
    """As large as the content; with `colours`, only the painting's light and shade (Gatys et al. 2017, section 4.1)."""
    x = painted if painted.shape[-2:] == (content.height, content.width) else resized(painted, content.height, content.width)
    made = Image.fromarray(x[0].clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).cpu().numpy())
    if not colours:
        return made
    _, blue, red = content.convert("RGB").convert("YCbCr").split()
    return Image.merge("YCbCr", (made.convert("YCbCr").getchannel(0), blue, red)).convert("RGB")

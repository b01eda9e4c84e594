"""Super-resolution of any picture: in tiles, so that memory stays small and every tile can be watched and stopped.

Runs the network that comes along and, by the same code, the Swin2SR models of the Hub (Conde et al. 2022).
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import pad

from aigc.nets.upscaler import ResidualUpscaler
from aigc.pretrained import Stopped
from aigc.pretrained.folder import load_network
from aigc.pretrained.weights import whole
from aigc.words import Refusal, both

TILE = 96  # pixels of the small picture
MARGIN = 18  # around a tile, seen and then thrown away: what the network reaches
MOST_PIXELS = 4096**2  # of the large picture
MOST_TIMES = 16  # as large
NOT_A_POWER = both("This model enlarges {scale} times: choose {all}, not {times}.", "此模型放大 {scale} 倍：请选 {all}，而不是 {times}。")
TOO_LARGE = both(
    "Enlarged {times} times, this picture would have {n:.0f} million pixels; at most {most:.0f} million can be made. Shrink or crop it first.",
    "放大 {times} 倍后会有 {n:.0f} 百万像素；最多 {most:.0f} 百万。请先缩小或裁剪。",
)


@dataclass(frozen=True)
class Upscaler:
    """`enlarge` takes (1, 3, H, W) in [0, 1] to `scale` times the size."""

    enlarge: Callable[[Tensor], Tensor]
    scale: int
    device: torch.device
    networks: tuple[nn.Module, ...]  # what it is made of, for the shelf to compile


def load(folder: Path, device: torch.device, dtype: torch.dtype = torch.float32) -> Upscaler:
    """The model in a folder: what `python -m aigc teach upscaler` made, or a Swin2SR as transformers saves it."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    if config["architectures"] == ["ResidualUpscaler"]:
        network = load_network(folder, ResidualUpscaler, device, dtype)
        return Upscaler(network, network.scale, device, (network,))
    from transformers import Swin2SRForImageSuperResolution

    swin = whole(Swin2SRForImageSuperResolution, folder, dtype=dtype).to(device).eval()

    def enlarge(x: Tensor) -> Tensor:
        """Filled up to whole windows: its own way of doing so trips over other sizes in transformers 5."""
        height, width = x.shape[-2:]
        window, times = swin.config.window_size, swin.config.upscale
        whole = pad(x, (0, -width % window, 0, -height % window), mode="replicate").to(dtype)
        return swin(pixel_values=whole).reconstruction[..., : height * times, : width * times].float()

    return Upscaler(enlarge, swin.config.upscale, device, (swin,))


def upscale(model: Upscaler, picture: Image.Image, times: int = 0, stop: threading.Event | None = None) -> Iterator[Image.Image]:
    """Ever better pictures `times` the size (0: what the model does at once): first by bicubic interpolation, then tile after tile.

    A power of the model's scale is reached by enlarging what was enlarged.  Raises Refusal, and Stopped when `stop` is set.
    """
    times = times or model.scale
    passes = passes_for(times, model.scale)
    width, height = picture.width * times, picture.height * times
    if width * height > MOST_PIXELS:
        raise Refusal(TOO_LARGE, times=times, n=width * height / 1e6, most=MOST_PIXELS / 1e6)
    small = picture.convert("RGB")
    for _ in range(passes):
        large = small.resize((small.width * model.scale, small.height * model.scale), Image.Resampling.BICUBIC)
        for box in tiles(*small.size):
            yield large if large.size == (width, height) else large.resize((width, height), Image.Resampling.BICUBIC)
            if stop is not None and stop.is_set():
                raise Stopped
            large = large.copy()
            large.paste(enlarged(model, small, box), (box[0] * model.scale, box[1] * model.scale))
        small = large
    yield small


def passes_for(times: int, scale: int) -> int:
    """How often a model that enlarges `scale` times has to; 0 times is what it does at once.  Raises Refusal."""
    times = times or scale
    passes = round(math.log(times, scale)) if times > 1 else 0
    if passes < 1 or scale**passes != times:
        *some, last = (str(scale**n) for n in range(1, MOST_TIMES.bit_length()) if scale**n <= MOST_TIMES)
        every = both(f"{', '.join(some)} or {last}", f"{'、'.join(some)} 或 {last}")
        raise Refusal(NOT_A_POWER, scale=scale, all=every, times=times)
    return passes


def tiles(width: int, height: int) -> list[tuple[int, int, int, int]]:
    """(left, top, right, bottom) of tiles of equal size, near enough, that cover the picture; none is much larger than TILE."""
    xs, ys = (np.linspace(0, side, max(1, math.ceil(side / TILE)) + 1).round().astype(int).tolist() for side in (width, height))
    return [(x, y, right, bottom) for y, bottom in pairwise(ys) for x, right in pairwise(xs)]


@torch.inference_mode()
def enlarged(model: Upscaler, picture: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """The part of the picture in `box`, enlarged with its surroundings in view."""
    left, top = max(0, box[0] - MARGIN), max(0, box[1] - MARGIN)
    seen = np.asarray(picture.crop((left, top, min(picture.width, box[2] + MARGIN), min(picture.height, box[3] + MARGIN))))
    x = torch.from_numpy(seen.copy()).to(model.device).permute(2, 0, 1)[None].float() / 255
    large = model.enlarge(x.contiguous(memory_format=torch.channels_last))[0]
    x0, y0, x1, y1 = (model.scale * side for side in (box[0] - left, box[1] - top, box[2] - left, box[3] - top))
    pixels = large[:, y0:y1, x0:x1].clamp(0, 1).mul(255).round().byte()
    return Image.fromarray(pixels.permute(1, 2, 0).cpu().numpy())

"""The verbs that need no prompt: enlarging a picture, and giving it the style of another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps

from aigc.pretrained import layout, style, upscaler
from aigc.pretrained.catalogue import Entry
from aigc.pretrained.image import kit, make
from aigc.pretrained.image.asked import NO_PROMPT, Asked, Method, Style, Upscale
from aigc.pretrained.image.habits import OF_DIFFUSION
from aigc.pretrained.image.make import Shot
from aigc.words import Refusal, both

MOST_FOR_DIFFUSION = 512  # pixels a side of what a diffusion upscaler is handed: it works at four times that
TOO_LARGE = both(
    "This model takes pictures of up to {most} pixels a side to make them {times} times as large.",
    "要放大 {times} 倍，这个模型只能接受每边不超过 {most} 像素的图像。",
)
Make = Callable[[Any, Asked, threading.Event], Iterator[Shot]]


def of(entry: Entry) -> tuple[Callable[[Path, torch.device, torch.dtype], Any], Make]:
    """What loads the model, and what works with it."""
    return (style.load, restyled) if entry.family == "style" else (_load, enlarged)


def _load(folder: Path, device: torch.device, dtype: torch.dtype) -> Any:
    return kit.load(folder, device, dtype) if layout.family(folder) == "diffusers" else upscaler.load(folder, device, dtype)


def enlarged(model: Any, asked: Asked, stop: threading.Event) -> Iterator[Shot]:
    """By a network in tiles, or by a diffusion model that invents detail.  Raises Refusal and Stopped."""
    how, small = asked.settings, asked.image
    if not isinstance(how, Upscale) or small is None:
        raise Refusal(both("Choose a picture first.", "请先选一张图像。"))
    if not isinstance(model, upscaler.Upscaler):
        yield from _invented(model, asked, how, stop)
        return
    if (asked.prompt + asked.negative).strip():
        raise Refusal(NO_PROMPT)
    begun = time.perf_counter()
    passes, scale = upscaler.passes_for(how.times, model.scale), model.scale
    count = sum(len(upscaler.tiles(small.width * scale**n, small.height * scale**n)) for n in range(passes))
    shot = Shot(count=count, before=small, silent=OF_DIFFUSION)
    for index, image in enumerate(upscaler.upscale(model, small, how.times, stop)):
        shot = replace(shot, images=[image], index=index, seconds=time.perf_counter() - begun)
        yield shot
    yield replace(shot, is_final=True)


def _invented(model: Any, asked: Asked, how: Upscale, stop: threading.Event) -> Iterator[Shot]:
    """A power of the model's scale is reached by enlarging what was enlarged."""
    small, scale = make.there(asked.image), model.pipe.vae_scale_factor
    passes = upscaler.passes_for(how.times, scale)
    most = MOST_FOR_DIFFUSION // scale ** (passes - 1)
    if max(small.size) > most:
        raise Refusal(TOO_LARGE, times=scale**passes, most=most)
    large, done, spent = small.convert("RGB"), 0, 0.0
    for n in range(1, passes + 1):
        for shot in make.denoised(model, model.pipe, asked, how, stop, 1, {"image": _whole(large)}):
            if shot.is_final:
                shot = replace(shot, images=[shot.images[0].crop((0, 0, scale * large.width, scale * large.height))], is_final=n == passes)
            yield replace(shot, before=small, index=done + shot.index, count=passes * shot.count, seconds=spent + shot.seconds)
        large, done, spent = shot.images[0], done + shot.index, spent + shot.seconds


def _whole(picture: Image.Image) -> Image.Image:
    """Filled up at the right and below to sides that the network can halve three times."""
    pixels = np.asarray(picture)
    return Image.fromarray(np.pad(pixels, ((0, -pixels.shape[0] % 8), (0, -pixels.shape[1] % 8), (0, 0)), mode="edge"))


def restyled(model: Any, asked: Asked, stop: threading.Event) -> Iterator[Shot]:
    """The content at the size asked for, in the style's look.  Raises Refusal and Stopped."""
    how = asked.settings
    if not isinstance(how, Style) or asked.style is None:
        raise Refusal(both("Choose a picture whose style to take first.", "请先选一张提供风格的图像。"))
    content, look = (ImageOps.contain(picture, (how.side, how.side)) for picture in (make.there(asked.image), asked.style))
    begun = time.perf_counter()
    if how.method is Method.ADAIN:
        count, stream = 2, style.stylise(model, content, look, how.amount, stop, how.colours)
    else:
        count, stream = how.iterations, style.optimise(model, content, look, how.amount, stop, how.colours, how.iterations)
    shot = Shot(count=count, before=content, silent=("iterations",) if how.method is Method.ADAIN else ())
    for i, image in enumerate(stream, 1):
        index = i if how.method is Method.ADAIN else min(count, i * style.SHOWN)
        shot = replace(shot, images=[image], index=index, seconds=time.perf_counter() - begun)
        yield shot
    yield replace(shot, is_final=True)

"""The verbs that need no prompt: enlarging a picture, and giving it the style of another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import ImageOps

from aigc.pretrained import layout, style, upscaler
from aigc.pretrained.catalogue import Entry
from aigc.pretrained.image import kit, make
from aigc.pretrained.image.asked import Asked, Method, Style, Upscale
from aigc.pretrained.image.make import Shot
from aigc.words import Refusal, both

MOST_FOR_DIFFUSION = 512  # pixels a side of what a diffusion upscaler is handed: it works at four times that
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
    begun = time.perf_counter()
    times = how.times or model.scale
    count = len(upscaler.tiles(*small.size))
    shot = Shot(count=count, before=small, silent=("times", "steps", "guidance", "seed"))  # how large it became is told anyway
    for index, image in enumerate(upscaler.upscale(model, small, times, stop)):
        shot = replace(shot, images=[image], index=index, count=max(count, index), seconds=time.perf_counter() - begun)
        yield shot
    yield replace(shot, is_final=True)


def _invented(model: Any, asked: Asked, how: Upscale, stop: threading.Event) -> Iterator[Shot]:
    small = make.there(asked.image)
    if max(small.size) > MOST_FOR_DIFFUSION:
        raise Refusal(
            both("This model enlarges pictures of up to {most} pixels a side.", "这个模型只能放大每边不超过 {most} 像素的图像。"),
            most=MOST_FOR_DIFFUSION,
        )
    small = small.crop((0, 0, small.width // 8 * 8, small.height // 8 * 8))
    for shot in make.denoised(model, model.pipe, asked, how, stop, 1, {"image": small}):
        yield replace(shot, before=small)


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
    shot = Shot(count=count, before=content)
    for i, image in enumerate(stream, 1):
        index = i if how.method is Method.ADAIN else min(count, i * style.SHOWN)
        shot = replace(shot, images=[image], index=index, seconds=time.perf_counter() - begun)
        yield shot
    yield replace(shot, is_final=True)

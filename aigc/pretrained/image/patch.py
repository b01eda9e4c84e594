"""The part of a picture that is filled in: cut out with what surrounds it, brought to the model's size, and laid back."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image

from aigc.pretrained.image import given
from aigc.words import Refusal, both

AROUND = 2  # sides of what is marked, along a side of what the model sees
SEEN = 1024  # pixels of a preview along its longer side
MOST_AT_ONCE = 100_000_000  # pixels of all results of a run

Box = tuple[int, int, int, int]  # left, top, right, bottom
TOO_SMALL = both("What is marked is too small for this model to see.", "标出的地方太小，模型看不到。")
TOO_MANY = both("At most {n} of this picture can be made at once.", "这么大的图像一次最多生成 {n} 张。")


@dataclass(frozen=True)
class Patch:
    whole: Image.Image  # the picture, or the canvas around it
    box: Box  # of it: what the model sees
    soft: Image.Image  # L, as large as the box: how much of each pixel is new
    size: tuple[int, int]  # that the model works at

    @property
    def image(self) -> Image.Image:
        """What the model sees."""
        part = self.whole.crop(self.box)
        return part if part.size == self.size else part.resize(self.size, Image.Resampling.LANCZOS)

    @property
    def mask(self) -> Image.Image:
        """What the model fills, as 0 and 255.  Raises Refusal."""
        hard = self.soft.resize(self.size, Image.Resampling.BOX).point(lambda v: 255 if v else 0)
        if hard.getbbox() is None:
            raise Refusal(TOO_SMALL)
        return hard

    def with_(self, new: Image.Image) -> Image.Image:
        """The whole picture with what the model made where the mask is."""
        part = self.whole.crop(self.box)
        out = self.whole.copy()
        out.paste(given.joined(new.resize(part.size, Image.Resampling.LANCZOS), part, self.soft), self.box[:2])
        return out

    def small(self) -> Patch:
        """The same for previews, which come at every step."""
        scale = min(1.0, SEEN / max(self.whole.size))
        if scale == 1.0:
            return self
        left, top, right, bottom = (round(side * scale) for side in self.box)
        box = (left, top, max(right, left + 1), max(bottom, top + 1))
        size = tuple(max(1, round(side * scale)) for side in self.whole.size)
        whole = self.whole.resize(size, Image.Resampling.BOX)  # type: ignore[arg-type]
        return Patch(whole, box, self.soft.resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.BOX), self.size)


def around(whole: Image.Image, mask: Image.Image, grow: int, soften: int, native: int, step: int, most: int) -> Patch:
    """What is marked in a picture and as much around it, at least what the model was taught to see.  `grow` and `soften` in the model's pixels."""
    box = _around(mask.getbbox() or (0, 0, *mask.size), whole.size, grow + soften, native)
    width, height = box[2] - box[0], box[3] - box[1]
    scale = min(math.sqrt(native**2 / (width * height)), most / max(width, height))
    return _patch(whole, box, mask, grow, soften, scale, step)


def all_of(whole: Image.Image, native: int, step: int, most: int) -> Patch:
    """A whole picture, all of which is new."""
    return _patch(whole, (0, 0, *whole.size), Image.new("L", whole.size, 255), 0, 0, scale_of(whole, native, step, most), step)


def scale_of(whole: Image.Image, native: int, step: int, most: int) -> float:
    """By which a picture comes near what the model learnt with, about `native` pixels along a side and none above `most`; 1 where it is there."""
    scale = min(native / math.sqrt(whole.width * whole.height), most / max(whole.size))
    return 1.0 if _stepped(whole.size, scale, step) == whole.size else scale


def beyond(canvas: Image.Image, mask: Image.Image, soften: int, scale: float, step: int) -> Patch:
    """A canvas with new room, all of which the model sees, at `scale`."""
    return _patch(canvas, (0, 0, *canvas.size), mask, 0, soften, scale, step)


def _patch(whole: Image.Image, box: Box, mask: Image.Image, grow: int, soften: int, scale: float, step: int) -> Patch:
    soft = given.softened(mask.crop(box), round(grow / scale), round(soften / scale))
    return Patch(whole, box, soft, _stepped(soft.size, scale, step))


def _stepped(size: tuple[int, int], scale: float, step: int) -> tuple[int, int]:
    """Multiples of `step`, as near to the size at `scale` as they come."""
    width, height = (max(step, round(side * scale / step) * step) for side in size)
    return width, height


def _around(marked: Box, size: tuple[int, int], reach: int, native: int) -> Box:
    """A square around what is marked, as far as the picture goes, whose edge lies outside what the model's pixels are faded over."""
    longest = max(marked[2] - marked[0], marked[3] - marked[1])
    side = max(native, AROUND * longest)
    side = max(side, math.ceil(longest + 2 * reach * side / native))
    ends = []
    for low, high, whole in ((marked[0], marked[2], size[0]), (marked[1], marked[3], size[1])):
        length = min(side, whole)
        begin = min(max(0, (low + high - length) // 2), whole - length)
        ends.append((begin, begin + length))
    return ends[0][0], ends[1][0], ends[0][1], ends[1][1]


def check_room(image: Image.Image, count: int) -> None:
    """Raises Refusal where so many results of this size take too much memory."""
    at_once = max(1, MOST_AT_ONCE // (image.width * image.height))
    if count > at_once:
        raise Refusal(TOO_MANY, n=at_once)

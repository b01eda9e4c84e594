"""States of samples as the browser draws them: a strip of sheets in one picture, so that a slider needs no server."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aigc.data import DataSpec
from aigc.ui.markup import address

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

Payload = dict[str, Any]  # what static/stage.js understands; see its head

MOST_STATES = 40
MOST_BYTES = 10 << 20  # of uncompressed states: a strip larger than this takes the browser too long
POINTS_DIGITS = 3


@dataclass
class Film:
    """States in the order they come, thinned on the way so that a thousand steps fit; the first and last always stay.

    A state is a dict of layers, each (N, C, H, W) or (N, 2): what a sampler holds, what it believes.
    """

    spec: DataSpec
    kept: list[tuple[int, dict[str, np.ndarray]]] = field(default_factory=list)
    last: tuple[int, dict[str, np.ndarray]] | None = None
    every: int = 1

    def add(self, **layers: Tensor) -> None:
        index = self.last[0] + 1 if self.last else 0
        state = {name: _stored(x, self.spec) for name, x in layers.items()}
        self.last = (index, state)
        if index % self.every == 0:
            self.kept.append(self.last)
        most = max(2, min(MOST_STATES, MOST_BYTES // max(1, sum(x.nbytes for x in state.values()))))
        if len(self.kept) > most:
            self.kept, self.every = self.kept[::2], self.every * 2

    def states(self) -> list[tuple[int, dict[str, np.ndarray]]]:
        """(number of the step, its layers), in order."""
        if self.last is None or (self.kept and self.kept[-1][0] == self.last[0]):
            return self.kept
        return [*self.kept, self.last]

    def final(self, layer: str) -> np.ndarray:
        """Of the last state: uint8 images or float points."""
        if self.last is None:
            raise ValueError("an empty film")
        return self.last[1][layer]


def _stored(x: Tensor, spec: DataSpec) -> np.ndarray:
    x = x.detach().float().cpu()
    return x.numpy() if spec.is_points else (x.nan_to_num().clamp(0, 1) * 255).round().byte().numpy()


def columns_of(count: int) -> int:
    """Of a sheet of so many pictures, never taller than wide."""
    return max(1, math.ceil(math.sqrt(count)))


def tiles(images: np.ndarray, columns: int) -> np.ndarray:
    """(N, C, H, W) -> (rows * H, columns * W, C), row by row; what is left over is black."""
    import numpy as np

    n, c, h, w = images.shape
    rows = math.ceil(n / columns)
    sheet = np.zeros((rows * columns, c, h, w), np.uint8)
    sheet[:n] = images
    return sheet.reshape(rows, columns, c, h, w).transpose(0, 3, 1, 4, 2).reshape(rows * h, columns * w, c)


def strip(sheets: list[np.ndarray]) -> str:
    """Sheets (H, W, C) one below the other, as a PNG in a data address."""
    import io

    import numpy as np
    from PIL import Image

    whole = np.concatenate(sheets)
    out = io.BytesIO()
    Image.fromarray(whole[..., 0] if whole.shape[2] == 1 else whole).save(out, "PNG", compress_level=3)
    return address(out.getvalue())


def images(film: Film, layers: dict[str, str], *, columns: int = 0, captions: list[str] | None = None, **more: Any) -> Payload:
    """A film of images.  `layers`: the ones to show and their names for people."""
    states = film.states()
    count = len(next(iter(states[0][1].values())))
    columns = columns or columns_of(count)
    _, h, w = film.spec.shape
    strips = [
        {"name": name, "label": label, "src": strip([tiles(layers_[name], columns) for _, layers_ in states])}
        for name, label in layers.items()
        if name in states[0][1]
    ]
    return {
        "kind": "images", "films": strips, "tiles": [math.ceil(count / columns), columns, h, w], "count": count,
        "states": len(states), "captions": captions or [], "made": True, **more,
    }  # fmt: skip


def rounded(points: np.ndarray) -> list[Any]:
    return points.round(POINTS_DIGITS).tolist()

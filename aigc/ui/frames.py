"""The history of a run as pictures to download, and its arrays as plain JSON; numpy and PIL only, so that the page needs no torch."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aigc.jobs.runs import Run
from aigc.techniques import Role
from aigc.ui import live, palette
from aigc.words import Refusal, both

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

KINDS = ("png", "gif", "mp4")
NOTHING = both("There is no picture of this yet.", "还没有这样的图像。")
SHOWN_REAL = 500  # points
FRAMES = 400  # of a film; more would not be seen, and all are in memory at once
STATES = 40  # of a denoising path, sent to the browser
REACH, SIDE = 3.0, 480  # the square that a cloud of points is drawn in, and its size in pixels; points.js draws the same square


def arrays(path: Path) -> dict[str, Any]:
    """The arrays of a preview as nested lists, to three digits after the point: less than a pixel."""
    return {name: _plain(_some_states(a) if name == "paths" else a) for name, a in _load(path).items()}


def _plain(array: np.ndarray) -> Any:
    return array.astype("float64").round(3).tolist()  # a rounded float32 has many digits again when written out


def _load(path: Path) -> dict[str, np.ndarray]:
    import safetensors.numpy

    return safetensors.numpy.load(path.read_bytes())


def _some_states(paths: np.ndarray) -> np.ndarray:
    """(T, n, 2) -> (at most STATES, n, 2), the first and the last among them."""
    import numpy as np

    return paths[np.unique(np.linspace(0, len(paths) - 1, STATES).round().astype(int))]


def real_points(run: Run) -> list[list[float]]:
    """Some of the data that a run on a 2-D set learns from.  Raises Refusal for other data."""
    return _plain(_real_points(run.record["request"]["data"]))


@lru_cache
def _real_points(name: str) -> np.ndarray:
    from aigc.data.points import SETS, points

    if name not in SETS:
        raise Refusal(both("These data are not points.", "这份数据不是点集。"))
    return points(name)[2][:SHOWN_REAL]


def download(run: Run, kind: str, sheet: str, images: int) -> Path:
    """A file of the sheet called `sheet`: as it was at image `images` ("png"), or all of its history.  Raises Refusal."""
    from aigc import outputs
    from aigc.outputs.pictures import SHEET_SIDE

    if kind not in KINDS:
        raise Refusal(both("A download is png, gif or mp4.", "下载格式只能是 png、gif 或 mp4。"))
    shown = [e for e in live.all_events(run) if e["kind"] == "preview" and (sheet in e["sheets"] or e["arrays"])]
    if kind == "png":
        shown = [e for e in shown if e["images"] <= images][-1:] or shown[:1]
    if not shown:
        raise Refusal(NOTHING)
    request, last = run.record["request"], shown[-1]
    name = f"{request['technique']}-{request['data']}-{sheet if sheet in last['sheets'] else 'points'}"
    note = {"technique": request["technique"], "data": request["data"], "images": last["images"], "seed": request["options"]["seed"]}
    if kind == "png":
        return outputs.picture(picture(run, last, sheet, wide=SHEET_SIDE), made=True, note=note, name=f"{name}-{last['images']}.png")
    some = shown[:: -(-len(shown) // FRAMES)]
    return outputs.animation([picture(run, e, sheet) for e in [*some[:-1], last]], kind, made=True, note=note, name=name)  # type: ignore[arg-type]


def picture(run: Run, event: dict[str, Any], sheet: str, wide: int = 0) -> Image:
    """A preview's sheet as it was written, or enlarged towards so many pixels with gaps between its pictures; or the cloud of points."""
    from PIL import Image

    from aigc import outputs

    if sheet not in event["sheets"]:
        return cloud(_load(run.folder / event["arrays"]), _real_points(run.record["request"]["data"]))
    told = event["sheets"][sheet]
    with Image.open(run.folder / told["file"], formats=["PNG"]) as image:
        columns, width = told["tiles"][1], image.width
        return outputs.sheet(_tiles(image, told), columns=columns, scale=max(1, wide // width)) if wide else image.copy()


def _tiles(image: Image, told: dict[str, Any]) -> np.ndarray:
    """The pictures of a sheet, apart.  -> uint8 (N, C, H, W)"""
    import numpy as np

    rows, columns, height, width = told["tiles"]
    pixels = np.asarray(image).reshape(rows, height, columns, width, -1)
    return pixels.transpose(0, 2, 4, 1, 3).reshape(rows * columns, -1, height, width)[: told["count"]]


def cloud(arrays: dict[str, np.ndarray], real: np.ndarray) -> Image:
    """Real and generated points over the critic's field, as points.js draws them, on light paper."""
    from PIL import Image, ImageDraw

    canvas = Image.new("RGB", (SIDE, SIDE), palette.PAPERS["panel"][0])
    if "field" in arrays:
        _shade(canvas, arrays["field"], arrays["extent"])
    pen = ImageDraw.Draw(canvas)
    for points, role in ((real, Role.REAL), (arrays["points"], Role.GENERATED)):
        for x, y in ((points * [1, -1] / REACH + 1) * SIDE / 2).tolist():
            pen.ellipse((x - 1.5, y - 1.5, x + 1.5, y + 1.5), fill=palette.colour(role))
    return canvas


def _shade(canvas: Image, field: np.ndarray, extent: np.ndarray) -> None:
    """Lay the field under the points: the colour of real data where the critic believes, of generated data where it does not."""
    import numpy as np
    from PIL import Image

    low, high = np.quantile(field, [0.02, 0.98])
    belief = np.clip(2 * (field[::-1] - low) / max(high - low, 1e-9) - 1, -1, 1)
    side = round((extent[1] - extent[0]) * SIDE / (2 * REACH))
    corner = (SIDE - side) // 2
    for sign, role in ((1, Role.REAL), (-1, Role.GENERATED)):
        alpha = Image.fromarray((np.clip(sign * belief, 0, 1) * 105).astype(np.uint8)).resize((side, side), Image.Resampling.BILINEAR)
        canvas.paste(palette.colour(role), (corner, corner), alpha)

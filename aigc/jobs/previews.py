"""Previews on disk: the images of a sheet side by side in one PNG, without gaps or labels, and arrays as safetensors."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aigc.jobs.files import write_whole

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from aigc.events import Preview

MOST = 2000  # a run
FILE = re.compile(r"[0-9]{12}(-[a-z0-9_-]{1,40}\.png|\.safetensors)")


def write(folder: Path, preview: Preview) -> dict[str, Any]:
    """Write the files of a preview into the run's `folder`.  -> its fields in the log.  Raises OSError."""
    (folder / "previews").mkdir(exist_ok=True)
    stem = f"previews/{preview.images:012d}"
    sheets = {}
    for name, images in preview.sheets.items():
        sheet, tiles = tiled(_bytes(images))
        sheets[name] = {"file": f"{stem}-{name}.png", "tiles": tiles, "count": len(images)}
        write_whole(folder / f"{stem}-{name}.png", png(sheet), sync=False)
    arrays = None
    if preview.arrays:
        import safetensors.numpy

        arrays = f"{stem}.safetensors"
        plain = {k: v.detach().float().cpu().contiguous().numpy() for k, v in preview.arrays.items()}
        write_whole(folder / arrays, safetensors.numpy.save(plain), sync=False)
    return {"images": preview.images, "seconds": preview.seconds, "sheets": sheets, "arrays": arrays}


def remove(folder: Path, events: list[dict[str, Any]]) -> None:
    for event in events:
        for name in [*(sheet["file"] for sheet in event["sheets"].values()), event["arrays"]]:
            if name:
                (folder / name).unlink(missing_ok=True)


def tiled(images: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """(N, C, H, W) -> ((rows * H, columns * W, C), [rows, columns, H, W]): row by row, what is left over black."""
    import numpy as np

    n, c, h, w = images.shape
    square = math.ceil(math.sqrt(n))
    columns = next((k for k in range(square, 2 * square) if n % k == 0), square)  # no gaps where that needs no long rows
    rows = math.ceil(n / columns)
    sheet = np.zeros((rows * columns, c, h, w), np.uint8)
    sheet[:n] = images
    sheet = sheet.reshape(rows, columns, c, h, w).transpose(0, 3, 1, 4, 2).reshape(rows * h, columns * w, c)
    return sheet, [rows, columns, h, w]


def _bytes(images: Tensor) -> np.ndarray:
    """[0, 1] -> 0 .. 255, on the device; the copy to the host is a quarter of the size then."""
    return images.detach().float().mul(255).round().clamp(0, 255).byte().cpu().numpy()


def png(sheet: np.ndarray) -> bytes:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(sheet[:, :, 0] if sheet.shape[2] == 1 else sheet).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()

"""Parquet files of encoded pictures, as the Hub stores them -> one array of pixels."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from aigc.data.pictures import FORMATS, open_picture, square
from aigc.data.sources import Source
from aigc.words import Refusal, both

ROWS = 1024  # decoded at a time: what is held encoded stays small

UNREADABLE = both(
    "{file} is not a readable parquet file of pictures: delete it, and start again.",
    "{file} 不是可读取的 parquet 图像文件：请删除它，然后重新开始。",
)
EMPTY = both("{file} holds no pictures: replace it, and start again.", "{file} 里没有图像：请换一个文件，然后重新开始。")
WRONG_PICTURE = both(
    "Picture {number} of {file} is damaged, or not {width}×{height}: replace the file, and start again.",
    "{file} 的第 {number} 张图像已损坏，或不是 {width}×{height}：请换一个文件，然后重新开始。",
)


def decode(files: list[Path], source: Source, shape: tuple[int, ...], tick: Callable[[int], None]) -> tuple[np.ndarray, np.ndarray | None]:
    """All pictures of the files.  -> uint8 (N, H, W, C) and int64 (N,), or None when unlabelled.

    Pictures of another size are cropped and resized when `source.fit`, and refused otherwise; `tick` hears how many more encoded
    bytes are done with.  Raises Refusal, naming the file, when it cannot be read.
    """
    channels, height, width = shape
    read = partial(_fitted, side=width) if source.fit else partial(_exact, mode="L" if channels == 1 else "RGB")
    total = sum(_rows(file) for file in files)
    x = np.empty((total, height, width, channels), np.uint8)
    labels = np.empty(total, np.int64) if source.label else None
    done = 0
    # Resizing leaves the interpreter's lock, decoding a tiny PNG does not: there threads only get in each other's way.
    with ThreadPoolExecutor() as pool:
        each = pool.map if source.fit else map
        for file, before, encoded, row_labels in _batches(files, source):
            for number, picture in enumerate(each(read, encoded), before + 1):
                if picture is None or picture.shape[:2] != (height, width):
                    raise Refusal(WRONG_PICTURE, number=number, file=file.name, width=width, height=height)
                x[done] = picture.reshape(height, width, channels)
                done += 1
            if labels is not None and row_labels is not None:
                labels[done - len(encoded) : done] = row_labels
            tick(sum(len(e) for e in encoded if e))
    return x, labels


def _rows(file: Path) -> int:
    try:
        rows = pq.read_metadata(file).num_rows
    except (OSError, pa.ArrowException) as error:
        raise Refusal(UNREADABLE, file=file) from error
    if not rows:
        raise Refusal(EMPTY, file=file)
    return rows


def _batches(files: list[Path], source: Source) -> Iterator[tuple[Path, int, list[bytes], np.ndarray | None]]:
    """A file, how many of its pictures came before, and some more of them with their labels."""
    columns = [f"{source.image}.bytes", *([source.label] if source.label else [])]
    for file in files:
        before = 0
        try:
            for batch in pq.ParquetFile(file).iter_batches(ROWS, columns=columns):
                encoded = batch.column(source.image).field("bytes").to_pylist()
                yield file, before, encoded, batch.column(source.label).to_numpy() if source.label else None
                before += len(encoded)
        except (OSError, KeyError, AttributeError, pa.ArrowException) as error:
            raise Refusal(UNREADABLE, file=file) from error


def _exact(encoded: bytes, mode: str) -> np.ndarray | None:
    try:
        with Image.open(io.BytesIO(encoded), formats=FORMATS) as picture:
            return np.asarray(picture if picture.mode == mode else picture.convert(mode))
    except Exception:  # the decoders raise nearly anything when fed rubbish
        return None


def _fitted(encoded: bytes, side: int) -> np.ndarray | None:
    try:
        with open_picture(io.BytesIO(encoded)) as picture:
            return square(picture, side) if picture.size != (side, side) else np.asarray(picture.convert("RGB"))
    except Refusal:
        return None

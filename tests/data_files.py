"""Files like those that datasets come in: PNGs in parquet, as the Hub stores them."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image


def pixels(n: int, side: int = 28, channels: int = 1, seed: int = 0) -> np.ndarray:
    """uint8 (n, side, side, channels): noise, so that no two are alike."""
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, channels), np.uint8)


def encoded(x: np.ndarray, form: str = "PNG", **how: object) -> bytes:
    """One picture (H, W) or (H, W, 1 or 3) as a file's content."""
    out = io.BytesIO()
    Image.fromarray(x[..., 0] if x.ndim == 3 and x.shape[-1] == 1 else x).save(out, form, **how)
    return out.getvalue()


def parquet(x: np.ndarray, labels: list[int] | None = None, image: str = "image", label: str = "label") -> bytes:
    """A parquet file of the pictures with the Hub's columns."""
    columns: dict[str, pa.Array] = {
        image: pa.array([{"bytes": encoded(p), "path": None} for p in x], pa.struct({"bytes": pa.binary(), "path": pa.string()}))
    }
    if labels is not None:
        columns[label] = pa.array(labels, pa.int64())
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, row_group_size=16)
    return out.getvalue()


def tiny_mnist(n: int = 400) -> dict[str, bytes]:
    """The two files of a repository like ylecun/mnist."""
    return {
        "mnist/train-00000-of-00001.parquet": parquet(pixels(n), [i % 10 for i in range(n)]),
        "mnist/test-00000-of-00001.parquet": parquet(pixels(10, seed=1), list(range(10))),
    }

"""Samples as numbers, for other programs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from aigc.outputs import labels as ai
from aigc.outputs.files import write
from aigc.outputs.pictures import as_uint8


def arrays(
    samples: Any, labels: Any = None, *, made: bool, note: dict[str, Any] | None = None, name: str = "samples.npz", to: Path | None = None
) -> Path:
    """An npz file, readable without pickle: uint8 `images` (N, C, H, W), or float32 `points` (N, 2); int64 `labels` (N,), -1
    where there is none; `about`, a JSON string with the AI label and `note`."""
    is_points = getattr(samples, "ndim", 4) == 2
    values = np.asarray(samples, dtype=np.float32) if is_points else as_uint8(samples)
    classes = np.full(len(values), -1) if labels is None else np.asarray(labels)
    about = ai.parameters({**(note or {}), **({"AIGC": ai.fields(values.tobytes())} if made else {})})
    out = io.BytesIO()
    np.savez(out, **{"points" if is_points else "images": values, "labels": classes.astype(np.int64), "about": np.array(about)})  # type: ignore[arg-type]
    return write(out.getvalue(), name, to)

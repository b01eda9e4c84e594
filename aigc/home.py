"""Where things are on this disk: one place decides, everything else asks.

`AIGC_HOME` moves what the project writes (runs, queue, trained models, uploads); it defaults to the project's folder.
`AIGC_SHIPPED` is where the models that come along are, should somebody keep them elsewhere.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
SHIPPED = Path(os.environ.get("AIGC_SHIPPED") or PROJECT / "checkpoints" / "shipped").resolve()


def home() -> Path:
    return Path(os.environ.get("AIGC_HOME") or PROJECT).resolve()


def runs_folder() -> Path:
    return home() / "runs"


def recordings_folder() -> Path:
    """Trainings that come along, to be looked at: `runs` and `arenas` as they are in the home, but nothing here is written."""
    return SHIPPED / "recordings"


def examples_folder() -> Path:
    """What the tabs of Image and Text show where nothing was made yet."""
    return SHIPPED / "examples"


def models_folder() -> Path:
    """Models trained here; shipped ones are in SHIPPED."""
    return home() / "checkpoints" / "local"


def uploads_folder() -> Path:
    """The user's own image sets, cropped and resized."""
    return home() / "runs" / "uploads"


def evaluations_folder() -> Path:
    """What was measured of each model, in a folder of its name."""
    return home() / "evaluations"


def outputs_folder() -> Path:
    """Files made for download; old ones are swept."""
    return home() / "runs" / "outputs"


def existing(path: Path) -> Path:
    """`path`, or the nearest folder above it that is there: what a disk is asked for its room by."""
    whole = path.absolute()
    return next(p for p in (whole, *whole.parents) if p.exists())


def bytes_in(folder: Path) -> int:
    """Of the files under it; one that goes meanwhile counts for nothing."""
    found = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                found += os.lstat(os.path.join(parent, name)).st_size
    return found

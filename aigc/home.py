"""Where things are on this disk: one place decides, everything else asks.

`AIGC_HOME` moves what the project writes (runs, queue, trained models, uploads); it defaults to the project's folder.
"""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
SHIPPED = PROJECT / "checkpoints" / "shipped"


def home() -> Path:
    return Path(os.environ.get("AIGC_HOME") or PROJECT).resolve()


def runs_folder() -> Path:
    return home() / "runs"


def models_folder() -> Path:
    """Models trained here; shipped ones are in SHIPPED."""
    return home() / "checkpoints" / "local"


def uploads_folder() -> Path:
    """The user's own image sets, cropped and resized."""
    return home() / "runs" / "uploads"


def outputs_folder() -> Path:
    """Files made for download; old ones are swept."""
    return home() / "runs" / "outputs"

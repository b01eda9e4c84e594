"""Pretrained pipelines: a table of models, bringing them here, keeping them loaded, and running them.  Nothing here needs torch."""

from __future__ import annotations

from pathlib import Path

from aigc import home


class Stopped(Exception):
    """Raised out of a download, a wait in line or a run whose stop event was set."""


def shipped_folder() -> Path:
    """Where the pretrained models that come along are, a folder each, as transformers and diffusers save them."""
    return home.SHIPPED / "pretrained"


def taught_folder() -> Path:
    """Where `python -m aigc teach` keeps what was taught here."""
    return home.models_folder() / "pretrained"

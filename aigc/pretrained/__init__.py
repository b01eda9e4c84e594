"""Pretrained pipelines: a table of models, bringing them here, keeping them loaded, and running them.  Nothing here needs torch."""

from __future__ import annotations

from pathlib import Path

from aigc import home


class Stopped(Exception):
    """Raised out of a download, a wait in line or a run whose stop event was set."""


def clean(text: str) -> str:
    """What was typed as tokenizers and files can take it: no NUL, and no half of a character that is written as two; it becomes U+FFFD."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\r\n", "\n").replace("\x00", "")


def shipped_folder() -> Path:
    """Where the pretrained models that come along are, a folder each, as transformers and diffusers save them."""
    return home.SHIPPED / "pretrained"


def taught_folder() -> Path:
    """Where `python -m aigc teach` keeps what was taught here."""
    return home.models_folder() / "pretrained"

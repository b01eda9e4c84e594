"""Settings that work, by dataset: measured on two CPU cores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aigc.techniques.vae.config import Likelihood

if TYPE_CHECKING:
    from aigc.data import DataSpec


def presets(data: DataSpec) -> dict[str, dict[str, Any]]:
    return {"quick": {}, "good": {}, "long": {}, "article": {}}

"""Features of real pictures, kept by the hash of what made them: sixty thousand pictures take half a minute to read, their features a moment."""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from aigc import home
from aigc.evaluate.feature_card import WEIGHTS
from aigc.evaluate.features import Extractor, data_hash


def cache_folder() -> Path:
    return home.home() / "cache" / "features"


def is_kept(extractor: Extractor, x: Tensor) -> bool:
    return _file(extractor, x).is_file()


def read_real(extractor: Extractor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Features (N, F) and logits (N, classes) of real pictures (N, C, H, W), from the cache where they have been read before."""
    file = _file(extractor, x)
    with contextlib.suppress(OSError, SafetensorError, KeyError):
        kept = load_file(file)
        return kept["features"], kept["logits"]
    features, logits = extractor.read(x)
    temporary = file.with_name(f"{file.name}.{uuid.uuid4().hex[:8]}")
    with contextlib.suppress(OSError, SafetensorError):  # a full disk costs only the next half minute
        file.parent.mkdir(parents=True, exist_ok=True)
        save_file({"features": features.contiguous(), "logits": logits.contiguous()}, temporary)
        os.replace(temporary, file)
    return features, logits


def _file(extractor: Extractor, x: Tensor) -> Path:
    made_of = f"{data_hash(x)}/{tuple(x.shape)}/{extractor.card.hashes[WEIGHTS]}"
    return cache_folder() / f"{extractor.card.data}-{hashlib.sha256(made_of.encode()).hexdigest()[:16]}.safetensors"

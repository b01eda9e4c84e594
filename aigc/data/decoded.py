"""The pixels of a parquet dataset, kept once decoded: sixty thousand PNGs take seconds, the array that they hold a moment."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import uuid
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from aigc.data.dataspec import DataSpec
from aigc.data.sources import Progress, Source, decoded_folder

DECODER = 1  # raised when decoding changes: what older ones kept is then made anew

Files = dict[str, list[Path]]  # "train" and "test"


def decoded(described: DataSpec, source: Source, files: Files, progress: Progress | None) -> dict[str, Tensor]:
    """{"x", "test_x"}: uint8 (N, H, W, C), and {"labels", "test_labels"}: int64 (N,) where there are any.

    `progress` hears of bytes of the files when they have to be decoded now.  Raises Refusal when they cannot be.
    """
    kept = decoded_folder() / f"{described.name}-{_fingerprint(described, source, files)}.safetensors"
    with contextlib.suppress(FileNotFoundError, SafetensorError):
        return load_file(kept)
    from aigc.data.decode import decode  # pyarrow takes a fifth of a second to import

    done, total = 0, sum(file.stat().st_size for role in files.values() for file in role)

    def tick(more: int) -> None:
        nonlocal done
        done += more
        if progress:
            progress(min(done, total), total)

    tensors = {}
    for role, prefix in (("train", ""), ("test", "test_")):
        x, labels = decode(files[role], source, described.shape, tick)
        tensors[f"{prefix}x"] = torch.from_numpy(x)
        if labels is not None:
            tensors[f"{prefix}labels"] = torch.from_numpy(labels)
    _keep(kept, described.name, tensors)
    return tensors


def _fingerprint(described: DataSpec, source: Source, files: Files) -> str:
    stats = [(file.name, file.stat()) for role in files.values() for file in role]
    facts = (DECODER, described.shape, source.repo, [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats])
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _keep(kept: Path, name: str, tensors: dict[str, Tensor]) -> None:
    """Saves the pixels for the next time, in place of older ones of this dataset; a full disk costs only that."""
    temporary = kept.with_name(f"{kept.name}.{uuid.uuid4().hex[:8]}")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, temporary)
        os.replace(temporary, kept)
    except (OSError, SafetensorError) as error:
        logging.getLogger(__name__).warning("%s will be decoded again next time: %s", name, error)
    for file in kept.parent.glob(f"{name}-{'?' * 16}.safetensors*"):
        if file != kept:
            with contextlib.suppress(OSError):  # another process has it
                file.unlink()

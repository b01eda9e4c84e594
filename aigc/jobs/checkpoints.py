"""Checkpoints: a folder each, `<images>-<random>`, complete and checked or not there.

Everything is written into a hidden folder, the manifest last, and the folder is renamed when it is safe on disk; the newest
two are kept.  safetensors does not notice a flipped bit, so the manifest holds the sha256 of every file and of itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from aigc import __version__
from aigc.jobs.files import DiskFull, crash_point, is_full, need_room, remove_folder, sync_folder, write_new

if TYPE_CHECKING:
    from torch import Tensor

    from aigc.events import Saved

KEEP = 2
FOLDER = re.compile(r"([0-9]{12})-[0-9a-f]{8}")
MANIFEST = "manifest.json"
# where a test may end the process while a checkpoint is written
CRASH_POINTS = ("folder", "weights-half", "weights", "state-half", "state", "manifest-half", "manifest", "rename", "renamed", "prune", "pruned")


class Loaded(NamedTuple):
    weights: dict[str, Tensor]
    state: dict[str, Tensor]
    facts: dict[str, Any]
    manifest: dict[str, Any]


class _Damaged(Exception):
    """Not what was written."""


def folders(home: Path) -> list[Path]:
    """The finished checkpoints in `home`, newest first."""
    with contextlib.suppress(FileNotFoundError):
        return sorted((f for f in home.iterdir() if FOLDER.fullmatch(f.name)), key=lambda f: (images_of(f), f.stat().st_mtime_ns), reverse=True)
    return []


def images_of(folder: Path) -> int:
    return int(folder.name[:12])


def save(home: Path, saved: Saved) -> Path:
    """Raises DiskFull; then, as after a kill at any moment, the last checkpoint is still whole."""
    home.mkdir(exist_ok=True)
    sweep(home)
    need_room(home, _size(saved.weights) + _size(saved.state))
    hidden = home / f".new-{uuid.uuid4().hex[:8]}"
    try:
        hidden.mkdir()
        crash_point("folder")
        files = {name: _write(hidden, name, tensors) for name, tensors in (("weights", saved.weights), ("state", saved.state))}
        _write_manifest(hidden, saved, files)
        sync_folder(hidden)
        crash_point("rename")
        final = home / f"{saved.images:012d}-{uuid.uuid4().hex[:8]}"
        hidden.rename(final)
        sync_folder(home)
    except OSError as error:
        shutil.rmtree(hidden, ignore_errors=True)
        raise (DiskFull() if is_full(error) else error) from error
    crash_point("renamed")
    prune(home, final)
    return final


def load(home: Path) -> Loaded | None:
    """The newest checkpoint of which every bit is right.  `manifest["damaged"]` counts the newer ones passed over.

    Raises OSError where the disk does not let it look: what cannot be read now need not be damaged.
    """
    import safetensors.torch

    damaged = 0
    for folder in folders(home):
        try:
            manifest = _manifest(folder)
            weights, state = (safetensors.torch.load(_checked(folder, manifest, name)) for name in ("weights", "state"))
            return Loaded(weights, state, manifest["facts"], {**manifest, "folder": folder.name, "damaged": damaged})
        except _Damaged:
            damaged += 1
    return None


def facts(home: Path) -> dict[str, Any]:
    """What the newest checkpoint says that is no tensor; nothing where there is none."""
    for folder in folders(home):
        with contextlib.suppress(_Damaged, OSError):
            return dict(_manifest(folder)["facts"])
    return {}


def weights(home: Path) -> dict[str, Tensor] | None:
    """The averaged weights of the newest good checkpoint; safe while the worker writes and prunes."""
    import safetensors.torch

    for folder in folders(home):
        with contextlib.suppress(_Damaged, OSError):
            return safetensors.torch.load(_checked(folder, _manifest(folder), "weights"))
    return None


def keep_up_to(home: Path, name: str | None) -> None:
    """Take away what is newer than the checkpoint called `name`, damaged as it is: from there training goes on."""
    for folder in folders(home):
        if folder.name == name:
            return
        remove_folder(folder)


def prune(home: Path, newest: Path) -> None:
    """Keep `newest` and the one before it."""
    crash_point("prune")
    for old in [f for f in folders(home) if f != newest][KEEP - 1 :]:
        remove_folder(old)
    crash_point("pruned")


def sweep(home: Path) -> None:
    """Take away what a killed process left half written or half removed."""
    for orphan in [*home.glob(".new-*"), *home.glob(".gone-*")]:
        shutil.rmtree(orphan, ignore_errors=True)


def _size(tensors: dict[str, Tensor]) -> int:
    return sum(t.numel() * t.element_size() for t in tensors.values())


def _write(folder: Path, name: str, tensors: dict[str, Tensor]) -> dict[str, Any]:
    data = packed(tensors)
    write_new(folder / f"{name}.safetensors", data, half_way=f"{name}-half")
    crash_point(name)
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def packed(tensors: dict[str, Tensor]) -> bytes:
    """As a safetensors file."""
    import safetensors.torch

    # contiguous: training may leave convolutions channels-last; clone: safetensors refuses tensors that share memory
    return safetensors.torch.save({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()})


def _write_manifest(folder: Path, saved: Saved, files: dict[str, Any]) -> None:
    manifest: dict[str, Any] = {"format": 1, "images": saved.images, "steps": saved.steps, "seconds": saved.seconds}
    manifest |= {"files": files, "facts": saved.facts, "code_version": __version__}
    write_new(folder / MANIFEST, json.dumps({**manifest, "sha256": _hash_of(manifest)}).encode(), half_way="manifest-half")
    crash_point("manifest")


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        claimed = manifest.pop("sha256")
        if claimed != _hash_of(manifest) or manifest["format"] != 1:
            raise _Damaged
        return manifest
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _Damaged from None


def _hash_of(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _checked(folder: Path, manifest: dict[str, Any], name: str) -> bytes:
    try:
        data = (folder / f"{name}.safetensors").read_bytes()
    except FileNotFoundError:
        raise _Damaged from None
    if hashlib.sha256(data).hexdigest() != manifest["files"][name]["sha256"]:
        raise _Damaged
    return data

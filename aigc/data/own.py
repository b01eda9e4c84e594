"""The user's own images: made square and small, kept beside the runs, trained on like any other dataset."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import shutil
import time
import unicodedata
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aigc.data.dataspec import DataSpec
from aigc.home import uploads_folder
from aigc.words import Refusal, Words, both

if TYPE_CHECKING:
    from torch import Tensor

SIDES = (28, 32, 64)
LEAST = 8  # images
SHARE_TESTED = 0.1
NAME = re.compile(r"own-[a-z0-9][a-z0-9-]{0,39}")

WRONG_SIDE = both("Images can be made {sides} pixels wide, not {side}.", "图像边长只能是 {sides} 像素，不能是 {side}。")
TOO_FEW = both(
    "Only {n} of {total} files could be used, and at least {least} images are needed.{first}",
    "{total} 个文件中只有 {n} 个可用，而至少需要 {least} 张图像。{first}",
)
FIRST = both(" The first that could not: {file} ({why}).", "第一个不可用的文件：{file}（{why}）。")
GONE = both("There are no images of yours called {name}: add them again.", "没有名为 {name} 的自有图像：请重新添加。")
DAMAGED = both("The images of {name} are damaged on the disk: remove them, and add them again.", "{name} 的图像在磁盘上已损坏：请删除后重新添加。")
NOT_YOURS = both("{name} belongs to someone else: only they can remove it.", "{name} 属于别人：只有其本人可以删除。")
NOT_STORED = both(
    "Your images could not be stored ({why}): make room on the disk, and add them again.",
    "无法保存你的图像（{why}）：请腾出磁盘空间后重新添加。",
)
UNTITLED = "My images"


def is_own(name: str) -> bool:
    return NAME.fullmatch(name) is not None


def sets(owner: str | None = None) -> list[DataSpec]:
    """The users' image sets, oldest first; with an owner, only theirs."""
    return [described for described, whose in _all() if owner in (None, whose)]


def _all() -> list[tuple[DataSpec, str]]:
    """Every set and its owner, oldest first."""
    folder = uploads_folder()
    abouts = []
    for file in folder.glob("*/about.json") if folder.is_dir() else ():
        try:
            about = json.loads(file.read_text("utf-8"))
            if is_own(f"own-{file.parent.name}"):
                abouts.append((float(about["created"]), _spec(f"own-{file.parent.name}", about), str(about["owner"])))
        except (OSError, ValueError, KeyError, TypeError) as error:
            logging.getLogger(__name__).warning("%s is left out: %s", file.parent, error)
    return [(described, owner) for _, described, owner in sorted(abouts, key=lambda one: one[0])]


def add(
    name: str, files: list[Path], side: int, owner: str = "", *, progress: Callable[[int, int], None] | None = None
) -> DataSpec:  # fmt: skip
    """Makes a dataset of image files and zips of them; a tenth is kept apart for testing.

    Each picture is turned upright, cropped to its middle square and resized to `side`; grey if all of them are.  What could
    not be used is told by `skipped`.  `progress` hears (files done, files in all).  Raises Refusal when too few remain.
    """
    from aigc.data.uploads import read_pictures

    if side not in SIDES:
        raise Refusal(WRONG_SIDE, sides=" / ".join(map(str, SIDES)), side=repr(side)[:20])
    pictures, left_out, total = read_pictures([Path(f) for f in files], side, progress)
    if len(pictures) < LEAST:
        first = FIRST.fill(file=left_out[0][0], why=left_out[0][1]) if left_out else ""
        raise Refusal(TOO_FEW, n=len(pictures), total=total, least=LEAST, first=first)
    title = _clean(name) or UNTITLED
    about = {
        "title": title, "side": side, "owner": owner, "created": time.time(),
        "skipped": [{"file": file, **why.as_json()} for file, why in left_out[:1000]],
    }  # fmt: skip
    return _store(_slug(title), pictures, about)


def skipped(name: str) -> list[tuple[str, Words]]:
    """The files that could not be used when the set was made, and why."""
    return [(entry["file"], both(entry["en"], entry["zh"])) for entry in _about(name)["skipped"]]


def remove(name: str, owner: str = "") -> None:
    """Deletes an image set of the owner's; "" is the single user of a lone machine, to whom everything belongs."""
    if owner and _about(name)["owner"] != owner:
        raise Refusal(NOT_YOURS, name=_about(name)["title"])
    folder = _folder(name)
    if not folder.is_dir():
        raise _gone(name)
    _gone_names().mkdir(exist_ok=True)
    (_gone_names() / folder.name).touch()
    gone = folder.with_name(f".{folder.name}-{uuid.uuid4().hex}")  # out of sight at once, even if deleting is cut short
    try:
        os.rename(folder, gone)
    except FileNotFoundError as error:  # a second press was quicker
        raise _gone(name) from error
    shutil.rmtree(gone, ignore_errors=True)


def forget_the_oldest(keep: int) -> None:
    """Of the sets that have an owner all but the newest `keep` go."""
    owned = [described.name for described, owner in _all() if owner]
    for name in owned[: max(0, len(owned) - keep)]:
        remove(name)


def read(name: str) -> dict[str, Tensor]:
    """{"x", "test_x"}: uint8 (N, side, side, C).  Raises Refusal when they are gone or damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    about = _about(name)
    try:
        tensors = load_file(_folder(name) / "images.safetensors")
        right = all(tensors[key].shape[1:] == (about["side"], about["side"], about["channels"]) for key in ("x", "test_x"))
    except (OSError, KeyError, SafetensorError) as error:
        raise Refusal(DAMAGED, name=about["title"]) from error
    if not right:
        raise Refusal(DAMAGED, name=about["title"])
    return tensors


def _store(slug: str, pictures: Any, about: dict[str, Any]) -> DataSpec:
    """Writes everything under another name first: a set is whole or not there.  pictures: uint8 (N, side, side, C)"""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    x = torch.from_numpy(pictures)[torch.randperm(len(pictures), generator=torch.Generator().manual_seed(0))]
    tested = max(1, round(len(x) * SHARE_TESTED))
    about |= {"count": len(x) - tested, "test_count": tested, "channels": x.shape[-1]}
    folder = uploads_folder()
    made = folder / f".{slug}-{uuid.uuid4().hex}"
    try:
        made.mkdir(parents=True)
        save_file({"x": x[tested:].contiguous(), "test_x": x[:tested].contiguous()}, made / "images.safetensors")
        (made / "about.json").write_text(json.dumps(about, ensure_ascii=False), "utf-8")
        for n in range(1, 1000):
            free = slug if n == 1 else f"{slug[:36]}-{n}"
            if (_gone_names() / free).exists():  # a run or a model of somebody's may still name that one
                continue
            with contextlib.suppress(OSError):  # there is one of that name
                os.rename(made, folder / free)
                return _spec(f"own-{free}", about)
        raise OSError(f"no free name for {slug}")
    except (OSError, SafetensorError) as error:
        raise Refusal(NOT_STORED, why=error) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _spec(name: str, about: dict[str, Any]) -> DataSpec:
    shape = (int(about["channels"]), int(about["side"]), int(about["side"]))
    title = str(about["title"])
    return DataSpec(name, both(title, title), shape, (), int(about["count"]), "unknown", "Images added by a user of this AIGC Lab")


def _about(name: str) -> dict[str, Any]:
    try:
        return json.loads((_folder(name) / "about.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _gone(name) from error


def _folder(name: str) -> Path:
    if not is_own(name):
        raise _gone(name)
    return uploads_folder() / name.removeprefix("own-")


def _gone(name: str) -> Refusal:
    return Refusal(GONE, name=repr(str(name))[:70])


def _gone_names() -> Path:
    """Of removed sets, an empty file each."""
    return uploads_folder().with_name("uploads-removed")


def _clean(name: str) -> str:
    """What a person typed, in one line: no control or direction marks, at most 60 characters."""
    kept = "".join(c for c in unicodedata.normalize("NFC", str(name)[:500]) if unicodedata.category(c)[0] != "C" or c in "\t\n")
    return " ".join(kept.split())[:60].strip()


def _slug(title: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")[:40].strip("-") or "images"

"""`--set knob=value`, many times, and files that are named."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from aigc.home import existing
from aigc.knobs import knobs, read
from aigc.words import Refusal, both

if TYPE_CHECKING:
    from aigc.pretrained.fit import Setup

NO_TARGET = both("{p} must end in {e}, in a folder that is there.", "{p} 必须以 {e} 结尾，且所在文件夹要存在。")
NOT_WRITABLE = both("Nothing can be written to {p}: check its permissions.", "无法写入 {p}：请检查权限。")
NO_FILE = both("There is no file {p}.", "没有文件 {p}。")


def assignments(typed: list[str]) -> dict[str, str]:
    """["a=1", "b=x=y"] -> {"a": "1", "b": "x=y"}; of two for one knob the last counts.  Raises Refusal."""
    return dict(pairs(typed))


def pairs(typed: list[str], option: str = "--set") -> list[tuple[str, str]]:
    """["a=1", "b=x=y"] -> [("a", "1"), ("b", "x=y")].  Raises Refusal."""
    found = []
    for text in typed:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Refusal(both("{o} wants knob=value, not {t}.", "{o} 的写法是 选项=值，而不是 {t}。"), o=option, t=repr(text)[:80])
        found.append((name.strip().replace("-", "_"), value.strip()))
    return found


def setup_of(typed: dict[str, str], device: str) -> Setup:
    """How a pretrained model is to be loaded; takes what says so out of `typed`.  Raises Refusal."""
    from aigc.pretrained.fit import Setup

    return read(Setup, {"device": device} | {name: typed.pop(name) for name in knobs(Setup) if name in typed})


def file_at(path: str) -> Path:
    """Raises Refusal."""
    if not Path(path).is_file():
        raise Refusal(NO_FILE, p=path[:200])
    return Path(path)


def target(path: str, ending: str) -> Path:
    """Where a result is to be written, looked at before any work is done for it.  Raises Refusal."""
    to = Path(path)
    if to.suffix.lower() != ending or not to.parent.is_dir() or to.is_dir():
        raise Refusal(NO_TARGET, p=path[:200], e=ending)
    if not os.access(to.parent, os.W_OK):
        raise Refusal(NOT_WRITABLE, p=str(to.parent)[:200])
    return to


def folder_to(path: Path) -> Path:
    """A folder for a result, there or yet to be made, looked at before any work is done for it.  Raises Refusal."""
    there = existing(path)
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise Refusal(NOT_WRITABLE, p=str(there)[:200])
    return path

"""`--set knob=value`, many times, and files that are named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aigc.knobs import knobs, read
from aigc.words import Refusal, both

if TYPE_CHECKING:
    from aigc.pretrained.fit import Setup

NO_FILE = both("There is no file {p}.", "没有文件 {p}。")


def assignments(typed: list[str]) -> dict[str, str]:
    """["a=1", "b=x=y"] -> {"a": "1", "b": "x=y"}.  Raises Refusal."""
    values = {}
    for text in typed:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Refusal(both("--set wants knob=value, not {t}.", "--set 的写法是 选项=值，而不是 {t}。"), t=repr(text)[:80])
        values[name.strip().replace("-", "_")] = value.strip()
    return values


def setup_of(typed: dict[str, str], device: str) -> Setup:
    """How a pretrained model is to be loaded; takes what says so out of `typed`.  Raises Refusal."""
    from aigc.pretrained.fit import Setup

    return read(Setup, {"device": device} | {name: typed.pop(name) for name in knobs(Setup) if name in typed})


def file_at(path: str) -> Path:
    """Raises Refusal."""
    if not Path(path).is_file():
        raise Refusal(NO_FILE, p=path[:200])
    return Path(path)

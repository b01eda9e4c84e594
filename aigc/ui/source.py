"""The code of a loss, as it stands and as it ran: the functions of this project that one training step calls, read from their files."""

from __future__ import annotations

import inspect
import sys
import textwrap
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

import torch

from aigc.data.batches import Batch
from aigc.home import PROJECT

if TYPE_CHECKING:
    from aigc.techniques.base import Technique

SHOWN = ("aigc/techniques", "aigc/maths")  # networks have a diagram of their own
KNOBS = ("__init__.py", "config.py")  # what may be asked, not what is done
TOO_SHORT = 3  # lines; a property or a lambda explains nothing by itself


def executed(model: Technique, batch: int = 4) -> dict[str, str]:
    """The source of what the losses of all phases call, by file, in the order of first call.  The model should be a fresh one."""
    called: dict[CodeType, None] = {}

    def watch(frame: FrameType, event: str, arg: Any) -> None:
        if event == "call" and _file(frame.f_code):
            called.setdefault(frame.f_code)

    spec = model.spec
    rng = torch.Generator().manual_seed(0)
    x = torch.rand(batch, *spec.shape, generator=rng)
    labels = torch.arange(batch) % len(spec.classes) if spec.classes else None
    losses = [phase.loss for phase in model.phases().values()]
    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        for loss in losses:
            loss(Batch(x, labels), rng)
    finally:
        sys.setprofile(before)
    return _sources(list(called))


def _file(code: CodeType) -> str:
    """The path inside the project, "" for code that is not shown."""
    path = Path(code.co_filename)
    inside = path.relative_to(PROJECT).as_posix() if path.is_relative_to(PROJECT) else ""
    return inside if inside.startswith(SHOWN) and path.name not in KNOBS else ""


def _sources(codes: list[CodeType]) -> dict[str, str]:
    """Each function once, below the others of its file; one that stands inside another is shown with it."""
    found: dict[str, list[tuple[int, int, str]]] = {}
    for code in codes:
        lines, first = inspect.getsourcelines(code)
        if len(lines) >= TOO_SHORT and code.co_name != "<lambda>":
            found.setdefault(_file(code), []).append((first, first + len(lines), textwrap.dedent("".join(lines)).rstrip()))
    return {file: "\n\n\n".join(text for a, b, text in parts if not _within(a, b, parts)) for file, parts in found.items()}


def _within(first: int, last: int, parts: list[tuple[int, int, str]]) -> bool:
    return any(a <= first and last <= b and (a, b) != (first, last) for a, b, _ in parts)

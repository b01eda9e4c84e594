"""Arenas: several runs on the same data with the same budget, remembered together in one small file; the runs stand in the common line.

An arena compares techniques, or is a sweep: one technique with one or two knobs at several values each, a cell of a grid for every
combination.  The run folders stay the truth about the runs; an arena only says which belong together, and what is different in each.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import itertools
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aigc import data
from aigc.commands import Command, Do
from aigc.home import home, recordings_folder
from aigc.jobs.files import in_words, write_whole
from aigc.jobs.request import Request, checked
from aigc.jobs.runs import RECORDED, Run
from aigc.jobs.states import State
from aigc.jobs.supervisor import Supervisor
from aigc.knobs import Choice, Knob, ModelName, knobs, read_value
from aigc.options import Options
from aigc.techniques import TechniqueInfo, technique
from aigc.words import Refusal, Words, both

ARENA_ID = re.compile(r"[0-9a-f]{16}")
MOST_CELLS, MOST_VALUES, LEAST_VALUES, MOST_AXES = 25, 5, 2, 2
MOST_KEPT = 500  # arenas
NAME_LENGTH = 60
SECONDS_EACH = both("Seconds each", "每个训练多少秒")
BUDGET = ("seconds", "images")  # the same for all, so never swept

UNKNOWN = both("There is no such arena here.", "这里没有这个擂台。")
NOT_YOURS = both("This arena belongs to someone else: you can look, but not change it.", "这个擂台属于别人：可以看，不能改。")
TOO_FEW = both("Pick at least one technique.", "请至少选一种技术。")
TWICE = both("{what} is named twice.", "{what} 出现了两次。")
TOO_MANY = both("That would be {n} runs; an arena has at most {most}.", "这将有 {n} 次训练；一个擂台最多 {most} 次。")
NO_ROOM = both(
    "This arena needs {n} places in the line and you have {free} here: choose fewer, or wait for your other runs.",
    "这个擂台需要排 {n} 个位置，而你在这里还有 {free} 个：请少选几个，或等其他训练结束。",
)
NO_AXIS = both("Choose a knob to sweep, and two to five values for it.", "请选择要扫描的选项，并给出两到五个值。")
VALUES = both("Give two to five different values for {label}, separated by commas.", "请为“{label}”给出两到五个不同的值，用逗号分隔。")
NOT_SWEPT = both("{n} cannot be swept: choose another knob.", "{n} 不能扫描：请选择其他选项。")
FULL = both("There are {n} arenas here already: delete one first.", "这里已有 {n} 个擂台：请先删除一个。")
STILL_GOING = both("This arena is still going: stop it first.", "这个擂台还在进行：请先停止。")
LONG_NAME = both("A name has at most {n} characters.", "名称最多 {n} 个字符。")


@dataclass(frozen=True)
class Axis:
    """A knob and the values that it takes along the columns (the first axis) or the rows (the second) of a sweep."""

    knob: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Cell:
    """One run of an arena: `values` are the knobs in which it differs from its preset."""

    technique: str
    values: dict[str, Any]
    run: str = ""  # id; "" if it could not be put into the line
    refused: Words | None = None  # why


@dataclass(frozen=True)
class Arena:
    data: str
    seconds: float  # of training, each; 0 where the budget is in images
    cells: tuple[Cell, ...]  # of a sweep: row by row
    axes: tuple[Axis, ...] = ()  # none: techniques are compared
    preset: str = "quick"
    images: int = 0  # each; 0 where the budget is in seconds
    name: str = ""
    id: str = ""
    owner: str = ""  # never leaves this machine
    created: float = 0.0

    @property
    def columns(self) -> int:
        return len(self.axes[0].values) if self.axes else len(self.cells)

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self) | {"cells": [_cell_as_json(c) for c in self.cells]}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> Arena:
        """Raises KeyError, TypeError, ValueError for anything else."""
        plain = {f.name: values[f.name] for f in dataclasses.fields(Arena) if f.name not in ("cells", "axes", "images")}
        plain["images"] = values.get("images", 0)  # arenas held before there were budgets in images
        cells = tuple(_cell_from_json(c) for c in values["cells"])
        return Arena(cells=cells, axes=tuple(Axis(str(a["knob"]), tuple(a["values"])) for a in values["axes"]), **plain)


def _cell_as_json(cell: Cell) -> dict[str, Any]:
    return dataclasses.asdict(cell)


def _cell_from_json(values: Mapping[str, Any]) -> Cell:
    refused = values.get("refused")
    return Cell(str(values["technique"]), dict(values["values"]), str(values["run"]), both(refused["en"], refused["zh"]) if refused else None)


# what is to be compared
def contest(name: object, seconds: object, slugs: Sequence[object], preset: str = "quick", images: object = 0) -> Arena:
    """The techniques called `slugs` on the same data.  Raises Refusal."""
    if not isinstance(slugs, list | tuple) or not slugs:
        raise Refusal(TOO_FEW)
    infos = [technique(slug) for slug in slugs]
    for info in infos:
        if sum(other is info for other in infos) > 1:
            raise Refusal(TWICE, what=info.title)
    each, drawn = _budget(seconds, images)
    return Arena(_data(name), each, tuple(Cell(info.slug, {}) for info in infos), preset=str(preset), images=drawn)


def sweep(name: object, seconds: object, slug: object, axes: Sequence[tuple[object, object]], preset: str = "quick", images: object = 0) -> Arena:
    """One technique at every combination of the values of one or two knobs, each typed as "0.1, 0.2".  Raises Refusal."""
    info = technique(slug)
    if not 1 <= len(axes) <= MOST_AXES:
        raise Refusal(NO_AXIS)
    read = tuple(_axis(info, knob, values) for knob, values in axes)
    if len(read) == MOST_AXES and read[0].knob == read[1].knob:
        raise Refusal(TWICE, what=swept(info)[read[0].knob].label)
    rows = read[1].values if len(read) > 1 else (None,)
    below = {read[1].knob: None} if len(read) > 1 else {}
    cells = tuple(
        Cell(info.slug, {read[0].knob: across} | {knob: down for knob in below}) for down, across in itertools.product(rows, read[0].values)
    )
    each, drawn = _budget(seconds, images)
    return Arena(_data(name), each, cells, read, str(preset), drawn)


def swept(info: TechniqueInfo) -> dict[str, Knob]:
    """The knobs of a technique that a sweep may turn: all but the budget, which is the same for every run of an arena, and other models."""
    return {name: k for name, k in (knobs(info.Config) | knobs(Options)).items() if name not in BUDGET and k.kind is not ModelName}


def _axis(info: TechniqueInfo, name: object, typed: object) -> Axis:
    known = swept(info)
    if not isinstance(name, str) or name not in known:
        raise Refusal(NOT_SWEPT, n=repr(name)[:40])
    k = known[name]
    parts = [p for p in re.split(r"[,，、;；\s]+", typed) if p] if isinstance(typed, str) and len(typed) <= 400 else []
    values = [plain(read_value(k, part)) for part in parts[: MOST_VALUES + 1]]
    if not LEAST_VALUES <= len(values) <= MOST_VALUES or len(set(values)) < len(values):
        raise Refusal(VALUES, label=k.label)
    return Axis(name, tuple(values))


def plain(value: Any) -> Any:
    """A knob's value as JSON has it."""
    return value.value if isinstance(value, Choice) else value


def _data(name: object) -> str:
    return data.spec(name if isinstance(name, str) else "").name


def _budget(seconds: object, images: object) -> tuple[float, int]:
    """Seconds and images of each run, one of them 0; it has to end.  Raises Refusal."""
    known = knobs(Options)
    if images:
        return 0.0, read_value(known["images"], images)
    wanted: float = read_value(replace(known["seconds"], label=SECONDS_EACH), seconds)
    if wanted < 1:
        raise Refusal(both("Give each run at least one second.", "每次训练至少一秒。"))
    return wanted, 0


# starting one
def start(supervisor: Supervisor, draft: Arena, owner: str, *, key: str, name: object = "", device: str = "auto") -> Arena:
    """Put every run of `draft` into the line, in order, and remember them together.  The same `key` again (a double click) gives the
    same arena.  Raises Refusal before anything is started, if one of the runs makes no sense or there is no room for all."""
    id = hashlib.sha256(f"{owner}\0{key}".encode()).hexdigest()[:16]
    if (_folder() / f"{id}.json").exists():
        return open_arena(id)
    title = title_of(name)
    check_size(draft)
    requests = [request_of(draft, cell, owner, device) for cell in draft.cells]
    for request in requests:
        checked(request, supervisor.limits.seconds, supervisor.limits.download)
    _check_room(supervisor, owner, len(requests))
    arena = replace(draft, id=id, owner=owner, name=title, created=time.time())
    write(arena)
    cells = []
    for i, (cell, request) in enumerate(zip(draft.cells, requests, strict=True)):
        try:
            cells.append(replace(cell, run=supervisor.submit(request, key=f"{id}-{i}").id))
        except Refusal as refusal:  # somebody else took the place since we looked
            cells.append(replace(cell, refused=refusal.words))
    arena = replace(arena, cells=tuple(cells))
    write(arena)
    return arena


def check_size(draft: Arena) -> None:
    """Raises Refusal if it is too large, or one too many."""
    if len(draft.cells) > MOST_CELLS:
        raise Refusal(TOO_MANY, n=len(draft.cells), most=MOST_CELLS)
    if sum(1 for _ in _folder().glob("*.json")) >= MOST_KEPT:
        raise Refusal(FULL, n=MOST_KEPT)


def title_of(name: object) -> str:
    title = " ".join("".join(c if c.isprintable() else " " for c in name).split()) if isinstance(name, str) else ""
    if len(title) > NAME_LENGTH:
        raise Refusal(LONG_NAME, n=NAME_LENGTH)
    return title


def request_of(arena: Arena, cell: Cell, owner: str, device: str) -> Request:
    mine = knobs(technique(cell.technique).Config)
    options = {n: v for n, v in cell.values.items() if n not in mine} | {"seconds": arena.seconds, "images": arena.images}
    config = {n: v for n, v in cell.values.items() if n in mine}
    return Request(cell.technique, arena.data, config, options, preset=arena.preset, device=device, owner=owner)


def _check_room(supervisor: Supervisor, owner: str, wanted: int) -> None:
    free = room(supervisor, owner)
    if free is not None and wanted > free:
        raise Refusal(NO_ROOM, n=wanted, free=free)


def room(supervisor: Supervisor, owner: str) -> int | None:
    """How many more runs of `owner` may wait; None: as many as they like."""
    most = supervisor.limits.waiting
    if most is None:
        return None
    waiting = [run for run, _ in supervisor.store.waiting() if _owner_of(run) == owner]
    return max(0, most - len(waiting))


def _owner_of(run: str) -> str | None:
    try:
        return Run.open(run).request.owner
    except Refusal:
        return None


# those there are
def arenas() -> list[Arena]:
    """Every readable arena, newest first; those that come along at the end."""
    found = []
    for id in {path.stem for folder in (_folder(), _recordings()) for path in folder.glob("*.json")}:
        if ARENA_ID.fullmatch(id):
            try:
                found.append(open_arena(id))
            except Refusal:
                continue
    return sorted(found, key=lambda arena: (not recorded(arena), arena.created), reverse=True)


def open_arena(id: object) -> Arena:
    """Raises Refusal, before any path is made, unless there is one of that id."""
    if not isinstance(id, str) or not ARENA_ID.fullmatch(id):
        raise Refusal(UNKNOWN)
    path = _folder() / f"{id}.json"
    try:
        arena = Arena.from_json(json.loads((path if path.exists() else _recordings() / path.name).read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise Refusal(UNKNOWN) from None
    return replace(arena, id=id)


def recorded(arena: Arena) -> bool:
    """Whether it came along, so that nobody may change it."""
    return (_recordings() / f"{arena.id}.json").exists() and not (_folder() / f"{arena.id}.json").exists()


def run_of(cell: Cell) -> Run | None:
    """None if it never started, or was deleted."""
    try:
        return Run.open(cell.run) if cell.run else None
    except Refusal:
        return None


def is_live(arena: Arena) -> bool:
    return any(run is not None and _state(run) in _LIVE for run in map(run_of, arena.cells))


def may(supervisor: Supervisor, owner: str | None, arena: Arena) -> bool:
    """Whether `owner` may stop or delete this arena; to look is free to all."""
    if recorded(arena):
        return False
    return supervisor.single_user or (bool(owner) and hmac.compare_digest(str(owner).encode(), arena.owner.encode()))


def stop(supervisor: Supervisor, id: object, owner: str | None) -> None:
    """End every run of it that is not over yet, the waiting ones first; what was learnt is kept.  Raises Refusal."""
    arena = _mine(supervisor, id, owner)
    for run in filter(None, map(run_of, reversed(arena.cells))):
        if _state(run) in _LIVE:
            supervisor.command(run.id, owner, Command(Do.STOP))


def delete(supervisor: Supervisor, id: object, owner: str | None) -> None:
    """Forget that these runs belong together; they and their models stay.  Raises Refusal."""
    arena = _mine(supervisor, id, owner)
    if is_live(arena):
        raise Refusal(STILL_GOING)
    forget(arena)


def forget(arena: Arena) -> None:
    with in_words():
        (_folder() / f"{arena.id}.json").unlink(missing_ok=True)


_LIVE = frozenset(state for state in State if state.live)


def _state(run: Run) -> State | None:
    try:
        return run.state
    except Refusal:  # deleted a moment ago
        return None


def _mine(supervisor: Supervisor, id: object, owner: str | None) -> Arena:
    arena = open_arena(id)
    if recorded(arena):
        raise Refusal(RECORDED)
    if not may(supervisor, owner, arena):
        raise Refusal(NOT_YOURS)
    return arena


def _folder() -> Path:
    return home() / "arenas"


def _recordings() -> Path:
    return recordings_folder() / "arenas"


def write(arena: Arena) -> None:
    with in_words():
        _folder().mkdir(parents=True, exist_ok=True)
        write_whole(_folder() / f"{arena.id}.json", json.dumps(arena.as_json(), ensure_ascii=False, indent=1).encode())

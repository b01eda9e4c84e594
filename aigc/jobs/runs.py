"""The folder of a training run: the truth about it, written by one worker and read by every page.

    run.json        what was asked, by whom, and the state; replaced whole
    log.jsonl       the events, one a line, only ever appended to
    commands.jsonl  what the worker was told, appended by the page
    previews/       a PNG a sheet, a safetensors file a set of arrays
    checkpoint/     see checkpoints.py
    heartbeat       touched while the training moves

Runs that come along are recordings: such folders without a checkpoint, elsewhere, which nobody writes to.

A log only grows, except when training goes on from a checkpoint or there are too many previews: then it is replaced by a new
file, so that a page which remembers how far it has read knows by the file's number (its inode) that it must begin again.
"""

from __future__ import annotations

import dataclasses
import json
import re
import time
import uuid
from typing import TYPE_CHECKING, Any

from aigc import __version__
from aigc.commands import Command, Do
from aigc.events import Event, Preview, Said
from aigc.home import recordings_folder, runs_folder
from aigc.jobs import checkpoints, lines, previews
from aigc.jobs.files import locked, remove_folder, write_whole
from aigc.jobs.request import Request
from aigc.jobs.states import State, state_in
from aigc.words import Refusal, Words, both

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from aigc.events import Saved

RUN_ID = re.compile(r"[0-9a-f]{32}")
COMMAND_BYTES = 2000
RECORDED = both("This is a recording that came along: look at it, or train one of your own.", "这是随项目提供的记录：可以看，也可以自己训练一次。")

__all__ = ["RUN_ID", "Request", "Run", "State", "recordings", "runs"]


class Run:
    """One run folder. Cheap to make; everything is read when asked."""

    def __init__(self, id: str):
        """Raises Refusal, before any path is made, unless `id` could be one of ours."""
        if not isinstance(id, str) or not RUN_ID.fullmatch(id):
            raise _unknown()
        self.id = id
        self.folder = runs_folder() / id
        if not self.folder.is_dir() and (shipped := recordings_folder() / "runs" / id).is_dir():
            self.folder = shipped

    @property
    def recorded(self) -> bool:
        """Whether it came along, so that nobody may change it."""
        return self.folder.parent != runs_folder()

    def ours(self) -> Run:
        """Itself, unless it is a recording: then raises Refusal."""
        if self.recorded:
            raise Refusal(RECORDED)
        return self

    @staticmethod
    def create(request: Request, spec: dict[str, Any] | None = None, **more: Any) -> Run:
        """A new folder; `more` are further fields of run.json."""
        run = Run(uuid.uuid4().hex)
        run.folder.mkdir(parents=True)
        now = time.time()
        record: dict[str, Any] = {"id": run.id, "request": dataclasses.asdict(request), "spec": spec or {}, "state": State.QUEUED.value}
        record |= {"created": now, "queued": now, "started": None, "ended": None, "device": None, "threads": None, "holder": None, "reason": None}
        record |= {"images": 0, "steps": 0, "seconds": 0.0, "model": None, "code_version": __version__}
        try:
            run._write(record | more)
        except OSError:
            run.discard()
            raise
        return run

    @staticmethod
    def open(id: str) -> Run:
        """Raises Refusal if there is no such run."""
        run = Run(id)
        _ = run.record  # refuses
        return run

    # run.json
    @property
    def record(self) -> dict[str, Any]:
        """Raises Refusal if it is gone or unreadable."""
        try:
            record = json.loads((self.folder / "run.json").read_bytes())
            state_in(record)
            return record
        except (OSError, ValueError, KeyError, TypeError):
            raise _unknown() from None

    @property
    def request(self) -> Request:
        return Request.from_json(self.record["request"])

    @property
    def state(self) -> State:
        return state_in(self.record)

    def update(self, **changes: Any) -> dict[str, Any]:
        """Change these fields of run.json and leave the others to whoever else writes."""
        with locked(self.ours().folder / ".lock"):
            record = {**self.record, **changes}
            self._write(record)
            return record

    def move(self, to: State, reason: Words | None = None, *, only_if: dict[str, Any] | None = None, **changes: Any) -> bool:
        """To another state, if that can follow the present one and these fields still have these values; False leaves
        everything as it was."""
        with locked(self.ours().folder / ".lock"):
            record = self.record
            if not state_in(record).may_become(to) or any(record.get(k) != v for k, v in (only_if or {}).items()):
                return False
            record |= {"state": to.value, "reason": reason.as_json() if reason else None, "ended": None if to.live else time.time()}
            self._write(record | changes)
            return True

    def restore(self, record: dict[str, Any]) -> None:
        """Take back a change that led nowhere."""
        with locked(self.folder / ".lock"):
            self._write(record)

    def _write(self, record: dict[str, Any]) -> None:
        write_whole(self.folder / "run.json", json.dumps(record, ensure_ascii=False, indent=1).encode())

    # log.jsonl
    def append(self, event: Event) -> dict[str, Any]:
        """One line for one event; the pictures of a preview are on disk before their line is.  Raises OSError."""
        line: dict[str, Any] = {"kind": type(event).__name__.lower(), "time": round(time.time(), 3)}
        if isinstance(event, Preview):
            line |= previews.write(self.folder, event)
        elif isinstance(event, Said):
            line |= {"images": event.images, "words": event.words.as_json()}
        else:
            hidden = ("weights", "state", "facts")
            line |= {f.name: getattr(event, f.name) for f in dataclasses.fields(event) if f.name not in hidden}
        lines.append(self.folder / "log.jsonl", line)
        return line

    def events(self, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
        """The events from `offset` on, and the offset to ask from next time; a very long log comes in several pieces."""
        return lines.read(self.folder / "log.jsonl", offset)

    def truncate_log(self, images: int) -> None:
        """Drop every event after image `images`; -1 drops all. Only the worker may, since it alone appends."""
        events = lines.read_all(self.folder / "log.jsonl")
        self._drop([e for e in events if e.get("images", 0) > images or e.get("kind") == "finished"], events)

    def thin_previews(self, most: int = previews.MOST) -> int:
        """When there are more than `most`, every second preview goes, but never the first and the last.  -> how many are left"""
        events = lines.read_all(self.folder / "log.jsonl")
        shown = [e for e in events if e.get("kind") == "preview"]
        gone = shown[1:-1:2] if len(shown) > most else []
        self._drop(gone, events)
        return len(shown) - len(gone)

    def _drop(self, gone: list[dict[str, Any]], events: list[dict[str, Any]]) -> None:
        if gone:
            dropped = {id(e) for e in gone}
            write_whole(self.folder / "log.jsonl", b"".join(lines.as_line(e) for e in events if id(e) not in dropped))
            previews.remove(self.folder, [e for e in gone if e.get("kind") == "preview"])

    # commands.jsonl
    def send(self, command: Command) -> None:
        """For the worker, which looks between two steps.  Raises Refusal if it is too large to be meant."""
        line = {"do": command.do.value, "value": command.value}
        if len(json.dumps(line)) > COMMAND_BYTES:
            raise Refusal(both("That is too long for a command.", "这条命令太长了。"))
        lines.append(self.folder / "commands.jsonl", line)

    def commands(self, offset: int = 0) -> tuple[list[Command], int]:
        found, offset = lines.read(self.folder / "commands.jsonl", offset)
        known = {do.value for do in Do}
        return [Command(Do(line["do"]), line.get("value")) for line in found if line.get("do") in known], offset

    def forget_commands(self) -> None:
        (self.folder / "commands.jsonl").unlink(missing_ok=True)

    # checkpoint/
    def save_checkpoint(self, saved: Saved) -> None:
        """Raises DiskFull, and then the last one is still there."""
        checkpoints.save(self.folder / "checkpoint", saved)

    def load_checkpoint(self) -> checkpoints.Loaded | None:
        """The newest checkpoint whose every bit is right; `manifest["damaged"]` counts newer ones that are not."""
        return checkpoints.load(self.folder / "checkpoint")

    def weights(self) -> dict[str, Tensor] | None:
        """The averaged weights of the newest good checkpoint."""
        return checkpoints.weights(self.folder / "checkpoint")

    def knobs_now(self) -> dict[str, Any]:
        """Every knob by name: as asked for, then as the newest checkpoint has it, then as turned since this part began."""
        request, kept = self.request, checkpoints.facts(self.folder / "checkpoint")
        turned = dict(command.value for command in self.commands()[0] if command.do is Do.SET)
        return {**request.config, **request.options, **kept.get("config", {}), **kept.get("options", {}), **turned}

    def kept_images(self) -> int:
        """How far the newest checkpoint reaches, from its name alone."""
        found = checkpoints.folders(self.folder / "checkpoint")
        return checkpoints.images_of(found[0]) if found else 0

    def delete(self) -> None:
        """Raises Refusal while it is live."""
        if self.state.live:
            raise Refusal(both("This run is still going: stop it first.", "这次训练还在进行：请先停止它。"))
        self.discard()

    def discard(self) -> None:
        """Remove it, whatever it says; for one that nobody else has heard of."""
        remove_folder(self.ours().folder)


def runs() -> list[Run]:
    """Every readable run of this home, newest first."""
    return _runs_in(runs_folder())


def recordings() -> list[Run]:
    """Those that come along."""
    return [run for run in _runs_in(recordings_folder() / "runs") if run.recorded]


def _runs_in(parent: Path) -> list[Run]:
    found = []
    for folder in parent.iterdir() if parent.is_dir() else ():
        if RUN_ID.fullmatch(folder.name):
            run = Run(folder.name)
            try:
                found.append((run.record["created"], run))
            except Refusal:
                continue
    return [run for _, run in sorted(found, key=lambda pair: pair[0], reverse=True)]


def _unknown() -> Refusal:
    return Refusal(both("There is no such run here.", "这里没有这次训练。"))

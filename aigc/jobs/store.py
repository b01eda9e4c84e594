"""The queue: which run may use which device next.  A small SQLite file that can be rebuilt from the run folders at any time.

Runs of the page and runs of a shell stand in the same line. Whoever works on a run, or waits in a shell for its turn, is
named by its process, so that the dead are noticed and never block the living.
"""

from __future__ import annotations

import operator
import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aigc.home import runs_folder
from aigc.jobs.database import Database
from aigc.jobs.processes import Holder
from aigc.jobs.runs import runs
from aigc.words import Refusal, both

PAGE, SHELL = "page", "shell"
WAITING, AT_WORK, DONE = "waiting", "at work", "done"
KEYS_LAST = 24 * 3600.0  # how long a repeated click is recognised

# one entry a version of the file; the n-th brings version n to n + 1
MIGRATIONS = (
    """
    CREATE TABLE jobs (
        run TEXT PRIMARY KEY, owner TEXT NOT NULL, lane TEXT NOT NULL, key TEXT, runner TEXT NOT NULL, state TEXT NOT NULL,
        ticket INTEGER NOT NULL, changed REAL NOT NULL, pid INTEGER, start TEXT, boot TEXT, UNIQUE (owner, key)
    );
    CREATE TABLE owners (owner TEXT PRIMARY KEY, served INTEGER NOT NULL);
    CREATE INDEX jobs_by_state ON jobs (state, lane);
    """,
)


@dataclass(frozen=True)
class Limits:
    """What one owner may have in the queue, those who come from one place, and all of them together; None is no limit."""

    at_work: int | None = None
    waiting: int | None = None
    near: int | None = None  # waiting
    total: int | None = 500
    seconds: float | None = None  # of training, in one run
    download: float | None = None  # bytes of a dataset that is not here yet


PUBLIC = Limits(at_work=1, waiting=3, near=40, total=100, seconds=1800.0, download=200e6)


def lane_of(device: str) -> str:
    """Which line to stand in: one a device. Says where "auto" will lead without loading torch."""
    if device == "auto":
        device = "cuda" if os.path.exists("/dev/nvidia0") or os.path.exists("/dev/dxg") else "cpu"
    return device.removesuffix(":0")


class Store:
    def __init__(self, path: Path | None = None, limits: Limits | None = None, near: Callable[[str, str], bool] = operator.eq):
        """Opens or makes the file; a damaged one is moved aside and rebuilt.  Raises Refusal.

        `near`: whether two owners come from one place, a classroom or one browser that throws its cookies away.
        """
        self.limits, self._near = limits or Limits(), near
        database = Database(path or runs_folder() / "queue.db", MIGRATIONS, _refill)
        self._do, self._look = database.do, database.look

    def enqueue(
        self, run: str, owner: str = "", device: str = "auto", key: str | None = None, runner: str = PAGE, holder: Holder | None = None
    ) -> str:
        """Put a run at the end of its line.  -> the run that stands there for this owner and `key`, which may be an earlier one.

        `holder`: the shell that waits.  Raises Refusal when the owner has enough in the line.
        """

        def work(db: sqlite3.Connection) -> str:
            if key and (row := db.execute("SELECT run FROM jobs WHERE owner = ? AND key = ?", (owner, key)).fetchone()):
                return row["run"]
            self._check_limits(db, owner)
            _insert(db, (run, owner, lane_of(device), key, runner, WAITING, _next_ticket(db), time.time(), *_fields(holder)))
            return run

        return self._do(work)

    def return_to_line(self, run: str, owner: str, device: str) -> None:
        """A run that waited before, whatever the limits say; one that still stands in the line keeps its place."""

        def work(db: sqlite3.Connection) -> None:
            if not db.execute("SELECT 1 FROM jobs WHERE run = ? AND state = ?", (run, WAITING)).fetchone():
                _insert(db, (run, owner, lane_of(device), None, PAGE, WAITING, _next_ticket(db), time.time(), *_fields(None)))

        self._do(work)

    def _check_limits(self, db: sqlite3.Connection, owner: str) -> None:
        waiting = db.execute("SELECT count(*) FROM jobs WHERE state = ? AND owner = ?", (WAITING, owner)).fetchone()[0]
        others = [row["owner"] for row in db.execute("SELECT owner FROM jobs WHERE state = ?", (WAITING,))]
        total, near = len(others), sum(self._near(owner, other) for other in others)
        if self.limits.waiting is not None and waiting >= self.limits.waiting:
            words = both(
                "You have {n} runs waiting already, which is the most here; wait for one to start, or cancel one.",
                "你已有 {n} 次训练在排队，达到上限；请等其中一次开始，或取消一次。",
            )
            raise Refusal(words, n=waiting)
        if self.limits.near is not None and near >= self.limits.near:
            words = both(
                "{n} runs from where you are wait already, which is the most here; try again when some have started.",
                "从你所在的网络已有 {n} 次训练在排队，达到上限；请等其中一些开始后再试。",
            )
            raise Refusal(words, n=near)
        if self.limits.total is not None and total >= self.limits.total:
            raise Refusal(both("The queue is full ({n} runs); try again later.", "队列已满（{n} 次训练）；请稍后再试。"), n=total)

    def claim(self, device: str, holder: Holder, run: str | None = None, serving: bool = True) -> str | None:
        """The next run in the line of `device`, now held by `holder`; None while another is at work or it is not our turn.

        `run`: a shell asks for its own.  `serving`: a page is there to take its runs; without one they do not hold up a shell.
        """

        def work(db: sqlite3.Connection) -> str | None:
            lane = lane_of(device)
            if db.execute("SELECT 1 FROM jobs WHERE state = ? AND lane = ?", (AT_WORK, lane)).fetchone():
                return None
            line = self._line(db, lane, serving)
            if not line or (line[0]["run"] != run if run else line[0]["runner"] != PAGE):
                return None
            first = line[0]
            values = (AT_WORK, time.time(), *_fields(holder), first["run"])
            db.execute("UPDATE jobs SET state = ?, changed = ?, pid = ?, start = ?, boot = ? WHERE run = ?", values)
            served = db.execute("SELECT coalesce(max(served), 0) + 1 FROM owners").fetchone()[0]
            db.execute("INSERT OR REPLACE INTO owners VALUES (?, ?)", (first["owner"], served))
            return first["run"]

        return self._do(work)

    def _line(self, db: sqlite3.Connection, lane: str, serving: bool = True) -> list[sqlite3.Row]:
        """Who waits in this lane, in the order they will be served: owners in turn, the one served longest ago first."""
        served = dict(db.execute("SELECT owner, served FROM owners").fetchall())
        busy = dict(db.execute("SELECT owner, count(*) FROM jobs WHERE state = ? GROUP BY owner", (AT_WORK,)).fetchall())
        rows = db.execute("SELECT * FROM jobs WHERE state = ? AND lane = ? ORDER BY ticket", (WAITING, lane)).fetchall()
        rows = [r for r in rows if serving or r["runner"] == SHELL]
        most, turn = self.limits.at_work, max(served.values(), default=0)
        line: list[sqlite3.Row] = []
        while rows:
            free = [r for r in rows if most is None or busy.get(r["owner"], 0) < most] or rows
            first = min(free, key=lambda r: (served.get(r["owner"], 0), r["ticket"]))
            rows.remove(first)
            turn += 1
            served[first["owner"]] = turn
            line.append(first)
        if most is not None and line and busy.get(line[0]["owner"], 0) >= most:
            return []  # everybody who waits has a run at work on another device
        return line

    def place(self, run: str) -> int:
        """1 for the next to start; 0 for a run that does not wait."""

        def work(db: sqlite3.Connection) -> int:
            row = db.execute("SELECT lane FROM jobs WHERE run = ? AND state = ?", (run, WAITING)).fetchone()
            line = [r["run"] for r in self._line(db, row["lane"])] if row else []
            return line.index(run) + 1 if run in line else 1 if row else 0

        return self._look(work)

    def waiting(self, runner: str = PAGE) -> list[tuple[str, str]]:
        """(run, lane) of those that wait, in the order of their tickets."""
        select = "SELECT run, lane FROM jobs WHERE state = ? AND runner = ? ORDER BY ticket"
        return self._look(lambda db: [(r["run"], r["lane"]) for r in db.execute(select, (WAITING, runner))])

    def holders(self) -> list[tuple[str, str, Holder | None]]:
        """(run, runner, process) of those at work, and of shells that wait."""
        select = "SELECT * FROM jobs WHERE state = ? OR (state = ? AND runner = ?)"
        found = self._look(lambda db: db.execute(select, (AT_WORK, WAITING, SHELL)).fetchall())
        return [(r["run"], r["runner"], Holder(r["pid"], r["start"], r["boot"]) if r["pid"] else None) for r in found]

    def finish(self, run: str, holder: Holder | None = None) -> None:
        """Out of the line, whether it waited or worked; its key is remembered for a day.  `holder`: only if it is held by that one."""

        def work(db: sqlite3.Connection) -> None:
            held = " AND pid = ? AND start = ? AND boot = ?" if holder else ""
            held_by = _fields(holder) if holder else ()
            db.execute(f"UPDATE jobs SET state = ?, changed = ? WHERE run = ?{held}", (DONE, time.time(), run, *held_by))
            db.execute("DELETE FROM jobs WHERE state = ? AND (key IS NULL OR changed < ?)", (DONE, time.time() - KEYS_LAST))

        self._do(work)

    def forget(self, run: str) -> None:
        """A run that is no more: its key, too, is free again."""
        self._do(lambda db: db.execute("DELETE FROM jobs WHERE run = ?", (run,)))

    def with_key(self, owner: str, key: str) -> str | None:
        row = self._look(lambda db: db.execute("SELECT run FROM jobs WHERE owner = ? AND key = ?", (owner, key)).fetchone())
        return row["run"] if row else None


def _refill(db: sqlite3.Connection) -> None:
    """Rows for the runs that wait or work, from their folders."""
    live = [run for run in runs() if run.state.live]
    for ticket, run in enumerate(sorted(live, key=lambda run: run.record.get("queued") or 0.0), 1):
        record, request = run.record, run.request
        state = AT_WORK if run.state.at_work else WAITING
        holder, runner = Holder.from_json(record.get("holder")), record.get("runner") or PAGE
        _insert(db, (run.id, request.owner, lane_of(request.device), None, runner, state, ticket, time.time(), *_fields(holder)))


def _insert(db: sqlite3.Connection, values: tuple[Any, ...]) -> None:
    """A run that stood in the line before keeps the key of its first click."""
    known = db.execute("SELECT key FROM jobs WHERE run = ?", values[:1]).fetchone()
    key = values[3] or (known["key"] if known else None)
    db.execute("INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*values[:3], key, *values[4:]))


def _next_ticket(db: sqlite3.Connection) -> int:
    return db.execute("SELECT coalesce(max(ticket), 0) + 1 FROM jobs").fetchone()[0]


def _fields(holder: Holder | None) -> tuple[Any, ...]:
    return (holder.pid, holder.start, holder.boot) if holder else (None, None, None)

"""A SQLite file that several processes share, that survives being killed, and that is replaced when it is damaged."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from aigc.jobs.files import UNWRITABLE, DiskFull, has_no_room, in_words, locked
from aigc.words import Refusal, both

T = TypeVar("T")
BUSY_SECONDS = 5.0
_NO_ROOM = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)  # how it fails, too, where there is no room for its own small files


class Database:
    """One file; a connection a call, so that threads and forks cannot mix them up (about 0.3 ms)."""

    def __init__(self, path: Path, migrations: tuple[str, ...], refill: Callable[[sqlite3.Connection], None]):
        """`migrations[n]` brings version n to n + 1.  `refill` fills a new file that stands in for a damaged one.  Raises Refusal."""
        self.path, self._migrations, self._refill = path, migrations, refill
        self._rebuilding = threading.Lock()
        with _in_words(self.path):
            path.parent.mkdir(parents=True, exist_ok=True)
        self.look(_check)

    def do(self, work: Callable[[sqlite3.Connection], T], begin: str = "BEGIN IMMEDIATE") -> T:
        """`work` in one transaction; a damaged file is replaced first.  Raises Refusal."""
        with _in_words(self.path):
            try:
                return self._transact(work, begin)
            except sqlite3.DatabaseError as error:
                if not _damaged(error):
                    raise
            self._rebuild()
            return self._transact(work, begin)

    def look(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work` that only reads: it waits for no writer, and a full disk does not keep it from what was written before."""
        try:
            return self.do(work, "BEGIN")
        except DiskFull:  # reading, too, begins with a few bytes written
            with _in_words(self.path), contextlib.closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?immutable=1", uri=True)) as db:
                db.row_factory = sqlite3.Row
                return work(db)

    def _transact(self, work: Callable[[sqlite3.Connection], T], begin: str = "BEGIN IMMEDIATE") -> T:
        db = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            db.row_factory = sqlite3.Row
            self._migrate(db)
            with _transaction(db, begin):
                return work(db)
        finally:
            db.close()

    def _migrate(self, db: sqlite3.Connection) -> None:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == len(self._migrations):
            return
        if version > len(self._migrations):
            raise sqlite3.DatabaseError("made by a later version")
        db.execute("PRAGMA journal_mode = WAL")
        with _transaction(db):
            version = db.execute("PRAGMA user_version").fetchone()[0]  # another process may have been faster
            for step in self._migrations[version:]:
                for statement in filter(str.strip, step.split(";")):
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {len(self._migrations)}")

    def _rebuild(self) -> None:
        """Move the damaged file aside, where it can be looked at, and begin a new one."""
        with self._rebuilding, locked(self.path.with_suffix(".lock")):
            with contextlib.suppress(sqlite3.DatabaseError):
                return self._transact(_check)  # another process was faster
            stamp = time.strftime("%Y%m%d-%H%M%S")
            for suffix in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    os.replace(f"{self.path}{suffix}", f"{self.path}.damaged-{stamp}{suffix}")
            self._transact(self._refill)


@contextlib.contextmanager
def _in_words(path: Path) -> Iterator[None]:
    try:
        with in_words():
            yield
    except sqlite3.DatabaseError as error:
        if _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise Refusal(both("The queue is busy; try again in a moment.", "队列正忙；请稍后再试。")) from error
        if _code(error) == sqlite3.SQLITE_FULL or (_code(error) in _NO_ROOM and has_no_room(path)):
            raise DiskFull from error
        raise Refusal(UNWRITABLE, why=error) from error


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
    db.execute(begin)
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise


def _check(db: sqlite3.Connection) -> None:
    answer = db.execute("PRAGMA integrity_check").fetchone()[0]
    if answer != "ok":
        raise sqlite3.DatabaseError(answer)


def _code(error: sqlite3.DatabaseError) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _damaged(error: sqlite3.DatabaseError) -> bool:
    """Whether the file itself is wrong (or was never ours), rather than busy, read-only or on a full disk."""
    return _code(error) in (None, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)

"""The queue: who is next, who is dead, and a file that may be damaged, locked or from another time."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aigc.home import runs_folder
from aigc.jobs import database, lock, recovery, store
from aigc.jobs.files import DiskFull
from aigc.jobs.processes import Holder
from aigc.jobs.runs import Request, Run
from aigc.jobs.states import State
from aigc.jobs.store import PUBLIC, SHELL, Limits, Store, lane_of
from aigc.words import Refusal

DEAD = Holder(2**22 - 1, "1", "another boot")


def id_of(n: int) -> str:
    return f"{n:032x}"


def fill(line: Store, owners: str) -> list[str]:
    """A run for each letter, owned by it."""
    return [line.enqueue(id_of(n), owner) for n, owner in enumerate(owners)]


def serve_all(line: Store, owners: str) -> str:
    """The owners in the order they are served, each run ending before the next begins."""
    served = ""
    while run := line.claim("auto", Holder.me()):
        served += owners[int(run, 16)]
        line.finish(run)
    return served


@pytest.fixture
def line(aigc_home: Path) -> Store:
    return Store()


@pytest.mark.parametrize(("asked", "expected"), [("A", "A"), ("AAA", "AAA"), ("AAAAB", "ABAAA"), ("AABBC", "ABCAB"), ("AAABBB", "ABABAB")])
def test_owners_take_turns(line: Store, asked: str, expected: str) -> None:
    runs = fill(line, asked)
    places = [line.place(run) for run in runs]
    assert sorted(places) == list(range(1, len(asked) + 1))
    assert "".join(asked[places.index(n)] for n in range(1, len(asked) + 1)) == expected, "a place says when it will be served"
    assert serve_all(line, asked) == expected


def test_who_comes_later_does_not_overtake_for_ever(line: Store) -> None:
    fill(line, "AB")
    first = line.claim("auto", Holder.me())
    assert first == id_of(0)
    for n in range(2, 5):
        line.enqueue(id_of(n), "C")
    line.finish(first)
    assert line.claim("auto", Holder.me()) == id_of(1), "B was there before C"


def test_one_run_a_device_and_lanes_do_not_wait_for_each_other(line: Store) -> None:
    line.enqueue(id_of(1), device="cpu")
    line.enqueue(id_of(2), device="cpu")
    line.enqueue(id_of(3), device="cuda:1")
    me = Holder.me()
    assert line.claim("cpu", me) == id_of(1) and line.claim("cpu", me) is None
    assert line.claim("cuda:1", me) == id_of(3)
    assert [line.place(id_of(n)) for n in (1, 2, 3)] == [0, 1, 0]
    line.finish(id_of(1))
    assert line.claim("cpu", me) == id_of(2)
    assert lane_of("cuda:0") == "cuda" and lane_of("cuda:1") == "cuda:1" and lane_of("auto") in ("cpu", "cuda")


def test_a_double_click_is_one_row_even_from_many_threads(line: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        stands = set(pool.map(lambda n: line.enqueue(id_of(n), "A", key="click"), range(16)))
    assert len(stands) == 1 and len(line.waiting()) == 1
    assert line.with_key("A", "click") == stands.pop() and line.with_key("B", "click") is None
    assert line.enqueue(id_of(99), "B", key="click") == id_of(99), "another person's key is another key"


def test_only_one_of_many_gets_a_run(line: Store) -> None:
    fill(line, "A")
    with ThreadPoolExecutor(8) as pool:
        got = [run for run in pool.map(lambda _: Store().claim("auto", Holder.me()), range(16)) if run]
    assert got == [id_of(0)]


def test_a_key_outlives_the_run_but_a_finished_row_does_not(line: Store) -> None:
    line.enqueue(id_of(1), "A", key="click")
    line.enqueue(id_of(2), "A")
    line.finish(id_of(1))
    line.finish(id_of(2))
    assert line.enqueue(id_of(3), "A", key="click") == id_of(1)
    assert line.waiting() == [] and line.holders() == []


def test_a_key_outlives_going_on_but_not_the_run(line: Store) -> None:
    line.enqueue(id_of(1), "A", key="click")
    line.finish(id_of(1))
    line.enqueue(id_of(1), "A")  # it goes on
    line.return_to_line(id_of(1), "A", "auto")
    assert line.enqueue(id_of(2), "A", key="click") == id_of(1)
    line.forget(id_of(1))
    assert line.enqueue(id_of(3), "A", key="click") == id_of(3)


def test_limits_are_said_in_words(aigc_home: Path) -> None:
    line = Store(limits=PUBLIC)
    fill(line, "AAA")
    with pytest.raises(Refusal) as refusal:
        line.enqueue(id_of(10), "A")
    assert "3 runs waiting" in refusal.value.words.en and "3" in refusal.value.words.zh
    assert line.enqueue(id_of(11), "B") == id_of(11)
    line.return_to_line(id_of(12), "A", "auto")  # it waited before
    assert line.place(id_of(12)) > 0
    with pytest.raises(Refusal):
        Store(limits=Limits(total=5)).enqueue(id_of(13), "C")


def test_those_who_come_from_one_place_have_a_limit_with_room_for_a_class(aigc_home: Path) -> None:
    assert 30 <= (PUBLIC.near or 0) < (PUBLIC.total or 0)
    line = Store(limits=PUBLIC, near=lambda one, other: one[0] == other[0])
    for n in range(PUBLIC.near or 0):
        line.enqueue(id_of(n), f"made up {n}")
    with pytest.raises(Refusal) as refusal:
        line.enqueue(id_of(100), "made up anew")
    assert "40 runs from where you are" in refusal.value.words.en and "40" in refusal.value.words.zh
    assert line.enqueue(id_of(101), "somebody else") == id_of(101)


def test_an_owner_has_one_run_at_work_also_on_two_devices(aigc_home: Path) -> None:
    line = Store(limits=PUBLIC)
    line.enqueue(id_of(1), "A", device="cpu")
    line.enqueue(id_of(2), "A", device="cuda")
    line.enqueue(id_of(3), "B", device="cuda")
    assert line.claim("cpu", Holder.me()) == id_of(1)
    assert line.claim("cuda", Holder.me()) == id_of(3)
    line.finish(id_of(3))
    assert line.claim("cuda", Holder.me()) is None
    line.finish(id_of(1))
    assert line.claim("cuda", Holder.me()) == id_of(2)


def test_a_shell_waits_in_the_same_line(line: Store) -> None:
    me = Holder.me()
    line.enqueue(id_of(1), "")
    line.enqueue(id_of(2), "", runner=SHELL, holder=me)
    line.enqueue(id_of(3), "")
    assert line.claim("auto", me, run=id_of(2)) is None, "the page's run came first"
    assert line.claim("auto", me) == id_of(1)
    line.finish(id_of(1))
    assert line.claim("auto", me) is None, "the page does not take a shell's run, nor overtake it"
    assert line.claim("auto", me, run=id_of(2)) == id_of(2)


def test_runs_of_a_page_that_is_not_there_do_not_hold_up_a_shell(line: Store) -> None:
    line.enqueue(id_of(1), "")
    line.enqueue(id_of(2), "", runner=SHELL, holder=Holder.me())
    assert line.claim("auto", Holder.me(), run=id_of(2), serving=False) == id_of(2)


def test_the_dead_are_told_from_the_living_and_from_their_namesakes() -> None:
    me = Holder.me()
    assert me.alive() and Holder.from_json(json.loads(json.dumps(me.as_json()))) == me
    assert not DEAD.alive() and not Holder(me.pid, "1", me.boot).alive() and not Holder(me.pid, me.start, "another boot").alive()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    theirs = Holder.of(child.pid)
    assert theirs and theirs.alive()
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not theirs.alive(), "a zombie is dead"
    child.wait()
    assert not theirs.alive() and Holder.of(child.pid) is None
    assert Holder.from_json(None) is None and Holder.from_json({"pid": "x"}) is None


# the file
def _at_work(holder: Holder = DEAD) -> Run:
    run = Run.create(Request("vae", "digits", owner="A"))
    run.move(State.STARTING, holder=holder.as_json())
    return run


def test_a_damaged_file_is_moved_aside_and_rebuilt_from_the_folders(line: Store) -> None:
    waits = [Run.create(Request("vae", "digits", owner=owner)) for owner in "AAB"]
    works = _at_work(Holder.me())
    over = Run.create(Request("vae", "digits"))
    over.move(State.STOPPED)
    path = runs_folder() / "queue.db"
    path.write_bytes(b"this is no database " * 500)
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    fresh = Store()
    assert [run for run, _ in fresh.waiting()] == [run.id for run in waits]
    assert [(run, holder) for run, _, holder in fresh.holders()] == [(works.id, Holder.me())]
    aside = list(runs_folder().glob("queue.db.damaged-*"))
    assert len(aside) == 1 and aside[0].read_bytes().startswith(b"this is no")


@pytest.mark.parametrize("where", [0, 100, 5000])
def test_flipped_bytes_are_noticed_or_do_no_harm(line: Store, where: int) -> None:
    runs = [Run.create(Request("vae", "digits", owner="A")) for _ in range(40)]
    for run in runs:
        line.enqueue(run.id, "A")
    path = runs_folder() / "queue.db"
    sqlite3.connect(path).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    data = bytearray(path.read_bytes())
    data[where : where + 64] = os.urandom(64)
    path.write_bytes(data)
    again = Store()
    assert {run for run, _ in again.waiting()} == {run.id for run in runs}
    assert again.claim("auto", Holder.me()) in {run.id for run in runs}


def test_damage_while_it_is_open_is_survived_too(line: Store) -> None:
    run = Run.create(Request("vae", "digits"))
    line.enqueue(run.id)
    path = runs_folder() / "queue.db"
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    path.write_bytes(b"\0" * 10_000)
    assert line.place(run.id) == 1


def test_a_locked_file_is_a_sentence_and_not_a_wait_for_ever(line: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    other = sqlite3.connect(runs_folder() / "queue.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Refusal) as refusal:
        line.enqueue(id_of(1))
    assert "busy" in refusal.value.words.en
    other.execute("ROLLBACK")
    assert line.enqueue(id_of(1)) == id_of(1)


def test_a_writer_waits_for_another_one(line: Store) -> None:
    other = sqlite3.connect(runs_folder() / "queue.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, lambda: other.execute("COMMIT")).start()
    assert line.enqueue(id_of(1)) == id_of(1)


def _read_only(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **how: connect(f"file:{path}?mode=ro", uri=True, **how))


def _no_folder(path: Path, _: pytest.MonkeyPatch) -> None:
    for file in path.parent.iterdir():
        file.unlink()
    path.parent.rmdir()
    path.parent.write_text("a file where the folder should be")


def _a_folder_in_its_place(path: Path, _: pytest.MonkeyPatch) -> None:
    for file in path.parent.iterdir():
        file.unlink()
    path.mkdir()


@pytest.mark.parametrize("fault", [_read_only, _no_folder, _a_folder_in_its_place])
def test_what_cannot_be_written_is_a_sentence(line: Store, fault: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    fault(runs_folder() / "queue.db", monkeypatch)
    with pytest.raises(Refusal) as refusal:
        Store().enqueue(id_of(1))
    assert "AIGC_HOME" in refusal.value.words.en and "AIGC_HOME" in refusal.value.words.zh


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR | 19 << 8, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL])
def test_on_a_full_disk_the_line_can_be_read_and_the_rest_is_a_sentence(line: Store, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    fill(line, "AB")
    connect, free = sqlite3.connect, 0

    def full(path: Any, **how: Any) -> Any:
        if how.get("uri"):  # opened as a file that nobody changes
            return connect(path, **how)
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = code
        raise error

    monkeypatch.setattr(sqlite3, "connect", full)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    with pytest.raises(DiskFull):
        line.enqueue(id_of(9))
    assert line.place(id_of(1)) == 2 and len(line.waiting()) == 2 and not line.holders()
    if code != sqlite3.SQLITE_FULL:
        free = 1 << 40  # then it is something else
        with pytest.raises(Refusal, match="permissions"):
            line.place(id_of(1))


def test_an_older_file_is_brought_up_to_date(line: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(line, "AB")
    monkeypatch.setattr(store, "MIGRATIONS", (*store.MIGRATIONS, "ALTER TABLE owners ADD COLUMN note TEXT; CREATE TABLE extra (x INTEGER)"))
    newer = Store()
    assert len(newer.waiting()) == 2
    db = sqlite3.connect(runs_folder() / "queue.db")
    assert db.execute("PRAGMA user_version").fetchone()[0] == 2
    assert db.execute("SELECT note FROM owners").fetchall() == [] and db.execute("SELECT x FROM extra").fetchall() == []


def test_a_later_file_is_moved_aside(line: Store) -> None:
    run = Run.create(Request("vae", "digits"))
    line.enqueue(run.id)
    db = sqlite3.connect(runs_folder() / "queue.db")
    db.execute("PRAGMA user_version = 99")
    db.close()
    assert [r for r, _ in Store().waiting()] == [run.id] and list(runs_folder().glob("queue.db.damaged-*"))


def test_after_a_crash_folders_and_line_agree_again(line: Store) -> None:
    dead, waits = _at_work(), Run.create(Request("vae", "digits", owner="A"))
    alive = _at_work(Holder.me())
    recovery.settle(line)
    assert dead.state is State.INTERRUPTED and "server stopped" in dead.record["reason"]["en"]
    assert waits.state is State.QUEUED and line.place(waits.id) == 1
    assert alive.state is State.STARTING
    recovery.settle(line)
    assert line.place(waits.id) == 1 and len(line.waiting()) == 1


def test_the_second_server_is_told_so_and_the_next_is_not(aigc_home: Path) -> None:
    with lock.alone():
        assert lock.serving()
        with pytest.raises(Refusal) as refusal, lock.alone():
            pass
        assert "already using" in refusal.value.words.en
    assert not lock.serving()
    with lock.alone():
        pass

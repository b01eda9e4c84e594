"""Trainings that come along: made from an arena, shown where nothing was trained yet, and changed by nobody."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from fastapi import FastAPI
from fastapi.testclient import TestClient

from aigc import home
from aigc.cli import runs as shell
from aigc.commands import Command, Do
from aigc.events import Finished, Measured, Preview, Step
from aigc.jobs import arena as arenas
from aigc.jobs import recordings as maker
from aigc.jobs.arena import Arena, Axis, Cell
from aigc.jobs.request import Request, checked
from aigc.jobs.runs import Run, recordings, runs
from aigc.jobs.states import State
from aigc.jobs.supervisor import Supervisor
from aigc.registry.card import spec_as_json
from aigc.ui import routes
from aigc.ui.tabs import arena_routes
from aigc.words import Refusal

SECRET = "c" * 32


def trained(technique: str, moments: int = 60) -> Run:
    """As a worker leaves it."""
    request, spec = checked(Request(technique, "digits", {}, {"seconds": 45}, preset="quick", owner=SECRET))
    run = Run.create(request, spec_as_json(spec), holder={"pid": 1})
    for i in range(moments):
        run.append(Preview(64 * i, i, sheets={"samples": torch.rand(4, 1, 8, 8)}))
        run.append(Step(64 * i, i, float(i), 133.0, 0, {"generator": 1.0}))
    run.append(Measured(64 * moments, 45.0, {"fid": 3.0}))
    run.append(Finished(64 * moments, moments, 45.0, "budget"))
    (run.folder / "checkpoint").mkdir()
    (run.folder / "checkpoint" / "weights").write_bytes(b"large")
    run.update(state=State.FINISHED.value, images=64 * moments, seconds=45.0, device="cpu", threads=2, model="mine")
    return run


@pytest.fixture
def arena(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Arena:
    """A recording, in a home where nothing else is."""
    monkeypatch.setattr(home, "SHIPPED", tmp_path / "shipped")
    cells = tuple(Cell(technique, {}, trained(technique).id) for technique in ("gan", "vae"))
    made = Arena("digits", 45.0, cells, (Axis("seed", (0, 1)),), id="0123456789abcdef", owner=SECRET, created=1.0)
    arenas.write(made)
    maker.record(made.id)
    for folder in (home.runs_folder(), home.home() / "arenas"):
        shutil.rmtree(folder)
    return made


@pytest.fixture
def line(arena: Arena) -> Iterator[Supervisor]:
    supervisor = Supervisor()
    supervisor.start()
    yield supervisor
    supervisor.stop()


@pytest.fixture
def client(line: Supervisor) -> TestClient:
    app = FastAPI()
    app.include_router(routes.router(line))
    app.include_router(arena_routes.router(line))
    return TestClient(app)


def test_a_recording_holds_the_story_and_nothing_of_who_made_it(arena: Arena) -> None:
    files = [path for path in home.recordings_folder().rglob("*") if path.is_file()]
    assert {path.name for path in files if path.parent.name != "previews"} == {"run.json", "log.jsonl", f"{arena.id}.json"}
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]
    for run in recordings():
        record = run.record
        assert (record["holder"], record["model"], record["images"]) == (None, None, 64 * 60)
        shown = [event for event in run.events()[0] if event["kind"] == "preview"]
        assert 12 < len(shown) <= maker.MOMENTS and (shown[0]["images"], shown[-1]["images"]) == (0, 64 * 59)
        assert len(list((run.folder / "previews").iterdir())) == len(shown)


def test_one_that_is_going_on_is_not_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "SHIPPED", tmp_path / "shipped")
    run = trained("gan", 2)
    run.update(state=State.RUNNING.value)
    arenas.write(Arena("digits", 45.0, (Cell("gan", {}, run.id),), id="0123456789abcdef"))
    with pytest.raises(Refusal):
        maker.record("0123456789abcdef")
    assert not home.recordings_folder().exists()


def test_where_nothing_was_trained_it_is_shown(client: TestClient, arena: Arena) -> None:
    panel = client.get("/aigc/panels/gan").json()
    (told,) = panel["recent"]
    assert panel["show"] == told["id"] == arena.cells[0].run and told["recorded"] and not told["mine"] and told["says"] == "recording"
    assert client.get("/aigc/panels/diffusion").json()["show"] is None
    news = client.get(f"/aigc/runs/{told['id']}/live", params={"lang": "zh"}).json()
    assert news["actions"] == [] and "记录" in news["says"] and news["curves"]["fid"] and not news["live"]
    picture = client.get(f"/aigc/runs/{told['id']}/previews/{news['previews'][0]['sheets']['samples']['file']}")
    assert picture.status_code == 200 and picture.headers["content-type"] == "image/png"
    assert client.post(f"/aigc/runs/{told['id']}/export", json={"kind": "gif"}).headers["content-type"] == "image/gif"


def test_ones_own_runs_come_first(client: TestClient, line: Supervisor, arena: Arena) -> None:
    mine = trained("gan", 2)
    panel = client.get("/aigc/panels/gan").json()
    assert panel["show"] == mine.id and [told["id"] for told in panel["recent"]] == [mine.id, arena.cells[0].run]
    assert client.get("/aigc/panels/gan", params={"run": arena.cells[0].run}).json()["show"] == arena.cells[0].run
    assert [run.id for run in runs()] == [mine.id]


def test_a_recorded_arena_is_shown_last_and_kept(client: TestClient, line: Supervisor, arena: Arena) -> None:
    (told,) = client.get("/aigc/arenas").json()["arenas"]
    assert told["recorded"] and not told["mine"]
    whole = client.get(f"/aigc/arenas/{arena.id}").json()
    assert whole["recorded"] and not whole["live"] and whole["cells"][0]["picture"] and whole["cells"][1]["quality"] == "FID-512, Digits 8×8 CNN: 3"
    assert client.get(f"/aigc/arenas/{arena.id}/arena.csv").status_code == 200
    for do in ("stop", "delete"):
        assert "recording" in client.post(f"/aigc/arenas/{arena.id}/command", json={"do": do}).json()["error"]
    later = arenas.start(line, arenas.contest("digits", 45, ["gan"]), "", key="k")
    assert [told["id"] for told in client.get("/aigc/arenas").json()["arenas"]] == [later.id, arena.id]
    arenas.stop(line, later.id, "")


def test_nobody_changes_a_recording(line: Supervisor, arena: Arena) -> None:
    before = {path: path.read_bytes() for path in home.recordings_folder().rglob("*") if path.is_file()}
    id = arena.cells[0].run
    asked = [
        lambda: line.command(id, "", Command(Do.STOP)),
        lambda: line.resume(id, ""),
        lambda: line.continue_(id, "", seconds=60),
        lambda: line.delete(id, ""),
        lambda: shell.find(id),
        lambda: Run.open(id).delete(),
        lambda: Run.open(id).update(state="queued"),
        lambda: Run.open(id).move(State.QUEUED),
        lambda: maker.record(arena.id),
    ]
    for ask in asked:
        with pytest.raises(Refusal) as refused:
            ask()
        assert "recording" in str(refused.value)
    assert {path: path.read_bytes() for path in home.recordings_folder().rglob("*") if path.is_file()} == before


def test_what_is_no_run_in_there_is_passed_over(arena: Arena) -> None:
    folder = home.recordings_folder()
    (folder / "runs" / "notes").mkdir()
    (folder / "runs" / ("f" * 32)).mkdir()
    (folder / "arenas" / "x.json").write_text(json.dumps({}))
    assert len(recordings()) == 2 and [a.id for a in arenas.arenas()] == [arena.id]


def test_git_takes_what_comes_along() -> None:
    """A pattern of .gitignore that means a folder of the home must not mean the folder of the same name that is shipped."""
    if not (home.PROJECT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not in a clone")
    shipped = home.PROJECT / "checkpoints" / "shipped" / "recordings" / "runs" / ("0" * 32)
    kept = [shipped / "run.json", shipped / "log.jsonl", shipped / "previews" / "0.png"]
    asked = subprocess.run(["git", "check-ignore", "--no-index", *map(str, kept)], cwd=home.PROJECT, capture_output=True, text=True, check=False)
    assert asked.stdout == "" and asked.returncode == 1, asked

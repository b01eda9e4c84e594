"""What the browser asks for beside Gradio: nobody steers another's run, and nothing but what is meant gets in or out."""

from __future__ import annotations

import errno
import io
import json
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import torch
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from aigc.events import Preview, Step
from aigc.jobs.files import DiskFull
from aigc.jobs.request import Request
from aigc.jobs.runs import Run
from aigc.jobs.states import State
from aigc.jobs.supervisor import Supervisor
from aigc.ui import forms, routes, telling
from aigc.ui.visitors import OWNER_COOKIE

ANN, BOB = "a" * 32, "b" * 32
IDLE = (sys.executable, "-c", "import time; time.sleep(600)")  # a worker that never takes a run
OPTIONS = {"seconds": 45.0}


def served(single_user: bool) -> Iterator[tuple[Supervisor, TestClient]]:
    supervisor = Supervisor(single_user=single_user, command=IDLE)
    supervisor.start()
    app = FastAPI()
    app.include_router(routes.router(supervisor, single_user=single_user))
    yield supervisor, TestClient(app)
    supervisor.stop()


@pytest.fixture
def alone(aigc_home: Path) -> Iterator[tuple[Supervisor, TestClient]]:
    yield from served(single_user=True)


@pytest.fixture
def shared(aigc_home: Path) -> Iterator[tuple[Supervisor, TestClient]]:
    yield from served(single_user=False)


def as_(client: TestClient, owner: str) -> TestClient:
    client.cookies.set(OWNER_COOKIE, owner)
    return client


def running(owner: str = "", technique: str = "gan", name: str = "digits") -> Run:
    """At work, as far as anyone can see, with two previews."""
    from aigc import data
    from aigc.registry.card import spec_as_json

    options = {**OPTIONS, "seed": 0, "images": 0}
    run = Run.create(Request(technique, name, options=options, preset="quick", owner=owner), spec_as_json(data.spec(name)))
    run.move(State.STARTING)
    run.move(State.RUNNING, device="cpu")
    for images in (0, 640):
        sheets, arrays = {"samples": torch.rand(9, 1, 8, 8)}, {}
        if name == "moons":
            field = {"field": torch.rand(11, 11), "extent": torch.tensor([-3.0, 3.0])}
            sheets, arrays = {}, {"points": torch.randn(50, 2), "paths": torch.randn(100, 50, 2), **field}
        run.append(Preview(images, images / 1000, sheets, arrays))
        run.append(Step(images, 5, 0.6, 1000.0, 2**20, {"critic_loss": 1.0}))
    return run


def test_a_run_is_told_in_the_language_asked_for(alone: tuple[Supervisor, TestClient]) -> None:
    _, client = alone
    run = running()
    answer = client.get(f"/aigc/runs/{run.id}/live", params={"lang": "zh"})
    assert answer.status_code == 200
    assert answer.json()["says"] == "训练中"
    assert answer.headers["cache-control"] == "no-store"
    assert client.get(f"/aigc/runs/{run.id}/live", params={"lang": "en"}).json()["says"] == "training"
    assert client.get(f"/aigc/runs/{run.id}/live", params={"lang": "fr"}).status_code == 422


BAD_IDS = ["x", "../../x", "%2e%2e%2f%2e%2e", "/etc/passwd", "A" * 32, "g" * 32, "0" * 31, "0" * 33, "0" * 32 + "%0a", "0" * 50_000, "０" * 32]


@pytest.mark.parametrize("id", BAD_IDS, ids=lambda id: id[:20])
@pytest.mark.parametrize("path", ["live", "previews/000000000000-samples.png", "arrays/000000000000.safetensors", "arrays/real"])
def test_ids_that_are_none_of_ours_never_become_a_path(alone: Any, id: str, path: str) -> None:
    answer = alone[1].get(f"/aigc/runs/{id}/{path}")
    assert answer.status_code == 404
    assert "Traceback" not in answer.text and "/home" not in answer.text


def test_an_unknown_run_says_so(alone: Any) -> None:
    assert alone[1].get(f"/aigc/runs/{'0' * 32}/live", params={"lang": "zh"}).json() == {"error": "这里没有这次训练。"}
    answer = alone[1].post(f"/aigc/runs/{'0' * 32}/command", json={"do": "stop"})
    assert answer.status_code == 404


def test_a_panel_shows_your_live_run_first_and_lists_the_others(shared: tuple[Supervisor, TestClient]) -> None:
    _, client = shared
    mine, theirs, over = running(ANN), running(BOB), running(ANN)
    other = running(ANN, "vae")
    over.move(State.FINISHED)
    panel = as_(client, ANN).get("/aigc/panels/gan", params={"lang": "en"}).json()
    assert panel["show"] == mine.id
    listed = {line["id"]: line["mine"] for line in panel["recent"]}
    assert listed == {mine.id: True, over.id: True, theirs.id: False}
    assert client.get("/aigc/panels/gan", params={"run": theirs.id}).json()["show"] == theirs.id  # a link to look at
    assert client.get("/aigc/panels/gan", params={"run": other.id}).json()["show"] == mine.id  # of another technique
    assert client.get("/aigc/panels/gan", params={"run": "../x"}).json()["show"] == mine.id
    assert as_(client, "c" * 32).get("/aigc/panels/gan").json()["show"] is None
    assert client.get("/aigc/panels/nothing").status_code == 400


def test_nobody_steers_anothers_run(shared: tuple[Supervisor, TestClient]) -> None:
    _, client = shared
    run = running(ANN)
    for stranger in (BOB, "", "nobody", "A" * 32, ANN[:-1]):
        client.cookies.clear()
        if stranger:
            client.cookies.set(OWNER_COOKIE, stranger)
        for told in (
            {"do": "stop"},
            {"do": "pause"},
            {"do": "again"},
            {"do": "longer", "value": {"seconds": 60}},
            {"do": "set", "value": ["seed", 1]},
        ):
            answer = client.post(f"/aigc/runs/{run.id}/command", params={"lang": "zh"}, json=told)
            assert answer.status_code == 400, (stranger, told)
            assert answer.json() == {"error": "这次训练属于别人。"}
        looked = client.get(f"/aigc/runs/{run.id}/live").json()
        assert looked["mine"] is False and looked["why"]
    assert run.commands()[0] == [] and run.state is State.RUNNING
    assert as_(client, ANN).post(f"/aigc/runs/{run.id}/command", json={"do": "pause"}).json() == {"run": run.id}
    assert [c.do.value for c in run.commands()[0]] == ["pause"]


BAD_COMMANDS: list[dict[str, Any]] = [
    {"do": "rm -rf"},
    {"do": ""},
    {"do": "set", "value": ["learning_rate", math.nan]},
    {"do": "set", "value": ["learning_rate", math.inf]},
    {"do": "set", "value": ["learning_rate", True]},
    {"do": "set", "value": ["learning_rate", [1]]},
    {"do": "set", "value": ["learning_rate", 2]},
    {"do": "set", "value": ["learning_rate"]},
    {"do": "set", "value": ["batch", 64]},
    {"do": "set", "value": [["learning_rate"], 0.1]},
    {"do": "set", "value": {"learning_rate": 0.1}},
    {"do": "set", "value": None},
    {"do": "longer"},
    {"do": "longer", "value": {"seconds": math.nan}},
    {"do": "longer", "value": {"seconds": -1}},
    {"do": "longer", "value": {"images": 2.5}},
    {"do": "longer", "value": {"seconds": 1, "images": 1}},
    {"do": "longer", "value": {"owner": "x"}},
    {"do": "longer", "value": 60},
]


@pytest.mark.parametrize("told", BAD_COMMANDS, ids=repr)
def test_a_command_that_means_nothing_is_refused_in_words(alone: Any, told: dict[str, Any]) -> None:
    run = running()
    answer = alone[1].post(f"/aigc/runs/{run.id}/command", content=json.dumps(told), headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")
    assert run.commands()[0] == []


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"do": 3}', b'{"do": ["stop"]}', b"[" * 50_000])
def test_a_body_that_is_no_command_is_refused(alone: Any, body: bytes) -> None:
    run = running()
    answer = alone[1].post(f"/aigc/runs/{run.id}/command", content=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert run.commands()[0] == []


def test_what_is_right_reaches_the_worker(alone: Any) -> None:
    run = running()
    for told in ({"do": "set", "value": ["learning_rate", "0.0005"]}, {"do": "step", "value": "critic"}, {"do": "stop"}):
        assert alone[1].post(f"/aigc/runs/{run.id}/command", json=told).status_code == 200
    assert [(c.do.value, c.value) for c in run.commands()[0]] == [("set", ["learning_rate", "0.0005"]), ("step", "critic"), ("stop", None)]
    assert run.state is State.STOPPING


def test_an_interrupted_run_goes_on_and_a_finished_one_trains_longer(alone: Any) -> None:
    run = running()
    run.move(State.INTERRUPTED)
    assert alone[1].post(f"/aigc/runs/{run.id}/command", json={"do": "again"}).json() == {"run": run.id}
    assert run.state is State.QUEUED
    run = running()
    run.move(State.FINISHED, seconds=45.0)
    assert alone[1].post(f"/aigc/runs/{run.id}/command", json={"do": "longer", "value": {"seconds": 60}}).json() == {"run": run.id}
    assert run.request.options["seconds"] == 105.0


def test_pictures_are_kept_for_ever_and_nothing_else_is_served(alone: Any) -> None:
    run = running()
    picture = alone[1].get(f"/aigc/runs/{run.id}/previews/000000000640-samples.png")
    assert picture.status_code == 200 and picture.headers["content-type"] == "image/png"
    assert "immutable" in picture.headers["cache-control"]
    assert Image.open(io.BytesIO(picture.content)).size == (24, 24)
    (run.folder / "previews" / "000000000001-samples.png").symlink_to(run.folder / "run.json")
    (run.folder / "previews" / "secret.png").write_bytes(b"x")
    wrong = ["000000000001-samples.png", "secret.png", "..%2frun.json", "../run.json", "000000000640-samples.PNG", "000000000640.safetensors", ""]
    for name in wrong:
        assert alone[1].get(f"/aigc/runs/{run.id}/previews/{name}").status_code == 404, name


def test_arrays_come_as_plain_numbers_small_enough_to_send(alone: Any) -> None:
    run = running(technique="diffusion", name="moons")
    sent = alone[1].get(f"/aigc/runs/{run.id}/arrays/000000000640.safetensors")
    arrays = sent.json()
    assert len(arrays["points"]) == 50 and len(arrays["points"][0]) == 2
    assert len(arrays["paths"]) == 40 and len(arrays["field"]) == 11 and arrays["extent"] == [-3.0, 3.0]
    assert len(sent.content) < 60_000
    real = alone[1].get(f"/aigc/runs/{run.id}/arrays/real").json()["points"]
    assert len(real) == 500 and all(abs(x) < 5 for p in real for x in p)
    assert alone[1].get(f"/aigc/runs/{running().id}/arrays/real").status_code == 400


@pytest.mark.parametrize("kind, starts", [("png", b"\x89PNG"), ("gif", b"GIF8")])
@pytest.mark.parametrize("name", ["digits", "moons"])
def test_a_download_is_a_labelled_file(alone: Any, kind: str, starts: bytes, name: str) -> None:
    run = running(name=name)
    answer = alone[1].post(f"/aigc/runs/{run.id}/export", json={"kind": kind, "sheet": "samples", "images": 640})
    assert answer.status_code == 200
    assert answer.content.startswith(starts)
    assert b"TC260" in answer.content
    expected = {"digits": "gan-digits-samples", "moons": "gan-moons-points"}[name]
    assert f'filename="{expected}' in answer.headers["content-disposition"]
    if kind == "gif":
        assert Image.open(io.BytesIO(answer.content)).n_frames == 2  # type: ignore[attr-defined]


@pytest.mark.slow
def test_a_film_is_a_film(alone: Any) -> None:
    answer = alone[1].post(f"/aigc/runs/{running().id}/export", json={"kind": "mp4"})
    assert answer.status_code == 200 and answer.content[4:8] == b"ftyp"


@pytest.mark.parametrize("wanted", [{"kind": "exe"}, {"kind": "png", "sheet": "../../etc/passwd"}, {"kind": "gif", "sheet": "nothing"}])
def test_a_download_of_nothing_is_refused(alone: Any, wanted: dict[str, Any]) -> None:
    answer = alone[1].post(f"/aigc/runs/{running().id}/export", params={"lang": "zh"}, json=wanted)
    assert answer.status_code == 400 and answer.json()["error"].endswith("。")


def test_a_download_for_which_there_is_no_room_says_so(alone: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/a/path/of/this/machine")

    monkeypatch.setattr(Path, "write_bytes", full)
    for lang, says in (("en", "The disk is full"), ("zh", "磁盘已满")):
        answer = alone[1].post(f"/aigc/runs/{running().id}/export", params={"lang": lang}, json={"kind": "png"})
        assert answer.status_code == 507 and answer.json()["error"].startswith(says) and "/a/path" not in answer.text
    with pytest.raises(gr.Error, match="The disk is full"), forms.in_words("en"):
        full()
    assert list(telling.guarded(lambda: iter([full()]), lambda words: words)) == [DiskFull().words]
    with pytest.raises(OSError, match="another"), forms.in_words("en"):
        raise OSError(errno.EIO, "another")


def test_two_downloads_at_a_time(alone: Any) -> None:
    run = running()
    assert routes.EXPORTS.acquire(blocking=False) and routes.EXPORTS.acquire(blocking=False)
    try:
        assert alone[1].post(f"/aigc/runs/{run.id}/export", json={"kind": "png"}).status_code == 400
    finally:
        routes.EXPORTS.release(2)
    assert alone[1].post(f"/aigc/runs/{run.id}/export", json={"kind": "png"}).status_code == 200


def test_the_pages_own_files(alone: Any) -> None:
    _, client = alone
    script = client.get("/aigc/static/live.js")
    assert script.headers["content-type"].startswith("text/javascript") and script.headers["cache-control"] == "no-cache"
    assert client.get("/aigc/static/live.js", headers={"if-none-match": script.headers["etag"]}).status_code == 304
    assert "immutable" in client.get("/aigc/static/live.css", params={"v": "1"}).headers["cache-control"]
    for name in ("../live.py", "..%2flive.py", "live.py", "nothing.js", ".hidden.js", "live.js.map"):
        assert client.get(f"/aigc/static/{name}").status_code == 404, name


def test_every_module_that_a_script_imports_is_there() -> None:
    import re

    for script in routes.STATIC.glob("*.js"):
        for name in re.findall(r'from "\./([^"]+)"', script.read_text()):
            assert (routes.STATIC / name).is_file(), f"{script.name} imports {name}"


def test_health(alone: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    supervisor, client = alone
    assert client.get("/healthz").json() == {"ok": True}
    assert client.get("/readyz").json() == {"ready": True, "troubles": []}
    monkeypatch.setattr(supervisor, "healthy", lambda: False)
    assert client.get("/readyz").status_code == 503

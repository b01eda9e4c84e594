"""The Arena tab without a browser: the form, what the panel is told, and whose arena it is."""

from __future__ import annotations

import csv
import io
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from aigc import data
from aigc.events import Measured, Preview, Step
from aigc.jobs import arena as arenas
from aigc.jobs import standings
from aigc.jobs.arena import Arena
from aigc.jobs.costs import Costs
from aigc.jobs.runs import Run, runs
from aigc.jobs.states import State
from aigc.jobs.store import PUBLIC
from aigc.jobs.supervisor import Supervisor
from aigc.techniques import techniques
from aigc.ui import frames
from aigc.ui.machine import Watch
from aigc.ui.page import Page
from aigc.ui.tabs import arena as tab
from aigc.ui.tabs import arena_routes, arena_state
from aigc.ui.text import arena as text
from aigc.ui.visitors import OWNER_COOKIE
from aigc.words import LANGS, Lang

ANN, BOB = "a" * 32, "b" * 32
IDLE = (sys.executable, "-c", "import time; time.sleep(600)")  # a worker that never takes a run


@pytest.fixture
def line(aigc_home: Path, request: Any) -> Iterator[Supervisor]:
    supervisor = Supervisor(single_user=False, command=IDLE, limits=getattr(request, "param", None))
    supervisor.start()
    yield supervisor
    supervisor.stop()


def form(line: Supervisor, lang: Any = "en") -> tab.Form:
    with gr.Blocks():
        return tab.Form(Page(lang, line, Watch(), ("arena",), public=True, single_user=False))


def given(f: tab.Form, **more: Any) -> dict[Any, Any]:
    names = ("kind", "techniques", "technique", "across", "values_across", "down", "values_down", "data", "seconds", "preset", "name", "count")
    return {getattr(f, n): getattr(f, n).value for n in names} | {getattr(f, n): v for n, v in more.items()}


def asked(owner: str = ANN, session: str = "s") -> Any:
    return SimpleNamespace(cookies={OWNER_COOKIE: owner}, query_params={}, session_hash=session)


# the form
def test_the_form_as_it_opens_trains_every_technique(line: Supervisor) -> None:
    f = form(line)
    answer = f.start(given(f), asked())
    (arena,) = arenas.arenas()
    assert answer[f.started] == arena.id and answer[f.count] == "1"
    assert [c.technique for c in arena.cells] == list(techniques()) and (arena.data, arena.seconds, arena.owner) == ("digits", 45.0, ANN)


@pytest.mark.parametrize("line", [PUBLIC], indirect=True)
def test_where_strangers_come_it_opens_with_as_many_as_may_wait(line: Supervisor) -> None:
    f = form(line)
    assert len(f.techniques.value) == PUBLIC.waiting and str(PUBLIC.waiting) in f.told.value
    f.start(given(f), asked())
    with pytest.raises(gr.Error, match="places in the line"):
        f.start(given(f, count="1"), asked())


@pytest.mark.parametrize("slug", techniques())
def test_a_sweep_as_it_is_suggested_can_be_started(line: Supervisor, slug: str) -> None:
    f = form(line)
    turned = f.other_technique(given(f, kind="sweep", technique=slug))
    across, values = turned[f.across]["value"], turned[f.values_across]
    f.start(given(f, kind="sweep", technique=slug, across=across, values_across=values), asked())
    (arena,) = arenas.arenas()
    assert arena.axes[0].knob == across and 2 <= len(arena.cells) <= 5


@pytest.mark.parametrize("slug", techniques())
def test_every_knob_has_values_worth_trying(slug: str) -> None:
    info = techniques()[slug]
    for name in arenas.swept(info):
        draft = arenas.sweep("digits", 5, slug, [(name, tab.suggested(info, data.spec("digits"), "quick", name))])
        assert len(draft.cells) >= 2


def test_choosing_a_second_knob_makes_a_grid(line: Supervisor) -> None:
    f = form(line)
    start = given(f, kind="sweep", technique="vae", across="beta", values_across="1, 2, 4", down="latent")
    turned = f.other_down(start)
    assert turned[f.values_down]["visible"] and "9 runs" in turned[f.told]
    assert f.other_down(start | {f.down: ""})[f.values_down] == gr.update(value="", visible=False)


def test_what_is_missing_is_said_while_it_is_typed(line: Supervisor) -> None:
    f = form(line, "zh")
    assert arenas.TOO_FEW.zh in f.counted(given(f, techniques=[]))[f.told]
    assert "4 次训练" in f.counted(given(f))[f.told]


BAD = [
    {"techniques": None}, {"techniques": ["<img>"]}, {"techniques": [["gan"]]}, {"data": None}, {"data": ["digits"]}, {"data": "../x"},
    {"seconds": None}, {"seconds": float("inf")}, {"seconds": []}, {"preset": ["quick"]}, {"preset": None}, {"name": "x" * 100},
    {"kind": "sweep", "technique": None}, {"kind": "sweep", "technique": ["gan"]}, {"kind": "sweep", "across": None},
    {"kind": "sweep", "across": ["beta"]}, {"kind": "sweep", "values_across": None}, {"kind": "sweep", "values_across": {"a": 1}},
    {"kind": "sweep", "down": ["x"]}, {"kind": "sweep", "down": "loss", "values_down": None},
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_nonsense_starts_nothing(line: Supervisor, bad: dict[str, Any]) -> None:
    f = form(line)
    with pytest.raises(gr.Error) as caught:
        f.start(given(f, **bad), asked())
    assert not caught.value.print_exception and "<img>" not in str(f.counted(given(f, **bad))[f.told])
    assert runs() == [] and arenas.arenas() == []


def test_nonsense_changes_no_choices(line: Supervisor) -> None:
    f = form(line)
    for bad in (None, ["gan"], "nothing", {}):
        assert f.other_technique(given(f, technique=bad)) == {f.told: ""}
        assert f.other_across(given(f, kind="sweep", across=bad))[f.values_across] == ""


def test_a_double_click_is_one_arena(line: Supervisor) -> None:
    f = form(line)
    f.start(given(f), asked())
    f.start(given(f), asked())
    assert len(arenas.arenas()) == 1
    f.start(given(f, count="1"), asked())
    f.start(given(f), asked(session="another page"))
    assert len(arenas.arenas()) == 3


# what the panel is told
def a_contest(line: Supervisor, name: str = "digits", *slugs: str) -> Arena:
    arena = arenas.start(line, arenas.contest(name, 45, slugs or ("gan", "vae")), ANN, key="k")
    while line.place(arena.cells[0].run):  # until it is handed to the worker, and the next one moves up
        time.sleep(0.01)
    return arena


def train(run_id: str, name: str = "digits") -> Run:
    """As a worker would leave it half way."""
    run = Run.open(run_id)
    run.update(state=State.RUNNING.value, device="cpu", threads=2)
    made = {"arrays": {"points": torch.zeros(5, 2)}} if name == "moons" else {"sheets": {"samples": torch.rand(50, 1, 8, 8)}}
    run.append(Preview(64, 0.1, **made))
    for i in range(1, 4):
        run.append(Step(1000 * i, 10 * i, 7.5 * i, 133.0, i * 2**20, {"loss": 1.0 / i}))
        run.append(Measured(1000 * i, 7.5 * i, {"fid": 90.0 / i}))
    return run


def shot(arena: Arena, line: Supervisor, owner: str = ANN, lang: Any = "en", since: str = "") -> dict[str, Any]:
    answer = arena_state.snapshot(arena, line, owner, lang, since)
    json.dumps(answer, allow_nan=False)
    return answer


def test_the_panel_shows_samples_quality_and_cost(line: Supervisor) -> None:
    arena = a_contest(line)
    train(arena.cells[0].run)
    told = shot(arena, line)
    first, second = told["cells"]
    assert first["state"] == "running" and first["picture"].startswith("000000000064-samples.png?g=") and first["tiles"] == [5, 10, 8, 8]
    assert told["shape"] == 2.0 and told["progress"] == 0.25 and told["live"] and told["mine"] and "picture" not in second
    assert (first["quality"], second["quality"]) == ("FID-512, Digits 8×8 CNN: 30", "")
    assert told["curves"] == {"0 fid": [[1000, 7.5, 90.0], [2000, 15.0, 45.0], [3000, 22.5, 30.0]]}
    assert (
        told["panels"] == {"fid": "FID-512, Digits 8×8 CNN"} and told["terms"]["0 fid"]["label"] == "GAN" and told["terms"]["1 fid"]["label"] == "VAE"
    )
    assert not any("loss" in name for name in told["curves"])
    assert standings.ASSUMED.en in told["notes"] and standings.ASSUMED.zh in shot(arena, line, lang="zh")["notes"]
    row = told["table"]["rows"][0]
    assert (row["images"], row["rate"], row["fid"], row["memory"]) == ("3,000", "133", "30", "3 MB") and row["energy"] == "0.125 Wh"
    assert text.NOW.fill(what="GAN").en in told["says"]


def test_nothing_new_is_a_short_answer(line: Supervisor) -> None:
    arena = a_contest(line)
    run = train(arena.cells[0].run)
    while not shot(arena, line)["settled"]:
        time.sleep(0.01)
    first = shot(arena, line)
    assert shot(arena, line, since=first["mark"]) == {"same": True, "live": True, "settled": True, "mark": first["mark"]}
    run.append(Step(4000, 40, 30.0, 133.0, 0, {}))
    again = shot(arena, line, since=first["mark"])
    assert again["table"]["rows"][0]["images"] == "4,000" and "same" not in again


def test_a_run_that_went_on_from_its_checkpoint_is_read_anew(line: Supervisor) -> None:
    arena = a_contest(line)
    run = train(arena.cells[0].run)
    shot(arena, line)
    run.truncate_log(1000)
    run.append(Measured(1500, 11.0, {"fid": 70.0}))
    assert shot(arena, line)["curves"]["0 fid"] == [[1000, 7.5, 90.0], [1500, 11.0, 70.0]]


def test_a_sweep_has_labelled_axes(line: Supervisor) -> None:
    draft = arenas.sweep("digits", 5, "vae", [("beta", "0.5, 2"), ("conditional", "no, yes")])
    told = shot(arenas.start(line, draft, ANN, key="k"), line, lang="zh")
    assert [h["values"] for h in told["heads"]] == [["0.5", "2"], ["否", "是"]] and told["columns"] == 2
    assert told["cells"][3]["label"].endswith("是") and "2" in told["cells"][3]["label"]


def test_every_run_has_its_curve_and_none_looks_like_another(line: Supervisor) -> None:
    draft = arenas.sweep("digits", 5, "vae", [("beta", "0.5, 1, 2, 4"), ("conditional", "no, yes")])
    arena = arenas.start(line, draft, ANN, key="k")
    for cell in arena.cells:
        train(cell.run)
    told = shot(arena, line)
    assert set(told["curves"]) == {f"{i} fid" for i in range(8)} and told["drawn"] == arena_state.CURVES_OF
    looks = [(told["terms"][f"{i} fid"]["role"], told["terms"][f"{i} fid"]["dash"]) for i in range(8)]
    assert len(set(looks)) == 8 and len({role for role, _ in looks[:6]}) == 6


def test_points_are_shown_as_points(line: Supervisor) -> None:
    arena = a_contest(line, "moons", "gan")
    train(arena.cells[0].run, "moons")
    told = shot(arena, line)
    assert told["cells"][0]["points"].startswith("000000000064.safetensors") and told["shape"] == 1.0


@pytest.mark.parametrize("lang", LANGS)
def test_the_figures_come_right_after_the_name_and_a_missing_one_is_explained(line: Supervisor, lang: Lang) -> None:
    arena = a_contest(line, "digits", "autoencoder", "gan", "vae")
    train(arena.cells[0].run)
    train(arena.cells[1].run).append(Measured(4000, 30.0, {"fid": 20.0, "asked_class": 99.0}))
    Run.open(arena.cells[2].run).append(Step(1000, 10, 1.0, 133.0, 2**20, {}))
    assert len(shot(arena, line, lang=lang)["notes"]) == 2, "while they train nothing is missing yet"
    for cell in arena.cells:
        Run.open(cell.run).update(state=State.FINISHED.value)
    told = shot(arena, line, lang=lang)
    assert [c["key"] for c in told["table"]["columns"][:4]] == ["run", "fid", "asked_class", "state"]
    assert "%" in told["table"]["columns"][2]["label"] and "%" not in told["table"]["columns"][1]["label"]
    short, untold, *_ = told["notes"]
    titles = {slug: info.title for slug, info in techniques().items()}
    assert short == text.TOO_SHORT.fill(runs=titles["vae"])[lang] and untold == text.NOT_TOLD_CLASSES.fill(runs=titles["autoencoder"])[lang]


def test_memory_of_a_processor_is_named_for_what_it_is(line: Supervisor, client: TestClient) -> None:
    arena = a_contest(line)
    run = train(arena.cells[0].run)
    assert standings.WHOLE_PROCESS.en in shot(arena, line)["notes"] and standings.WHOLE_PROCESS.zh in shot(arena, line, lang="zh")["notes"]
    assert "memory (bytes, on a CPU of the whole process)" in client.get(f"/aigc/arenas/{arena.id}/arena.csv").text
    run.update(device="cuda:0")
    assert standings.WHOLE_PROCESS.en not in shot(arena, line)["notes"], "there it is that of the training"


def test_data_that_no_network_knows_is_said(line: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arena_state, "has_network", lambda spec: False)
    arena = a_contest(line)
    for cell in arena.cells:
        Run.open(cell.run).append(Step(1000, 10, 1.0, 133.0, 2**20, {}))
        Run.open(cell.run).update(state=State.FINISHED.value)
    assert shot(arena, line)["notes"][0] == text.NO_NETWORK.fill(runs="GAN; VAE").en
    assert shot(arena, line)["says"] == "Both runs are over" and shot(arena, line, lang="zh")["says"] == "两次训练都已结束"


def test_what_never_started_or_was_deleted_is_said(line: Supervisor) -> None:
    arena = a_contest(line)
    Run.open(arena.cells[0].run).discard()
    assert shot(arena, line)["cells"][0]["says"] == text.GONE.en
    assert shot(arena, line)["table"]["rows"][0]["state"] == text.GONE.en


# beside Gradio
@pytest.fixture
def client(line: Supervisor) -> TestClient:
    app = FastAPI()
    app.include_router(arena_routes.router(line, single_user=False))
    found = TestClient(app)
    found.cookies.set(OWNER_COOKIE, ANN)
    return found


def test_the_list_says_what_and_whose(line: Supervisor, client: TestClient) -> None:
    arena = a_contest(line)
    told = client.get("/aigc/arenas", params={"lang": "zh"}).json()
    assert [(a["id"], a["mine"], a["live"]) for a in told["arenas"]] == [(arena.id, True, True)] and told["words"]["past"] == "擂台列表"
    client.cookies.set(OWNER_COOKIE, BOB)
    assert not client.get("/aigc/arenas").json()["arenas"][0]["mine"]
    assert ANN not in json.dumps(client.get(f"/aigc/arenas/{arena.id}").json()) + client.get(f"/aigc/arenas/{arena.id}/arena.json").text


def test_only_its_owner_stops_and_deletes(line: Supervisor, client: TestClient) -> None:
    arena = a_contest(line)
    client.cookies.set(OWNER_COOKIE, BOB)
    for verb in ("stop", "delete"):
        refused = client.post(f"/aigc/arenas/{arena.id}/command?lang=zh", json={"do": verb})
        assert refused.status_code == 400 and refused.json()["error"] == arenas.NOT_YOURS.zh
    client.cookies.set(OWNER_COOKIE, ANN)
    assert client.post(f"/aigc/arenas/{arena.id}/command", json={"do": "burn"}).status_code == 400
    assert client.post(f"/aigc/arenas/{arena.id}/command", json={"do": "stop"}).status_code == 200
    for run in runs():
        run.update(state=State.STOPPED.value)
    assert client.post(f"/aigc/arenas/{arena.id}/command", json={"do": "delete"}).status_code == 200
    assert client.get(f"/aigc/arenas/{arena.id}").status_code == 404 and len(runs()) == 2


@pytest.mark.parametrize("id", ["x", "0" * 16, "..%2f..%2fetc", "0" * 40])
def test_an_arena_of_nobody_is_not_there(client: TestClient, id: str) -> None:
    for way in ("", "/arena.json", "/arena.csv", "/arena.png"):
        assert client.get(f"/aigc/arenas/{id}{way}").status_code == 404


def test_the_table_leaves_as_numbers(line: Supervisor, client: TestClient) -> None:
    arena = a_contest(line)
    train(arena.cells[0].run)
    rows = list(csv.DictReader(io.StringIO(client.get(f"/aigc/arenas/{arena.id}/arena.csv").text)))
    assert rows[0]["technique"] == "gan" and float(rows[0]["seconds (s)"]) == 22.5 and float(rows[0]["fid"]) == 30.0
    assert int(rows[0]["parameters"]) > 1000 and float(rows[0]["flops (FLOP per image)"]) > 1000, "counted before the first file is made"
    assert float(rows[0]["watts (W, assumed)"]) == 20.0 and float(rows[0]["energy (Wh, estimated)"]) == 20.0 * 22.5 / 3600
    whole = client.get(f"/aigc/arenas/{arena.id}/arena.json").json()
    assert whole["runs"][0]["measured"]["fid"][-1] == [3000, 22.5, 30.0] and "Estimated" in whole["energy_assumption"]


def test_a_file_asks_for_every_cost_once(line: Supervisor, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    ask = Costs._ask
    monkeypatch.setattr(Costs, "_ask", lambda costs, technique, *more: asked.append(technique) or ask(costs, technique, *more))
    arena = a_contest(line)
    for kind in ("csv", "json"):
        asked.clear()
        assert client.get(f"/aigc/arenas/{arena.id}/arena.{kind}").status_code == 200
        assert sorted(asked) == sorted(cell.technique for cell in arena.cells)


@pytest.mark.parametrize(("name", "side"), [("digits", 5 * 8), ("moons", 480)])
@pytest.mark.parametrize("lang", LANGS)
def test_the_samples_leave_as_one_picture(line: Supervisor, client: TestClient, name: str, side: int, lang: Lang) -> None:
    arena = a_contest(line, name, "gan", "vae")
    address = f"/aigc/arenas/{arena.id}/arena.png?lang={lang}"
    assert client.get(address).json()["error"] == frames.NOTHING[lang]
    train(arena.cells[0].run, name)
    image = Image.open(io.BytesIO(client.get(address).content), formats=["PNG"])
    assert image.width > 2 * side and "AIGC" in image.info["XML:com.adobe.xmp"] and json.loads(image.info["parameters"])["data"] == name
    pixels = np.asarray(image.convert("L"))[4 : side - 4]
    assert pixels[:, : image.width // 2 - 4].std() > 5 and pixels[:, image.width // 2 + 4 : -4].std() == 0, "the other has drawn nothing yet"


def test_a_cell_of_the_table_is_no_formula() -> None:
    assert standings.as_csv([{"a": "=1+1", "b": -1.0, "c": "gan"}]).splitlines()[1] == "'=1+1,-1.0,gan"

"""Arenas: what is put into the line, for whom, and what is remembered of it; and what a network costs."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny import perturbed, tiny  # noqa: F401

from aigc import data
from aigc.home import PROJECT, home
from aigc.jobs import arena as arenas
from aigc.jobs.arena import Arena
from aigc.jobs.costs import WATTS_OF_GPU, WATTS_PER_THREAD, Costs, count, watt_hours
from aigc.jobs.runs import Run, runs
from aigc.jobs.states import State
from aigc.jobs.store import PUBLIC
from aigc.jobs.supervisor import Supervisor
from aigc.knobs import as_values
from aigc.registry import spec_as_json
from aigc.techniques import techniques
from aigc.words import Refusal

ANN, BOB = "a" * 32, "b" * 32
IDLE = (sys.executable, "-c", "import time; time.sleep(600)")  # a worker that never takes a run
ALL = ("gan", "autoencoder", "vae", "diffusion")


def a_line(**how: Any) -> Iterator[Supervisor]:
    supervisor = Supervisor(command=IDLE, **how)
    supervisor.start()
    yield supervisor
    supervisor.stop()


@pytest.fixture
def line(aigc_home: Path) -> Iterator[Supervisor]:
    yield from a_line(single_user=False)


@pytest.fixture
def public(aigc_home: Path) -> Iterator[Supervisor]:
    yield from a_line(single_user=False, limits=PUBLIC)


# what is compared
def test_every_technique_gets_its_preset_and_the_same_budget(line: Supervisor) -> None:
    arena = arenas.start(line, arenas.contest("digits", 12, ALL), ANN, key="k")
    asked = [Run.open(cell.run).request for cell in arena.cells]
    assert [r.technique for r in asked] == list(ALL)
    for r in asked:
        config, options = techniques()[r.technique].read({}, data.spec("digits"), "quick")
        assert r.config == as_values(config) and r.owner == ANN
        assert r.options == as_values(options) | {"seconds": 12.0, "images": 0}


def test_a_preset_with_a_budget_in_images_is_given_seconds_too(line: Supervisor) -> None:
    arena = arenas.start(line, arenas.contest("digits", 5, ["gan"], "article"), ANN, key="k")
    options = Run.open(arena.cells[0].run).request.options
    assert (options["seconds"], options["images"]) == (5.0, 0)


def test_a_sweep_is_a_grid_row_by_row(line: Supervisor) -> None:
    draft = arenas.sweep("digits", 5, "vae", [("beta", "0.5, 1，2"), ("likelihood", "cross-entropy gaussian")])
    assert [tuple(c.values.values()) for c in draft.cells] == [(b, k) for k in ("cross-entropy", "gaussian") for b in (0.5, 1.0, 2.0)]
    assert draft.columns == 3
    arena = arenas.start(line, draft, ANN, key="k")
    configs = [Run.open(c.run).request.config for c in arena.cells]
    assert [(c["beta"], c["likelihood"]) for c in configs] == [tuple(c.values.values()) for c in arena.cells]
    (one,) = {tuple(sorted((k, v) for k, v in c.items() if k not in ("beta", "likelihood"))) for c in configs}
    assert one


def test_a_knob_of_every_run_can_be_swept_too(line: Supervisor) -> None:
    arena = arenas.start(line, arenas.sweep("moons", 5, "gan", [("learning_rate", "1e-3; 1e-4")]), ANN, key="k")
    assert [Run.open(c.run).request.options["learning_rate"] for c in arena.cells] == [1e-3, 1e-4]


NO_CONTEST = [
    ("nothing", 5, ALL), (None, 5, ALL), (["digits"], 5, ALL), ("digits", 0, ALL), ("digits", "x", ALL), ("digits", float("nan"), ALL),
    ("digits", -1, ALL), ("digits", None, ALL), ("digits", 5, []), ("digits", 5, None), ("digits", 5, "gan"), ("digits", 5, ["gan", "gan"]),
    ("digits", 5, ["../gan"]), ("digits", 5, [{}]), ("digits", 5, [None]),
]  # fmt: skip
NO_SWEEP = [
    ("vae", []), ("vae", [("beta", "1")]), ("vae", [("beta", "1, 1.0")]), ("vae", [("beta", "1 2 3 4 5 6")]), ("vae", [("beta", "1, x")]),
    ("vae", [("beta", "1, 1e9")]), ("vae", [("beta", None)]), ("vae", [("beta", ["1", "2"])]), ("vae", [("nothing", "1, 2")]),
    ("vae", [(None, "1, 2")]), ("vae", [(["beta"], "1, 2")]), ("vae", [("seconds", "1, 2")]), ("vae", [("images", "1, 2")]),
    ("vae", [("beta", "1, 2"), ("beta", "1, 2")]), ("nothing", [("beta", "1, 2")]), ("gan", [("beta", "1, 2")]), (7, [("beta", "1, 2")]),
    ("vae", [("beta", "1, 2"), ("latent", "1, 2"), ("seed", "1, 2")]), ("vae", [("beta", "1," + "2" * 1000)]),
]  # fmt: skip


@pytest.mark.parametrize("given", NO_CONTEST)
def test_a_contest_that_makes_no_sense_is_refused(given: tuple[Any, ...]) -> None:
    with pytest.raises(Refusal):
        arenas.contest(*given)


@pytest.mark.parametrize(("technique", "axes"), NO_SWEEP)
def test_a_sweep_that_makes_no_sense_is_refused(technique: Any, axes: Any) -> None:
    with pytest.raises(Refusal):
        arenas.sweep("digits", 5, technique, axes)


# starting
def test_one_bad_run_starts_none(line: Supervisor) -> None:
    with pytest.raises(Refusal, match="pooled"):
        arenas.start(line, arenas.sweep("moons", 5, "gan", [("critic_network", "mirror, pooled")]), ANN, key="k")
    with pytest.raises(Refusal, match="preset"):
        arenas.start(line, arenas.contest("digits", 5, ALL, "for ever"), ANN, key="k")
    assert runs() == [] and arenas.arenas() == []


def test_a_double_click_is_one_arena(line: Supervisor) -> None:
    draft = arenas.contest("digits", 5, ["gan", "vae"])
    first = arenas.start(line, draft, ANN, key="k")
    assert arenas.start(line, draft, ANN, key="k") == first and len(runs()) == 2
    assert arenas.start(line, draft, BOB, key="k").id != first.id and len(runs()) == 4


def test_more_than_an_arena_holds_is_refused(line: Supervisor) -> None:
    draft = arenas.contest("digits", 5, ["gan"])
    with pytest.raises(Refusal, match="at most 25"):
        arenas.start(line, dataclasses.replace(draft, cells=draft.cells * 26), ANN, key="k")


def test_where_strangers_come_an_arena_keeps_to_the_limits(public: Supervisor) -> None:
    with pytest.raises(Refusal, match="needs 4 places in the line and you have 3"):
        arenas.start(public, arenas.contest("digits", 5, ALL), ANN, key="k")
    with pytest.raises(Refusal, match="1800 seconds"):
        arenas.start(public, arenas.contest("digits", 1801, ["gan"]), ANN, key="k")
    assert runs() == []
    arenas.start(public, arenas.contest("digits", 5, ALL[:2]), ANN, key="k")
    assert arenas.room(public, ANN) in (1, 2) and arenas.room(public, BOB) == 3  # one of Ann's may be at work already
    with pytest.raises(Refusal, match="needs 3 places"):
        arenas.start(public, arenas.contest("digits", 5, ALL[:3]), ANN, key="l")


def test_only_your_own_pictures_can_be_fought_over(line: Supervisor, tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    from aigc.data import own

    files = [tmp_path / f"{i}.png" for i in range(12)]
    for i, path in enumerate(files):
        Image.fromarray(np.random.default_rng(i).integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(path)
    mine = own.add("My cats", files, 28, ANN)
    with pytest.raises(Refusal, match="someone else"):
        arenas.start(line, arenas.contest(mine.name, 5, ["vae"]), BOB, key="k")


@pytest.mark.parametrize("name", ["x" * 61, "a\nb" * 40])
def test_a_name_is_short(line: Supervisor, name: str) -> None:
    with pytest.raises(Refusal, match="at most 60"):
        arenas.start(line, arenas.contest("digits", 5, ["gan"]), ANN, key="k", name=name)
    assert arenas.start(line, arenas.contest("digits", 5, ["gan"]), ANN, key="k", name=" My\n arena\u0000 ").name == "My arena"


# what is remembered
def test_it_is_there_after_a_restart(line: Supervisor) -> None:
    first = arenas.start(line, arenas.contest("digits", 5, ["gan"]), ANN, key="1")
    second = arenas.start(line, arenas.sweep("digits", 5, "vae", [("beta", "1,2")]), ANN, key="2", name="Second")
    assert [a.id for a in arenas.arenas()] == [second.id, first.id]
    assert arenas.open_arena(second.id) == second


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"cells": 1}', "null", '{"data": "digits"}', "\ufffd"])
def test_a_damaged_file_is_no_arena(line: Supervisor, content: str) -> None:
    (home() / "arenas").mkdir()
    (home() / "arenas" / f"{'0' * 16}.json").write_text(content)
    assert arenas.arenas() == []
    with pytest.raises(Refusal, match="no such arena"):
        arenas.open_arena("0" * 16)


@pytest.mark.parametrize("id", ["", "../x", "0" * 15, "G" * 16, None, ["0" * 16], "0" * 16, "\0", "0000000000000000\n"])
def test_an_id_of_nothing_is_refused(id: Any) -> None:
    with pytest.raises(Refusal):
        arenas.open_arena(id)


def test_stopping_ends_what_waits_and_deleting_forgets_only_the_arena(line: Supervisor) -> None:
    arena = arenas.start(line, arenas.contest("digits", 5, ALL), ANN, key="k")
    with pytest.raises(Refusal, match="stop it first"):
        arenas.delete(line, arena.id, ANN)
    for verb in (arenas.stop, arenas.delete):
        with pytest.raises(Refusal, match="someone else"):
            verb(line, arena.id, BOB)
        with pytest.raises(Refusal, match="someone else"):
            verb(line, arena.id, None)
    arenas.stop(line, arena.id, ANN)
    assert {run.state for run in runs()} <= {State.STOPPED, State.STOPPING}
    for run in runs():  # one may have been handed to the worker that never takes it
        run.update(state=State.STOPPED.value)
    arenas.delete(line, arena.id, ANN)
    assert arenas.arenas() == [] and len(runs()) == 4


def test_a_run_that_was_deleted_leaves_the_others(line: Supervisor) -> None:
    arena = arenas.start(line, arenas.contest("digits", 5, ["gan", "vae"]), ANN, key="k")
    Run.open(arena.cells[0].run).discard()
    assert arenas.run_of(arena.cells[0]) is None and arenas.run_of(arena.cells[1]) is not None
    assert arenas.is_live(arena)


def test_the_owner_never_leaves_by_accident(line: Supervisor) -> None:
    arena = arenas.start(line, arenas.contest("digits", 5, ["gan"]), ANN, key="k")
    assert Arena.from_json(json.loads(json.dumps(arena.as_json()))) == arena
    assert ANN not in arena.id


# what it costs
@pytest.mark.usefixtures("tiny")
def test_flops_of_a_linear_layer_are_what_they_should_be() -> None:
    spec = data.spec("digits")
    values = {"width": 4, "conditional": True}
    cost = count("tiny", values, spec_as_json(spec))
    # forwards 2 * 4 * 64, backwards the gradient of the weights alone: nothing before the layer learns
    assert cost.flops == 2 * (2 * 4 * 64) and cost.parameters == 4 * 64 + 64
    assert cost.parameters == sum(p.numel() for p in perturbed().parameters())


@pytest.mark.parametrize("slug", techniques())
def test_every_technique_can_be_counted(slug: str) -> None:
    for name in ("digits", "moons"):
        config, _ = techniques()[slug].read({}, data.spec(name))
        cost = count(slug, as_values(config), spec_as_json(data.spec(name)))
        assert cost.parameters > 1000 and 4 * cost.parameters < 40 * cost.flops


@pytest.mark.slow
def test_counting_loads_no_compiler() -> None:
    code = """
import sys
import torch
from aigc.jobs.costs import _counting
with _counting() as counted:
    (torch.rand(2, 4, requires_grad=True) @ torch.rand(4, 3)).sum().backward()
print(sum(counted), "sympy" in sys.modules)"""
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert done.stdout.split() == ["96", "False"], done.stderr


@pytest.mark.usefixtures("tiny")
def test_costs_come_when_they_are_there_and_a_bad_config_costs_nothing() -> None:
    costs, spec = Costs(), spec_as_json(data.spec("digits"))
    for config in ({"width": 4, "conditional": True}, {"width": "much"}):
        costs.of("tiny", config, spec)
    assert costs.of_all([("tiny", {"width": 4, "conditional": True}, spec)], 30.0)[0]
    found = costs.of("tiny", {"width": 4, "conditional": True}, spec)
    assert found and found.parameters == 320
    assert costs.of("tiny", {"width": "much"}, spec) is None and not costs.busy


def test_energy_is_power_times_time() -> None:
    assert watt_hours(3600, "cpu", 2) == 2 * WATTS_PER_THREAD
    assert watt_hours(1800, "cuda:0", 2) == WATTS_OF_GPU / 2

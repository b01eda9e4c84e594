"""`python -m aigc arena`: the runs it makes, the table and the files, and how it ends when it is told to."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from tiny import aborted_at, tiny  # noqa: F401

from aigc import cli
from aigc.cli import arena as cli_arena
from aigc.home import home
from aigc.jobs import arena as arenas
from aigc.jobs import arena_here, standings
from aigc.jobs.arena import Arena
from aigc.jobs.costs import count
from aigc.jobs.runs import Run, runs
from aigc.jobs.states import State
from aigc.words import Refusal

SMALL = ("--images", "200")


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = cli.main(["arena", *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_techniques_are_trained_in_turn_and_the_page_finds_them(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    code, told = said(capsys, "autoencoder,vae", *SMALL, "--name", "two of them", "--out", str(table))
    assert code == 0 and [r["technique"] for r in told["runs"]] == ["autoencoder", "vae"]
    (arena,) = arenas.arenas()
    assert (arena.id, arena.name, arena.images, arena.seconds) == (told["id"], "two of them", 200, 0.0)
    for cell, row in zip(arena.cells, told["runs"], strict=True):
        record = Run.open(cell.run).record
        assert (row["run"], row["state"], row["images"]) == (cell.run, "finished", record["images"]) and row["images"] >= 200
        cost = count(cell.technique, record["request"]["config"], record["spec"])
        assert (row["parameters"], row["flops"]) == (cost.parameters, cost.flops) and row["memory"] > 10**7
        assert row["energy"] == pytest.approx(10 * record["threads"] * row["seconds"] / 3600, rel=0.1)  # seconds are told in hundredths
    lines = list(csv.DictReader(table.open(encoding="utf-8")))
    assert [line["technique"] for line in lines] == ["autoencoder", "vae"] and float(lines[0]["seconds (s)"]) > 0


def test_a_sweep_is_a_run_for_every_value(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = said(capsys, "vae", *SMALL, "--sweep", "beta=0.5,2")
    assert code == 0 and [r["knob beta"] for r in told["runs"]] == [0.5, 2.0]
    assert [Run.open(r["run"]).request.config["beta"] for r in told["runs"]] == [0.5, 2.0]


def test_what_makes_no_sense_is_refused_before_anything_starts(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = (("vae", "gan", "--sweep", "beta=1,2"), ("nonsense",), ("vae", "--seconds", "0"), ("vae", "--sweep", "beta=1"), ("vae", "--data", "moon"))
    for words in wrong:
        code, told = said(capsys, *words)
        assert code == 2 and told["error"]
    assert not runs() and not arenas.arenas()


def test_the_table_is_for_people_in_their_language(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert cli.main(["arena", "vae", *SMALL]) == 0
    shown = capsys.readouterr().out
    assert "权重数" in shown and "已完成" in shown and "估计值" in shown and standings.WHOLE_PROCESS.zh in shown


def test_the_figures_of_quality_come_right_after_the_name() -> None:
    draft = arenas.contest("digits", 5, ["gan"])
    told = standings.Told(measured={"fid": [[1000, 2.0, 30.0]]})
    row = standings.numbers(draft.cells[0], None, told, None) | {"measured": told.measured}
    head, line = cli_arena.table(draft, [row], "en")
    assert head.index("run") < head.index("FID-") < head.index("state") and line.index("30") < line.index("not started")


def test_told_to_end_it_starts_no_further_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_short(request: Any, begun: Any, **_: Any) -> Run:
        run = Run.create(request)
        begun(run)
        run.move(State.STARTING)
        run.move(State.INTERRUPTED)
        return run

    monkeypatch.setattr(arena_here, "train_here", cut_short)
    held = list(arena_here.hold(arenas.contest("digits", 5, ["gan", "vae"])))
    assert len(held) == len(runs()) == 1 and [bool(c.run) for c in held[-1][0].cells] == [True, False]


@pytest.mark.usefixtures("tiny")
def test_the_run_at_work_is_in_the_arena_from_its_beginning() -> None:
    seen = []

    def heard(line: dict[str, Any]) -> None:
        seen.append([bool(cell.run) for cell in arenas.arenas()[0].cells])

    list(arena_here.hold(arenas.sweep("digits", 0, "tiny", [("width", "4,6")], images=64), heard=heard))
    assert seen[0] == [True, False] and seen[-1] == [True, True]


@pytest.mark.usefixtures("tiny")
def test_an_abort_still_shows_the_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    aborted_at(20, monkeypatch)
    to = tmp_path / "t.csv"
    code, told = said(capsys, "tiny", "--images", "256", "--sweep", "width=4,6,8", "--out", str(to))
    assert code == 130 and [r["state"] for r in told["runs"]] == ["finished", "interrupted", ""]
    assert [cell.run for cell in arenas.arenas()[0].cells] == [r["run"] for r in told["runs"]] and told["runs"][1]["run"]
    assert len(list(csv.DictReader(to.open(encoding="utf-8")))) == 3


@pytest.mark.usefixtures("tiny")
def test_a_run_that_failed_says_why(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is an accelerator here, so asking for one does not fail")
    to = tmp_path / "t.csv"
    assert cli.main(["arena", "tiny", "--images", "256", "--device", "cuda", "--json", "--out", str(to)]) == 1
    out, err = capsys.readouterr()
    assert "no device cuda" in json.loads(out)["runs"][0]["reason"]["en"] and "no device cuda" in err
    assert "no device cuda" in next(csv.DictReader(to.open(encoding="utf-8")))["reason"]


@pytest.mark.usefixtures("tiny")
def test_a_full_disk_takes_no_figures_away(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("aigc.outputs.files.write", full)
    code = cli.main(["arena", "tiny", "--images", "64", "--json", "--out", str(tmp_path / "t.csv")])
    out, err = capsys.readouterr()
    assert code == 1 and json.loads(out)["runs"] and "No space left" in err and not list(tmp_path.glob("*.csv"))


def test_one_that_is_refused_does_not_end_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(request: Any, **_: Any) -> Run:
        raise Refusal(arenas.FULL, n=1)

    monkeypatch.setattr(arena_here, "train_here", full)
    *_, (arena, run) = arena_here.hold(arenas.contest("digits", 5, ["gan", "vae"]))
    assert run is None and all(c.refused and not c.run for c in arena.cells)
    assert standings.record_of(arena.cells[0]) is None and standings.numbers(arena.cells[0], None, standings.told_by(None), None)["state"] == ""


def test_an_arena_from_before_budgets_in_images_is_still_read() -> None:
    values = arenas.contest("digits", 5, ["gan"]).as_json()
    del values["images"]
    (home() / "arenas").mkdir(parents=True)
    (home() / "arenas" / f"{'0' * 16}.json").write_text(json.dumps(values))
    assert arenas.open_arena("0" * 16).images == 0 and isinstance(arenas.arenas()[0], Arena)

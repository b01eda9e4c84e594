"""What the page shows of a run: complete at first, then only what is new, in the reader's language, and cheap to ask for."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aigc import data
from aigc.events import Event, Finished, Health, Measured, Paused, Preview, Said, Step
from aigc.jobs.request import Request
from aigc.jobs.runs import Run
from aigc.jobs.states import State
from aigc.registry.card import spec_as_json
from aigc.techniques import techniques
from aigc.ui import live
from aigc.ui.text import live as text
from aigc.words import LANGS, Lang, Words, both

MOST_MS = 5.0  # for one answer to one page


def a_run(technique: str = "gan", name: str = "digits", *events: Event, **options: Any) -> Run:
    """A run folder as a worker would leave it, so far."""
    run = Run.create(Request(technique, name, options={"seconds": 45.0, "images": 0, **options}, preset="quick"), spec_as_json(data.spec(name)))
    run.move(State.STARTING)
    run.move(State.RUNNING, device="cpu")
    for event in events:
        run.append(event)
    return run


def step(images: int, **terms: float) -> Step:
    return Step(images, images // 128, images / 1000, 1000.0, 300 * 2**20, terms)


def preview(images: int, *, arrays: bool = False) -> Preview:
    import torch

    made = {"points": torch.zeros(10, 2)} if arrays else {}
    return Preview(images, images / 1000, {} if arrays else {"samples": torch.rand(9, 1, 8, 8)}, made)


def shot(run: Run, since: str = "", lang: Lang = "en", mine: bool = True, place: int = 0) -> dict[str, Any]:
    answer = live.snapshot(run, since, lang, mine=mine, place=place)
    json.dumps(answer, allow_nan=False)  # or the browser refuses all of it
    return answer


def test_the_first_answer_has_the_whole_history_and_the_next_only_what_is_new() -> None:
    run = a_run("gan", "digits", preview(0), step(128, critic_loss=1.0, real_score=0.5), step(256, critic_loss=2.0))
    first = shot(run)
    assert first["fresh"]
    assert first["curves"] == {"critic_loss": [[128, 0.13, 1.0], [256, 0.26, 2.0]], "real_score": [[128, 0.13, 0.5]]}
    assert [p["images"] for p in first["previews"]] == [0]
    assert set(first["terms"]) == {*techniques()["gan"].terms, "fid", "asked_class"}
    quiet = shot(run, first["cursor"])
    assert not quiet["fresh"]
    assert quiet["cursor"] == first["cursor"]
    assert not quiet["curves"] and not quiet["previews"] and not quiet["log"] and "terms" not in quiet
    run.append(step(384, critic_loss=3.0))
    run.append(preview(384))
    run.append(Said(384, both("Learning rate: 0.001 → 0.0005", "学习率：0.001 → 0.0005")))
    news = shot(run, first["cursor"], "zh")
    assert news["curves"] == {"critic_loss": [[384, 0.38, 3.0]]}
    assert [p["images"] for p in news["previews"]] == [384]
    assert news["log"] == [{"images": 384, "text": "学习率：0.001 → 0.0005"}]


def test_what_was_measured_on_the_way_is_a_curve_named_for_what_it_was_measured_by() -> None:
    run = a_run("gan", "digits", step(128, critic_loss=1.0), Measured(128, 0.2, {"fid": 81.5, "asked_class": math.nan}))
    answer = shot(run)
    assert answer["curves"]["fid"] == [[128, 0.2, 81.5]] and answer["curves"]["asked_class"] == [[128, 0.2, None]]
    assert answer["terms"]["fid"]["label"] == "FID-512, Digits 8×8 CNN" and answer["terms"]["fid"]["sparse"]
    assert answer["panels"]["quality"] == text.PANELS["quality"].en and not answer["terms"]["critic_loss"]["sparse"]
    assert {"js"} == set(shot(a_run("gan", "moons"))["terms"]) - set(techniques()["gan"].terms)


def test_a_log_that_was_cut_back_is_read_anew() -> None:
    run = a_run("gan", "digits", *(step(128 * i, critic_loss=float(i)) for i in range(1, 9)))
    cursor = shot(run)["cursor"]
    run.truncate_log(512)
    for i in range(5, 40):  # longer than it was before: the offset alone would not tell
        run.append(step(128 * i, critic_loss=100.0))
    again = shot(run, cursor)
    assert again["fresh"]
    assert [p[2] for p in again["curves"]["critic_loss"]] == [1, 2, 3, 4] + [100] * 35


@pytest.mark.parametrize("cursor", ["", ":", "x", "1:", ":1", "zz:99999999999999999999", "1:-5", "1:1e3", "1:²", "../../x:3", "\0"])
def test_a_cursor_of_nobody_starts_over(cursor: str) -> None:
    run = a_run("gan", "digits", step(128, critic_loss=1.0))
    assert shot(run, cursor)["fresh"]


def test_a_run_without_a_log_yet_is_shown() -> None:
    run = a_run()
    answer = shot(run)
    assert answer["says"] == "training"
    assert answer["facts"]["images"]["value"] == "0 images"
    assert answer["progress"] == 0
    run.append(step(128, critic_loss=1.0))
    assert shot(run, answer["cursor"])["curves"]


def test_numbers_that_are_none_are_gaps() -> None:
    run = a_run("vae", "digits", step(1, kl=math.nan, recon=math.inf), Health(1, {"kl_per_dimension": [1.0, math.nan, None]}))
    answer = shot(run)
    assert answer["curves"] == {"kl": [[1, 0.0, None]], "recon": [[1, 0.0, None]]}
    assert answer["rows"] == {"kl_per_dimension": [{"images": 1, "row": [1.0, None, None]}]}


values = st.one_of(st.none(), st.floats(-1e6, 1e6))


@given(st.lists(values, min_size=1, max_size=400), st.integers(4, 100))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_thinning_keeps_ends_extremes_and_order(ys: list[float | None], limit: int) -> None:
    points = [[float(i), i / 10, y] for i, y in enumerate(ys)]
    kept = live.thin(points, limit)
    assert len(kept) <= max(limit, 4)
    assert kept[0] == points[0] and kept[-1] == points[-1]
    assert [p[0] for p in kept] == sorted({p[0] for p in kept})
    finite = [y for y in ys if y is not None]
    if finite:
        assert {min(finite), max(finite)} <= {p[2] for p in kept}


def test_a_long_run_is_sent_thin_and_its_news_cost_next_to_nothing() -> None:
    run = a_run("gan", "digits")
    line = run.append(step(1, critic_loss=0.5, generator_loss=0.5, real_score=0.5, fake_score=0.5))
    with open(run.folder / "log.jsonl", "w") as log:  # as run.append writes, without 20,000 flushes
        log.writelines(json.dumps(line | {"images": 128 * i, "terms": dict.fromkeys(line["terms"], math.sin(i))}) + "\n" for i in range(20_000))
    first = shot(run)
    assert all(0 < len(points) <= live.CURVE_POINTS for points in first["curves"].values())
    assert len(json.dumps(first)) < 200_000
    taken = []
    for i in range(30):
        run.append(step(128 * (20_000 + i), critic_loss=0.5))
        begun = time.perf_counter()
        first = live.snapshot(run, first["cursor"], "en", mine=True)
        taken.append(1000 * (time.perf_counter() - begun))
    assert sorted(taken)[10] < MOST_MS, f"{sorted(taken)[10]:.1f} ms"


def test_facts_say_what_is_known_and_keep_or_drop_the_rest() -> None:
    run = a_run("gan", "digits", step(22_500, critic_loss=1.0))
    first = shot(run)
    facts = {name: fact["value"] for name, fact in first["facts"].items()}
    assert facts["images"] == "22,500 images" and facts["rate"] == "1,000 images/s" and facts["remaining"] == "22 s"
    assert first["progress"] == 0.5
    quiet = shot(run, first["cursor"])
    assert quiet["facts"]["images"]["value"] is None and quiet["facts"]["rate"]["value"] is None  # as they were
    run.move(State.PAUSED)
    run.append(Paused(22_500))
    paused = shot(run, first["cursor"])
    assert paused["facts"]["rate"]["value"] == "" and paused["facts"]["remaining"]["value"] == ""  # no longer true
    assert paused["log"] == [{"images": 22_500, "text": "Paused."}]


def test_an_image_budget_counts_too() -> None:
    run = a_run("gan", "digits", step(500, critic_loss=1.0), seconds=0.0, images=2000)
    assert shot(run)["progress"] == 0.25
    assert shot(run)["facts"]["remaining"]["value"] == "2 s"
    run = a_run("gan", "digits", step(500, critic_loss=1.0), seconds=0.0, images=0)
    assert shot(run)["progress"] is None
    assert shot(run)["facts"]["remaining"]["value"] == ""


def test_points_are_not_called_images() -> None:
    run = a_run("gan", "moons", preview(128, arrays=True), step(128, critic_loss=1.0))
    answer = shot(run)
    assert answer["points"]
    assert answer["facts"]["images"]["value"] == "128 points"
    assert answer["previews"][0]["arrays"] == "000000000128.safetensors"
    assert answer["previews"][0]["words"] == {"images": "128 points", "seconds": "0 s"}


def moved(run: Run, state: State) -> Run:
    if state in (State.RUNNING, State.STARTING):
        return run
    assert run.move(state, both("because", "因为") if state is State.FAILED else None)
    return run


OFFERED = {
    State.RUNNING: ["pause", "step", "stop"],
    State.PAUSED: ["resume", "step", "stop"],
    State.STOPPING: [],
    State.FINISHED: ["longer"],
    State.STOPPED: ["again", "longer"],
    State.INTERRUPTED: ["again"],
    State.STALLED: ["again"],
    State.FAILED: ["again"],
}


@pytest.mark.parametrize("state", OFFERED)
@pytest.mark.parametrize("lang", LANGS)
def test_each_state_offers_what_can_be_done(state: State, lang: Lang) -> None:
    run = moved(a_run(), state)
    answer = shot(run, lang=lang)
    assert answer["says"] == state.words[lang]
    assert [action["do"] for action in answer["actions"]] == OFFERED[state]
    assert all(action["label"] for action in answer["actions"])
    assert answer["live"] == state.live
    assert answer["reason"] == (both("because", "因为")[lang] if state is State.FAILED else "")
    assert not answer["why"]
    assert shot(run, lang=lang, mine=False)["why"] == text.NOT_YOURS[lang]


def test_one_step_of_a_gan_is_a_choice_and_of_others_is_not() -> None:
    def step_of(technique: str) -> list[Any]:
        return [c["value"] for a in shot(moved(a_run(technique), State.PAUSED))["actions"] for c in a["choices"] if a["do"] == "step"]

    assert step_of("gan") == ["critic", "generator", ""]
    assert step_of("vae") == []


def test_training_longer_is_offered_in_the_currency_of_the_budget() -> None:
    def more(**options: Any) -> list[Any]:
        return [c["value"] for c in shot(moved(a_run(**options), State.FINISHED))["actions"][0]["choices"]]

    assert more() == [{"seconds": 60}, {"seconds": 300}, {"seconds": 1800}]
    assert more(seconds=0.0, images=5000) == [{"images": 5000}, {"images": 25_000}]
    assert more(seconds=0.0, images=0) == [{"seconds": 60}, {"seconds": 300}, {"seconds": 1800}]


def test_waiting_says_which_place_in_the_line() -> None:
    run = Run.create(Request("gan", "digits", options={"seconds": 1.0}), spec_as_json(data.spec("digits")))
    assert shot(run, place=1)["says"] == "waiting, 1st in line"
    assert shot(run, place=12)["says"] == "waiting, 12th in line"
    assert shot(run, place=22, lang="zh")["says"] == "排队中，第 22 位"
    assert [a["do"] for a in shot(run)["actions"]] == ["stop"]


@pytest.mark.parametrize(
    "seconds, en, zh", [(0, "0 s", "0 秒"), (59.6, "1 min", "1 分钟"), (65, "1 min 05 s", "1 分 05 秒"), (3660, "1 h 01 min", "1 小时 01 分")]
)
def test_durations_read_like_speech(seconds: float, en: str, zh: str) -> None:
    assert text.duration(seconds) == Words(en, zh)


def test_a_conditional_model_names_its_classes_and_others_do_not() -> None:
    def classes(**config: Any) -> list[str]:
        run = Run.create(Request("gan", "fashion-mnist", config=config, options={"seconds": 1.0}), spec_as_json(data.spec("fashion-mnist")))
        return shot(run, lang="zh")["classes"]

    assert classes(conditional=True)[:2] == ["T 恤", "裤子"]
    assert classes(conditional=False) == []


def test_every_curve_and_panel_of_every_technique_has_its_words() -> None:
    for info in techniques().values():
        for lang in LANGS:
            legend = live.legend(info, lang)
            assert {term["panel"] for term in legend["terms"].values()} <= set(legend["panels"])
            assert all(term["label"] and term["help"] for term in legend["terms"].values())
        curves = [term.panel for term in info.terms.values() if not term.row]
        assert set(curves) <= set(text.PANELS), f"{info.slug}: name its panels in ui/text/live.py"
        assert {term.unit for term in info.terms.values()} <= {"", *text.UNITS}
        assert set(info.steps) <= set(text.PHASES)


def test_the_end_is_said_in_words() -> None:
    run = a_run("gan", "digits", Finished(100, 1, 1.0, "budget"))
    assert shot(run)["log"][0]["text"] == "The budget is spent: finished."
    summary = live.summary(run, "zh", mine=False)
    assert summary["title"] == "手写数字 8×8 · 快速看看"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, ""),
        ({"beta": 0.6}, " · Beta 0.6"),
        ({"beta": 0.6, "latent": 4, "width": 64, "layers": 3}, " · Latent size 4 · Beta 0.6 · …"),
        ({"beta": "nonsense"}, ""),
    ],
)
def test_runs_of_one_preset_are_told_apart_by_what_was_changed(given: dict[str, Any], told: str) -> None:
    run = Run.create(Request("vae", "digits", config=given, preset="quick"), spec_as_json(data.spec("digits")))
    assert live.summary(run, "en", mine=True)["title"] == f"Digits 8×8 · Quick look{told}"


def test_a_run_of_a_preset_that_is_no_more_has_a_title() -> None:
    run = Run.create(Request("vae", "digits", config={"beta": 0.6}, preset="gone"), spec_as_json(data.spec("digits")))
    assert live.summary(run, "en", mine=True)["title"].startswith("Digits 8×8 · gone")

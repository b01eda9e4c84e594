"""Measuring on the way: it says how good the model is, costs its share of the time at most, and changes nothing."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from test_train import OPTIONS, digest, drain, toy
from toys import toy_data

from aigc.data.load import load
from aigc.evaluate.live import measure_for
from aigc.evaluate.terms import LIVE_SAMPLES, measured_terms
from aigc.events import Finished, Measured, Saved
from aigc.jobs.foreground import train_here
from aigc.jobs.request import Request, checked
from aigc.options import Options
from aigc.registry import build
from aigc.techniques import techniques
from aigc.techniques.base import Technique
from aigc.train import train
from aigc.train.watch import Moments


def greedy(model: Technique) -> dict[str, float]:
    """Draws from the global generator, as a careless measure would."""
    return {"level": float(torch.rand(1000).mean())}


@pytest.fixture
def costless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs here last milliseconds, of which no measurement could be a thirtieth."""
    monkeypatch.setattr(Moments, "SHARE", 1e9)
    monkeypatch.setattr(Moments, "LAST_SHARE", 1e9)


def test_measuring_does_not_change_what_is_learnt(costless: None) -> None:
    plain, measured = toy(), toy()
    drain(train(plain, toy_data(), OPTIONS, watch=False))
    events, _ = drain(train(measured, toy_data(), OPTIONS, measure=greedy))
    found = [e for e in events if isinstance(e, Measured)]
    assert digest(plain) == digest(measured)
    assert len(found) == OPTIONS.measures and all(set(e.figures) == {"level"} for e in found)
    assert isinstance(events[-1], Finished) and events[-2] is found[-1]


def test_moments_lie_close_together_at_the_beginning(costless: None) -> None:
    events, _ = drain(train(toy(), toy_data(), OPTIONS, measure=greedy))
    at = [e.images / OPTIONS.images for e in events if isinstance(e, Measured)]
    assert at == sorted(at) and 0.03 <= at[0] < 0.05 and at[-1] >= 1.0
    ratios = [b / a for a, b in pairwise(at)]
    assert max(ratios) / min(ratios) < 1.3  # evenly over the logarithm


def test_a_resumed_run_does_not_measure_its_past_again(costless: None) -> None:
    saved: list[Saved] = []
    model = toy()
    for event in train(model, toy_data(), OPTIONS):
        if isinstance(event, Saved):
            saved.append(event)
    half = Saved(**{**saved[-1].__dict__, "facts": {**saved[-1].facts, "images": 2000}})
    events, _ = drain(train(toy(), toy_data(), OPTIONS, resume=(half.state, half.facts), measure=greedy))
    assert all(e.images > 2000 for e in events if isinstance(e, Measured))


def test_nothing_is_measured_that_costs_more_than_its_share() -> None:
    moments = Moments(3)
    assert not moments.due(0.01, 10.0, 0.0)  # too early
    assert not moments.due(0.04, 4.0, 6.0)  # 6 of 100 seconds are more than a twentieth
    assert moments.due(0.2, 20.0, 1.0)
    assert not moments.due(0.9, 90.0, 0.0)  # the last one has a right of its own
    assert moments.last_due(100.0, 5.0) and not moments.last_due(10.0, 5.0)
    assert not Moments(0).last_due(100.0, 0.0)


def test_what_is_dear_is_measured_at_every_other_moment_and_not_at_the_first_alone() -> None:
    moments, done = Moments(7), list[float]()
    for percent in range(1, 100):
        if moments.due(percent / 100, float(percent), 1.5):  # 100 seconds: its share is 5
            moments.cost = 1.5
            moments._spent += 1.5
            done.append(percent / 100)
    assert len(done) == 3 and done[0] < 0.15 and done[-1] > 0.5


def test_what_is_spent_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = Moments(20)
    moments.cost = moments._spent = 3.0
    assert not moments.due(0.2, 20.0, 0.0)  # 6 of 100 seconds
    assert moments.due(0.3, 60.0, 0.0)  # 6 of 200


def test_digits_are_measured_by_their_network_and_points_by_their_formula() -> None:
    for slug, name, keys in (("gan", "digits", {"fid", "asked_class"}), ("gan", "moons", {"js"})):
        data = load(name)
        config, _ = techniques()[slug].read({"conditional": True} if name == "digits" else {}, data.spec)
        model = build(slug, config, data.spec).eval()
        measure = measure_for(data, "cpu")
        assert measure is not None
        with torch.no_grad():
            first, again = measure(model), measure(model)
        assert set(first) == keys and first == again  # by a generator of its own
        assert keys <= set(measured_terms(data.spec))


def test_data_without_a_network_are_not_measured() -> None:
    assert measure_for(toy_data(), "cpu") is None


def test_other_pictures_under_a_known_name_are_not_measured() -> None:
    data = load("digits")
    other = type(data)(data.spec, data.x.flip(0), data.labels, data.test_x, data.test_labels)
    assert measure_for(other, "cpu") is None


def test_the_log_of_a_run_holds_what_was_measured(aigc_home: Path, costless: None) -> None:
    request, _ = checked(Request("gan", "digits", {}, {"images": 400, "seconds": 0, "batch": 32, "measures": 2}, preset=""))
    run = train_here(request, waiting=lambda place: None, heard=lambda line: None)
    lines: list[dict[str, Any]] = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    measured = [line for line in lines if line["kind"] == "measured"]
    assert len(measured) == 2 and all(line["figures"]["fid"] > 0 and line["seconds"] >= 0 for line in measured)


def test_none_are_asked_for_none_are_taken(costless: None) -> None:
    events, _ = drain(train(toy(), toy_data(), Options(seconds=0, images=500, batch=16, measures=0), measure=greedy))
    assert not [e for e in events if isinstance(e, Measured)]


def test_the_count_of_samples_is_in_the_name() -> None:
    assert str(LIVE_SAMPLES) in measured_terms(load("digits").spec)["fid"].label.en

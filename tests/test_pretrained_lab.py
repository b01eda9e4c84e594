"""The lab's own faces, drawn where pretrained pipelines draw without a prompt."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from aigc import home
from aigc.pretrained import Stopped, catalogue, hub, shelf
from aigc.pretrained.catalogue import FACES, Task
from aigc.pretrained.image.asked import Asked, Sample, Scheduler, Verb
from aigc.pretrained.image.habits import admitted_by, habits
from aigc.pretrained.image.make import Shot, note
from aigc.pretrained.image.run import pictures
from aigc.words import Refusal


@pytest.fixture(autouse=True)
def come_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "SHIPPED", home.PROJECT / "checkpoints" / "shipped")


def asked(**settings: object) -> Asked:
    return Asked(Verb.SAMPLE, Sample(**{"count": 2, "steps": 3, "scheduler": Scheduler.OWN, **settings}))  # type: ignore[arg-type]


def shots(what: Asked, stop: threading.Event | None = None) -> list[Shot]:
    return [told for told in pictures(what, FACES, stop or threading.Event()) if isinstance(told, Shot)]


def test_faces_come_step_by_step_each_of_a_seed_of_its_own() -> None:
    first = shots(asked(seed=7))
    done = first[-1]
    assert done.is_final and done.seeds == (7, 8) and done.count == 3 and {shot.index for shot in first} == {1, 2, 3}
    assert all(image.size == (64, 64) and image.mode == "RGB" for image in done.images)
    one, other = (np.asarray(image, np.int16) for image in done.images)
    assert np.abs(one - other).mean() > 5
    alone = np.asarray(shots(asked(seed=8, count=1))[-1].images[0], np.int16)
    assert np.abs(alone - other).max() <= 2, "the seed under a picture makes it again, alone"
    assert note(asked(seed=7), FACES.slug, done, 1)["seed"] == 8


def test_they_are_offered_beside_the_pipelines_and_begin_as_suits_them() -> None:
    assert FACES in catalogue.rows(Task.UNCONDITIONAL) and catalogue.find(Task.UNCONDITIONAL, "faces-diffusion") is FACES
    assert hub.here(FACES) == home.SHIPPED / "faces-diffusion" and FACES.licence == "CC BY 4.0" and "biases" in FACES.expect.en
    start = habits(Verb.SAMPLE, FACES.slug)
    assert start["scheduler"] is Scheduler.OWN and admitted_by(Task.UNCONDITIONAL, FACES.slug) == [Scheduler.OWN]


def test_without_them_nothing_is_offered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(home, "SHIPPED", tmp_path)
    assert FACES not in catalogue.entries()


def test_another_scheduler_is_refused_and_a_stop_is_heeded() -> None:
    with pytest.raises(Refusal, match="admits"):
        shots(asked(scheduler=Scheduler.DDIM))
    stop, seen = threading.Event(), 0
    with pytest.raises(Stopped):
        for told in pictures(asked(steps=100), FACES, stop):
            if isinstance(told, Shot):
                seen += 1
                stop.set()
    assert seen < 100
    assert not any(held.busy for held in shelf.held())

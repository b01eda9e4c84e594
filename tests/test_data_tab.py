"""The Data tab without a browser: what is prepared, what is drawn of it, and who may do what."""

from __future__ import annotations

import base64
import io
import re
import threading
import time
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image

from aigc import data
from aigc.data import own
from aigc.jobs.supervisor import Supervisor
from aigc.options import Options
from aigc.ui import gallery, preparing
from aigc.ui.machine import Watch
from aigc.ui.page import Page
from aigc.ui.preparing import Preparing, Sample
from aigc.ui.tabs import data as tab
from aigc.ui.tabs import own_images
from aigc.ui.text import data as text
from aigc.words import Refusal, both


def settled(work: preparing.Work, within: float = 60) -> preparing.Work:
    until = time.monotonic() + within
    while not work.over and time.monotonic() < until:
        time.sleep(0.01)
    return work


def sample(shape: tuple[int, ...] = (1, 4, 4), n: int = 100, classes: int = 5) -> Sample:
    labels = torch.arange(n) % max(classes, 1)
    x = torch.randn(n, 2) if len(shape) == 1 else (torch.arange(n)[:, None, None, None] % 256).to(torch.uint8).expand(n, *shape).contiguous()
    spec = data.DataSpec("toy", both("Toy", "玩具"), shape, tuple(both(f"class {i}", f"第 {i} 类") for i in range(classes)), n)
    return Sample(spec, x, labels if classes else None, n)


def shown_sheets(markup: str) -> list[np.ndarray]:
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(found)))) for found in re.findall(r"base64,([^)]+)\)", markup)]


# preparing
def test_a_dataset_is_prepared_once_for_everybody():
    works = Preparing()
    first = works.ask("digits")
    assert works.ask("digits") is first
    found = settled(first).sample
    assert found and found.total == 1500 and len(found.x) == preparing.KEPT and found.labels is not None
    assert works.under_way("digits") is None


def test_a_failure_is_told_in_words_and_tried_again(monkeypatch: pytest.MonkeyPatch):
    works = Preparing()
    failed = settled(works.ask("mnist"))
    assert failed.sample is None and failed.failed and "MNIST" in failed.failed.en and "MNIST" in failed.failed.zh
    assert works.ask("mnist") is not failed


def test_only_who_asked_for_a_download_cancels_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(preparing, "_prepare", lambda *_: None)
    works = Preparing()
    work = works.ask("mnist", download=True, by="ann")
    works.cancel("mnist", by="bob")
    assert not work.cancelled.is_set() and works.under_way("mnist") is work
    works.cancel("mnist", by="ann")
    assert work.cancelled.is_set() and works.under_way("mnist") is None


def test_what_nobody_expected_is_a_sentence_too(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    monkeypatch.setattr("aigc.data.load.load", lambda *a, **k: 1 / 0)
    failed = settled(Preparing().ask("digits")).failed
    assert failed and "digits" in failed.en and "division" not in failed.en and "ZeroDivisionError" in caplog.text


def test_a_download_can_be_cancelled_and_asked_for_again(monkeypatch: pytest.MonkeyPatch):
    began, seen, stopped = threading.Event(), [], threading.Event()

    def endless(name: str, *, progress: Any, download: bool) -> None:
        seen.append(download)
        try:
            for done in range(10**9):
                began.set()
                progress(done, 10**9)
                time.sleep(0.001)
        finally:
            stopped.set()

    monkeypatch.setattr("aigc.data.load.load", endless)
    works = Preparing()
    work = works.ask("cifar10", download=True)
    assert began.wait(20) and works.under_way("cifar10") is work and work.total == 10**9
    works.cancel("cifar10")
    assert stopped.wait(20) and works.under_way("cifar10") is None and not work.over
    assert works.ask("cifar10", download=True) is not work and seen[0] is True
    works.cancel("cifar10")


def test_memory_is_kept_small(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(preparing, "KEPT_SETS", 2)
    works = Preparing()
    for name in ("digits", "moons", "ring", "spiral"):
        settled(works.ask(name))
    assert len(works._works) <= 3


# the gallery
def test_the_pixels_shown_are_the_pixels_there():
    found = sample((3, 4, 4))
    which = gallery.chosen(found, None, 0)
    plain, seen = shown_sheets(gallery.before_and_after(found, which, Options(), "en"))
    assert np.array_equal(plain, seen)
    tile = plain[:4, 4:8]
    assert np.array_equal(tile, found.x[which[1]].permute(1, 2, 0).numpy())


def test_augmentation_changes_the_right_panel_only_and_repeats_with_its_seed():
    found = settled(Preparing().ask("digits")).sample
    assert found
    which, how = gallery.chosen(found, None, 3), Options(rotation=40.0, shift=0.2, seed=3)
    plain, seen = shown_sheets(gallery.before_and_after(found, which, how, "en"))
    assert not np.array_equal(plain, seen)
    assert np.array_equal(seen, shown_sheets(gallery.before_and_after(found, which, how, "zh"))[1])
    assert np.array_equal(plain, shown_sheets(gallery.before_and_after(found, which, Options(), "en"))[0])


def test_all_classes_come_in_turn_and_one_class_alone():
    found = sample(n=200, classes=5)
    assert found.labels is not None
    in_turn = found.labels[gallery.chosen(found, None, 1)].tolist()
    assert in_turn[:10] == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]
    assert set(found.labels[gallery.chosen(found, 3, 1)].tolist()) == {3}
    assert gallery.chosen(found, None, 1).tolist() != gallery.chosen(found, None, 2).tolist()


def test_every_picture_has_its_class_under_the_pointer():
    found = sample(classes=5)
    markup = gallery.before_and_after(found, gallery.chosen(found, 2, 0), Options(), "zh")
    assert set(re.findall(r'title="([^"]+)"', markup)) == {"第 2 类"}
    assert text.SAME.zh in markup and text.SAME.zh not in gallery.before_and_after(found, gallery.chosen(found, 2, 0), Options(flip=True), "zh")


def test_points_are_all_there_and_the_chosen_class_stands_out():
    found = sample((2,), n=60, classes=3)
    markup = gallery.scatter(found, 1, "en")
    dots = re.findall(r'class="aigc-dots( aigc-picked)?" d="([^"]*)"><title>([^<]*)', markup)
    assert [d.count("h0") for _, d, _ in dots] == [20, 20, 20] and [bool(p) for p, _, _ in dots] == [False, True, False]
    assert dots[1][2] == "class 1"


def test_points_without_labels_are_drawn():
    found = sample((2,), n=30, classes=0)
    assert gallery.scatter(found, None, "en").count("h0") == 30


@pytest.mark.parametrize("n", [1, 3, 19, 21, 48])
def test_a_sheet_of_any_length(n: int):
    markup = gallery.sheet(np.full((n, 8, 8, 1), 7, np.uint8), ["x"] * n)
    assert markup.count("<i ") == n
    assert (shown_sheets(markup)[0] == 7).sum() == n * 64


# the tab
@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> tab.Look:
    monkeypatch.setattr(tab, "PREPARING", Preparing())
    with gr.Blocks():
        return tab.Look(page())


def page(**kwargs: Any) -> Page:
    return Page("en", Supervisor(), Watch(), ("home", "data"), **kwargs)


def given(look: tab.Look, name: str, **knobs: Any) -> dict[Any, Any]:
    values = {widget: knobs.get(k, getattr(Options(), k)) for k, widget in look.form.widgets.items()}
    return {**values, look.data: name, look.label: -1}


class Asked:
    """What a handler reads of a request."""

    def __init__(self, query: str = "", owner: str = ""):
        self.query_params = dict(part.split("=") for part in query.split("&") if part)
        self.cookies = {"aigc_owner": owner}


def test_the_address_names_the_dataset(look: tab.Look):
    out = look.opened(given(look, "digits"), Asked("tab=data&data=moons"))  # type: ignore[arg-type]
    assert out[look.data]["value"] == "moons" and "aigc-scatter" in out[look.panel]
    for other in ("tab=data&data=nothing", "tab=vae&data=moons", ""):
        assert look.opened(given(look, "digits"), Asked(other))[look.data]["value"] == "digits"  # type: ignore[arg-type]


def test_what_is_not_here_is_a_button(look: tab.Look, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(data, "availability", lambda name: data.Availability(False, 144_000_000, both("on the Hub", "在 Hub 上")))
    out = look.turned_to(given(look, "cifar10"), Asked())  # type: ignore[arg-type]
    assert out[look.get]["visible"] and "144" in out[look.get]["value"] and not out[look.cancel]["visible"]
    assert text.NOT_HERE.fill(title="CIFAR-10").en in out[look.panel]


def test_strangers_do_not_fill_the_disk(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(data, "availability", lambda name: data.Availability(False, 2_373_000_000, both("x", "x")))
    with gr.Blocks():
        public = tab.Look(page(public=True, single_user=False))
        private = tab.Look(page())
    with pytest.raises(Refusal, match="200"):
        public._check_download(data.spec("celeba"))
    private._check_download(data.spec("celeba"))


@pytest.mark.parametrize("value", [float("nan"), "many", [1], None, 1e9, -1])
def test_a_knob_out_of_bounds_is_refused_in_words(look: tab.Look, value: Any):
    with pytest.raises(gr.Error, match="Rotation"):
        look.turned_to(given(look, "digits", rotation=value), Asked())  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["nothing", "../../etc", None, ["digits"], 7])
def test_a_dataset_nobody_has_is_refused_in_words(look: tab.Look, name: Any):
    with pytest.raises(gr.Error):
        look.turned_to(given(look, name), Asked())  # type: ignore[arg-type]


def pictures(folder: Path, n: int) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"{i}.png" for i in range(n)]
    for i, path in enumerate(paths):
        Image.new("RGB", (40, 30), (i * 9, 99, 0)).save(path)
    return paths


def test_own_images_are_shown_before_they_are_kept(tmp_path: Path):
    bad = tmp_path / "not <b>a picture.png"
    bad.write_bytes(b"text")
    markup, n = own_images._preview([*pictures(tmp_path / "in", 9), bad], 28, page())
    assert n == 9 and text.READY.fill(n=9).en in markup and "&lt;b&gt;a" in markup and "<b>a" not in markup
    assert own.sets() == []
    with pytest.raises(Refusal):
        own_images._preview([], 29, page())
    markup, n = own_images._preview(pictures(tmp_path / "one", 1), 28, page())
    assert n == 1 and "Pictures that can be used: 1;" in markup, "one is no plural"


@pytest.mark.parametrize("public", [True, False])
def test_a_visitor_of_a_public_page_keeps_so_many_sets(tmp_path: Path, public: bool):
    with gr.Blocks() as demo:
        own_images.draw(page(public=public, single_user=not public), gr.Radio(elem_id="data"), lambda name, request: gr.skip())
    use = next(fn.fn for fn in demo.fns.values() if getattr(fn.fn, "__name__", "") == "used")
    at = {block.elem_id: block for block in demo.blocks.values()}
    files = [str(path) for path in pictures(tmp_path / "in", 9)]
    asked = {at["own-files"]: files, at["own-side"]: 28, at["own-name"]: "Mine"}
    for _ in range(own_images.PUBLIC_SETS):
        use(asked, Asked(owner="1" * 32))
    if public:
        with pytest.raises(gr.Error, match=str(own_images.PUBLIC_SETS)):
            use(asked, Asked(owner="1" * 32))
        use(asked, Asked(owner="2" * 32))
    else:
        use(asked, Asked(owner="1" * 32))
    assert len(own.sets()) == own_images.PUBLIC_SETS + 1


def test_whose_they_are_decides_who_sees_and_deletes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    one, two = "1" * 32, "2" * 32
    mine = own.add("Mine", pictures(tmp_path / "in", 8), 28, one)
    monkeypatch.setattr(tab, "PREPARING", Preparing())
    with gr.Blocks():
        look = tab.Look(page(public=True, single_user=False))
    names = [name for _, name in look.opened(given(look, "digits"), Asked(owner=one))[look.data]["choices"]]  # type: ignore[arg-type]
    assert mine.name in names
    assert mine.name not in [n for _, n in look.opened(given(look, "digits"), Asked(owner=two))[look.data]["choices"]]  # type: ignore[arg-type]
    with pytest.raises(gr.Error):
        look.deleted(given(look, mine.name), Asked(owner=two))  # type: ignore[arg-type]
    with pytest.raises(gr.Error):
        look.deleted(given(look, mine.name), Asked())  # type: ignore[arg-type]
    assert own.sets()
    look.deleted(given(look, mine.name), Asked(owner=one))  # type: ignore[arg-type]
    assert not own.sets()

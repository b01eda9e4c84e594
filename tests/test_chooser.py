"""The model chooser without a browser: what it says, what it fetches, and what strangers may do with it; and the same from a shell."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import gradio as gr
import pytest
from fake_hub import FakeHub
from tiny_pretrained import repository

from aigc.cli import main
from aigc.data import fetch
from aigc.knobs import Switch
from aigc.pretrained import fit, hub, shelf
from aigc.pretrained.catalogue import Entry, Task, entries
from aigc.pretrained.fit import AUTOMATIC
from aigc.pretrained.hub import Progress
from aigc.ui import chooser as module
from aigc.ui.arrivals import Arrival, Arrivals, Looks
from aigc.ui.chooser import Chooser
from aigc.ui.machine import Watch
from aigc.ui.page import Page
from aigc.words import Lang, Refusal

GPT2 = next(e for e in entries() if e.slug == "gpt2")
NOBODY = cast(gr.Request, None)


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setattr("aigc.data.remote._mirror", "")
    monkeypatch.setattr(fetch, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(hub, "SPARE", 0)
    monkeypatch.setattr(module, "ARRIVALS", Arrivals())
    monkeypatch.setattr(module, "LOOKS", Looks())


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with FakeHub({GPT2.repo: repository(GPT2)}) as running:
        running.faults.chunk = 2048
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


def chooser(task: Task = Task.CONTINUE, lang: Lang = "en", public: bool = False) -> Chooser:
    with gr.Blocks(analytics_enabled=False):
        return Chooser(Page(lang, cast(Any, None), Watch(), ("text",), public=public, single_user=not public), task)


def given(drawn: Chooser, model: str, **setup: Any) -> dict[Any, Any]:
    values = {widget: widget.value for widget in drawn.form.inputs}  # type: ignore[attr-defined]
    return values | {drawn.form.widgets[name]: value for name, value in setup.items()} | {drawn.model: model}


def shown(drawn: Chooser, model: str) -> dict[Any, Any]:
    return drawn._turned_to(given(drawn, model))


def is_visible(update: Any) -> bool:
    return bool(update["visible"])


def arrived(entry: Entry = GPT2, within: float = 20) -> None:
    until = time.monotonic() + within
    while hub.here(entry) is None or module.ARRIVALS.of(entry.slug):
        assert time.monotonic() < until, "it never came"
        time.sleep(0.01)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("task", list(Task))
def test_every_task_can_be_drawn_in_both_languages(task: Task, lang: Lang):
    drawn = chooser(task, lang)
    if task is Task.STYLE:  # its one model comes along, and here none does
        assert drawn.model.value is None
        with pytest.raises(Refusal):
            drawn.chosen(given(drawn, ""))
        return
    entry, setup = drawn.chosen(given(drawn, drawn.model.value))
    assert entry.licence in drawn.facts.value and setup == shelf.Setup()


def test_the_card_says_size_licence_memory_disk_and_whether_it_fits():
    drawn = chooser()
    update = shown(drawn, "gpt2")
    card = update[drawn.facts]
    assert "MIT" in card and "550 MB" in card and "English" in card and "1.0 GB" in card and "Free disk" in card and "Fits" in card
    assert 'href="https://huggingface.co/openai-community/gpt2"' in card
    assert update[drawn.get]["value"] == "Download 550 MB" and is_visible(update[drawn.get])
    assert not is_visible(update[drawn.cancel]) and not is_visible(update[drawn.unload]) and not update[drawn.timer].active


def test_facts_are_folded_only_where_nothing_stands_in_the_way(monkeypatch: pytest.MonkeyPatch):
    drawn = chooser()
    assert "<details>" not in shown(drawn, "gpt2")[drawn.facts], "it has to be fetched first"
    monkeypatch.setattr(hub, "here", lambda entry: Path())
    line, rest = shown(drawn, "gpt2")[drawn.facts].split("</summary>")
    assert line == "<details><summary>Fits here · about 1.0 GB · downloaded" and "MIT" in rest and "Free disk" in rest
    assert chooser(lang="zh")._facts(GPT2).startswith("<details><summary>已下载</summary>"), "before the machine is asked"
    assert "<details>" not in chooser()._facts(GPT2, AUTOMATIC, Refusal(GPT2.title).words), "what was refused stays in sight"
    for warning in (fit.SLOW, fit.NARROW.fill(fit=fit.SLOW)):
        monkeypatch.setattr(drawn, "_fit", lambda entry, setup, warning=warning: (warning, "1 GB", True, []))
        assert "<details>" not in shown(drawn, "gpt2")[drawn.facts], "nor is a warning hidden"


def test_what_does_not_fit_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aigc.pretrained.fit.free_memory", lambda device: 10**8)
    drawn = chooser(lang="zh")
    card = shown(drawn, "gpt2")[drawn.facts]
    assert "放不下" in card and "aigc-bad" in card
    monkeypatch.setattr(hub, "here", lambda entry: Path())
    assert "<details>" not in shown(drawn, "gpt2")[drawn.facts], "and is not folded away"


def test_a_download_shows_how_far_it_is_and_ends_with_the_model_here(server: FakeHub):
    server.faults.seconds_a_chunk = 0.02
    drawn = chooser()
    update = drawn._fetched(given(drawn, "gpt2"), NOBODY)
    assert is_visible(update[drawn.cancel]) and not is_visible(update[drawn.get]) and update[drawn.timer].active
    seen: list[str] = []
    while (update := shown(drawn, "gpt2"))[drawn.timer].active:
        seen.append(update[drawn.facts])
        time.sleep(0.02)
    assert any("<progress max=" in s for s in seen)
    arrived()
    assert "is here" in update[drawn.facts] and not is_visible(update[drawn.get])
    assert ("GPT-2", "gpt2") in update[drawn.model]["choices"]


def test_a_page_that_is_opened_knows_what_came_since_the_server_began(monkeypatch: pytest.MonkeyPatch):
    with gr.Blocks(analytics_enabled=False):
        page = Page("en", cast(Any, None), Watch(), ("text",))
        drawn, fixed = Chooser(page, Task.CHAT, anew=True), Chooser(page, Task.CHAT)
    before = drawn.model.value
    assert before and before != "smollm2-135m" and drawn._opened(given(drawn, before))[drawn.model]["choices"] == drawn.choices()
    real = hub.here
    monkeypatch.setattr(hub, "here", lambda entry: Path() if entry.slug == "smollm2-135m" else real(entry))
    update = drawn._opened(given(drawn, before))
    assert update[drawn.model]["value"] == "smollm2-135m" and "is here" in update[drawn.facts]
    title = next(e.title.en for e in entries() if e.slug == "smollm2-135m")
    assert (title, "smollm2-135m") in update[drawn.model]["choices"], "without the size of its download"
    other = drawn._opened(given(drawn, "someone/thing"))
    assert "value" not in other[drawn.model], "what was chosen stays"
    assert "value" not in fixed._opened(given(fixed, before))[fixed.model]
    monkeypatch.setattr(hub, "here", lambda entry: Path())
    assert "value" not in drawn._opened(given(drawn, before))[drawn.model]


def test_the_list_is_asked_for_when_it_is_opened(monkeypatch: pytest.MonkeyPatch):
    with gr.Blocks(analytics_enabled=False) as blocks:
        drawn = Chooser(Page("en", cast(Any, None), Watch(), ("text",)), Task.CHAT)
    (opens,) = (fn for fn in blocks.fns.values() if (drawn.model._id, "focus") in fn.targets)
    monkeypatch.setattr(hub, "here", lambda entry: Path())
    assert opens.fn and opens.fn()["choices"] == drawn.choices() and not any(" · " in title for title, _ in drawn.choices())


def test_a_download_can_be_cancelled_and_goes_on_later(server: FakeHub):
    server.faults.seconds_a_chunk = 0.05
    drawn = chooser()
    drawn._fetched(given(drawn, "gpt2"), NOBODY)
    time.sleep(0.3)
    update = drawn._cancelled(given(drawn, "gpt2"), NOBODY)
    assert is_visible(update[drawn.get]) and not update[drawn.timer].active and hub.here(GPT2) is None
    server.faults.seconds_a_chunk = 0.0
    drawn._fetched(given(drawn, "gpt2"), NOBODY)
    arrived()


@pytest.mark.parametrize(
    ("lang", "left", "here"), [("en", "Download the rest: 150 MB", "400 MB are here"), ("zh", "还有 150 MB", "其中 400 MB 已在本机")]
)
def test_of_a_download_that_was_cut_only_the_rest_is_told(lang: Lang, left: str, here: str):
    folder = hub._folder(GPT2) / GPT2.revision
    folder.mkdir(parents=True)
    with (folder / "model.safetensors.abc.partial").open("wb") as file:
        file.truncate(400 * 10**6)
    drawn = chooser(lang=lang)
    update = shown(drawn, "gpt2")
    assert left in update[drawn.get]["value"] and here in update[drawn.facts]
    folder.rename(folder.with_name("0" * 40))  # another version of the model is no part of this one
    update = shown(drawn, "gpt2")
    assert "550 MB" in update[drawn.get]["value"] and here not in update[drawn.facts] and hub.to_come(GPT2) == GPT2.download_bytes


def test_why_a_download_failed_stands_on_the_card(server: FakeHub):
    server.faults.gated = True
    drawn = chooser(lang="zh")
    drawn._fetched(given(drawn, "gpt2"), NOBODY)
    until = time.monotonic() + 10
    while shown(drawn, "gpt2")[drawn.timer].active:
        assert time.monotonic() < until
        time.sleep(0.01)
    update = shown(drawn, "gpt2")
    assert "HF_TOKEN" in update[drawn.facts] and is_visible(update[drawn.get])


def test_offline_there_is_no_button_but_a_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    drawn = chooser()
    update = shown(drawn, "gpt2")
    assert not is_visible(update[drawn.get]) and "HF_HUB_OFFLINE" in update[drawn.facts]


def with_a_loaded_model() -> Chooser:
    drawn = chooser()
    drawn._fetched(given(drawn, "gpt2"), NOBODY)
    arrived()
    with shelf.lent(GPT2, lambda *_: object(), threading.Event()):
        pass
    return drawn


def test_a_loaded_model_can_be_put_away(server: FakeHub):
    drawn = with_a_loaded_model()
    update = shown(drawn, "gpt2")
    assert is_visible(update[drawn.unload]) and "Loaded" in update[drawn.facts]
    assert "would run on the CPU in float16" in drawn._turned_to(given(drawn, "gpt2", device="cpu", dtype="float16"))[drawn.facts]
    assert update[drawn.facts].startswith("<details><summary>Fits here · ") and " loaded · downloaded</summary>" in update[drawn.facts]
    update = drawn._unloaded(given(drawn, "gpt2"))
    assert not is_visible(update[drawn.unload]) and "gpt2" not in [held.slug for held in shelf.held()]


def test_ones_own_repository_and_setup_are_read():
    drawn = chooser()
    entry, setup = drawn.chosen(given(drawn, "someone/thing", dtype="float16", compile=True))
    assert entry.repo == "someone/thing" and entry.own and setup == shelf.Setup(dtype=shelf.Number.FLOAT16, compile=Switch.ON)
    with pytest.raises(gr.Error, match="no model called"):
        shown(drawn, "<script>")


def looked_at(drawn: Chooser, model: str) -> dict[Any, Any]:
    until = time.monotonic() + 20
    while (update := shown(drawn, model))[drawn.timer].active:
        assert time.monotonic() < until and not is_visible(update[drawn.get])
        time.sleep(0.02)
    return update


def test_ones_own_repository_is_looked_at_before_it_is_fetched(server: FakeHub):
    server.repos["models/someone/thing"] = repository(GPT2)
    server.repos["models/someone/strange"] = {"config.json": b'{"architectures": ["TheirForCausalLM"]}', "model.safetensors": b"x"}
    drawn = chooser()
    update = looked_at(drawn, "someone/thing")
    assert "apache-2.0" in update[drawn.facts] and is_visible(update[drawn.get]) and update[drawn.get]["value"] == "Download 0.1 MB"
    update = looked_at(drawn, "someone/strange")
    assert "TheirForCausalLM" in update[drawn.facts] and not is_visible(update[drawn.get])
    update = looked_at(drawn, "nobody/nothing")
    assert "no such repository" in update[drawn.facts] and not is_visible(update[drawn.get])
    drawn._fetched(given(drawn, "someone/thing"), NOBODY)
    arrived(drawn.chosen(given(drawn, "someone/thing"))[0])
    assert is_visible(shown(drawn, "someone/thing")[drawn.get]) is False


def test_the_same_again_is_filled_in():
    drawn = chooser()
    update = drawn.fill("smollm2-135m", {"dtype": "bfloat16"})
    assert update[drawn.model] == "smollm2-135m" or update[drawn.model]["value"] == "smollm2-135m"
    assert update[drawn.form.widgets["dtype"]]["value"] == "bfloat16" and set(update) <= drawn.outputs


def test_text_models_have_no_knobs_of_pictures():
    assert set(chooser(Task.CHAT).form.widgets) == {"device", "dtype", "compile"}
    assert set(chooser(Task.TEXT_TO_IMAGE).form.widgets) == {"device", "dtype", "offload", "slicing", "compile"}
    assert set(chooser(Task.UNCONDITIONAL).form.widgets) == {"device", "dtype", "offload", "compile"}


def test_settings_of_the_machine_vanish_with_a_model_that_cannot_take_them():
    drawn = chooser(Task.UPSCALE)
    slices = drawn.form.widgets["slicing"]
    assert drawn.model.value == "swin2sr-x2" and not slices.visible and drawn.form.widgets["compile"].visible
    assert drawn._possible("sd-x4-upscaler")[slices] == gr.update(visible=True)
    assert drawn._possible("swin2sr-x2")[slices] == gr.update(visible=False, value="auto"), "what cannot be seen is left to the machine"
    assert drawn.fill("sd-x4-upscaler", {"slicing": True})[slices] == gr.update(visible=True, value="on")
    assert not drawn.fill("swin2sr-x2")[slices]["visible"]


def test_on_a_public_page_only_the_list_and_no_settings_of_the_machine(server: FakeHub):
    drawn = chooser(public=True)
    assert not drawn.model.allow_custom_value and drawn.mirror is None and not drawn.form.widgets
    with pytest.raises(gr.Error, match="someone/thing"):
        shown(drawn, "someone/thing")
    request = cast(gr.Request, type("Request", (), {"cookies": {}})())
    with pytest.raises(gr.Error, match="at most"):
        drawn._fetched(given(drawn, "qwen3-4b-base"), request)
    with pytest.raises(gr.Error):
        drawn._fetched(given(drawn, "no such"), request)
    drawn._mirrored("https://evil.example")
    assert hub.set_mirror and module.mirror() == ""


def test_strangers_neither_set_the_machine_up_nor_put_models_away(server: FakeHub):
    drawn = with_a_loaded_model()
    drawn.page = replace(drawn.page, public=True)  # whatever the browser was shown
    assert drawn.chosen(given(drawn, "gpt2", device="cpu", dtype="float16"))[1] == AUTOMATIC
    assert not is_visible(drawn._unloaded(given(drawn, "gpt2"))[drawn.unload])
    assert "gpt2" in [held.slug for held in shelf.held()]
    shelf.unload("gpt2")


def test_only_who_asked_for_a_model_cancels_it(server: FakeHub):
    server.faults.seconds_a_chunk = 0.05
    works = Arrivals()
    one = works.ask(GPT2, by="ann")
    works.cancel("gpt2", by="bob")
    works.cancel("gpt2")
    assert not one.stop.is_set() and works.of("gpt2") is one
    works.cancel("gpt2", by="ann")
    assert one.stop.is_set() and works.of("gpt2") is None


def test_the_time_left_is_by_what_this_download_brought():
    """Of 1.5 GB 1.2 were here; since the first byte was asked for it brought 50 MB in ten seconds."""
    now = time.monotonic()
    told = Progress(1_250 * 10**6, 1_500 * 10**6, "model.safetensors", had=1_200 * 10**6)
    left = Arrival(GPT2, "", told, began=now - 10).seconds_left
    assert left is not None and abs(left - 50) < 1
    assert Arrival(GPT2, "", replace(told, done=600 * 10**6), began=now - 10).seconds_left is None
    assert Arrival(GPT2, "", Progress(0, 0, "")).seconds_left is None, "the list of files is not here yet"


def test_the_mirror_is_remembered_and_nonsense_is_refused():
    drawn = chooser()
    with pytest.raises(gr.Error, match="address"):
        drawn._mirrored("javascript:alert(1)")
    drawn._mirrored("https://hf-mirror.com/")
    assert module.mirror() == "https://hf-mirror.com" and chooser().mirror.value == "https://hf-mirror.com"  # type: ignore[union-attr]


# the same from a shell
def said(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, dict[str, Any]]:
    code = main(["pretrained", *argv, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_shell_lists_fetches_and_deletes(server: FakeHub, capsys: pytest.CaptureFixture[str]):
    code, listed = said(capsys, "--task", "continue")
    assert code == 0 and [m["slug"] for m in listed["models"]][:1] == ["qwen3-0.6b-base"] and listed["models"][0]["folder"] is None
    code, one = said(capsys, "download", "gpt2")
    assert code == 0 and Path(one["folder"]) == hub.here(GPT2)
    code, gone = said(capsys, "delete", "openai-community/gpt2")
    assert code == 0 and gone["bytes"] > 10_000 and hub.here(GPT2) is None


def test_the_shell_refuses_in_words(server: FakeHub, capsys: pytest.CaptureFixture[str]):
    for argv, reason in (
        (["download", "nobody/nothing", "--task", "chat"], "no such repository"),
        (["download", "nobody/nothing"], "--task"),
        (["download", "nothing"], "no model called"),
        (["--task", "sing"], "no task"),
        (["download", "gpt2", "--mirror", "nowhere"], "mirror"),
    ):
        code, told = said(capsys, *argv)
        assert code == 2 and reason in told["error"], argv

"""The form that starts a training: what is on it is what is trained, once, for whoever asked."""

from __future__ import annotations

import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from aigc import data
from aigc.commands import Command, Do
from aigc.jobs.request import Request, checked
from aigc.jobs.runs import runs
from aigc.jobs.supervisor import Supervisor
from aigc.knobs import as_values, knobs
from aigc.options import Options
from aigc.techniques import techniques
from aigc.ui import document
from aigc.ui.machine import Watch
from aigc.ui.page import Page
from aigc.ui.tabs import train
from aigc.ui.text import live as live_text
from aigc.words import Lang, Refusal

SETS = ("digits", "moons", "mnist", "celeba")


IDLE = (sys.executable, "-c", "import time; time.sleep(600)")  # a worker that never takes a run


@pytest.fixture
def line(aigc_home: Any) -> Any:
    supervisor = Supervisor(single_user=False, command=IDLE)
    supervisor.start()
    yield supervisor
    supervisor.stop()


class Tab:
    """The Train view of a technique, drawn, with its handlers by name."""

    def __init__(self, line: Any, slug: str = "gan", lang: Lang = "en"):
        page = Page(lang, line, Watch(), (slug,), public=True, single_user=False)
        with gr.Blocks() as self.blocks:
            self.form, self.data = train.draw(page, techniques()[slug])
        self.handlers = {fn.fn.__name__: fn for fn in self.blocks.fns.values() if fn.fn}

    def shown(self, handler: str) -> dict[Any, Any]:
        """The inputs of a handler, as the page first shows them."""
        return {widget: widget.preprocess(widget.value) for widget in self.handlers[handler].inputs}

    def call(self, handler: str, *given: Any, owner: str = "a" * 32, session: str = "s", **query: str) -> Any:
        request = SimpleNamespace(cookies={"aigc_owner": owner}, query_params=query, session_hash=session)
        fn = self.handlers[handler].fn
        return fn(*given, request) if "request" in fn.__annotations__ else fn(*given)

    def widget(self, label: str) -> Any:
        return next(w for w in self.blocks.blocks.values() if getattr(w, "label", None) == label)


@pytest.mark.parametrize("slug", techniques())
def test_the_form_as_it_opens_is_the_first_preset_and_trains(line: Any, slug: str) -> None:
    tab = Tab(line, slug)
    answer = tab.call("start", tab.shown("start"))
    (run,) = runs()
    assert run.id in answer.values()
    config, options = techniques()[slug].read({}, data.spec("digits"), "quick")
    asked = run.request
    assert (asked.config, asked.options) == (as_values(config), as_values(options))
    assert (asked.technique, asked.data, asked.preset, asked.owner, asked.device) == (slug, "digits", "quick", "a" * 32, "auto")


@pytest.mark.parametrize("slug", techniques())
@pytest.mark.parametrize("name", SETS)
def test_turning_the_dial_fills_the_form_with_the_preset(line: Any, slug: str, name: str) -> None:
    tab, info = Tab(line, slug), techniques()[slug]
    for preset in info.presets(data.spec(name)):
        given = tab.shown("turned")
        dial = {tab.data: name, tab.widget("How long"): preset}
        filled = tab.call("turned", given | dial)
        assert filled[tab.form.folds["augmentation"]]["visible"] is not data.spec(name).is_points, "points are not turned"
        values = {n: filled[w]["value"] for n, w in tab.form.widgets.items()}
        mine = knobs(info.Config)
        request = Request(slug, name, {n: v for n, v in values.items() if n in mine}, {n: v for n, v in values.items() if n not in mine})
        try:
            typed, _ = checked(request)
        except Refusal as refusal:
            assert re.search("not on this machine|download|no model called", refusal.words.en)  # no model comes along in tests
            continue
        config, options = info.read({}, data.spec(name), preset)
        assert (typed.config, typed.options) == (as_values(config), as_values(options))


@pytest.mark.parametrize("lang, sentence", [("en", "Learning rate must lie between"), ("zh", "“学习率”必须在")])
def test_a_bad_value_starts_nothing_and_says_which(line: Any, lang: Lang, sentence: str) -> None:
    tab = Tab(line, "vae", lang)
    given = tab.shown("start") | {tab.form.widgets["learning_rate"]: "7"}
    with pytest.raises(gr.Error, match=sentence) as caught:
        tab.call("start", given)
    assert not caught.value.print_exception
    assert runs() == []


@pytest.mark.parametrize("name", ["../x", "A", "a" * 64, "<img src=x onerror=alert(1)>", "a b", "\u202eabc", "-a"])
def test_a_name_that_is_none_is_refused(line: Any, name: str) -> None:
    tab = Tab(line)
    with pytest.raises(gr.Error, match="small letters"):
        tab.call("start", tab.shown("start") | {tab.widget("Name of the model"): name})
    assert runs() == []


@pytest.mark.parametrize(
    "label, value", [("Data", "nothing"), ("Data", ["digits"]), ("Data", None), ("How long", "for ever"), ("Device", "tpu"), ("Device", None)]
)
def test_choices_that_were_not_offered_are_refused(line: Any, label: str, value: Any) -> None:
    tab = Tab(line)
    with pytest.raises(gr.Error):
        tab.call("start", tab.shown("start") | {tab.widget(label): value})
    assert runs() == []


def test_a_double_click_is_one_run_and_a_second_click_another(line: Any) -> None:
    tab = Tab(line)
    given = tab.shown("start")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: tab.call("start", given), range(8)))
    assert len(runs()) == 1
    assert len({answer[w] for answer in answers for w in answer if answer[w] == runs()[0].id}) == 1
    tab.call("start", given | answers[0])  # the page has taken up the new count
    assert len(runs()) == 2
    tab.call("start", given, session="another page")
    assert len(runs()) == 3


def test_a_link_fills_the_form(line: Any) -> None:
    tab = Tab(line, "gan")
    assert tab.call("opened") == ""
    assert tab.call("opened", tab="vae", data="moons") == ""
    wanted = tab.call("opened", tab="gan", data="moons", preset="good")
    filled = tab.call("asked", wanted)
    assert filled[tab.data]["value"] == "moons"
    assert filled[tab.widget("How long")]["value"] == "good"
    for broken in ({"data": "nothing"}, {"run": "../../x"}, {"run": "0" * 32}):
        wanted = tab.call("opened", tab="gan", **broken)
        assert set(tab.call("asked", wanted).values()) == {""}
    assert set(tab.call("asked", "not json").values()) == {""}


def test_a_link_to_a_run_shows_how_it_was_trained(line: Any) -> None:
    tab = Tab(line, "gan")
    tab.call("start", tab.shown("start") | {tab.form.widgets["batch"]: "96", tab.form.widgets["learning_rate"]: "0.0003"})
    (run,) = runs()
    filled = tab.call("asked", tab.call("opened", tab="gan", run=run.id))
    assert filled[tab.form.widgets["batch"]]["value"] == "96"
    assert filled[tab.form.widgets["learning_rate"]]["value"] == "0.0003"
    other = Tab(line, "vae")
    assert other.call("asked", json.dumps({"run": run.id}))[other.data]["value"] == "digits"

    run.send(Command(Do.SET, ["learning_rate", 0.0007]))  # turned while it trains
    run.send(Command(Do.SET, ["learning_rate", 0.0009]))
    filled = tab.call("asked", tab.call("opened", tab="gan", run=run.id))
    assert filled[tab.form.widgets["learning_rate"]]["value"] == "0.0009"
    assert filled[tab.form.widgets["batch"]]["value"] == "96"


def test_only_your_own_pictures_are_offered(line: Any, tmp_path: Any) -> None:
    import numpy as np
    from PIL import Image

    from aigc.data import own

    files = []
    for i in range(12):
        path = tmp_path / f"{i}.png"
        Image.fromarray(np.random.default_rng(i).integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(path)
        files.append(path)
    mine = own.add("My cats", files, 28, "a" * 32)
    tab = Tab(line, "gan")
    assert mine.name not in [name for _, name in tab.data.choices]
    assert mine.name in [name for _, name in tab.call("refreshed", owner="a" * 32)["choices"]]
    assert mine.name not in [name for _, name in tab.call("refreshed", owner="b" * 32)["choices"]]
    with pytest.raises(gr.Error, match="someone else"):
        tab.call("start", tab.shown("start") | {tab.data: mine.name}, owner="b" * 32)


def test_every_live_knob_and_only_those_reach_a_run_in_the_browser(line: Any) -> None:
    for slug in techniques():
        tab = Tab(line, slug)
        wired = {fn.inputs[0]._id for fn in tab.blocks.fns.values() if fn.js and "live?.turn" in str(fn.js)}
        assert wired == {tab.form.widgets[n]._id for n, k in tab.form.knobs.items() if k.live}


def test_the_page_pays_little_when_it_opens(line: Any) -> None:
    """Gradio's page walks over everything for each output of an event that runs at its start."""
    tab = Tab(line, "gan")
    at_load = [fn for fn in tab.blocks.fns.values() if any(event == "load" for _, event in fn.targets)]
    assert sum(len(fn.outputs) for fn in at_load) <= 1


def test_options_are_all_on_the_form(line: Any) -> None:
    for slug, info in techniques().items():
        assert set(Tab(line, slug).form.widgets) == set(knobs(info.Config)) | set(knobs(Options))


def test_whose_the_data_are_is_shown_whole() -> None:
    """A licence asks for the names; the digits' credit takes three lines of the narrow form."""
    shown = train._about(data.spec("digits"), "en")
    assert data.spec("digits").credit in shown and "title=" not in shown
    rules = [line for line in (document.STATIC / "live.css").read_text().splitlines() if ".aigc-credit" in line]
    assert rules and not [rule for rule in rules if "clamp" in rule or "hidden" in rule or "ellipsis" in rule]


def test_what_the_numbers_beside_the_log_count_is_said() -> None:
    assert "examples" in live_text.BROWSER["log"].en and "样本" in live_text.BROWSER["log"].zh

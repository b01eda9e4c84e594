"""The Models tab without a browser: the list, the card, who may change what, and comparing the curves of runs."""

from __future__ import annotations

import io
import json
from html.parser import HTMLParser
from typing import Any

import gradio as gr
import pytest
from PIL import Image
from tiny import card, perturbed, tiny  # noqa: F401

from aigc import plots, registry
from aigc.data import spec
from aigc.evaluate import Figure, Report
from aigc.evaluate.report import folder_of
from aigc.events import Step
from aigc.jobs.runs import Request, Run
from aigc.jobs.supervisor import Supervisor
from aigc.registry import spec_as_json
from aigc.ui import model_card
from aigc.ui.machine import Watch
from aigc.ui.page import Page
from aigc.ui.tabs import models as tab
from aigc.ui.tabs.compare import Compare, _series
from aigc.ui.text import models as text
from aigc.words import Words, both

pytestmark = pytest.mark.usefixtures("tiny")
ME, OTHER = "1" * 32, "2" * 32


def saved(slug: str, **changes: Any) -> registry.Entry:
    out = io.BytesIO()
    Image.new("L", (8, 8), 99).save(out, "PNG")
    return registry.save(perturbed(), card(slug, **changes), out.getvalue())


def a_run(terms: dict[str, list[float]]) -> str:
    run = Run.create(Request("tiny", "digits"), spec_as_json(spec("digits")))
    length = max(map(len, terms.values()))
    for i in range(length):
        run.append(Step(100 * (i + 1), i + 1, 0.5 * (i + 1), 200.0, 0, {name: values[i] for name, values in terms.items() if i < len(values)}))
    return run.id


def page(**kwargs: Any) -> Page:
    return Page("en", Supervisor(), Watch(), ("home", "models"), **kwargs)


@pytest.fixture
def models() -> tab.Models:
    with gr.Blocks():
        return tab.Models(page())


@pytest.fixture
def public() -> tab.Models:
    with gr.Blocks():
        return tab.Models(page(public=True, single_user=False))


class Asked:
    def __init__(self, query: str = "", owner: str = ME):
        self.query_params = dict(part.split("=") for part in query.split("&") if part)
        self.cookies = {"aigc_owner": owner}


def given(m: tab.Models, chosen: str = "", picked: tuple[str, ...] = (), **more: Any) -> dict[Any, Any]:
    values = {m.words: "", m.technique: "", m.data: "", m.chosen: chosen, m.picked: list(picked), m.sort: ("created", True), m.name: ""}
    return {**values, **{getattr(m, k): v for k, v in more.items()}}


class Rows(HTMLParser):
    def __init__(self, markup: str):
        super().__init__()
        self.opened, self.tags = [], []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.opened += [v for k, v in attrs if k == "data-open"]


def told(m: tab.Models, values: dict[Any, Any], **meant: Any) -> dict[Any, Any]:
    return m.told({**values, m.pressed: json.dumps(meant)}, Asked())  # type: ignore[arg-type]


# the list
def test_the_list_sorts_filters_and_says_when_nothing_fits(models: tab.Models):
    for slug, images in (("beta", 5), ("alpha", 50), ("gamma", 500)):
        saved(slug, images=images)
    assert Rows(told(models, given(models), sort="name")[models.table]).opened == ["alpha", "beta", "gamma"]
    assert Rows(told(models, given(models, sort=("name", False)), sort="name")[models.table]).opened == ["gamma", "beta", "alpha"]
    assert Rows(told(models, given(models), sort="images")[models.table]).opened == ["gamma", "alpha", "beta"]
    assert Rows(models.filtered(given(models, words="AL"))[models.table]).opened == ["alpha"]
    assert text.NO_MATCH.en in models.filtered(given(models, technique="gan"))[models.table]
    assert text.NO_MATCH.en in models.filtered(given(models, words="alpha beta"))[models.table]


def test_a_yes_that_was_asked_for_one_model_is_not_there_for_the_next(models: tab.Models):
    """Or one press deletes what nobody meant to delete."""
    for slug in ("one", "two"):
        saved(slug)
    shown = told(models, given(models, chosen="one"), open="two")
    assert (shown[models.delete]["visible"], shown[models.sure]["visible"], shown[models.keep]["visible"]) == (True, False, False)


NONSENSE = [
    {}, {"sort": "owner"}, {"sort": ["name"]}, {"open": "../../etc"}, {"open": ["a"]}, {"x": 1},
    {"ticked": {"a": 1}, "boxes": 3}, {"ticked": [["a"], None], "boxes": ["one"]},
]  # fmt: skip


@pytest.mark.parametrize("meant", NONSENSE)
def test_nonsense_from_a_browser_changes_nothing(models: tab.Models, meant: dict[str, Any]):
    saved("one")
    out = told(models, given(models), **meant)
    assert out.get(models.chosen, "") == "" and "/etc" not in str(out.get(models.card, ""))


def test_an_empty_registry_is_a_sentence(models: tab.Models):
    out = models.opened(given(models), Asked())  # type: ignore[arg-type]
    assert text.NONE.en in out[models.table] and text.CHOOSE.en in out[models.card]


def test_the_address_names_the_model_and_else_the_newest_is_shown(models: tab.Models):
    saved("old", created="2025-01-01T00:00:00")
    saved("new", created="2026-01-01T00:00:00")
    assert models.opened(given(models), Asked("tab=models&model=old"))[models.chosen] == "old"  # type: ignore[arg-type]
    assert models.opened(given(models), Asked("tab=vae&model=old"))[models.chosen] == "new"  # type: ignore[arg-type]


# the card
def test_the_card_tells_everything_and_is_whole_markup(models: tab.Models):
    saved("parent")
    entry = saved("child", parent="parent", quality={"fid": 12.3456}, licence="CC BY 4.0", credit="Somebody", images=1234567, seconds=75.0)
    for lang in ("en", "zh"):
        markup = model_card.card(entry, lang)
        for needed in ("1,234,567", "12.35", "CC BY 4.0", "Somebody", entry.card.hashes["model.safetensors"], "model=parent", "--data digits"):
            assert needed in markup, needed
        parser = Rows(markup)
        assert parser.tags.count("details") == 3 and "script" not in parser.tags


def test_what_was_measured_is_a_line_each_in_the_language_of_the_page():
    figure = Figure("fid", both("FID, MNIST CNN", "FID，MNIST CNN"), 1.25, 0.5, None, 100, both("Near.", "远近。"), part="fidelity")
    report = Report("measured", "digits", "train", 100, 0, "2026-01-01T00:00:00", 1.0, "cpu", "0", "MNIST CNN", (figure,))
    where = folder_of("measured")
    where.mkdir(parents=True)
    (where / "digits-n100.json").write_text(json.dumps(report.as_json()))
    entry = saved("measured", quality={figure.name.en: 1.25, "of my own": 3.0}, quality_zh={figure.name.en: figure.name.zh})
    assert "<li><span>FID, MNIST CNN, n = 100</span> <b>1.25</b></li>" in model_card.card(entry, "en")
    chinese = model_card.card(entry, "zh")
    assert "<span>FID，MNIST CNN，n = 100</span> <b>1.25</b>" in chinese and "<span>of my own</span>" in chinese
    assert "tab=evaluate&amp;model=measured" in chinese and "tab=evaluate" not in model_card.card(saved("plain"), "zh")


def test_a_title_is_text_and_nothing_else():
    evil = "<img src=x onerror=alert(1)>{{7*7}}"
    entry = saved("evil", title=evil)
    for markup in (model_card.card(entry, "en"), model_card.table([entry], "name", False, "", (), "en"), model_card.side_by_side([entry], "en")):
        assert "<img src=x" not in markup and "{{" not in markup and "&lt;img src=x" in markup


def test_a_card_that_names_unknown_knobs_is_still_shown():
    entry = saved("odd")
    entry.card.config["from_the_future"] = [1, {"a": 2}]
    assert "from_the_future" in model_card.card(entry, "en")


# changing
def test_rename_and_delete(models: tab.Models):
    saved("one")
    out = models.renamed(given(models, "one", name="two"), Asked())  # type: ignore[arg-type]
    assert out[models.chosen] == "two" and [e.slug for e in registry.entries()] == ["two"]
    with pytest.raises(gr.Error):
        models.renamed(given(models, "two", name="No Spaces!"), Asked())  # type: ignore[arg-type]
    out = models.deleted(given(models, "two", ("two",)), Asked())  # type: ignore[arg-type]
    assert not registry.entries() and out[models.picked] == [] and out[models.chosen] == ""


def test_on_a_public_page_everyone_changes_only_their_own(public: tab.Models):
    saved("mine", owner=ME)
    saved("theirs", owner=OTHER)
    saved("nobodys", owner="")
    for slug in ("theirs", "nobodys"):
        with pytest.raises(gr.Error, match="another visitor"):
            public.deleted(given(public, slug), Asked())  # type: ignore[arg-type]
        with pytest.raises(gr.Error, match="another visitor"):
            public.renamed(given(public, slug, name="taken"), Asked())  # type: ignore[arg-type]
        with pytest.raises(gr.Error, match="another visitor"):
            public.deleted(given(public, slug), Asked(owner="made up"))  # type: ignore[arg-type]
    public.deleted(given(public, "mine"), Asked())  # type: ignore[arg-type]
    assert {e.slug for e in registry.entries()} == {"theirs", "nobodys"}


def test_a_public_page_publishes_and_imports_nothing(public: tab.Models, monkeypatch: pytest.MonkeyPatch):
    saved("one")
    monkeypatch.setattr(registry, "push_to_hub", lambda *a, **k: pytest.fail("published"))
    monkeypatch.setattr(registry, "import_", lambda *a, **k: pytest.fail("imported"))
    with pytest.raises(gr.Error, match="someone else's server"):
        public.pushed({public.chosen: "one", public.repo: "a/b", public.token: "hf_secretsecret", public.private: True})
    with pytest.raises(gr.Error, match="open to everyone"):
        public.imported(given(public, file="/tmp/x.zip"), Asked())  # type: ignore[arg-type]


def test_the_token_is_used_once_and_leaves_the_page(models: tab.Models, monkeypatch: pytest.MonkeyPatch):
    saved("one")
    used: list[Any] = []
    monkeypatch.setattr(registry, "push_to_hub", lambda slug, repo, token, private: used.append((slug, repo, token, private)) or "https://hub/a/b")
    out = models.pushed({models.chosen: "one", models.repo: "a/b", models.token: "hf_secretsecret", models.private: True})
    assert used == [("one", "a/b", "hf_secretsecret", True)] and out[models.token] == "" and "hf_secret" not in str(out)


def test_verifying_says_what_is_wrong(models: tab.Models):
    entry = saved("one")
    assert text.WHOLE.fill(name="one").en in models.verified(given(models, "one"))[models.said]
    raw = bytearray(entry.weights.read_bytes())
    raw[-1] ^= 1
    entry.weights.write_bytes(bytes(raw))
    assert "model.safetensors" in models.verified(given(models, "one"))[models.said]


def test_a_model_goes_out_as_a_zip_and_comes_back(models: tab.Models, tmp_path: Any):
    saved("one", title="The one")
    path = registry.export("one", tmp_path / "one.zip")
    out = models.imported(given(models, file=str(path)), Asked())  # type: ignore[arg-type]
    assert out[models.chosen] == "one-2" and registry.entry("one-2").card.title == "The one"


# comparing
def test_curves_of_runs_are_compared_over_images_and_seconds(models: tab.Models):
    saved("one", run=a_run({"loss": [4.0, 2.0, 1.0]}))
    saved("two", run=a_run({"loss": [8.0, 4.0]}))
    out = told(models, given(models, picked=("one",)), boxes=["one", "two"], ticked=["two", "one"])
    assert out[models.picked] == ["one", "two"]
    compare = models.compare
    assert out[compare.box]["visible"] is True
    entries = [registry.entry(s) for s in ("one", "two")]
    for over, x in (("images", [100, 200, 300]), ("seconds", [0.5, 1.0, 1.5])):
        figure = compare._plot(entries, "loss", over, False, False)
        assert list(figure.data[0].x) == x and list(figure.data[0].y) == [4.0, 2.0, 1.0]
        assert [trace.name for trace in figure.data] == ["one", "two"] and figure.data[0].line.dash != figure.data[1].line.dash
    assert "/aigc/models/two/samples.png" in out[compare.samples]


def test_one_model_is_nothing_to_compare(models: tab.Models):
    saved("one", run=a_run({"loss": [1.0]}))
    assert told(models, given(models), boxes=["one"], ticked=["one"])[models.compare.box]["visible"] is False


def test_a_run_that_is_gone_leaves_the_samples(models: tab.Models):
    saved("one", run="0" * 32)
    saved("two", run="../../etc/passwd")
    out = models.compare.shown(["one", "two"])
    assert text.NO_CURVES.en in out[models.compare.missing] and "two/samples.png" in out[models.compare.samples]
    assert _series(registry.entry("two")) == {}


def test_a_box_that_a_filter_hides_stays_ticked(models: tab.Models):
    saved("hidden"), saved("there")
    out = told(models, given(models, picked=("hidden",), words="there"), boxes=["there"], ticked=["there"])
    assert out[models.picked] == ["hidden", "there"]
    assert told(models, given(models, picked=("hidden", "there")), boxes=["there"], ticked=[])[models.picked] == ["hidden"]


def test_no_more_than_can_be_told_apart(models: tab.Models):
    for i in range(tab.MOST_COMPARED + 1):
        saved(f"m{i}")
    picked = tuple(f"m{i}" for i in range(tab.MOST_COMPARED))
    assert told(models, given(models, picked=picked), boxes=[*picked, "m6"], ticked=[*picked, "m6"])[models.picked] == [*picked[1:], "m6"]


def test_the_plot_follows_the_page_into_the_dark():
    with gr.Blocks():
        compare = Compare(page())
    light, dark = (compare._plot([], "loss", "images", False, d).layout.template.layout.font.color for d in (False, True))
    assert light != dark


# plots
def test_thinning_keeps_every_spike():
    x, y = list(range(100_000)), [0.0] * 100_000
    y[77_777], y[33_333] = 9.0, -9.0
    thin_x, thin_y = plots.thinned(x, y)
    assert len(thin_x) <= plots.CURVE_POINTS + 2 and {9.0, -9.0} <= set(thin_y) and thin_x == sorted(thin_x)
    assert thin_x[thin_y.index(9.0)] == 77_777
    assert plots.thinned([1, 2], [3, 4]) == ([1, 2], [3, 4])


def test_a_logarithmic_axis_leaves_out_what_it_cannot_show():
    curve = plots.Curve("a", [1, 2, 3], [-1.0, 0.0, 2.0])
    figure = plots.comparison([curve], x_title="x", y_title="y", log=True, look=plots.Look())
    assert list(figure.data[0].y) == [None, None, 2.0] and figure.layout.yaxis.type == "log"


def test_words_in_units():
    assert model_card.size(999_000) == "999 kB" and model_card.size(2_500_000) == "2.5 MB"
    assert model_card.data_title({}, "gone") == Words("gone", "gone")

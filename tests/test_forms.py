"""Forms: every config survives the trip through the widgets, and nothing else gets in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aigc.knobs import Choice, Knob, as_values, knob, knobs, read
from aigc.options import Options, Schedule
from aigc.train.optimise import learning_rate_factor
from aigc.ui import forms
from aigc.ui.forms import Form
from aigc.words import Refusal, both


class Kind(Choice):
    PLAIN = "plain", both("plain", "普通")
    SPARSE = "sparse", both("sparse", "稀疏")


@dataclass(frozen=True)
class Config:
    """One knob of every sort, and a chain of two dependences."""

    kind: Kind = knob(Kind.PLAIN, group="first", label=both("Kind", "种类"), help=both("Which.", "哪一种。"))
    penalty: float = knob(
        0.1, 1e-6, 10.0, log=True, live=True, when=("kind", (Kind.SPARSE,)), label=both("Penalty", "惩罚"), help=both("How much.", "多少。")
    )
    warm: bool = knob(True, when=("kind", (Kind.SPARSE,)), label=both("Warm-up", "预热"), help=both("Slowly.", "慢慢来。"))
    images: int = knob(100, 0, 10**9, when=("warm", (True,)), label=both("Over", "历时"), help=both("How long.", "多久。"))
    width: int = knob(64, 8, 512, log=True, group="network", label=both("Width", "宽度"), help=both("Units.", "单元数。"))
    depth: int = knob(2, 1, 6, group="network", label=both("Depth", "深度"), help=both("Layers.", "层数。"))
    rate: float = knob(0.25, 0.0, 1.0, group="network", label=both("Rate", "比例"), help=both("A share.", "比例。"))


def form_of(*configs: type, lang: str = "en", **how: Any) -> Form:
    with gr.Blocks():
        return forms.draw(lang, *configs, **how)  # type: ignore[arg-type]


FORM = form_of(Config)
KNOBS = knobs(Config)


def legal(k: Knob) -> st.SearchStrategy[Any]:
    if issubclass(k.kind, Choice):
        return st.sampled_from(list(k.kind))
    if k.kind is bool:
        return st.booleans()
    if k.kind is int:
        return st.integers(int(k.low or 0), int(k.high or 0))
    return st.floats(k.low, k.high, allow_nan=False)


def posted(form: Form, typed: dict[str, Any]) -> dict[Any, Any]:
    """What Gradio hands to a handler after `fill` has shown `typed` and nobody touched the form."""
    updates = forms.fill(form, typed)
    return {w: w.preprocess(w.postprocess(updates[w]["value"])) for w in form.widgets.values()}


@given(st.fixed_dictionaries({name: legal(k) for name, k in KNOBS.items()}))
@settings(deadline=None)
def test_every_config_survives_the_widgets(typed: dict[str, Any]) -> None:
    back = forms.values(FORM, posted(FORM, typed))
    shown = {name for name in typed if forms.is_shown(FORM, name, typed)}
    assert back == {name: typed[name] for name in shown}
    assert all(type(back[name]) is type(as_values(Config())[name]) or isinstance(back[name], Choice) for name in back)
    assert as_values(read(Config, back)) == as_values(Config()) | {n: v.value if isinstance(v, Choice) else v for n, v in back.items()}


def test_options_survive_too() -> None:
    form = form_of(Options)
    typed = as_values(Options(learning_rate=2e-4, batch=96, seconds=12.5, shift=0.125, seed=2**31 - 1))
    assert forms.values(form, posted(form, typed)) == {name: v for name, v in typed.items() if name != "momentum"}


@pytest.mark.parametrize(("schedule", "rises"), [("constant", False), ("warmup", True), ("cosine", True)])
def test_a_learning_rate_that_stays_has_no_warm_up(schedule: str, rises: bool) -> None:
    form = form_of(Options)
    assert forms.is_shown(form, "warmup_images", {"schedule": schedule}) == rises
    options = Options(warmup_images=1000, schedule=Schedule(schedule))  # type: ignore[call-arg]
    assert (learning_rate_factor(options, 0, 0) < 1) == rises, "shown where it does something"


NO_NUMBERS: list[Any] = [float("nan"), float("inf"), None, True, [1], "[1]", {}, "", "1e999"]
BAD: list[tuple[str, Any]] = [
    *[(name, v) for name in ("penalty", "images", "width", "depth", "rate") for v in NO_NUMBERS],
    *[(name, v) for name in ("images", "width", "depth") for v in (2.5, "2.5", -1, 2**63)],
    *[("rate", v) for v in (-0.01, 1.01)],
    *[("kind", v) for v in ("dense", "plain ", "ｐlain", "Plain", ["plain"], None, 0, {})],
    *[("warm", v) for v in (2, "maybe", None, [True])],
]


@pytest.mark.parametrize("name, value", BAD, ids=repr)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_nonsense_is_refused_in_a_sentence_that_names_the_knob(name: str, value: Any, lang: str) -> None:
    given = {w: forms.as_shown(KNOBS[n], KNOBS[n].default) for n, w in FORM.widgets.items()}
    given[FORM.widgets["kind"]] = "sparse"
    given[FORM.widgets[name]] = value
    with pytest.raises(gr.Error) as caught, forms.in_words(lang):  # type: ignore[arg-type]
        forms.values(FORM, given)
    assert KNOBS[name].label[lang] in caught.value.message
    assert caught.value.print_exception is False


@given(st.one_of(st.text(), st.floats(), st.integers(), st.lists(st.integers()), st.none(), st.booleans(), st.dictionaries(st.text(), st.text())))
@settings(max_examples=300, deadline=None)
def test_whatever_comes_is_read_right_or_refused(value: Any) -> None:
    for name, widget in FORM.widgets.items():
        try:
            got = forms.values(FORM, {widget: value, FORM.widgets["kind"]: "sparse"} if name != "kind" else {widget: value})
        except Refusal:
            continue
        k = KNOBS[name]
        if k.low is not None and k.high is not None:
            assert k.low <= got[name] <= k.high


def test_a_knob_that_is_hidden_has_no_say() -> None:
    given = {FORM.widgets["kind"]: "plain", FORM.widgets["penalty"]: "half typed", FORM.widgets["width"]: "32"}
    assert forms.values(FORM, given) == {"kind": Kind.PLAIN, "width": 32}


def test_dependences_chain() -> None:
    shown = lambda **now: [n for n in ("penalty", "warm", "images") if forms.is_shown(FORM, n, now)]  # noqa: E731
    assert shown(kind="plain", warm=True) == []
    assert shown(kind="sparse", warm=True) == ["penalty", "warm", "images"]
    assert shown(kind="sparse", warm=False) == ["penalty", "warm"]
    assert {n for n, w in FORM.widgets.items() if not w.visible} == {"penalty", "warm", "images"}


def test_ladders_climb_in_readable_steps_within_the_bounds() -> None:
    assert forms.ladder(KNOBS["width"]) == ["8", "16", "32", "64", "128", "256", "512"]
    assert forms.ladder(knobs(Options)["learning_rate"])[-5:] == ["0.05", "0.1", "0.2", "0.5", "1"]
    for form in (FORM, form_of(Options)):
        for k in form.knobs.values():
            assert not forms._has_ladder(k) or 5 <= len(forms.ladder(k)) <= 40


def components(form: Form) -> Iterator[tuple[str, Any]]:
    return iter(form.widgets.items())


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_widget_speaks_the_language_of_its_page(lang: str) -> None:
    form = form_of(Config, Options, lang=lang)
    for name, widget in components(form):
        k = form.knobs[name]
        assert widget.label == k.label[lang]
        assert widget.info.startswith(k.help[lang])
        assert (forms.LIVE[lang] in widget.info) == k.live
        if isinstance(widget, gr.Radio | gr.Dropdown) and issubclass(k.kind, Choice):
            assert [label for label, _ in widget.choices] == [m.words[lang] for m in k.kind]


def test_a_form_starts_with_the_values_given() -> None:
    form = form_of(Config, values={"depth": 5, "kind": "sparse"})
    assert form.widgets["depth"].value == 5
    assert form.widgets["penalty"].visible


def test_numbers_that_have_names_are_offered_by_them_and_others_are_taken():
    from aigc.pretrained.image.asked import Upscale
    from aigc.ui.text import picture as text

    offers = {"times": forms.Offer(text.TIMES_HELP, text.TIMES)}
    form = form_of(Upscale, offers=offers)
    times = form.widgets["times"]
    assert isinstance(times, gr.Dropdown) and times.value == 0
    own = [("the model's own", 0), ("2×", 2), ("4×", 4), ("8×", 8), ("16×", 16)]
    assert times.choices == own and times.info == text.TIMES_HELP.en
    assert form_of(Upscale, lang="zh", offers=offers).widgets["times"].choices[0] == ("模型自带的倍数", 0)
    assert forms.values(form, {times: 4}) == {"times": 4}
    assert forms.fill(form, {"times": 4})[times]["choices"] == own
    kept = forms.fill(form, {"times": 9})[times]  # asked for by a program, or by a form that offered it
    assert kept["value"] == 9 and kept["choices"] == sorted([*own, ("9", 9)], key=lambda choice: choice[1])
    assert read(Upscale, {"times": "9"}).times == 9

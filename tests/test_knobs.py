"""Knobs: every value from outside is read into its type, or refused in a sentence in both languages."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aigc.knobs import Choice, Switch, as_values, in_words, knob, knobs, read
from aigc.options import Options
from aigc.techniques import techniques
from aigc.words import Refusal, both

N = both("n", "数")


class Colour(Choice):
    RED = "red", both("red", "红")
    BLUE = "blue", both("blue", "蓝")


@dataclass(frozen=True)
class Example:
    count: int = knob(3, 1, 9, label=N, help=N)
    share: float = knob(0.5, 0.0, 1.0, label=N, help=N)
    on: bool = knob(False, label=N, help=N)
    colour: Colour = knob(Colour.RED, label=N, help=N)
    switch: Switch = knob(Switch.AUTO, label=N, help=N)


@given(st.integers(1, 9), st.floats(0, 1), st.booleans(), st.sampled_from(Colour), st.sampled_from(Switch))
def test_what_is_read_can_be_written_and_read_again(count: int, share: float, on: bool, colour: Colour, switch: Switch) -> None:
    config = Example(count, share, on, colour, switch)
    assert read(Example, as_values(config)) == config
    assert read(Example, {k: str(v) for k, v in as_values(config).items()}) == config


@pytest.mark.parametrize(
    ("value", "wanted"), [(True, "on"), ("True", "on"), ("1", "on"), (False, "off"), ("no", "off"), ("auto", "auto"), (Switch.ON, "on")]
)
def test_a_switch_takes_a_yes_and_a_no_too(value: Any, wanted: str) -> None:
    assert read(Example, {"switch": value}).switch is Switch(wanted)


NONSENSE = [math.nan, math.inf, -math.inf, None, [1], {}, "", "x", "1e999", 2**63, -1, 10, True, "NaN", 2.5, b"1"]


@pytest.mark.parametrize("value", NONSENSE, ids=repr)
def test_nonsense_is_refused_in_both_languages(value: Any) -> None:
    with pytest.raises(Refusal) as refusal:
        read(Example, {"count": value})
    assert refusal.value.words.en.endswith(".") and refusal.value.words.zh.endswith("。")


@pytest.mark.parametrize(
    ("name", "value"),
    [("on", 1), ("on", "maybe"), ("colour", ["red"]), ("colour", "red "), ("colour", None), ("switch", 1), ("switch", "maybe"), ("gone", 1)],
)
def test_wrong_kinds_and_unknown_names_are_refused(name: str, value: Any) -> None:
    with pytest.raises(Refusal):
        read(Example, {name: value})


@pytest.mark.parametrize(
    "config", [Options, *(c for i in techniques().values() for c in (i.Config, i.Sampling))], ids=lambda c: c.__module__ + c.__name__
)
def test_every_knob_of_the_project_says_what_it_does_in_both_languages(config: type) -> None:
    table = knobs(config)
    assert set(table) == {f.name for f in fields(config)}, "every field is a knob"
    for k in table.values():
        assert k.label.en and k.label.zh and k.help.en.endswith((".", "?")) and k.help.zh.endswith(("。", "？")), k.name
        assert any("\u4e00" <= c <= "\u9fff" for c in k.help.zh), k.name
        if k.when:
            other, values = k.when
            assert other in table and all(isinstance(v, table[other].kind) for v in values), k.name
    assert read(config, as_values(config())) == config()


def test_a_config_can_be_said_in_both_languages() -> None:
    @dataclass(frozen=True)
    class Asked:
        share: float = knob(0.5, 0.0, 1.0, label=both("Share", "比例"), help=both("x", "x"))
        keep: bool = knob(True, label=both("Keep", "保留"), help=both("x", "x"))
        colour: Colour = knob(Colour.BLUE, label=both("Colour", "颜色"), help=both("x", "x"))
        seed: int = knob(1234567890, label=both("Seed", "种子"), help=both("x", "x"))

    assert in_words(Asked(), "en") == ["Share 0.5", "Keep yes", "Colour blue", "Seed 1234567890"]
    assert in_words(Asked(keep=False), "zh", without=("share", "colour", "seed")) == ["保留 否"]

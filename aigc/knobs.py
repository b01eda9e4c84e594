"""A knob is declared once, on a dataclass field; the page, the command line, tests and cards all read it from there."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar, get_type_hints

from aigc.words import Lang, Refusal, Words, both

C = TypeVar("C")

NAME = re.compile(r"([a-z0-9][a-z0-9-]{0,62})?")


class Choice(StrEnum):
    """Base of the enumerations a knob can choose from; each member carries its words:  `A = "a", both("A", "甲")`."""

    words: Words

    def __new__(cls, value: str, words: Words):
        member = str.__new__(cls, value)
        member._value_ = value
        member.words = words
        return member


class Switch(Choice):
    """A yes or a no that can be left to the machine; `read_value` takes it as a bool too."""

    AUTO = "auto", both("automatic", "自动")
    ON = "on", both("on", "开")
    OFF = "off", both("off", "关")


class ModelName(str):
    """The type of a knob that names another model: its slug, or nothing."""


@dataclass(frozen=True)
class Knob:
    """What one knob is: filled from a dataclass field by `knobs()`."""

    name: str
    kind: type  # int, float, bool, ModelName, or a Choice subclass
    default: Any
    low: float | None
    high: float | None
    label: Words
    help: Words
    live: bool  # may be changed while training
    group: str  # key of GROUPS: which fold of the form it stands in
    log: bool  # a slider over it is logarithmic
    when: tuple[str, tuple[Any, ...]] | None  # shown only while the other knob has one of these values


# The folds of a form, in order; "first" is the few that matter and stands open.
GROUPS: dict[str, Words] = {
    "first": both("What matters most", "最要紧的几项"),
    "network": both("Network", "网络"),
    "objective": both("Objective", "目标函数"),
    "optimiser": both("Optimiser", "优化器"),
    "augmentation": both("Augmentation", "数据增强"),
    "sampling": both("How it is sampled", "如何采样"),
    "run": both("Run", "运行"),
}


def knob(
    default: Any,
    low: float | None = None,
    high: float | None = None,
    *,
    label: Words,
    help: Words,
    live: bool = False,
    group: str = "objective",
    log: bool = False,
    when: tuple[str, tuple[Any, ...]] | None = None,
) -> Any:
    """A dataclass field that is a knob; bounds are inclusive. Choices come from the field's type, a `Choice`."""
    if group not in GROUPS:
        raise ValueError(f"no group {group!r}; there are {', '.join(GROUPS)}")
    metadata = {"low": low, "high": high, "label": label, "help": help, "live": live, "group": group, "log": log, "when": when}
    return dataclasses.field(default=default, metadata=metadata)


def knobs(config: type) -> dict[str, Knob]:
    """The knobs of a config class, by name, in the order declared."""
    hints = get_type_hints(config)
    return {
        f.name: Knob(name=f.name, kind=hints[f.name], default=f.default, **f.metadata)
        for f in dataclasses.fields(config)  # type: ignore[arg-type]
        if "label" in f.metadata
    }


def read_value(k: Knob, value: Any) -> Any:
    """`value` (from a form, a shell or JSON) as this knob's type.  Raises Refusal, naming the knob and its bounds."""
    if k.kind is Switch and (is_on := _yes_or_no(value)) is not None:
        return Switch.ON if is_on else Switch.OFF
    if issubclass(k.kind, Choice):
        if isinstance(value, str) and value in [m.value for m in k.kind]:
            return k.kind(value)  # type: ignore[call-arg]
        allowed = ", ".join(m.value for m in k.kind)
        raise Refusal(both("{label} must be one of: {allowed}.", "“{label}”只能取：{allowed}。"), label=k.label, allowed=allowed)
    if k.kind is bool:
        if (is_on := _yes_or_no(value)) is not None:
            return is_on
        raise Refusal(both("{label} is a yes or a no.", "“{label}”只能是“是”或“否”。"), label=k.label)
    if k.kind is ModelName:
        return _read_name(k, value)
    return _read_number(k, value)


def _yes_or_no(value: Any) -> bool | None:
    """None: neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "yes", "on", "1", "false", "no", "off", "0"):
        return value.lower() in ("true", "yes", "on", "1")
    return None


def _read_name(k: Knob, value: Any) -> ModelName:
    name = "" if value is None else value
    if not isinstance(name, str) or not NAME.fullmatch(name.strip()):
        raise Refusal(both("{label} must be the name of a model, or nothing.", "“{label}”必须是一个模型的名称，或留空。"), label=k.label)
    return ModelName(name.strip())


def _read_number(k: Knob, value: Any) -> int | float:
    number: float | None
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        number = None
    if number is None or not math.isfinite(number):
        raise Refusal(both("{label} must be a number.", "“{label}”必须是一个数。"), label=k.label)
    if k.kind is int and number != int(number):
        raise Refusal(both("{label} must be a whole number.", "“{label}”必须是整数。"), label=k.label)
    if (k.low is not None and number < k.low) or (k.high is not None and number > k.high):
        raise Refusal(
            both("{label} must lie between {low} and {high}.", "“{label}”必须在 {low} 到 {high} 之间。"),
            label=k.label,
            low=f"{k.low:,.10g}" if k.low is not None else "-∞",
            high=f"{k.high:,.10g}" if k.high is not None else "∞",
        )
    return int(number) if k.kind is int else number


def read(config: type[C], values: Mapping[str, Any]) -> C:
    """A config from untrusted values; what is missing keeps its default.  Raises Refusal on the first bad or unknown one."""
    known = knobs(config)
    for name in values:
        if name not in known:
            raise Refusal(both("There is no knob called {name}.", "没有名为 {name} 的选项。"), name=repr(str(name))[:60])
    return config(**{name: read_value(known[name], value) for name, value in values.items()})


def as_values(config: Any) -> dict[str, Any]:
    """The plain JSON values of a config instance: what `read` takes back."""
    return {name: v.value if isinstance(v := getattr(config, name), Choice) else v for name in knobs(type(config))}


YES, NO = both("yes", "是"), both("no", "否")


def in_words(config: Any, lang: Lang, without: tuple[str, ...] = ()) -> list[str]:
    """Every knob of a config with its value, for people."""
    return [f"{k.label[lang]} {said(getattr(config, name), lang)}" for name, k in knobs(type(config)).items() if name not in without]


def said(value: Any, lang: Lang) -> str:
    """A knob's value, for people."""
    if isinstance(value, bool):
        return (YES if value else NO)[lang]
    if isinstance(value, Choice):
        return value.words[lang]
    return f"{value:g}" if isinstance(value, float) else str(value)  # a seed is told to its last digit

"""`--set knob=value`, many times."""

from __future__ import annotations

from aigc.words import Refusal, both


def assignments(typed: list[str]) -> dict[str, str]:
    """["a=1", "b=x=y"] -> {"a": "1", "b": "x=y"}.  Raises Refusal."""
    values = {}
    for text in typed:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Refusal(both("--set wants knob=value, not {t}.", "--set 的写法是 选项=值，而不是 {t}。"), t=repr(text)[:80])
        values[name.strip().replace("-", "_")] = value.strip()
    return values

"""`python -m aigc knobs TECHNIQUE`: what --set can set."""

from __future__ import annotations

import argparse
from typing import Any

from aigc.cli.out import OK, Out
from aigc.knobs import Choice, Knob, ModelName, knobs
from aigc.options import Options
from aigc.techniques import technique


def act(args: argparse.Namespace, out: Out) -> int:
    info = technique(args.technique)
    found = {**knobs(info.Config), **knobs(Options)}
    lines = [f"{k.name}={getattr(k.default, 'value', k.default)}  [{_range(k)}]\n    {k.help[out.lang]}" for k in found.values()]
    out.result({"technique": info.slug, "knobs": {name: _described(k) for name, k in found.items()}}, lines)
    return OK


def _described(k: Knob) -> dict[str, Any]:
    return {"default": getattr(k.default, "value", k.default), "range": _range(k), "live": k.live, "help": k.help}


def _range(k: Knob) -> str:
    if issubclass(k.kind, Choice):
        return " | ".join(m.value for m in k.kind)
    if k.kind is bool:
        return "true | false"
    if k.kind is ModelName:
        return "name of a model"
    return f"{'' if k.low is None else f'{k.low:g}'} … {'' if k.high is None else f'{k.high:g}'}"

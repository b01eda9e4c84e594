"""`python -m aigc data`: which datasets there are, and fetching one."""

from __future__ import annotations

import argparse
from typing import Any

from aigc.cli.out import OK, Out, columns
from aigc.data import DataSpec, availability, spec, specs
from aigc.words import Refusal, both

WHICH = both("Which dataset? For example: python -m aigc data mnist --download", "哪个数据集？例如：python -m aigc data mnist --download")


def act(args: argparse.Namespace, out: Out) -> int:
    if args.download:
        if not args.name:
            raise Refusal(WHICH)
        fetch(args.name, out)
    found = [described(s) for s in ([spec(args.name)] if args.name else specs().values())]
    head = tuple(w[out.lang] for w in (both("data", "数据"), both("shape", "形状"), both("examples", "样本数"), both("classes", "类别数"),
                                        both("licence", "许可"), both("where", "所在")))  # fmt: skip
    rows = [
        (f["name"], "×".join(map(str, f["shape"])), f"{f['count']:,}", str(len(f["classes"])), f["licence"][:24], f["where"][out.lang]) for f in found
    ]
    out.result({**found[0]} if args.name else {"datasets": found}, columns([head, *rows]))
    return OK


def described(s: DataSpec) -> dict[str, Any]:
    from aigc.registry.card import spec_as_json

    there = availability(s.name)
    return {**spec_as_json(s), "here": there.here, "download_bytes": there.download_bytes, "where": there.words.as_json()}


def fetch(name: str, out: Out) -> None:
    from aigc.data.load import load

    def heard(done: int, total: int) -> None:
        out.progress(f"{name}: {done / 1e6:,.1f} / {total / 1e6:,.1f} MB")

    load(name, progress=heard)

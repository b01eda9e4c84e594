"""`python -m aigc evaluate SLUG`: what a model's samples are worth, in figures; progress on standard error, a sentence a line."""

from __future__ import annotations

import argparse
import sys

from aigc import registry
from aigc.cli.out import OK, Out, columns
from aigc.cli.values import assignments
from aigc.data import spec
from aigc.evaluate import PARTS, Figure, Report, Series
from aigc.evaluate.text import floor_in_words
from aigc.words import Lang, both

CARRIED = both("Carried over from the evaluation of {when}, seed {seed}: {part}.", "沿用 {when} 的评估结果（种子 {seed}）：{part}。")


def act(args: argparse.Namespace, out: Out) -> int:
    entry = registry.entry(args.slug)
    data = spec(args.data or entry.card.data)
    from aigc.evaluate.run import evaluate

    parts = tuple(p.strip() for p in args.parts.split(",") if p.strip()) if args.parts else None
    report: Report | None = None
    for told in evaluate(args.slug, data.name, args.n, args.seed, parts, args.device, assignments(args.set)):
        if isinstance(told, Report):
            report = told
        else:
            print(told[out.lang], file=sys.stderr, flush=True)
    assert report is not None, "an evaluation ends with its report"
    out.result(
        report.as_json(), [*table(report, out.lang), *carried(report, out.lang), *series(report, out.lang), *(w[out.lang] for w in report.notes)]
    )
    return OK


def table(report: Report, lang: Lang) -> list[str]:
    """The figures of a report, aligned for a shell."""
    head = tuple(w[lang] for w in (both("figure", "指标"), both("value", "数值"), both("± ", "± "), both("real", "真实"), both("n", "n")))
    return columns([head, *(_row(f, lang) for f in report.figures)])


def _row(f: Figure, lang: Lang) -> tuple[str, ...]:
    unit = f" {f.unit}" if f.unit else ""
    floor = "" if f.floor is None else floor_in_words(f, _number(f.floor))[lang]
    return (f.label[lang], f"{f.value:.4g}{unit}", _number(f.error), floor, f"{f.n:,}")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def carried(report: Report, lang: Lang) -> list[str]:
    """Which of the figures are not of this evaluation."""
    return [CARRIED.fill(part=PARTS[part], when=o.created, seed=o.seed)[lang] for part, o in report.carried.items() if part in PARTS]


def series(report: Report, lang: Lang) -> list[str]:
    return [line for s in report.series.values() for line in ("", *_lines(s, lang))]


def _lines(s: Series, lang: Lang) -> list[str]:
    """A series as a table: x down, a line a column."""
    places = sorted({x for line in s.lines.values() for x, _, _ in line})
    values = {name: {x: y for x, y, _ in line} for name, line in s.lines.items()}
    head = (s.x[lang], *(s.labels[name][lang] for name in s.lines))
    rows = [(f"{x:g}", *(_number(values[name].get(x)) for name in s.lines)) for x in places]
    return [f"{s.title[lang]} ({s.y[lang]})", *columns([head, *rows])]

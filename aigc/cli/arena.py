"""`python -m aigc arena gan vae diffusion --seconds 30`: the same data and budget for each, one after another, and one table."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aigc import data, outputs
from aigc.cli.out import ABORTED, FAILED, INTERRUPTED, OK, Out, columns
from aigc.cli.runs import state_words
from aigc.cli.train import abort, held
from aigc.cli.values import pairs, target
from aigc.evaluate import measured_terms
from aigc.jobs import arena as arenas
from aigc.jobs import standings
from aigc.jobs.arena import Arena, Cell
from aigc.jobs.arena_here import hold
from aigc.jobs.runs import Run
from aigc.jobs.states import State
from aigc.techniques import techniques
from aigc.words import Lang, Refusal, Words, both

WHAT = both("Name one technique to sweep, or several to compare.", "扫描请只写一种技术，比较请写几种技术。")
TRAINING = both("{n} of {all}: {images:,} images, {seconds:.0f} s", "第 {n} / {all} 个：{images:,} 张，{seconds:.0f} 秒")
OVER = both("{n} of {all}: {what}, {state}", "第 {n} / {all} 个：{what}，{state}")
NOT_RUN = both("not started", "未开始")
SEE = both("On the page: ?tab=arena&arena={id}", "网页上：?tab=arena&arena={id}")
HEADS = {
    "run": both("run", "训练"), "state": both("state", "状态"), "seconds": both("time", "用时"), "images": both("images", "图像数"),
    "rate": both("images/s", "张/秒"), "memory": both("memory", "内存"), "parameters": both("weights", "权重数"),
    "flops": both("FLOP/image", "FLOP/张"), "energy": both("energy (est.)", "能耗（估计）"), "model": both("model", "模型"),
}  # fmt: skip


def act(args: argparse.Namespace, out: Out) -> int:
    to = target(args.out, ".csv") if args.out else None
    draft = asked(args)
    if not data.availability(draft.data).here:
        from aigc.cli.data import fetch

        fetch(draft.data, out)
    teller, aborted = _Teller(out, draft), False
    try:
        for arena, run in hold(draft, name=args.name or "", device=args.device, waiting=teller.waits, heard=teller.hears, kept=teller.keeps):
            teller.ends(arena, run)
    except KeyboardInterrupt:
        if not teller.arena.id:
            raise
        aborted = True
        abort(held(), out)
    _tell(teller.arena, to, out)
    return ABORTED if aborted else _code(teller.arena)


def _tell(arena: Arena, to: Path | None, out: Out) -> None:
    """The table, shown before it is written, so that a full disk takes nothing away."""
    rows = [row(cell) for cell in arena.cells]
    whole = [standings.WHOLE_PROCESS[out.lang]] if any(r["device"] == "cpu" for r in rows) else []
    below = [*whole, standings.ASSUMED[out.lang], SEE.fill(id=arena.id)[out.lang]]
    out.result(standings.about(arena) | {"runs": rows}, [*table(arena, rows, out.lang), "", *below])
    if to:
        plain = [{k: v for k, v in r.items() if k != "measured"} for r in rows]
        outputs.table(*standings.as_table(plain), "arena.csv", to)


def _code(arena: Arena) -> int:
    done = {run.state if (run := arenas.run_of(cell)) else None for cell in arena.cells}
    return OK if done == {State.FINISHED} else INTERRUPTED if done & {None, State.INTERRUPTED, State.STOPPED} else FAILED


def asked(args: argparse.Namespace) -> Arena:
    """What was typed, read.  Raises Refusal."""
    named = [name for typed in args.techniques for name in typed.split(",") if name]
    preset, images = args.preset or "quick", args.images or 0
    if not args.sweep:
        return arenas.contest(args.data, args.seconds, named or list(techniques()), preset, images)
    if len(named) != 1:
        raise Refusal(WHAT)
    return arenas.sweep(args.data, args.seconds, named[0], pairs(args.sweep, "--sweep"), preset, images)


class _Teller:
    def __init__(self, out: Out, draft: Arena):
        self.out, self.arena, self.all, self.over = out, draft, len(draft.cells), 0

    def keeps(self, arena: Arena) -> None:
        self.arena = arena

    def ends(self, arena: Arena, run: Run | None) -> None:
        cell = arena.cells[self.over]
        self.over += 1
        state = state_words(run.state) if run else cell.refused or NOT_RUN
        self.out.say(OVER, n=self.over, all=self.all, what=label(arena, cell), state=state)
        if run and run.state is State.FAILED and (reason := run.record["reason"]):
            self.out.say(both(**reason))

    def waits(self, place: int) -> None:
        self.out.say(both("Waiting for its turn, number {n} in the line.", "正在排队，第 {n} 位。"), n=place)

    def hears(self, line: dict[str, Any]) -> None:
        if line["kind"] == "step":
            self.out.progress(TRAINING.fill(n=self.over + 1, all=self.all, images=line["images"], seconds=line["seconds"])[self.out.lang])


def label(arena: Arena, cell: Cell) -> Words:
    """What tells a run from the others of its arena."""
    info = techniques()[cell.technique]
    if not arena.axes:
        return info.title
    said = ", ".join(f"{axis.knob} {cell.values[axis.knob]}" for axis in arena.axes)
    return Words(said, said)


def row(cell: Cell) -> dict[str, Any]:
    """A run as plain numbers, with the curves of what was measured on the way."""
    from aigc.jobs.costs import count

    record = standings.record_of(cell)
    cost = count(cell.technique, record["request"]["config"], record["spec"]) if record else None
    told = standings.told_by(arenas.run_of(cell))
    return standings.numbers(cell, record, told, cost) | {"measured": told.measured}


def table(arena: Arena, rows: Sequence[dict[str, Any]], lang: Lang) -> list[str]:
    terms = measured_terms(data.spec(arena.data))
    figures = list(dict.fromkeys(key for r in rows for key in r["measured"]))
    told = {key: terms[key].label[lang] if key in terms else key for key in figures}
    heads = {"run": HEADS["run"][lang]} | told | {k: w[lang] for k, w in HEADS.items()}
    lines = [_line(label(arena, cell)[lang], r, lang) for cell, r in zip(arena.cells, rows, strict=True)]
    return columns([tuple(heads.values()), *(tuple(line.get(key, "") for key in heads) for line in lines)])


def _line(said: str, r: dict[str, Any], lang: Lang) -> dict[str, str]:
    shown = {
        "run": said, "state": (state_words(r["state"]) if r["state"] else NOT_RUN)[lang], "seconds": f"{r['seconds']:.0f} s",
        "images": f"{r['images']:,}", "rate": f"{r['rate']:,.0f}", "memory": f"{r['memory'] / 2**20:,.0f} MB",
        "parameters": f"{r['parameters']:,}" if r["parameters"] else "", "flops": f"{r['flops']:.3g}" if r["flops"] else "",
        "energy": f"{r['energy']:.3g} Wh", "model": r["model"] or "",
    }  # fmt: skip
    return shown | {key: f"{r[key]:.4g}" for key in r["measured"] if r.get(key) is not None}

"""`python -m aigc train`: a training in this process, in the same line as those of the page.

Ctrl-C stops it and keeps what it learnt, as a model; a second one aborts.  SIGTERM writes a checkpoint to be resumed from.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
from typing import Any

from aigc import registry
from aigc.cli.out import ABORTED, FAILED, INTERRUPTED, OK, Out
from aigc.cli.runs import described, find, state_words
from aigc.cli.values import assignments
from aigc.commands import Command, Do
from aigc.data import availability
from aigc.jobs.foreground import resume_here, train_here
from aigc.jobs.processes import Holder
from aigc.jobs.request import Request, checked
from aigc.jobs.runs import Run, State, runs
from aigc.knobs import knobs
from aigc.techniques import technique
from aigc.words import Refusal, both

STOPPING = both("Stopping, and keeping what was learnt; Ctrl-C again aborts.", "正在停止并保留学到的内容；再按一次 Ctrl-C 则中止。")
CUT_OFF = both("Aborted; its last checkpoint is kept. Go on with: python -m aigc train --resume {id}",
               "已中止；最后一个检查点保留着。继续训练：python -m aigc train --resume {id}")  # fmt: skip
AS_IT_WAS = both("A resumed run goes on as it was begun: beside --resume only --seconds or --images may stand, for so much more.",
                 "继续的训练沿用原来的设置：--resume 只能与 --seconds 或 --images 同用，表示再训练这么多。")  # fmt: skip
PROGRESS = both("{images} images · {rate:,.0f} a second · {seconds:.0f} s · {terms}",
                "{images} 张 · 每秒 {rate:,.0f} 张 · {seconds:.0f} 秒 · {terms}")  # fmt: skip
CODES = {State.FINISHED: OK, State.STOPPED: OK, State.INTERRUPTED: INTERRUPTED}


def act(args: argparse.Namespace, out: Out) -> int:
    teller = _Teller(out)
    try:
        if args.resume:
            _only_resume(args)
            more = {"seconds": args.seconds or 0, "images": args.images or 0}
            run = resume_here(find(args.resume).id, **more, waiting=teller.waits, heard=teller.hears)
        else:
            request, _ = checked(asked(args))
            _fetch(request.data, out)
            run = train_here(request, waiting=teller.waits, heard=teller.hears)
    except KeyboardInterrupt:
        return _aborted(held(), out)
    return _told(run, out)


def asked(args: argparse.Namespace) -> Request:
    """What was typed, unchecked.  Raises Refusal."""
    if not args.technique:
        raise Refusal(both("Which technique? For example: python -m aigc train vae", "用哪种技术？例如：python -m aigc train vae"))
    typed: dict[str, Any] = assignments(args.set)
    if args.seed is not None:
        typed.setdefault("seed", args.seed)
    for budget, other in (("images", "seconds"), ("seconds", "images")):
        if getattr(args, budget) is not None:  # either budget alone: the preset's other one does not cut it short
            typed = {budget: getattr(args, budget), other: 0, **typed}
    if args.name and (not registry.SLUG.match(args.name) or registry.taken(args.name)):
        raise Refusal(both("{s} is taken, or no name for a model; {free} is free.", "{s} 已被占用，或不能作模型名；{free} 可用。"),
                      s=args.name[:80], free=registry.free_slug(args.name))  # fmt: skip
    mine = knobs(technique(args.technique).Config)
    config = {k: v for k, v in typed.items() if k in mine}
    options = {k: v for k, v in typed.items() if k not in mine}
    return Request(
        args.technique, args.data or "digits", config, options, name=args.name or "", preset=args.preset or "quick", device=args.device or "auto"
    )  # fmt: skip


class _Teller:
    """Tells the shell what a training says, and from its first word on takes Ctrl-C to mean "stop and keep"."""

    def __init__(self, out: Out):
        self.out = out
        self.run: Run | None = None

    def waits(self, place: int) -> None:
        self.out.say(both("Waiting for its turn, number {n} in the line.", "正在排队，第 {n} 位。"), n=place)

    def hears(self, line: dict[str, Any]) -> None:
        if self.run is None and (run := held()):
            self.run = run
            with contextlib.suppress(ValueError):  # only the main thread hears of signals
                signal.signal(signal.SIGINT, self._stop)
            self.out.say(both("Run {id}", "训练 {id}"), id=run.id)
        if line["kind"] == "step":
            self.out.progress(_progress(line, self.out.lang))
        elif line["kind"] == "said":
            self.out.say(both(line["words"]["en"], line["words"]["zh"]))

    def _stop(self, *_: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if self.run:
            self.run.send(Command(Do.STOP))
        self.out.say(STOPPING)


def held() -> Run | None:
    """The run that this process works on."""
    me = Holder.me().as_json()
    return next((run for run in runs() if run.record.get("holder") == me), None)


def _only_resume(args: argparse.Namespace) -> None:
    if any((args.technique, args.set, args.name, args.preset, args.data, args.device, args.seed is not None)):
        raise Refusal(AS_IT_WAS)


def _fetch(data: str, out: Out) -> None:
    """Before the run begins, so that a download is not taken for training."""
    if not availability(data).here:
        from aigc.cli.data import fetch

        fetch(data, out)


def _progress(line: dict[str, Any], lang: str) -> str:
    terms = "  ".join(f"{name} {value:.4g}" for name, value in line["terms"].items() if name.endswith("loss"))
    return PROGRESS.fill(images=f"{line['images']:,}", rate=line["images_per_second"], seconds=line["seconds"], terms=terms)[lang]


def _told(run: Run, out: Out) -> int:
    values = described(run)
    state = run.state
    if values["reason"] and state not in (State.FINISHED, State.STOPPED):
        out.say(both(**values["reason"]))
    made = both("Model: {m}", "模型：{m}").fill(m=values["model"])[out.lang] if values["model"] else ""
    out.result(values, [f"{run.id}  {state_words(state)[out.lang]}", *filter(None, [made])])
    return INTERRUPTED if state is State.STOPPED and not values["model"] else CODES.get(state, FAILED)  # stopped before it learnt anything


def _aborted(run: Run | None, out: Out) -> int:
    if run is None:
        raise KeyboardInterrupt
    abort(run, out)
    out.result(described(run), [])
    return ABORTED


def abort(run: Run | None, out: Out) -> None:
    """Say that the run at work, if there is one, was cut off, there and here."""
    if run and run.move(State.INTERRUPTED, CUT_OFF.fill(id=run.id)):
        out.say(CUT_OFF, id=run.id)

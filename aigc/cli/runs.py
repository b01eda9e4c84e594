"""`python -m aigc runs`: what was and is being trained."""

from __future__ import annotations

import argparse
import time
from typing import Any

from aigc.cli.out import OK, Out, columns, system_says
from aigc.jobs import lock
from aigc.jobs.foreground import open_store
from aigc.jobs.processes import Holder
from aigc.jobs.runs import RUN_ID, Run, State, runs
from aigc.registry import made_by
from aigc.words import Refusal, Words, both


def act(args: argparse.Namespace, out: Out) -> int:
    try:
        open_store()  # what became of those whose process is gone
    except (Refusal, OSError) as error:  # a full disk: what is there can still be looked at, and deleted
        out.say(error.words if isinstance(error, Refusal) else system_says(error))
    if not args.action:
        return _list(args.n, out)
    run = find(args.run)
    if args.action == "show":
        out.result(described(run), [f"{k}: {v}" for k, v in described(run).items()])
    elif args.action == "script":
        from aigc.outputs import script
        from aigc.registry import card_of_run

        text = script(card_of_run(run.record), out.lang)
        out.result({"script": text}, [text])
    else:
        _delete(run)
        out.result({"deleted": run.id}, [run.id])
    return OK


def _delete(run: Run) -> None:
    """Raises Refusal while somebody works on it."""
    holder = Holder.from_json(run.record.get("holder"))
    if run.state.live and holder and not holder.alive() and not lock.serving():  # what became of it could not be written down
        run.discard()
    else:
        run.delete()


def find(beginning: str) -> Run:
    """The run whose id begins like this.  Raises Refusal if there is none, or more than one."""
    if RUN_ID.fullmatch(beginning):
        return Run.open(beginning).ours()
    found = [run for run in runs() if run.id.startswith(beginning.lower())] if len(beginning) >= 4 else []
    if len(found) == 1:
        return found[0]
    if found:
        raise Refusal(both("Several runs begin with {b}; give more of the id.", "有多次训练的编号以 {b} 开头；请多写几位。"), b=beginning[:40])
    raise Refusal(both("No run begins with {b}; see: python -m aigc runs", "没有编号以 {b} 开头的训练；参见 python -m aigc runs"), b=beginning[:40])


def described(run: Run) -> dict[str, Any]:
    """A run as the shell sees it: everything but whose it is."""
    record = run.record
    asked = {k: v for k, v in record["request"].items() if k != "owner"}
    kept = ("id", "state", "reason", "created", "started", "ended", "device", "images", "steps", "seconds", "code_version")
    made = made_by(run.id, record.get("model"))
    return {**{k: record.get(k) for k in kept}, "model": made.slug if made else None, **asked}


def state_words(state: str) -> Words:
    return State(state).words  # type: ignore[call-arg]  # a Choice member by its value


def _list(most: int | None, out: Out) -> int:
    found = [described(run) for run in runs()[:most]]
    head = tuple(w[out.lang] for w in (both("run", "训练"), both("state", "状态"), both("technique", "技术"), both("data", "数据"),
                                        both("images", "图像"), both("begun", "开始"), both("model", "模型")))  # fmt: skip
    rows = [
        (
            r["id"][:8],
            state_words(r["state"])[out.lang],
            r["technique"],
            r["data"],
            f"{r['images']:,}",
            time.strftime("%Y-%m-%d %H:%M", time.localtime(r["created"])),
            r["model"] or "",
        )
        for r in found
    ]
    nothing = both("Nothing was trained yet; try: python -m aigc train vae", "还没有训练过；试试 python -m aigc train vae")
    out.result({"runs": found}, columns([head, *rows]) if rows else [nothing[out.lang]])
    return OK

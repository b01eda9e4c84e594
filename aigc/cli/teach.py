"""`python -m aigc teach LESSON`: make one of the pretrained models that come along anew."""

from __future__ import annotations

import argparse
from pathlib import Path

from aigc.cli.out import OK, Out
from aigc.cli.values import folder_to
from aigc.pretrained import taught_folder
from aigc.pretrained.teach import LESSONS, NO_LESSON, make
from aigc.words import Refusal, Words, both

DONE = both("Taught; kept in {where}.", "训练完成；保存在 {where}。")


def act(args: argparse.Namespace, out: Out) -> int:
    if not args.lesson:
        out.result({"lessons": {name: words.as_json() for name, words in LESSONS.items()}}, [f"{name}: {w[out.lang]}" for name, w in LESSONS.items()])
        return OK
    if args.lesson not in LESSONS:
        raise Refusal(NO_LESSON, name=args.lesson[:80], known=", ".join(LESSONS))
    to = folder_to(Path(args.to) if args.to else taught_folder() / args.lesson)
    for told in make(args.lesson, to, args.seed, args.budget, args.device):
        if isinstance(told, Words):
            out.progress(told[out.lang])
        else:
            facts = told
    out.result({**facts, "folder": str(to)}, [DONE.fill(where=to)[out.lang]])
    return OK

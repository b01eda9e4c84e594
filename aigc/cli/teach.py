"""`python -m aigc teach LESSON`: make one of the pretrained models that come along anew."""

from __future__ import annotations

import argparse
from pathlib import Path

from aigc.cli.out import Out
from aigc.pretrained import taught_folder
from aigc.pretrained.teach import LESSONS, make
from aigc.words import Words, both

DONE = both("Taught; kept in {where}.", "训练完成；保存在 {where}。")


def act(args: argparse.Namespace, out: Out) -> int:
    if not args.lesson:
        out.result({"lessons": {name: words.as_json() for name, words in LESSONS.items()}}, [f"{name}: {w[out.lang]}" for name, w in LESSONS.items()])
        return 0
    to = Path(args.to) if args.to else taught_folder() / args.lesson
    for told in make(args.lesson, to, args.seed, args.budget, args.device):
        if isinstance(told, Words):
            out.progress(told[out.lang])
        else:
            facts = told
    out.result({**facts, "folder": str(to)}, [DONE.fill(where=to)[out.lang]])
    return 0

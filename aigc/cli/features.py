"""`python -m aigc features DATA`: teach the network that evaluation sees with."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from aigc.cli.out import OK, Out
from aigc.cli.values import folder_to
from aigc.data import spec
from aigc.words import Words, both

DONE = both("{p:.2f} % of {n} test pictures are named right; kept in {where}", "{n} 张测试图像中 {p:.2f}% 识别正确；保存在 {where}")
FOUND = both("{p:.2f} % of {n} changed test pictures are found again; kept in {where}", "{n} 张改动过的测试图像中 {p:.2f}% 被认出；保存在 {where}")
STAYS = both("Evaluation goes on seeing with the network in {folder}, so that its figures can be compared.",
             "评估仍使用 {folder} 中的网络，这样指标才能互相比较。")  # fmt: skip


def act(args: argparse.Namespace, out: Out) -> int:
    spec(args.data)  # refuse before anything heavy
    from aigc.data.load import load
    from aigc.evaluate.feature_card import folder_of, local_folder
    from aigc.evaluate.features import make
    from aigc.train import best_device

    data = load(args.data)
    where = folder_to(Path(args.to) if args.to else local_folder() / args.data)
    for told in make(data, where, args.images, args.seed, best_device(args.device)):
        if isinstance(told, Words):
            out.progress(told[out.lang])
        else:
            card = told
    used = folder_of(args.data)
    if used and used.resolve() != where.resolve():
        out.say(STAYS, folder=used)
    line = (DONE if card.spec["classes"] else FOUND).fill(p=100 * card.accuracy, n=f"{card.tested:,}", where=where)
    out.result({**dataclasses.asdict(card), "folder": str(where), "used": str(used) if used else None}, [line[out.lang]])
    return OK

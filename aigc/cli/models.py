"""`python -m aigc models`: the registry."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from aigc import registry
from aigc.cli.out import FAILED, OK, Out, columns
from aigc.registry import Entry
from aigc.words import Refusal, both

NO_TOKEN = both("Nobody is here to type a token: put it into HF_TOKEN.", "这里没有人能输入令牌：请放入 HF_TOKEN。")


def act(args: argparse.Namespace, out: Out) -> int:
    return {None: _list, "show": _show, "verify": _verify, "script": _script, "push": _push}.get(args.action, _change)(args, out)


def described(entry: Entry) -> dict[str, Any]:
    """A model as the shell sees it: its card without whose it is, and where its files are."""
    card = {k: v for k, v in entry.card.as_json().items() if k != "owner"}
    return {**card, "shipped": entry.shipped, "bytes": entry.bytes, "folder": str(entry.folder)}


def _list(args: argparse.Namespace, out: Out) -> int:
    found = registry.entries()[: args.n]
    head = tuple(w[out.lang] for w in (both("model", "模型"), both("technique", "技术"), both("data", "数据"), both("images", "图像"),
                                        both("seconds", "秒"), both("made", "生成于")))  # fmt: skip
    shipped = both("shipped", "随附")[out.lang]
    rows = [
        (e.slug, e.card.technique, e.card.data, f"{e.card.images:,}", f"{e.card.seconds:.0f}", shipped if e.shipped else e.card.created[:16])
        for e in found
    ]
    nothing = both("There is no model yet; try: python -m aigc train vae", "还没有模型；试试 python -m aigc train vae")
    out.result({"models": [described(e) for e in found]}, columns([head, *rows]) if rows else [nothing[out.lang]])
    for name, why in registry.broken().items():
        out.say(both("{n}: {why}", "{n}：{why}"), n=name, why=why)
    return OK


def _show(args: argparse.Namespace, out: Out) -> int:
    entry = registry.entry(args.slug)
    values = {**described(entry), "lineage": registry.lineage(args.slug)}
    out.result(values, [f"{k}: {v}" for k, v in values.items()])
    return OK


def _verify(args: argparse.Namespace, out: Out) -> int:
    problems = registry.verify(args.slug)
    good = both("Every file is as it was saved, and the model loads.", "所有文件与保存时一致，模型可以加载。")
    out.result({"model": args.slug, "problems": [p[out.lang] for p in problems]}, [p[out.lang] for p in problems] or [good[out.lang]])
    return FAILED if problems else OK


def _script(args: argparse.Namespace, out: Out) -> int:
    from aigc.outputs import script

    text = script(registry.entry(args.slug).card, out.lang)
    out.result({"script": text}, [text])
    return OK


def _push(args: argparse.Namespace, out: Out) -> int:
    from getpass import getpass

    registry.entry(args.slug)  # refuse before a token is asked for
    try:
        token = os.environ.get("HF_TOKEN") or getpass(both("Token (not shown, not stored): ", "令牌（不显示、不保存）：")[out.lang])
    except EOFError:
        raise Refusal(NO_TOKEN) from None
    address = registry.push_to_hub(args.slug, args.repo, token, private=not args.public)
    out.result({"model": args.slug, "address": address}, [address])
    return OK


def _change(args: argparse.Namespace, out: Out) -> int:
    if args.action == "rename":
        slug = registry.rename(args.slug, args.new).slug
    elif args.action == "import":
        slug = registry.import_(Path(args.source)).slug
    elif args.action == "export":
        path = registry.export(args.slug, Path(args.to))
        out.result({"model": args.slug, "path": str(path)}, [str(path)])
        return OK
    else:
        slug = args.slug
        registry.delete(slug)
    out.result({args.action: slug}, [slug])
    return OK

"""`python -m aigc bench`: our loop beside the usual ones, as ratios of one run."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from aigc.cli.out import OK, Out, columns
from aigc.cli.values import target
from aigc.words import Refusal, both

ABOUT = both("{date}; {processor}, {cores} cores, {threads} threads, load {load}; torch {torch}",
             "{date}；{processor}，{cores} 核，{threads} 线程，负载 {load}；torch {torch}")  # fmt: skip
SAMPLED = both("{samples} samples of {model}: {seconds:.2f} s", "{model} 的 {samples} 个样本：{seconds:.2f} 秒")
UNKNOWN = both("There is no workload {n}; choose from {all}.", "没有名为 {n} 的项目；可选：{all}。")


def act(args: argparse.Namespace, out: Out) -> int:
    if args.out:
        target(args.out, ".json")
    if args.diffusion_race:
        return _race(args, out)
    if not 0.1 <= args.seconds <= 600 or not 1 <= args.rounds <= 100:
        raise Refusal(both("A turn lasts between 0.1 and 600 seconds, and there are 1 to 100 rounds.", "每轮 0.1 到 600 秒，共 1 到 100 轮。"))

    import torch

    from aigc.bench import measure
    from aigc.bench.sampling import sampling
    from aigc.bench.workloads import WORKLOADS
    from aigc.train import best_device

    device = best_device(args.device)
    names = [n.strip() for n in args.only.split(",")] if args.only else list(WORKLOADS)
    if strange := [n for n in names if n not in WORKLOADS]:
        raise Refusal(UNKNOWN, n=strange[0][:40], all=", ".join(WORKLOADS))
    if args.threads:
        torch.set_num_threads(args.threads)
    made: dict[str, Any] = {"machine": measure.machine(device), "seconds": args.seconds, "rounds": args.rounds, "results": [], "kernel_share": {}}
    for name in names:
        results, share = measure.race(name, args.seconds, args.rounds, lambda name, i: out.progress(f"{name} {i}/{args.rounds}"), device)
        made["results"] += [r.as_json() for r in results]
        made["kernel_share"][name] = share
    made["sampling"] = sampling(device)
    return _told(made, _table(made, out), args, out)


def _race(args: argparse.Namespace, out: Out) -> int:
    marks = [_seconds(mark) for mark in args.diffusion_race.split(",")]
    import torch

    from aigc.bench import measure
    from aigc.bench.diffusion_race import Ours, Theirs, check_peer, race
    from aigc.data.load import load

    if args.threads:
        torch.set_num_threads(args.threads)
    made: dict[str, Any] = {"machine": measure.machine(), "race": [], "notes": []}
    try:
        check_peer()
        runners: list[Any] = [Ours, Theirs]
    except Refusal as refusal:
        runners = [Ours]
        made["notes"].append(refusal.words.as_json())
    for reached in race(load("mnist"), marks, runners=runners, told=lambda name, share: out.progress(f"{name} {share:.0%}")):
        made["race"].append(reached.as_json())
    head = tuple(
        w[out.lang] for w in (both("trainer", "训练器"), both("seconds", "秒"), both("images", "图像数"), both("FID, MNIST CNN", "FID，MNIST CNN"))
    )
    rows = [(r["contender"], f"{r['seconds']:.0f}", f"{r['images']:,}", f"{r['fid']:.2f}") for r in made["race"]]
    about = [ABOUT.fill(**made["machine"])[out.lang], *(note[out.lang] for note in made["notes"])]
    return _told(made, [*columns([head, *rows]), "", *about], args, out)


def _told(made: dict[str, Any], lines: list[str], args: argparse.Namespace, out: Out) -> int:
    """Shown before it is written, so that a full disk takes no figures away."""
    out.result(made, lines)
    if args.out:
        from aigc import outputs

        outputs.text(json.dumps(made, ensure_ascii=False, indent=1), "bench.json", Path(args.out))
    return OK


def _seconds(typed: str) -> float:
    try:
        seconds = float(typed)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 86_400:
        raise Refusal(both("A race is timed in seconds, from 1 to 86,400: for example 300,1200.", "比赛以秒计，1 到 86,400：例如 300,1200。"))
    return seconds


def _table(made: dict[str, Any], out: Out) -> list[str]:
    from aigc.bench.contenders import NOT_COMPILED
    from aigc.bench.workloads import WORKLOADS

    head = tuple(w[out.lang] for w in (
        both("workload", "项目"), both("loop", "循环"), both("images/s", "张/秒"), both("images/CPU-s", "张/CPU 秒"),
        both("ours is ... times", "本项目为其"), both("by CPU time", "按 CPU 时间"), both("rounds", "各轮"), both("in kernels", "内核占比"),
    ))  # fmt: skip
    profiled = {r["workload"]: r["contender"] for r in made["results"] if r["contender"] in ("aigc", NOT_COMPILED)}
    rows = []
    for r in made["results"]:
        ours = r["contender"] == "aigc"
        low, high = r["spread"]
        share = f"{made['kernel_share'][r['workload']]:.0%}" if profiled[r["workload"]] == r["contender"] else ""
        rows.append((
            WORKLOADS[r["workload"]].title[out.lang] if ours else "", r["contender"], f"{r['images_per_second']:,.0f}",
            f"{r['images_per_cpu_second']:,.0f}", "" if ours else f"{r['ratio']:.2f}", "" if ours else f"{r['cpu_ratio']:.2f}",
            "" if ours else f"{low:.2f}-{high:.2f}", share,
        ))  # fmt: skip
    lines = [*columns([head, *rows]), "", ABOUT.fill(**made["machine"])[out.lang]]
    return [*lines, *(SAMPLED.fill(**one)[out.lang] for one in made["sampling"])]

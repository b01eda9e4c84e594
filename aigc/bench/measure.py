"""Turns of every contender, one after another and over again, so that a noisy machine is noisy to all of them."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import psutil
import torch
from torch.profiler import ProfilerActivity, profile

from aigc.bench.contenders import CPU, NOT_COMPILED, Contender, Ours, Stretch, contenders, wait_for
from aigc.bench.workloads import WORKLOADS, data

KERNELS = (
    "aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm", "aten::mkldnn_convolution", "aten::convolution_backward", "aten::mkldnn_rnn_layer",
)  # fmt: skip
GPU_KERNELS = ("gemm", "gemv", "conv", "wgrad", "dgrad", "fprop", "cutlass", "nvjet", "splitK", "implicit", "fmha", "flash")  # parts of names
PROFILED = 20  # steps
WARMING = 1.0  # seconds


@dataclass(frozen=True)
class Result:
    """Images per second of wall time and of processor time, medians over the rounds; `ratio` is ours to theirs, median of the rounds."""

    workload: str
    contender: str
    images_per_second: float
    images_per_cpu_second: float
    ratio: float
    cpu_ratio: float
    spread: tuple[float, float]  # least and greatest ratio of a round

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def race(name: str, seconds: float, rounds: int, told: Callable[[str, int], None], device: torch.device = CPU) -> tuple[list[Result], float]:
    """-> every contender's result, and the share of our step that is spent inside matrix products and convolutions: of the step as it
    is not compiled, since a compiled graph does not tell its parts apart"""
    racing = contenders(WORKLOADS[name], data(), device)
    for contender in racing:
        contender.go(WARMING)
    turns: dict[str, list[Stretch]] = {c.name: [] for c in racing}
    for i in range(rounds):
        for contender in racing[:: 1 if i % 2 else -1]:  # whoever went first goes last
            turns[contender.name].append(contender.go(seconds))
        told(name, i + 1)
    return [_result(name, c, turns) for c in racing], kernel_share(next((c for c in racing if c.name == NOT_COMPILED), racing[0]))


def _result(name: str, contender: Contender, turns: dict[str, list[Stretch]]) -> Result:
    mine, ours = turns[contender.name], turns[Ours.name]
    walls = [_rate(a.images, a.wall) / _rate(b.images, b.wall) for a, b in zip(ours, mine, strict=True)]
    cpus = [_rate(a.images, a.cpu) / _rate(b.images, b.cpu) for a, b in zip(ours, mine, strict=True)]
    return Result(
        name, contender.name, statistics.median(_rate(t.images, t.wall) for t in mine), statistics.median(_rate(t.images, t.cpu) for t in mine),
        statistics.median(walls), statistics.median(cpus), (min(walls), max(walls)),
    )  # fmt: skip


def _rate(images: int, seconds: float) -> float:
    return images / max(seconds, 1e-9)


def kernel_share(ours: Any) -> float:
    """How much of a step is spent where the arithmetic is, by the profiler: the rest is what could still be saved."""
    on_gpu = ours.loop.device.type == "cuda"
    with profile(activities=[ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU]) as seen:
        begun = time.perf_counter()
        for _ in range(PROFILED):
            ours.step()
        wait_for(ours.loop.device)
        wall = 1e6 * (time.perf_counter() - begun)
    if on_gpu:
        return sum(e.self_device_time_total for e in seen.key_averages() if any(part in e.key for part in GPU_KERNELS)) / max(wall, 1e-9)
    times = {event.key: event.self_cpu_time_total for event in seen.key_averages()}
    return sum(times.get(name, 0.0) for name in KERNELS) / max(sum(times.values()), 1e-9)


def machine(device: torch.device = CPU) -> dict[str, Any]:
    """What the figures were taken on."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": torch.cuda.get_device_name(device) if device.type == "cuda" else _processor(),
        "cores": psutil.cpu_count(logical=False) or psutil.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": round(psutil.getloadavg()[0], 2),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.system(),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()

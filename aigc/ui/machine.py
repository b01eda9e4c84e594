"""The machine the page runs on, in words: what it has, and what will be quick and what slow on it.

The first look costs milliseconds and needs no torch; `warm_up` loads torch in the background and then really measures.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from aigc.home import existing, home
from aigc.words import Words, both

WARM_AFTER = 5.0  # seconds after the start: the first visitor's page comes first
GIB = 2**30

DEVICES = {
    "cpu": both("CPU, no accelerator", "CPU，无加速卡"),
    "mps": both("Apple GPU", "苹果 GPU"),
    "cuda": both("GPU", "GPU"),
}

ON_A_PROCESSOR = {
    "quick": both("Digits and points: recognisable within a minute with every technique.", "手写数字与二维点：每种技术都在一分钟内见分晓。"),
    "fair": both("28-pixel images (MNIST, Fashion-MNIST): a few minutes.", "28 像素图像（MNIST、Fashion-MNIST）：几分钟。"),
    "slow": both(
        "32- and 64-pixel colour images: an hour or more. The page may be closed meanwhile.",
        "32 与 64 像素彩色图像：一小时或更久，其间可以关掉页面。",
    ),
}
ON_AN_ACCELERATOR = {
    "quick": both("Digits, points and 28-pixel images: seconds.", "手写数字、二维点与 28 像素图像：几秒。"),
    "fair": both("32- and 64-pixel colour images: minutes.", "32 与 64 像素彩色图像：几分钟。"),
    "slow": both("The long preset at 64 pixels: an hour or so.", "64 像素的“长时间”预设：一小时左右。"),
}


@dataclass(frozen=True)
class Machine:
    device: str  # "cpu", "cuda" or "mps"
    device_name: str  # of the accelerator, or ""
    cores: int  # that this process may use
    memory: int  # bytes, of the machine or of its container
    gflops: float = 0.0  # measured on the device with a convolution, forward and backward; 0: not yet
    warm: bool = False  # torch is loaded: Explore answers at once

    @property
    def brief(self) -> Words:
        """For the header: a few words."""
        device = Words(self.device_name, self.device_name) if self.device_name else DEVICES[self.device]
        return both("{device} · {cores} cores · {gb:.0f} GB", "{device} · {cores} 核 · {gb:.0f} GB").fill(
            device=device, cores=self.cores, gb=self.memory / GIB
        )

    @property
    def outlook(self) -> dict[str, Words]:
        """What to expect here: {"quick", "fair", "slow"} -> a sentence."""
        return ON_A_PROCESSOR if self.device == "cpu" else ON_AN_ACCELERATOR


def first_look() -> Machine:
    device, name = _accelerator()
    return Machine(device, name, _cores(), _memory_limit())


def load_now() -> dict[str, float]:
    """Shares in [0, 1] of processor, memory and disk in use."""
    disk = shutil.disk_usage(existing(home()))
    return {"cpu": psutil.cpu_percent() / 100, "memory": psutil.virtual_memory().percent / 100, "disk": 1 - disk.free / disk.total}


def free_disk() -> int:
    return shutil.disk_usage(existing(home())).free


class Watch:
    """The machine as known so far; the background thread replaces it once with the measured one."""

    def __init__(self) -> None:
        self.machine = first_look()
        psutil.cpu_percent()  # the first call only starts the clock

    def warm_up(self, after: float = WARM_AFTER) -> threading.Thread:
        thread = threading.Thread(target=self._warm_up, args=(after,), name="warm-up", daemon=True)
        thread.start()
        return thread

    def _warm_up(self, after: float) -> None:
        time.sleep(after)
        _lower_priority()
        self.machine = measured(self.machine)


def measured(machine: Machine) -> Machine:
    """The same machine with torch loaded and its speed known."""
    import torch

    from aigc.train import best_device

    device = best_device()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    return replace(machine, device=device.type, device_name=name, gflops=_convolution_gflops(device), warm=True)


def _convolution_gflops(device: object) -> float:
    """Billions of floating-point operations a second of a 3x3 convolution with 32 channels on 64 images of 28 pixels, both ways."""
    import torch

    layer = torch.nn.Conv2d(32, 32, 3, padding=1).to(device)  # type: ignore[call-overload]
    x = torch.zeros(64, 32, 28, 28, device=device, requires_grad=True)  # type: ignore[call-overload]
    layer(x).sum().item(), layer(x).sum().backward()
    times = 3
    start = time.perf_counter()
    for _ in range(times):
        layer(x).sum().backward()
    layer.weight.grad.sum().item()  # type: ignore[union-attr]  # waits for an accelerator to be done
    each = (time.perf_counter() - start) / times
    return 3 * 2 * 64 * 28 * 28 * 32 * 32 * 9 / each / 1e9  # forward, and two products of the same size backward


def _accelerator() -> tuple[str, str]:
    """A guess without torch; `measured` knows."""
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "mps", ""
    found = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    if not found:
        return "cpu", ""
    lines = found[0].read_text(errors="replace").splitlines()
    return "cuda", next((line.split(":", 1)[1].strip() for line in lines if line.startswith("Model:")), "")


def _cores() -> int:
    """What a container's quota leaves of the cores this process may run on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(cores, round(int(quota) / int(period))))
    except (OSError, ValueError):  # not a container, or "max": no quota
        return cores


def _memory_limit() -> int:
    total = psutil.virtual_memory().total
    try:
        return min(total, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):
        return total


def _lower_priority() -> None:
    """Of this thread alone, where the system can tell threads apart."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 15)

"""Networks compiled for this machine by torch.compile (TorchInductor: Ansel et al. 2024), where a training is long enough to win that back.

A process of its own compiles, half a minute or more of one core, and leaves what it made in the compiler's cache; the training,
which goes on meanwhile and hears its commands, takes it from there in seconds.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from aigc.commands import Command
from aigc.data import DataSpec
from aigc.events import Event, Said
from aigc.home import PROJECT
from aigc.knobs import as_values, read
from aigc.options import Compiling, Options
from aigc.techniques import technique
from aigc.techniques.base import Technique
from aigc.train.devices import laid_out, precision
from aigc.train.loop import Loop
from aigc.train.steer import POLL_SECONDS, obey
from aigc.words import Refusal, Words, both

NO_WORDS = Words("", "")
COMPILER = "aigc.train.compiler"  # the module that the other process runs
COMPILERS = (os.environ.get("CXX") or "c++", "g++", "clang++", "cl")  # what torch.compile calls for a CPU
WORTH_SECONDS = 300.0  # budgets in which a seventh more steps a second outweigh a minute with one core less
BEGUN = both("The network is being compiled for this machine, which takes about a minute.", "正在为本机编译网络，约需一分钟。")
DONE = both("The network is compiled: from here it trains faster.", "网络已编译完成：此后训练更快。")
FAILED = both("The network could not be compiled; it trains as it is.", "网络无法编译，按原样训练。")
NO_COMPILER = both("Compiling needs a C++ compiler, or triton on a GPU, and there is none here: set Compile the network to “{off}”.",
                   "编译需要 C++ 编译器（GPU 上需要 triton），而本机没有：请把“编译网络”设为“{off}”。")  # fmt: skip


def compiler_here(device: torch.device) -> bool:
    if device.type == "cuda":
        return importlib.util.find_spec("triton") is not None
    return device.type == "cpu" and any(map(shutil.which, COMPILERS))


def wanted(asked: Compiling, options: Options, device: torch.device) -> bool:
    """A budget in images alone promises the same bits on every machine of a kind, so it is compiled only when told."""
    if asked is Compiling.AUTOMATIC:
        return device.type in ("cpu", "cuda") and options.seconds >= WORTH_SECONDS and compiler_here(device)
    return asked is Compiling.ON


Layout = tuple[list[int], list[int], str]  # of a tensor: shape, strides, dtype


@dataclass(frozen=True)
class Call:
    """Of the network with this number in `networks_of`; a call without gradients is compiled apart."""

    network: int
    gradients: bool
    layouts: list[Layout | None]  # of its arguments


@dataclass(frozen=True)
class Job:
    """What the other process has to compile, in plain values: a technique's networks, and how a step calls them."""

    technique: str
    config: dict[str, Any]
    shape: list[int]
    classes: int
    calls: list[Call]
    threads: int
    device: str
    precision: str

    def model(self) -> Technique:
        """With networks like those that are trained, but for their weights."""
        info = technique(self.technique)
        spec = DataSpec("", NO_WORDS, tuple(self.shape), (NO_WORDS,) * self.classes)
        return laid_out(info.load()(read(info.Config, self.config), spec).to(self.device))


def read_job(text: str) -> Job:
    """The inverse of `json.dumps(asdict(job))`."""
    values = json.loads(text)
    return Job(**{**values, "calls": [Call(**call) for call in values["calls"]]})


class Translation:
    """The compiling of what `loop` trains, from before the first step; as a context it ends the other process with the training."""

    def __init__(self, loop: Loop):
        self.loop = loop
        self.asked: Compiling = getattr(loop.model.config, "compiling", Compiling.OFF)
        self.threads = torch.get_num_threads()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Translation:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def begin(self, commands: Callable[[], list[Command]]) -> Generator[Event, None, bool]:
        """Start the other process if compiling is wanted; where it is asked for by name, training waits for it, so that every
        step of it is compiled.  Returns True when told to stop.  Raises Refusal where there is no compiler."""
        loop = self.loop
        if not wanted(self.asked, loop.options, loop.device):
            return False
        if not compiler_here(loop.device):
            raise Refusal(NO_COMPILER, off=Compiling.OFF.words)
        yield Said(loop.images, BEGUN)
        self._start()
        if self.asked is not Compiling.ON:
            torch.set_num_threads(max(1, self.threads - 1))  # two threads on one core wait for each other: six times slower
            return False
        while self._busy():
            told = commands()
            if told and (yield from obey(loop, told, commands)):
                return True
            time.sleep(POLL_SECONDS)
        yield from self.follow()
        return False

    def follow(self) -> Iterator[Event]:
        """Between two steps: take over what is ready."""
        if self._process is None or self._busy():
            return
        succeeded = self._process.returncode == 0
        self._end()
        if succeeded and compile_now(self.loop):
            yield Said(self.loop.images, DONE)
        else:
            yield Said(self.loop.images, FAILED)
        self.loop.meter.restart(self.loop.images)

    def _start(self) -> None:
        job = json.dumps(asdict(_job(self.loop, self.threads)))
        self._process = subprocess.Popen([sys.executable, "-m", COMPILER, job], stdin=subprocess.PIPE, cwd=PROJECT, start_new_session=True)

    def _busy(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _end(self) -> None:
        torch.set_num_threads(self.threads)
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def compile_now(loop: Loop) -> bool:
    """Compile here and now; whatever goes wrong in the compiler, the networks stay as they were."""
    networks = networks_of(loop.model)
    try:
        for network in networks:
            network.compile()
        _rehearse(loop)
        if loop.recorder:
            loop.recorder.forget()
    except Exception:
        logging.getLogger(__name__).warning("the network was not compiled", exc_info=True)
        for network in networks:
            network._compiled_call_impl = None  # as it was
        return False
    return True


def networks_of(model: Technique) -> list[nn.Module]:
    """Those that training moves."""
    return [module for phase in model.phases().values() for module in phase.modules]


def _rehearse(loop: Loop) -> None:
    """The next step of every phase, of which nothing remains: the compiler does its work at the first call."""
    with torch.random.fork_rng(devices=[loop.device] if loop.device.type == "cuda" else []):
        rng = torch.Generator(loop.device).manual_seed(loop.options.seed)
        batch = loop.batches.draw(loop.draws, rng)
        for phase in loop.phases.values():
            with precision(loop.device, loop.options.precision):
                loss = phase.loss(batch, rng)["loss"]
            loss.backward()
    loop.model.zero_grad(set_to_none=True)


def _job(loop: Loop, threads: int) -> Job:
    """How a step calls the networks, by watching one."""
    networks, calls = networks_of(loop.model), list[Call]()

    def watch(network: nn.Module, args: tuple[Tensor | None, ...]) -> None:
        layouts = [None if x is None else (list(x.shape), list(x.stride()), str(x.dtype).removeprefix("torch.")) for x in args]
        call = Call(networks.index(network), torch.is_grad_enabled(), layouts)
        if call not in calls:
            calls.append(call)

    watching = [network.register_forward_pre_hook(watch) for network in networks]
    _rehearse(loop)
    for hook in watching:
        hook.remove()
    config, spec = loop.model.alone()
    return Job(loop.model.info.slug, as_values(config), list(spec.shape), len(spec.classes), calls, threads, str(loop.device), loop.options.precision)

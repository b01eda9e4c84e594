"""Any diffusion pipeline as a generator of its steps: watched and stopped where its scheduler steps, which all of them do."""

from __future__ import annotations

import functools
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from aigc.pretrained import Stopped
from aigc.pretrained.image.schedulers import believed
from aigc.train.devices import use_threads

BEAT = 0.2  # seconds between two chances to be closed while a step takes long


@dataclass(frozen=True)
class Step:
    """One step, when the network has spoken and the scheduler has not moved yet: `x` is the sample, `x0` what the network believes it will become."""

    index: int  # from 0
    count: int
    t: float
    x: Tensor
    x0: Tensor
    seconds: float  # since the first step began


class Stop(Protocol):
    def is_set(self) -> bool: ...


@contextmanager
def watched(scheduler: Any, told: Callable[[Step], None], stop: Stop) -> Iterator[None]:
    """While inside, `told` hears of every step of this scheduler, and a set `stop` raises Stopped at the next."""
    real, begun, index, count = scheduler.step, time.perf_counter(), 0, 0

    @functools.wraps(real)
    def step(model_output: Tensor, timestep: Any, sample: Tensor, *args: Any, **kwargs: Any) -> Any:
        nonlocal index, count
        if stop.is_set():
            raise Stopped
        count = count or int((scheduler.timesteps <= timestep).sum())
        x0 = believed(scheduler, model_output, timestep, sample)
        told(Step(index, count, float(timestep), sample, x0, time.perf_counter() - begun))
        index += 1
        return real(model_output, timestep, sample, *args, **kwargs)

    scheduler.step = step
    try:
        yield
    finally:
        del scheduler.step


def steps_of(
    pipe: Any, call: Callable[[], Any], stop: threading.Event, seen: Callable[[Step], Any] = lambda step: step
) -> Generator[tuple[str, Any], None, None]:
    """Runs `call` in a thread: yields ("step", what `seen` made of one), ("wait", None) while one takes long, and last ("done", the result).

    Closing the generator stops the call within one step and waits for it, so that nobody else gets the pipeline in the middle of it.
    """
    told: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    closed = threading.Event()

    def run() -> None:
        use_threads()
        try:
            with torch.inference_mode(), watched(pipe.scheduler, lambda step: told.put(("step", seen(step))), _Either(stop, closed)):
                told.put(("done", call()))
        except BaseException as error:
            told.put(("failed", error))

    thread = threading.Thread(target=run, name="picture", daemon=True)
    thread.start()
    try:
        kind = ""
        while kind != "done":
            try:
                kind, value = told.get(timeout=BEAT)
            except queue.Empty:
                kind, value = "wait", None
            if kind == "failed":
                raise value
            yield kind, value
    finally:
        closed.set()
        thread.join()


@dataclass(frozen=True)
class _Either:
    """Set as soon as one of two events is."""

    one: Stop
    other: Stop

    def is_set(self) -> bool:
        return self.one.is_set() or self.other.is_set()

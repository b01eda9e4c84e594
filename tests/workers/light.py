"""A worker process whose training is counting: everything of the real one but torch, so that it starts at once.

It takes up commands as the real loop does.  The seed says what goes wrong, if anything.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Generator
from types import SimpleNamespace
from typing import Any

import safetensors
import safetensors.numpy

from aigc.commands import Command, Do
from aigc.events import Event, Finished, Paused, Resumed, Said, Saved, Step
from aigc.jobs.training import Tools
from aigc.jobs.worker import serve
from aigc.words import Refusal, both

HANGS, SPINS, NO_MEMORY, SURPRISE, REFUSES, DEAF, CRASHES, FULL, OBEYS_SLOWLY = range(1001, 1010)


def without_torch() -> None:
    """Its checkpoints hold no tensors, and torch takes seconds to load."""
    safetensors.torch = sys.modules["safetensors.torch"] = safetensors.numpy  # type: ignore[attr-defined]


class Model:
    def to(self, device: object) -> Model:
        return self


def misbehave(seed: int) -> None:
    if seed == HANGS:
        time.sleep(3600)
    if seed == SPINS:
        while True:
            pass
    if seed == NO_MEMORY:
        raise MemoryError
    if seed == SURPRISE:
        raise RuntimeError("hf_secretsecretsecretsecretsecretsecret /etc/shadow")
    if seed == REFUSES:
        raise Refusal(both("The loss became infinite.", "损失变为无穷。"))
    if seed == CRASHES:
        os.abort()
    if seed == FULL:
        raise OSError(errno.ENOSPC, "No space left on device")


def saved(images: int) -> Saved:
    return Saved(images, images, images / 100, {}, {}, {"images": images})


def train(
    model: Model, data: object, options: Any, *, commands: Callable[[], list[Command]], resume: Any = None, measure: Any = None
) -> Generator[Event, None, Model]:
    images, paused = (resume[1]["images"] if resume else 0), False
    while paused or not options.images or images < options.images:
        told = [] if options.seed == DEAF and images > 3 else commands()
        for command in told:
            if command.do is Do.STOP:
                time.sleep(3.0 if options.seed == OBEYS_SLOWLY else 0.0)
                yield saved(images)
                yield Finished(images, images, images / 100, "stop")
                return model
            if command.do is Do.PAUSE and not paused:
                paused = True
                yield Paused(images)
            if command.do is Do.RESUME and paused:
                paused = False
                yield Resumed(images)
            if command.do is Do.SNAPSHOT:
                yield saved(images)
            if command.do is Do.SET:
                yield Said(images, both(str(command.value), str(command.value)))
        time.sleep(0.01)
        if not paused:
            images += 1
            yield Step(images, images, images / 100, 100.0, 1, {"loss": 1 / images})
        if images == 5:
            misbehave(options.seed)
    yield saved(images)
    yield Finished(images, images, images / 100, "budget")
    return model


def load(name: str, *, progress: Callable[[int, int], None]) -> Any:
    for done in range(3):
        progress(done, 3)
        time.sleep(0.02)
    return SimpleNamespace(spec=None)


def tools() -> Tools:
    return Tools(load, lambda *_, **__: Model(), train, lambda asked: "cpu", lambda threads, seed: None, lambda run, *_: f"model-{run.id[:6]}")


if __name__ == "__main__":
    without_torch()
    serve(tools, lambda loaded, hurried: None)

"""Commands to a running training: taken up between two steps; pausing waits here."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from typing import Any

from aigc.commands import Command, Do
from aigc.events import Event, Paused, Resumed, Said
from aigc.knobs import Choice, Knob, knobs, read_value
from aigc.options import Options
from aigc.train.loop import Loop
from aigc.words import Refusal, both

POLL_SECONDS = 0.02
NO_PHASE = both("There is no phase called {n}.", "没有名为 {n} 的阶段。")
NOT_LIVE = both("{n} cannot change while training.", "训练中不能改 {n}。")
UNREADABLE = both("A knob could not be read.", "有一个选项无法读取。")
TURNED = both("{k}: {old} → {new}", "{k}：{old} → {new}")


def obey(loop: Loop, told: list[Command], commands: Callable[[], list[Command]]) -> Generator[Event, None, bool]:
    """Do what was told, and wait while paused.  Returns True to stop."""
    paused = False
    while True:
        for command in told:
            match command.do:
                case Do.STOP:
                    return True
                case Do.PAUSE if not paused:
                    yield from _rest(loop)
                    paused = True
                case Do.RESUME if paused:
                    yield Resumed(loop.images)
                    paused = False
                case Do.STEP:
                    if not paused:
                        yield from _rest(loop)
                    paused = True
                    yield from _one_step(loop, str(command.value or ""))
                case Do.SET:
                    yield from _turn(loop, command.value)
                case Do.SNAPSHOT:
                    yield from loop.look(due=command.value != "checkpoint")
                    yield from loop.save(due=True)
        if not paused:
            return False
        time.sleep(POLL_SECONDS)
        loop.hold_clock()
        told = commands()


def _rest(loop: Loop) -> Iterator[Event]:
    yield from loop.report(due=True)
    yield from loop.look(due=True)
    yield from loop.save(due=True)
    loop.stop_clock()
    yield Paused(loop.images)


def _one_step(loop: Loop, only: str) -> Iterator[Event]:
    if only and only not in loop.phases:
        yield Said(loop.images, NO_PHASE.fill(n=repr(only[:40])))
        return
    loop.hold_clock()
    loop.step(only)
    yield from loop.report(due=True)
    yield from loop.look(due=True)
    loop.stop_clock()


def _turn(loop: Loop, value: Any) -> Iterator[Event]:
    """A live knob: `value` is [name, value].  What cannot be is said, and training goes on."""
    try:
        k, old, new = _set(loop, *value)
    except Refusal as refusal:
        yield Said(loop.images, refusal.words)
    except (TypeError, ValueError):
        yield Said(loop.images, UNREADABLE)
    else:
        if new != old:
            yield Said(loop.images, TURNED.fill(k=k.label, old=_shown(old), new=_shown(new)))


def _set(loop: Loop, name: str, value: Any) -> tuple[Knob, Any, Any]:
    """(the knob, what it was, what it is now).  Raises Refusal."""
    config = loop.model.config
    mine = knobs(type(config))
    k = mine.get(name) or knobs(Options).get(name)
    if k is None or not k.live:
        raise Refusal(NOT_LIVE, n=str(name)[:40])
    new = read_value(k, value)
    if name in mine:
        old = getattr(config, name)
        loop.configure(replace(config, **{name: new}))
    else:
        old = getattr(loop.options, name)
        loop.options = replace(loop.options, **{name: new})
    return k, old, new


def _shown(value: Any) -> Any:
    if isinstance(value, Choice):
        return value.words
    return f"{value:g}" if isinstance(value, float) else value

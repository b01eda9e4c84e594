"""The only training loop: a generator of events that its caller pulls, so that nobody is called back.

Position is counted in batches drawn, all randomness comes from two generators that are part of the checkpoint, and
showing never touches them: a run that was killed and resumed, or watched, equals one that was not, bit for bit on one device.
Nothing is copied to the host between two reports.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from torch import Tensor

from aigc.commands import Command
from aigc.data.load import Dataset
from aigc.events import Event
from aigc.options import Options
from aigc.techniques.base import Technique
from aigc.train.compiling import Translation
from aigc.train.devices import best_device
from aigc.train.loop import Loop, Measure, NotFinite
from aigc.train.steer import obey

__all__ = ["NotFinite", "best_device", "train"]


def train(
    model: Technique,
    data: Dataset,
    options: Options,
    *,
    commands: Callable[[], list[Command]] = list,
    resume: tuple[dict[str, Tensor], dict[str, Any]] | None = None,
    watch: bool = True,
    measure: Measure | None = None,
) -> Generator[Event, None, Technique]:
    """Train `model` (already on its device) until the budget is spent or it is told to stop.

    `commands()` is asked between two steps.  `resume` is (state, facts) of a `Saved`.  `watch=False` leaves out previews.
    `measure(averaged model)` says how good it is now, by figures of few samples; it is asked at the moments that `options.measures` gives.
    Returns the averaged, calibrated model.  Raises NotFinite.
    """
    if not resume:
        model.begin()
    loop = Loop(model, data, options, watch, measure)
    if resume:
        loop.restore(*resume)
    yield from loop.look(due=True)
    loop.start_clock()
    with Translation(loop) as translation:
        if (yield from translation.begin(commands)):
            yield from loop.close("stop")
            return loop.averaged
        while not loop.spent():
            told = commands()
            if told and (yield from obey(loop, told, commands)):
                yield from loop.close("stop")
                return loop.averaged
            loop.step()
            yield from translation.follow()
            yield from loop.report()
            yield from loop.look()
            yield from loop.gauge()
            yield from loop.save()
    yield from loop.close("budget")
    return loop.averaged

"""From a request to pictures: the shelf lends the model when its turn has come, and it is put to work.  Needs no torch by itself."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from aigc.pretrained import shelf
from aigc.pretrained.catalogue import Entry
from aigc.pretrained.fit import AUTOMATIC, Setup
from aigc.pretrained.image.asked import Asked, Verb

if TYPE_CHECKING:
    from aigc.pretrained.image.grid import Axis, Grid
    from aigc.pretrained.image.inside import Told
    from aigc.pretrained.image.make import Shot

T = TypeVar("T")
BEAT = 0.2  # seconds between two chances to be closed while nothing comes


@dataclass(frozen=True)
class Waiting:
    """In line; 0: the model is being opened."""

    place: int = 0


def pictures(asked: Asked, entry: Entry, stop: threading.Event, setup: Setup = AUTOMATIC) -> Iterator[Waiting | Shot]:
    """Raises Refusal and Stopped."""
    if asked.verb is Verb.UPSCALE or asked.verb is Verb.STYLE:
        from aigc.pretrained.image import others

        load, make = others.of(entry)
    else:
        load, make = _kit()
    yield from _lent(entry, load, lambda it: make(it, asked, stop), stop, setup)


def grids(asked: Asked, x: Axis, y: Axis, entry: Entry, stop: threading.Event, setup: Setup = AUTOMATIC) -> Iterator[Waiting | Grid]:
    """An X/Y grid.  Raises Refusal and Stopped."""
    from aigc.pretrained.image.grid import crossed

    load, _ = _kit()
    yield from _lent(entry, load, lambda kit: crossed(kit, asked, x, y, stop), stop, setup)


def looks(asked: Asked, entry: Entry, stop: threading.Event, setup: Setup = AUTOMATIC) -> Iterator[Waiting | Told]:
    """One picture from the inside.  Raises Refusal and Stopped."""
    from aigc.pretrained.image.inside import inside

    load, _ = _kit()
    yield from _lent(entry, load, lambda kit: inside(kit, asked, stop), stop, setup)


def _kit() -> tuple[Callable[..., Any], Callable[..., Iterator[Shot]]]:
    from aigc.pretrained.image.kit import load
    from aigc.pretrained.image.make import made

    return load, made


def _lent(entry: Entry, load: Callable[..., Any], work: Callable[[Any], Iterator[T]], stop: threading.Event, setup: Setup) -> Iterator[Waiting | T]:
    """`work` in a thread of its own, so that its caller hears of the wait too; closing the generator stops it and waits for it."""
    told: queue.SimpleQueue[Any] = queue.SimpleQueue()
    end = object()

    def run() -> None:
        try:
            with shelf.lent(entry, load, stop, lambda place: told.put(Waiting(place)), setup) as it:
                for result in work(it):
                    told.put(result)
            told.put(end)
        except BaseException as error:
            told.put(error)

    thread = threading.Thread(target=run, name=f"picture of {entry.slug}", daemon=True)
    thread.start()
    try:
        result: Any = Waiting()
        while True:
            yield result
            try:
                result = told.get(timeout=BEAT)
            except queue.Empty:
                continue  # the same again: a chance to be closed
            if result is end:
                return
            if isinstance(result, BaseException):
                raise result
    finally:
        stop.set()
        thread.join()

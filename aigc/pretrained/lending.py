"""Work on a borrowed pipeline as a generator: its caller hears of the wait in line, of each result, and can stop it.  Needs no torch."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from aigc.pretrained import shelf
from aigc.pretrained.catalogue import Entry
from aigc.pretrained.fit import AUTOMATIC, Setup
from aigc.words import Refusal, both

T = TypeVar("T")
MOST = 64  # runs at a time, at work or in line: each has a thread
BEAT = 0.2  # seconds between two chances to be closed while nothing comes
AHEAD = 4  # results that may wait to be read: large pictures must not pile up behind a slow reader

TOO_MANY = both("{n} others are waiting for their turn already: please try again in a moment.", "已有 {n} 个任务在排队，请稍后再试。")
_places = threading.BoundedSemaphore(MOST)


@dataclass(frozen=True)
class Waiting:
    """In line; 0: the model is being opened, or is at work and has nothing to show yet."""

    place: int = 0
    is_open: bool = False


def borrowed(
    entry: Entry, load: Callable[..., Any], work: Callable[[Any], Iterator[T]], stop: threading.Event, setup: Setup = AUTOMATIC
) -> Iterator[Waiting | T]:
    """`work` in a thread of its own; closing the generator stops it and waits for it.  Raises Refusal and Stopped."""
    if not _places.acquire(blocking=False):
        raise Refusal(TOO_MANY, n=MOST)
    told: queue.SimpleQueue[Any] = queue.SimpleQueue()
    room, end = threading.Semaphore(AHEAD), object()

    def tell(result: Any) -> None:
        while not room.acquire(timeout=BEAT):
            if stop.is_set():
                return
        told.put(result)

    def run() -> None:
        try:
            with shelf.lent(entry, load, stop, lambda place: tell(Waiting(place)), setup) as it:
                from aigc.pretrained.breaking import breakable
                from aigc.train.devices import use_threads

                use_threads()
                tell(Waiting(is_open=True))
                with breakable(shelf.networks_of(it), stop):
                    for result in work(it):
                        tell(result)
            told.put(end)
        except BaseException as error:
            told.put(error)
        finally:
            _places.release()

    result: Any = Waiting(is_open=shelf.is_open(entry.slug, setup))
    thread = threading.Thread(target=run, name=f"run of {entry.slug}", daemon=True)
    thread.start()
    try:
        while True:
            yield result
            try:
                result = told.get(timeout=BEAT)
            except queue.Empty:
                continue  # the same again: a chance to be closed
            room.release()
            if result is end:
                return
            if isinstance(result, BaseException):
                raise result
    finally:
        stop.set()
        thread.join()

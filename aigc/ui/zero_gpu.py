"""A run on a ZeroGPU Space: the GPU is lent to one decorated call, which runs in a process of its own; elsewhere nothing changes.

    pictures = on_gpu("aigc.pretrained.image.run:pictures")      # at the top of a tab: a Space must know its GPU functions at start
    for shot in pictures(asked, entry, stop=stop, setup=setup): ...

What goes in and what comes out crosses to another process there, so it must be picklable: entries, settings and pictures are,
callbacks are not.  A stop event does not cross; it is looked at here after every result, and the other side is closed.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

from aigc.pretrained import Stopped
from aigc.pretrained.catalogue import Entry
from aigc.pretrained.fit import AUTOMATIC, Setup, is_zero_gpu, stays_on_cpu
from aigc.words import Refusal, Words

SECONDS = 60  # that a run may keep the GPU, unless its caller knows better


@dataclass(frozen=True)
class _Refused:
    """A refusal on its way between the processes."""

    words: Words


def on_gpu(where: str, seconds: int = SECONDS) -> Callable[..., Iterator[Any]]:
    """The generator function at "module:name", imported when it is called; on a ZeroGPU Space it is given a GPU for `seconds`.

    It must take `stop`, a threading.Event, and be called with it by that name.
    """

    def run(*args: Any, **kwargs: Any) -> Iterator[Any]:
        module, _, name = where.partition(":")
        yield from getattr(importlib.import_module(module), name)(*args, **kwargs)

    run.__name__ = run.__qualname__ = where.rpartition(":")[2]
    return _elsewhere(run, seconds) if is_zero_gpu() else run


def _elsewhere(run: Callable[..., Iterator[Any]], seconds: int) -> Callable[..., Iterator[Any]]:
    import spaces  # there on every ZeroGPU Space, and only there

    def there(*args: Any, **kwargs: Any) -> Generator[Any, None, None]:
        try:
            yield from run(*args, stop=threading.Event(), **kwargs)
        except Refusal as refusal:
            yield _Refused(refusal.words)

    lent = spaces.GPU(there, duration=seconds)

    def here(*args: Any, stop: threading.Event, **kwargs: Any) -> Iterator[Any]:
        given = (*args, *kwargs.values())
        entry = next((value for value in given if isinstance(value, Entry)), None)
        setup = next((value for value in given if isinstance(value, Setup)), AUTOMATIC)
        if entry is not None and stays_on_cpu(entry, setup):  # a GPU would be borrowed for nothing
            yield from run(*args, stop=stop, **kwargs)
            return
        results = lent(*args, **kwargs)
        try:
            for result in results:
                if isinstance(result, _Refused):
                    raise Refusal(result.words)
                if stop.is_set():
                    raise Stopped
                yield result
        finally:
            results.close()

    return here

"""From a request to pictures: the shelf lends the model when its turn has come, and it is put to work.  Needs no torch by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from aigc.pretrained.catalogue import OF_THE_LAB, Entry
from aigc.pretrained.fit import AUTOMATIC, Setup
from aigc.pretrained.image.asked import Asked, Verb
from aigc.pretrained.lending import Waiting, borrowed

if TYPE_CHECKING:
    from PIL.Image import Image

    from aigc.pretrained.grid import Axis, Grid
    from aigc.pretrained.image.inside import Told
    from aigc.pretrained.image.make import Shot


def pictures(asked: Asked, entry: Entry, stop: threading.Event, setup: Setup = AUTOMATIC) -> Iterator[Waiting | Shot]:
    """Raises Refusal and Stopped."""
    load, make = _worker(asked.verb, entry)
    yield from borrowed(entry, load, lambda model: make(model, asked, stop), stop, setup)


def grids(asked: Asked, x: Axis, y: Axis, entry: Entry, stop: threading.Event, setup: Setup = AUTOMATIC) -> Iterator[Waiting | Grid[Shot, Image]]:
    """An X/Y grid.  Raises Refusal and Stopped."""
    from aigc.pretrained.image.grid import crossed

    load, make = _worker(asked.verb, entry)
    yield from borrowed(entry, load, lambda model: crossed(lambda cell: make(model, cell, stop), asked, x, y), stop, setup)


def looks(asked: Asked, entry: Entry, stop: threading.Event, setup: Setup = AUTOMATIC) -> Iterator[Waiting | Told]:
    """One picture from the inside.  Raises Refusal and Stopped."""
    from aigc.pretrained.image.inside import inside
    from aigc.pretrained.image.kit import load

    yield from borrowed(entry, load, lambda kit: inside(kit, asked, stop), stop, setup)


def _worker(verb: Verb, entry: Entry) -> tuple[Callable[..., Any], Callable[..., Iterator[Shot]]]:
    """What loads the model, and what works with it."""
    from aigc.pretrained.image import lab, others
    from aigc.pretrained.image.kit import load
    from aigc.pretrained.image.make import made

    if entry.family == OF_THE_LAB:
        return lab.load, lab.drawn
    return others.of(entry) if verb in (Verb.UPSCALE, Verb.STYLE) else (load, made)

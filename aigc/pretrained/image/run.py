"""From a request to pictures: the shelf lends the model when its turn has come, and it is put to work.  Needs no torch by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from aigc.pretrained.catalogue import Entry
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
    if asked.verb is Verb.UPSCALE or asked.verb is Verb.STYLE:
        from aigc.pretrained.image import others

        load, make = others.of(entry)
    else:
        load, make = _kit()
    yield from borrowed(entry, load, lambda it: make(it, asked, stop), stop, setup)


def grids(asked: Asked, x: Axis, y: Axis, entry: Entry, stop: threading.Event, setup: Setup = AUTOMATIC) -> Iterator[Waiting | Grid[Shot, Image]]:
    """An X/Y grid.  Raises Refusal and Stopped."""
    from aigc.pretrained.image.grid import crossed

    load, _ = _kit()
    yield from borrowed(entry, load, lambda kit: crossed(kit, asked, x, y, stop), stop, setup)


def looks(asked: Asked, entry: Entry, stop: threading.Event, setup: Setup = AUTOMATIC) -> Iterator[Waiting | Told]:
    """One picture from the inside.  Raises Refusal and Stopped."""
    from aigc.pretrained.image.inside import inside

    load, _ = _kit()
    yield from borrowed(entry, load, lambda kit: inside(kit, asked, stop), stop, setup)


def _kit() -> tuple[Callable[..., Any], Callable[..., Iterator[Shot]]]:
    from aigc.pretrained.image.kit import load
    from aigc.pretrained.image.make import made

    return load, made

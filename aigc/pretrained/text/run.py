"""From a request to text: the shelf lends the model when its turn has come, and it is put to work.  Needs no torch by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from aigc.pretrained.catalogue import Entry
from aigc.pretrained.fit import AUTOMATIC, Setup
from aigc.pretrained.lending import Waiting, borrowed
from aigc.pretrained.text.asked import Chat, Continue, Message, Settings, Summarise

if TYPE_CHECKING:
    from aigc.pretrained.grid import Axis, Grid
    from aigc.pretrained.text.grid import Cell
    from aigc.pretrained.text.look import Surprise
    from aigc.pretrained.text.summarise import Summary
    from aigc.pretrained.text.writing import Draft


def continuations(
    text: str, settings: Continue, stops: tuple[str, ...], entry: Entry, stop: threading.Event, setup: Setup = AUTOMATIC
) -> Iterator[Waiting | Draft]:
    """Each of these raises Refusal and Stopped."""
    from aigc.pretrained.text.continuing import continued

    yield from borrowed(entry, _load(), lambda kit: continued(kit, text, settings, stops, stop), stop, setup)


def comparisons(
    text: str, settings: Continue, stops: tuple[str, ...], entry: Entry, stop: threading.Event, setup: Setup = AUTOMATIC
) -> Iterator[Waiting | list[Draft]]:
    from aigc.pretrained.text.continuing import compared

    yield from borrowed(entry, _load(), lambda kit: compared(kit, text, settings, stops, stop), stop, setup)


def grids(
    text: str, settings: Settings, stops: tuple[str, ...], x: Axis, y: Axis, entry: Entry, stop: threading.Event, setup: Setup = AUTOMATIC,
    talk: tuple[Message, ...] = (),
) -> Iterator[Waiting | Grid[Draft, Cell]]:  # fmt: skip
    from aigc.pretrained.text.grid import crossed

    yield from borrowed(entry, _load(), lambda kit: crossed(kit, text, settings, stops, x, y, stop, talk), stop, setup)


def surprises(text: str, entry: Entry, stop: threading.Event, setup: Setup = AUTOMATIC) -> Iterator[Waiting | Surprise]:
    from aigc.pretrained.text.look import surprised

    yield from borrowed(entry, _load(), lambda kit: surprised(kit, text, stop), stop, setup)


def chats(
    messages: list[Message], settings: Chat, entry: Entry, stop: threading.Event, setup: Setup = AUTOMATIC, whose: str = ""
) -> Iterator[Waiting | Draft]:
    """`whose`: a visitor, whose next turn is not read from the start."""
    from aigc.pretrained.text.chat import chatted

    yield from borrowed(entry, _load(), lambda kit: chatted(kit, messages, settings, stop, whose), stop, setup)


def summaries(text: str, settings: Summarise, entry: Entry, stop: threading.Event, setup: Setup = AUTOMATIC) -> Iterator[Waiting | Summary]:
    from aigc.pretrained.text.summarise import summarised

    yield from borrowed(entry, _load(), lambda kit: summarised(kit, text, settings, stop), stop, setup)


def warm(entry: Entry, stop: threading.Event) -> None:
    """Loads a model and asks it for one token, so that whoever asks next hears at once."""
    for _ in continuations("a", Continue(length=1), (), entry, stop):
        pass


def _load() -> Callable[..., Any]:
    from aigc.pretrained.text.kit import load

    return load

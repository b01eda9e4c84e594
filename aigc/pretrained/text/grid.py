"""X/Y grid: a prompt written on, a question answered or a text summarised once for every pair of values of two settings."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

from aigc.knobs import as_values
from aigc.pretrained.grid import Axis, Grid, filled, pairs
from aigc.pretrained.text.asked import Chat, Continue, Message, Settings, Summarise
from aigc.pretrained.text.chat import chatted
from aigc.pretrained.text.continuing import continued
from aigc.pretrained.text.kit import Kit
from aigc.pretrained.text.look import NEEDS_A_WRITER
from aigc.pretrained.text.prompts import prompt
from aigc.pretrained.text.summarise import summarised
from aigc.pretrained.text.thought import parted
from aigc.pretrained.text.writing import Draft
from aigc.words import Refusal, Words


@dataclass(frozen=True)
class Cell:
    """What is kept of a draft: nobody looks at the tokens of a grid."""

    text: str
    before: str
    title: str
    count: int  # tokens
    pace: float  # seconds a token
    notes: tuple[Words, ...] = ()

    @property
    def whole(self) -> str:
        return self.before + self.text


def cell(draft: Draft) -> Cell:
    return Cell(draft.text, draft.before, draft.title, len(draft.tokens), draft.pace, draft.notes)


def crossed(
    kit: Kit, text: str, settings: Settings, stops: tuple[str, ...], x: Axis, y: Axis, stop: threading.Event, talk: tuple[Message, ...] = ()
) -> Iterator[Grid[Draft, Cell]]:
    """`talk` is what a chat answers.  Raises Refusal before the first token if any cell asks for nonsense; raises Stopped."""
    cells = pairs(type(settings), as_values(settings), x, y)
    if isinstance(settings, Continue):
        if not kit.writes_on:
            raise Refusal(NEEDS_A_WRITER)
        for each in cells:
            kit.fitted(kit.begun(prompt(text, each.shape, kit.is_of_verse).asked), each.length)

    def made(each: Settings) -> Iterator[Draft]:
        if isinstance(each, Summarise):
            return _summary(kit, text, each, stop)
        return _answer(kit, list(talk), each, stop) if isinstance(each, Chat) else continued(kit, text, each, stops, stop)

    yield from filled(x, y, cells, made, cell)


def _summary(kit: Kit, text: str, settings: Summarise, stop: threading.Event) -> Iterator[Draft]:
    """A cell ends with the summary of the whole, not with that of a window."""
    for summary in summarised(kit, text, settings, stop):
        yield summary.draft if summary.is_final else replace(summary.draft, ended=None)


def _answer(kit: Kit, talk: list[Message], settings: Chat, stop: threading.Event) -> Iterator[Draft]:
    """Without what was thought aloud before it."""
    for draft in chatted(kit, talk, settings, stop):
        yield replace(draft, text=parted(draft.text)[1])

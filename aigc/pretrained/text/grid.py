"""X/Y grid: a prompt written on once for every pair of values of two settings."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from aigc.knobs import as_values
from aigc.pretrained.grid import Axis, Grid, filled, pairs
from aigc.pretrained.text.asked import Continue
from aigc.pretrained.text.continuing import continued
from aigc.pretrained.text.kit import Kit
from aigc.pretrained.text.look import NEEDS_A_WRITER
from aigc.pretrained.text.prompts import prompt
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


def crossed(kit: Kit, text: str, settings: Continue, stops: tuple[str, ...], x: Axis, y: Axis, stop: threading.Event) -> Iterator[Grid[Draft, Cell]]:
    """Raises Refusal before the first token if any cell asks for nonsense; raises Stopped."""
    if not kit.writes_on:
        raise Refusal(NEEDS_A_WRITER)
    cells: list[Continue] = pairs(Continue, as_values(settings), x, y)
    for each in cells:
        kit.fitted(kit.begun(prompt(text, each.shape, kit.is_of_verse).asked), each.length)
    yield from filled(x, y, cells, lambda each: continued(kit, text, each, stops, stop), cell)

"""An arena in this very process, as a shell runs it: one run after another, each in the common line and seen by the page."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from aigc.jobs import arena as arenas
from aigc.jobs.arena import Arena, Cell
from aigc.jobs.foreground import train_here
from aigc.jobs.request import checked
from aigc.jobs.runs import Run
from aigc.jobs.states import State
from aigc.words import Refusal


def hold(
    draft: Arena,
    *,
    name: str = "",
    device: str = "auto",
    waiting: Callable[[int], None] = lambda place: None,
    heard: Callable[[dict[str, Any]], None] = lambda line: None,
    kept: Callable[[Arena], None] = lambda arena: None,
) -> Iterator[tuple[Arena, Run | None]]:
    """Train every run of `draft`; yields the arena whenever one is over, and that run, or None if it was refused.

    `kept(arena)` is told the arena whenever it is written down, from the beginning of a run on with that run.  The first SIGINT or
    SIGTERM writes a checkpoint of the run at work and ends the arena; what is over is kept.  Raises Refusal before anything is
    started, if one of the runs makes no sense.
    """
    arenas.check_size(draft)
    requests = [arenas.request_of(draft, cell, "", device) for cell in draft.cells]
    for request in requests:
        checked(request)
    arena = replace(draft, id=uuid.uuid4().hex[:16], name=arenas.title_of(name), created=time.time())

    def keep(i: int, cell: Cell) -> None:
        nonlocal arena
        arena = replace(arena, cells=(*arena.cells[:i], cell, *arena.cells[i + 1 :]))
        arenas.write(arena)
        kept(arena)

    def begins(i: int, run: Run) -> None:
        keep(i, replace(arena.cells[i], run=run.id))

    arenas.write(arena)
    for i, request in enumerate(requests):
        run: Run | None = None
        try:
            run = train_here(request, begun=partial(begins, i), waiting=waiting, heard=heard)
        except Refusal as refusal:
            keep(i, replace(arena.cells[i], refused=refusal.words))
        yield arena, run
        if run is not None and run.state in (State.INTERRUPTED, State.STOPPED):  # told to end from here, or from the page
            return

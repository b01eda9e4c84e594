"""`GET aigc/now`: what is going on at this moment, as small pieces of HTML that page.js puts into their places.

Cheap enough to be asked every three seconds by every open page: nothing here goes through Gradio's queue.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from fastapi import APIRouter, Request

from aigc.jobs.runs import Run, runs
from aigc.jobs.states import State
from aigc.registry import entries, made_by
from aigc.ui import live
from aigc.ui.machine import Machine, Watch, load_now
from aigc.ui.tabs import home
from aigc.ui.visitors import owner_of
from aigc.words import LANGS, Lang, Refusal

if TYPE_CHECKING:
    from aigc.jobs.supervisor import Supervisor

SHOWN = 8  # runs
KEEP = 1.0  # seconds that one look serves everybody
T = TypeVar("T")


def router(supervisor: Supervisor, watch: Watch, *, single_user: bool) -> APIRouter:
    api = APIRouter()
    newest, load, models = Recent(lambda: runs()[:SHOWN]), Recent(load_now), Recent(entries)

    @api.get("/aigc/now")
    def now(request: Request, lang: str = "en") -> dict[str, str]:
        owner = "" if single_user else owner_of(request.cookies)
        spoken: Lang = "zh" if lang == LANGS[1] else "en"
        lines = [line for run in newest() if (line := _line(run, supervisor, owner, spoken))]
        machine: Machine = watch.machine
        at_it = Counter("queued" if line["state"] == State.QUEUED.value else "live" for line in lines if line["live"])
        return {
            "brief": home.brief(machine, at_it, spoken),
            "machine": home.machine_now(machine, load(), spoken),
            "runs": home.run_list(lines, spoken),
            "models": home.newest(spoken, models()),
        }

    return api


class Recent(Generic[T]):
    """What `look` sees, at most once a second however many pages ask."""

    def __init__(self, look: Callable[[], T]) -> None:
        self.look, self.seen, self.until = look, look(), 0.0

    def __call__(self) -> T:
        if time.monotonic() > self.until:
            self.seen, self.until = self.look(), time.monotonic() + KEEP
        return self.seen


def _line(run: Run, supervisor: Supervisor, owner: str, lang: Lang) -> live.Json | None:
    try:
        record = run.record
        return live.summary(run, lang, mine=supervisor.may(owner, run), place=supervisor.place(run.id)) | {
            "technique": record["request"]["technique"],
            "model": made.slug if (made := made_by(run.id, record.get("model"))) else None,
        }
    except Refusal:
        return None  # deleted a moment ago

"""What the browser asks for of arenas beside Gradio: their state, the list, files of it, and to stop or delete one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from aigc.jobs import arena as arenas
from aigc.jobs.arena import Arena
from aigc.ui.routes import NEVER_KEPT, InWords, Missing
from aigc.ui.tabs import arena_picture, arena_state
from aigc.ui.text import arena as text
from aigc.ui.text import live as live_text
from aigc.ui.visitors import owner_of
from aigc.words import Lang, Refusal, both

if TYPE_CHECKING:
    from aigc.jobs.supervisor import Supervisor

LISTED = 30


class Told(BaseModel):
    do: str  # "stop" or "delete"


def router(supervisor: Supervisor, *, single_user: bool = True) -> APIRouter:
    api = APIRouter(route_class=InWords)

    def owner(request: Request) -> str:
        return "" if single_user else owner_of(request.cookies)

    @api.get("/aigc/arenas")
    def listed(request: Request, lang: Lang = "en") -> Response:
        lines = [arena_state.summary(arena, supervisor, owner(request), lang) for arena in arenas.arenas()[:LISTED]]
        browser = live_text.BROWSER | text.BROWSER
        words = {name: said[lang] for name, said in browser.items()}
        return JSONResponse({"words": words, "arenas": lines}, headers=NEVER_KEPT)

    @api.get("/aigc/arenas/{id}")
    def state(id: str, request: Request, lang: Lang = "en", since: str = "") -> Response:
        return JSONResponse(arena_state.snapshot(_open(id), supervisor, owner(request), lang, since), headers=NEVER_KEPT)

    @api.get("/aigc/arenas/{id}/arena.json")
    def as_json(id: str) -> Response:
        return JSONResponse(arena_state.as_json(_open(id)), headers=NEVER_KEPT | _attached(id, "json"))

    @api.get("/aigc/arenas/{id}/arena.csv")
    def as_csv(id: str) -> Response:
        return Response(arena_state.as_csv(_open(id)), media_type="text/csv; charset=utf-8", headers=NEVER_KEPT | _attached(id, "csv"))

    @api.get("/aigc/arenas/{id}/arena.png")
    def as_png(id: str, lang: Lang = "en") -> Response:
        return Response(arena_picture.as_png(_open(id), lang), media_type="image/png", headers=NEVER_KEPT | _attached(id, "png"))

    @api.post("/aigc/arenas/{id}/command")
    def command(id: str, told: Told, request: Request) -> dict[str, str]:
        arena = _open(id)
        verbs = {"stop": arenas.stop, "delete": arenas.delete}
        if told.do not in verbs:
            raise Refusal(both("There is no command {do}.", "没有名为 {do} 的命令。"), do=repr(told.do)[:40])
        verbs[told.do](supervisor, arena.id, owner(request))
        return {"id": arena.id}

    return api


def _open(id: str) -> Arena:
    try:
        return arenas.open_arena(id)
    except Refusal as refusal:
        raise Missing(refusal.words) from None


def _attached(id: str, kind: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="arena-{id}.{kind}"'}

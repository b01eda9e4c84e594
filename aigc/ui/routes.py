"""What the browser asks for beside Gradio: the live state of runs, their pictures, commands, downloads, and this page's own files.

Nothing here waits in Gradio's queue.  `guard.py` stands in front of all of it: it sets the owner cookie and turns away posts that
another site started; here it is decided whose run it is, and every value is read again.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from aigc.commands import Command, Do
from aigc.home import home
from aigc.jobs.files import DiskFull, full_in_words
from aigc.jobs.previews import FILE
from aigc.jobs.runs import RUN_ID, Run, recordings, runs
from aigc.knobs import knobs, read_value
from aigc.options import Options
from aigc.techniques import technique
from aigc.ui import frames, live
from aigc.ui.text import live as text
from aigc.ui.visitors import owner_of
from aigc.words import Lang, Refusal, both

if TYPE_CHECKING:
    from aigc.jobs.supervisor import Supervisor

STATIC = Path(__file__).parent / "static"
STATIC_NAME = re.compile(r"[a-z][a-z0-9-]{0,40}\.(js|css|svg)")
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}  # the address changes when the contents do
ASK_AGAIN = {"Cache-Control": "no-cache"}
NEVER_KEPT = {"Cache-Control": "no-store"}
NO_ROOM = 507
RECENT = 12  # runs in the list
LEAST_FREE = 50 * 2**20  # bytes of disk below which nothing new should be started
EXPORTS = threading.BoundedSemaphore(2)  # films made at a time: a training wants the cores


class Missing(Refusal):
    """Answered with 404 in place of 400."""


class Told(BaseModel):
    """A command to a run: `do` is one of commands.Do, or "again" (go on after an interruption), or "longer"."""

    do: str
    value: Any = None


class Wanted(BaseModel):
    """A file to download: a sheet at one moment ("png"), or its whole history ("gif", "mp4")."""

    kind: str
    sheet: str = "samples"
    images: int = 0


class InWords(APIRoute):
    """A refusal becomes {"error": sentence} in the language that the request asked for."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def in_words(request: Request) -> Response:
            try:
                with full_in_words():
                    return await handle(request)
            except Refusal as refusal:
                return refused(refusal, "zh" if request.query_params.get("lang") == "zh" else "en")

        return in_words


def refused(refusal: Refusal, lang: Lang, status: int = 400) -> Response:
    """What it says, for a script of the page."""
    if isinstance(refusal, Missing | DiskFull):
        status = 404 if isinstance(refusal, Missing) else NO_ROOM
    return JSONResponse({"error": refusal.words[lang]}, status)


def router(supervisor: Supervisor, *, single_user: bool = True) -> APIRouter:
    api = APIRouter(route_class=InWords)

    def owner(request: Request) -> str:
        return "" if single_user else owner_of(request.cookies)

    @api.get("/aigc/panels/{slug}")
    def panel(slug: str, request: Request, lang: Lang = "en", run: str = "") -> Response:
        return JSONResponse(_panel(supervisor, owner(request), slug, lang, run))

    @api.get("/aigc/runs/{id}/live")
    def state(id: str, request: Request, since: str = "", lang: Lang = "en") -> Response:
        run = _open(id)
        news = live.snapshot(run, since, lang, mine=supervisor.may(owner(request), run), place=supervisor.place(id))
        return JSONResponse(news, headers=NEVER_KEPT)

    @api.get("/aigc/runs/{id}/previews/{file}")
    def preview(id: str, file: str) -> Response:
        return FileResponse(_preview_file(id, file, ".png"), media_type="image/png", headers=FOREVER)

    @api.get("/aigc/runs/{id}/arrays/{file}")
    def arrays(id: str, file: str) -> Response:
        if file == "real":
            return JSONResponse({"points": frames.real_points(_open(id))}, headers=FOREVER)
        return JSONResponse(frames.arrays(_preview_file(id, file, ".safetensors")), headers=FOREVER)

    @api.post("/aigc/runs/{id}/command")
    def command(id: str, told: Told, request: Request) -> dict[str, str]:
        return {"run": _obey(supervisor, _open(id), owner(request), told)}

    @api.post("/aigc/runs/{id}/export")
    def export(id: str, wanted: Wanted) -> Response:
        return _export(_open(id), wanted)

    @api.get("/aigc/static/{name}")
    def static(name: str, request: Request) -> Response:
        return _static(name, request)

    @api.get("/healthz")
    def healthz() -> dict[str, bool]:
        return {"ok": True}

    @api.get("/readyz")
    def readyz() -> Response:
        troubles = _troubles(supervisor)
        return JSONResponse({"ready": not troubles, "troubles": troubles}, 503 if troubles else 200, headers=NEVER_KEPT)

    return api


def _open(id: str) -> Run:
    try:
        return Run.open(id)
    except Refusal as refusal:
        raise Missing(refusal.words) from None


def _panel(supervisor: Supervisor, owner: str, slug: str, lang: Lang, asked: str) -> live.Json:
    """What a technique's panel needs before it shows a run: its words, its curves' names, the recent runs, and which to show."""
    info = technique(slug)
    found = [run for run in runs() if _technique_of(run) == slug]
    shipped = [run for run in recordings() if _technique_of(run) == slug]
    lines = [live.summary(run, lang, mine=supervisor.may(owner, run), place=supervisor.place(run.id)) for run in [*found[:RECENT], *shipped]]
    first = max((line for line in lines if line["mine"] or line["recorded"]), key=_worth_showing, default=None)
    return {
        "words": {name: words[lang] for name, words in text.BROWSER.items()},
        "sheets": {name: words[lang] for name, words in text.SHEETS.items()},
        "layers": {name: words[lang] for name, words in text.LAYERS.items()},
        "recent": lines,
        "show": asked if asked in [run.id for run in [*found, *shipped]] else first["id"] if first else None,
    } | live.legend(info, lang)


def _worth_showing(line: live.Json) -> tuple[bool, bool, float]:
    """One's own that is going on before those that are over, and only then a recording."""
    return line["live"], line["mine"], line["created"]


def _technique_of(run: Run) -> str:
    try:
        return run.record["request"]["technique"]
    except Refusal:  # deleted a moment ago
        return ""


def _preview_file(id: str, file: str, suffix: str) -> Path:
    """Raises Missing for anything but the name of a preview that is there; the name is checked before a path is made of it."""
    if FILE.fullmatch(file) and file.endswith(suffix) and RUN_ID.fullmatch(id):
        path = Run(id).folder / "previews" / file
        if path.is_file() and not path.is_symlink():
            return path
    raise Missing(both("There is no such picture here.", "这里没有这张图。"))


def _obey(supervisor: Supervisor, run: Run, owner: str, told: Told) -> str:
    """-> the id of the run to look at now.  Raises Refusal."""
    if told.do == "again":
        return supervisor.resume(run.id, owner).id
    if told.do == "longer":
        return supervisor.continue_(run.id, owner, **_budget(told.value)).id
    if told.do not in [do.value for do in Do]:
        raise Refusal(both("There is no command {do}.", "没有名为 {do} 的命令。"), do=repr(told.do)[:40])
    supervisor.command(run.id, owner, Command(Do(told.do), told.value))
    return run.id


def _budget(value: Any) -> dict[str, Any]:
    """{"seconds": s} or {"images": n}, within the bounds of the knobs of that name."""
    if not isinstance(value, dict) or len(value) != 1 or not set(value) <= {"seconds", "images"}:
        raise Refusal(both("Say how much longer: so many seconds, or so many images.", "请说明再训练多久：多少秒，或多少张图像。"))
    return {name: read_value(knobs(Options)[name], amount) for name, amount in value.items()}


def _export(run: Run, wanted: Wanted) -> Response:
    if not EXPORTS.acquire(blocking=False):
        raise Refusal(both("Other downloads are being prepared; try again in a moment.", "正在准备别的下载，请稍后再试。"))
    try:
        path = frames.download(run, wanted.kind, wanted.sheet, wanted.images)
    finally:
        EXPORTS.release()
    return FileResponse(path, filename=path.name, headers=NEVER_KEPT)


def _static(name: str, request: Request) -> Response:
    """Kept for ever under an address with a version; otherwise asked for again each time, which costs no bytes."""
    path = STATIC / name
    if not STATIC_NAME.fullmatch(name) or not path.is_file():
        raise Missing(both("There is no such file here.", "这里没有这个文件。"))
    tag = f'"{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"'
    headers = {"ETag": tag, **(FOREVER if "v" in request.query_params else ASK_AGAIN)}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type=TYPES[path.suffix], headers=headers)


def _troubles(supervisor: Supervisor) -> list[str]:
    """Why no training should be started here now; for machines, so in English and without paths."""
    found = [] if supervisor.healthy() else ["the queue is not being tended"]
    try:
        supervisor.place("0" * 32)
    except (Refusal, sqlite3.Error):
        found.append("the queue cannot be read")
    if shutil.disk_usage(home()).free < LEAST_FREE:
        found.append("the disk is nearly full")
    return found

"""The page, its routes and the guard as one ASGI application, and the thread that serves it."""

from __future__ import annotations

import logging
import socket
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
import uvicorn
from fastapi import FastAPI
from gradio.networking import setup_tunnel
from gradio.utils import get_upload_folder
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from aigc.home import outputs_folder, runs_folder
from aigc.ui import downloads, now, quick, routes
from aigc.ui.document import STATIC, Document
from aigc.ui.guard import Guard, Policy
from aigc.ui.machine import Watch
from aigc.ui.room import Room
from aigc.ui.tabs import arena_routes, evaluate_routes, examples, image_way
from aigc.ui.theme import theme
from aigc.ui.visitors import cookies_in, signing_key

if TYPE_CHECKING:
    from gradio.routes import App

    from aigc.jobs.supervisor import Supervisor

STARTS_WITHIN = 120.0  # seconds, on a machine that is busy training


def assemble(
    demo: gr.Blocks,
    supervisor: Supervisor,
    *,
    watch: Watch | None = None,
    auth: tuple[str, str] | None = None,
    lang: str = "auto",
    public: bool = False,
    single_user: bool = True,
) -> ASGIApp:
    """Outermost the guard, then our routes, then Gradio with the document that we rewrite.

    `lang`: "en" or "zh" for first visits, "auto" to follow the browser.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    # No other origin is let in. That there is such a layer also keeps Gradio from adding its own, which lets any origin in.
    app.add_middleware(CORSMiddleware, allow_origins=[])
    app.include_router(routes.router(supervisor, single_user=single_user))
    app.include_router(downloads.router())
    app.include_router(evaluate_routes.router())
    app.include_router(arena_routes.router(supervisor, single_user=single_user))
    app.include_router(image_way.router())
    app.include_router(examples.router())
    app.include_router(now.router(supervisor, watch or Watch(), single_user=single_user))
    limit = Policy(public).upload_limit
    with warnings.catch_warnings(), quick.mounting(demo):
        warnings.filterwarnings("ignore", "SSR mode")  # Gradio says that it does not do what nobody asked for
        _mount(app, demo, auth, lang, limit)
    key = signing_key(runs_folder()) if public else None
    room = Room(Path(get_upload_folder()), limit, public)
    guard = Guard(app, Policy(public, signed_in=_signed_in(app) if auth else None, key=key, room=room))
    if public:
        supervisor.near = guard.neighbours.near
    return guard


def _mount(app: FastAPI, demo: gr.Blocks, auth: tuple[str, str] | None, lang: str, limit: int) -> None:
    document = Middleware(Document, default=lang, keep=auth is None)
    gr.mount_gradio_app(
        app, demo, path="/", auth=auth, app_kwargs={"middleware": [document]}, theme=theme(),
        favicon_path=str(STATIC / "icon.svg"), footer_links=[], run_history=False, enable_monitoring=False, show_error=False,
        allowed_paths=[str(outputs_folder())], pwa=False, ssr_mode=False, mcp_server=False, max_file_size=limit,
    )  # fmt: skip
    demo.app = app.routes[-1].app  # type: ignore[attr-defined]  # where the queue keeps its sessions


def _signed_in(app: FastAPI) -> Callable[[str], bool]:
    """Whether a cookie header belongs to somebody who gave Gradio the password."""
    mounted: App = app.routes[-1].app  # type: ignore[attr-defined]

    def signed_in(cookie_header: str) -> bool:
        names = (f"access-token-{mounted.cookie_id}", f"access-token-unsecure-{mounted.cookie_id}")
        cookies = cookies_in(cookie_header)
        return any(cookies.get(name) in mounted.tokens for name in names)

    return signed_in


@dataclass
class Served:
    url: str  # on this machine
    server: uvicorn.Server
    thread: threading.Thread

    def stop(self) -> None:
        self.server.should_exit = self.server.force_exit = True
        self.thread.join(10)


def serve(app: ASGIApp, host: str, port: int) -> Served:
    """In a thread of its own, which leaves signals alone.  Raises OSError if the port is in use."""
    listening = socket.create_server(
        (host.strip("[]"), port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, reuse_port=False, backlog=256
    )
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="server", daemon=True)
    thread.start()
    until = time.monotonic() + STARTS_WITHIN
    while not server.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise OSError(f"the server did not start on {host}:{port}")
        time.sleep(0.01)
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "[::]") else host
    return Served(f"http://{shown}:{listening.getsockname()[1]}/", server, thread)


def share(demo: gr.Blocks, host: str, port: int) -> str | None:
    """A public address that leads here, through Gradio's relay; None if it cannot be had."""
    try:
        return setup_tunnel(host, port, demo.share_token, None, None)
    except Exception as error:  # the relay fails in many ways, and none of them concerns the page on this machine
        logging.getLogger(__name__).warning("no share link: %s", error)
        return None

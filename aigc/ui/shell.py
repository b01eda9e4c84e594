"""The page: its frame, its list of tabs, and how it is started."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from aigc.techniques import techniques
from aigc.ui.page import Page
from aigc.words import LANGS, Words, both

if TYPE_CHECKING:
    from aigc.jobs.supervisor import Supervisor

STATIC = Path(__file__).parent / "static"
TITLES: dict[str, Words] = {"home": both("Home", "首页"), "data": both("Data", "数据"), "models": both("Models", "模型")}


def _tab(page: Page, name: str) -> None:
    try:
        module = importlib.import_module(f"aigc.ui.tabs.{name if name in TITLES else 'technique'}")
    except ModuleNotFoundError:
        return
    module.draw(page) if name in TITLES else module.draw(page, techniques()[name])


def _page(page: Page) -> None:
    with gr.Tabs(elem_id="tabs"):
        for name in page.tabs:
            with gr.Tab(page.t(TITLES[name] if name in TITLES else techniques()[name].title), id=name):
                _tab(page, name)


def build(supervisor: Supervisor, *, public: bool = False, single_user: bool = True) -> gr.Blocks:
    tabs = ["home", "data", *techniques(), "models"]
    with gr.Blocks(title="AIGC Lab") as demo:
        _page(Page("en", supervisor, public, single_user, tabs))
    for lang in LANGS[1:]:
        with demo.route("中文", f"/{lang}"):
            gr.Navbar(visible=False)
            _page(Page(lang, supervisor, public, single_user, tabs))
    return demo


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python app.py")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=7860)
    asked = parser.parse_args(argv)
    try:
        from aigc.home import home
        from aigc.jobs.supervisor import Supervisor

        supervisor = Supervisor(home())
        supervisor.start()
    except ModuleNotFoundError:
        supervisor = None
    demo = build(supervisor)
    app, *_ = demo.launch(
        server_name=asked.host, server_port=asked.port, prevent_thread_lock=True, footer_links=[], run_history=False, enable_monitoring=False
    )
    try:
        from aigc.ui.routes import router

        app.include_router(router)
    except ModuleNotFoundError:
        pass
    print(f"AIGC Lab: http://{asked.host}:{asked.port}", flush=True)
    demo.block_thread()

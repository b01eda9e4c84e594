"""A real browser on a real server: what the browser tests share.

`Lab` is one page of one visitor, with words for what a person does there.  Whatever a page complains about, or asks of any other
host, fails its test when the page is closed.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aigc.techniques import techniques

PROJECT = Path(__file__).resolve().parents[2]
CHROMIUM = "/usr/bin/chromium"
PATIENCE = float(os.environ.get("AIGC_TEST_PATIENCE", "60"))  # seconds for anything that waits on a machine that others use too
CUT_OFF = ("AbortError: signal is aborted", "AbortError: BodyStreamBuffer was aborted", "Unexpected error Connection errored out")
SAYS = {
    "starting": ("starting", "启动中"),
    "running": ("training", "训练中"),
    "paused": ("paused", "已暂停"),
    "finished": ("finished", "已完成"),
    "stopped": ("stopped by you", "已由你停止"),
}


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@dataclass
class Server:
    home: Path
    url: str
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def serving(home: Path, *arguments: str, port: int | None = None, env: dict[str, str] | None = None) -> Iterator[Server]:
    """`python app.py` with a home of its own, until the block ends; `env` is what differs from a machine without a network."""
    port = port or free_port()
    known = {"AIGC_HOME": str(home), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "GRADIO_TEMP_DIR": str(home / "gradio"), **(env or {})}
    env = {**{k: v for k, v in os.environ.items() if k != "AIGC_DATA_DIR"}, **known}
    with open(home / "server.log", "ab") as log:
        process = subprocess.Popen([sys.executable, "app.py", "--port", str(port), *arguments], cwd=PROJECT, env=env, stdout=log, stderr=log)
    server = Server(home, f"http://127.0.0.1:{port}", process)
    try:
        wait_for(lambda: _answers(server.url), "the server answers")
        yield server
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(f"{url}/healthz", timeout=2).status == 200
    except OSError:
        return False


def wait_for(what: Callable[[], Any], words: str, seconds: float = PATIENCE) -> Any:
    """What `what` gives as soon as it is true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError(f"never: {words}")


@dataclass
class Lab:
    """One page: a technique's tab in one language."""

    page: Any
    url: str
    lang: str = "en"
    technique: str = "gan"
    complaints: list[str] = field(default_factory=list)
    forgiven: bool = False  # the test itself cuts the connection
    reloaded: bool = False

    def go(self, tab: str, **query: str) -> None:
        asked = "".join(f"&{k}={v}" for k, v in query.items())
        self.page.goto(f"{self.url}{'/zh' if self.lang == 'zh' else '/'}?tab={tab}{asked}")

    def open(self, technique: str = "gan", **query: str) -> Lab:
        self.technique = technique
        self.go(technique, **query)
        return self.ready()

    def reload(self) -> Lab:
        self.reloaded = True
        self.page.reload()
        return self.ready()

    def leaving(self, complaint: str) -> bool:
        """Whether this is what Gradio says when a page is left while a call of it is under way."""
        return self.reloaded and complaint.startswith(CUT_OFF)

    def ready(self) -> Lab:
        self.panel.locator(".aigc-status").wait_for(timeout=1000 * PATIENCE)
        self.button("Train", "训练").wait_for()
        return self

    @property
    def panel(self) -> Any:
        return self.page.locator(f'.aigc-live[data-technique="{self.technique}"]')

    # the form
    def button(self, en: str, zh: str) -> Any:
        return self.page.get_by_role("button", name=zh if self.lang == "zh" else en, exact=True).locator("visible=true").first

    def knob(self, name: str) -> Any:
        return self.page.locator(f".aigc-knob-{name} input").locator("visible=true").first

    def choose(self, knob_class: str, text: str) -> None:
        self.page.locator(f".{knob_class} input").locator("visible=true").first.click()
        self.page.get_by_role("option", name=text, exact=True).or_(
            self.page.get_by_role("option", name=re.compile(f"^{re.escape(text)}"))
        ).first.click()

    def train(self, seconds: float | None = None) -> Lab:
        if seconds is not None:
            self.knob("seconds").fill(str(seconds))
        self.button("Train", "训练").click()
        return self

    # the panel
    def says(self) -> str:
        return self.panel.locator(".aigc-says strong").inner_text()

    def wait_says(self, state: str) -> Lab:
        words = SAYS[state][self.lang == "zh"]
        wait_for(lambda: self.says() == words, f"it says {words!r}, not {self.says()!r}")
        return self

    def images(self) -> int:
        return int(re.sub(r"\D", "", self.panel.locator("[data-fact=images] dd").inner_text()) or 0)

    def do(self, verb: str, n: int = 0) -> None:
        self.panel.locator(f'[data-do="{verb}"]').nth(n).click()

    def curve(self) -> str:
        """What the first curve looks like."""
        drawn = self.panel.locator(".aigc-line")
        return drawn.first.get_attribute("d") or "" if drawn.count() else ""

    def when(self) -> str:
        return self.panel.locator(".aigc-when").inner_text()

    def log(self) -> str:
        return self.panel.locator(".aigc-log").inner_text()

    def picture(self) -> str:
        shown = self.panel.locator(".aigc-frame img")
        return shown.get_attribute("src") or "" if shown.count() else ""


@contextmanager
def browsing() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@contextmanager
def visiting(browser: Any, url: str, lang: str = "en", **how: Any) -> Iterator[Lab]:
    """A visitor with a browser of their own: no cookie is shared with another."""
    context = browser.new_context(locale="zh-CN" if lang == "zh" else "en-US", viewport=how.pop("viewport", {"width": 1440, "height": 900}), **how)
    context.set_default_timeout(1000 * PATIENCE)
    lab = watched(context.new_page(), url, lang)
    try:
        yield lab
    finally:
        if _answers(url):
            stop_all(lab)
        context.close()
    assert lab.forgiven or not lab.complaints, "\n".join(lab.complaints)


def stop_all(lab: Lab) -> None:
    """The next test wants the machine for itself: stop what this visitor may stop."""
    ask = lab.page.context.request
    for slug in techniques():
        for line in ask.get(f"{lab.url}/aigc/panels/{slug}").json()["recent"]:
            if line["live"] and line["mine"]:
                ask.post(f"{lab.url}/aigc/runs/{line['id']}/command", data={"do": "stop"})
                wait_for(lambda id=line["id"]: not ask.get(f"{lab.url}/aigc/runs/{id}/live").json()["live"], "it stops")


def watched(page: Any, url: str, lang: str = "en") -> Lab:
    """A page whose every complaint is written down."""
    lab = Lab(page, url, lang)
    page.on("console", lambda m: lab.complaints.append(f"console: {m.text}") if m.type == "error" and not lab.leaving(m.text) else None)
    page.on("pageerror", lambda e: lab.complaints.append(f"page error: {e}"))
    page.on("request", lambda r: None if r.url.startswith((url, "data:", "blob:")) else lab.complaints.append(f"asks outside: {r.url}"))
    return lab

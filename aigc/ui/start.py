"""`python app.py`: from the words typed to a page that answers, and to a clean end."""

from __future__ import annotations

import argparse
import locale
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from aigc.home import home, outputs_folder, runs_folder
from aigc.jobs import processes
from aigc.jobs.store import PUBLIC
from aigc.jobs.supervisor import Supervisor
from aigc.ui import server, shell, visitors
from aigc.ui.machine import Watch
from aigc.ui.text import shell as text
from aigc.words import Lang, Refusal

PORTS = 10  # how many are tried from the one asked for
SWEEP_EVERY, SWEEP_AGE, SWEEP_AGE_PUBLIC = 1200.0, 24 * 3600.0, 1.5 * 3600.0  # seconds
SPACE_PORT = 7860
KEPT_PUBLIC = 200  # ended runs, models, arenas, sets of pictures; a public server is not an archive


def main(argv: list[str] | None = None) -> None:
    asked = parser().parse_args(argv)
    lang = _terminal_language(asked.lang)
    try:
        _run(asked, lang)
    except Refusal as refusal:
        print(refusal.words[lang], file=sys.stderr)
        sys.exit(2)


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python app.py", description=f"{text.SENTENCE.en} {text.SENTENCE.zh}")
    on_space = bool(os.environ.get("SPACE_ID"))
    p.add_argument("--host", default="0.0.0.0" if on_space else "127.0.0.1", help="address to listen on; 0.0.0.0 lets other machines in")
    p.add_argument("--port", type=int, default=SPACE_PORT, help="the first of ten ports to try")
    p.add_argument("--share", action="store_true", help="make a public link; needs --auth or --open")
    p.add_argument("--auth", metavar="USER:PASSWORD", help="ask visitors for this")
    p.add_argument("--open", action="store_true", help="let anyone in over the public link, without a password")
    p.add_argument("--lang", choices=("en", "zh", "auto"), default="auto", help="language of a first visit; auto follows the browser")
    return p


def _run(asked: argparse.Namespace, lang: Lang) -> None:
    auth = _auth(asked)
    processes.share_cores()
    port = free_port(asked.host, asked.port)
    if port != asked.port:
        print(text.NEXT_PORT.fill(port=asked.port, other=port)[lang], flush=True)
    print(text.STARTING[lang], flush=True)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    public = visitors.is_public(asked.share, asked.host)
    _own_temporary_folder(SWEEP_AGE_PUBLIC if public else SWEEP_AGE)
    watch = Watch()
    supervisor = Supervisor(home(), single_user=not public, limits=PUBLIC if public else None, keep=KEPT_PUBLIC if public else None)
    supervisor.start()  # refuses when another server works in this folder
    try:
        demo = shell.build(supervisor, watch=watch, public=public, single_user=not public)
        app = server.assemble(demo, supervisor, watch=watch, auth=auth, lang=asked.lang, public=public, single_user=not public)
        served = server.serve(app, asked.host, port)
        print(text.OPEN_HERE.fill(url=served.url)[lang], flush=True)
        if asked.share:
            url = server.share(demo, "127.0.0.1", port)
            print((text.SHARED.fill(url=url) if url else text.NO_SHARE)[lang], flush=True)
        watch.warm_up()
        ended.wait()
        print(text.STOPPING[lang], flush=True)
    finally:
        supervisor.stop()
    # Open pages hold connections that the server would wait for; everything worth keeping is on disk by now.
    sys.stdout.flush()
    os._exit(0)


def _auth(asked: argparse.Namespace) -> tuple[str, str] | None:
    """Raises Refusal for a share link that is open by accident."""
    if asked.auth:
        user, colon, password = asked.auth.partition(":")
        if not (user and colon and password):
            raise Refusal(text.AUTH_FORM)
        return user, password
    if asked.share and not asked.open:
        raise Refusal(text.NEEDS_PASSWORD)
    return None


def free_port(host: str, first: int) -> int:
    """The first of `PORTS` ports that nobody listens on.  Raises Refusal; on a Space only one will do."""
    for port in range(first, min(first + (1 if os.environ.get("SPACE_ID") else PORTS), 65536)):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that a dead server just left is free
            try:
                probe.bind((host.strip("[]"), port))
                return port
            except OSError:
                continue
    raise Refusal(text.NO_PORT, port=first)


def _own_temporary_folder(age: float) -> None:
    """Gradio's uploads and copies go where old ones are swept, and so are files made for download: it forgets what it made when killed."""
    folder = runs_folder() / "page"
    os.environ.setdefault("GRADIO_TEMP_DIR", str(folder))

    def keep_sweeping() -> None:
        while True:
            for one in (folder, outputs_folder()):
                sweep(one, age)
            time.sleep(SWEEP_EVERY)

    threading.Thread(target=keep_sweeping, name="sweep", daemon=True).start()


def sweep(folder: Path, age: float) -> int:
    """Removes files under `folder` that nobody has touched for `age` seconds, and folders left empty.  -> how many files"""
    removed = 0
    for parent, _, names in os.walk(folder, topdown=False):
        for path in (Path(parent, name) for name in names):
            try:
                if time.time() - path.lstat().st_mtime > age:
                    path.unlink()
                    removed += 1
            except OSError:
                continue  # somebody else was quicker
        try:
            if Path(parent) != folder and time.time() - os.stat(parent).st_mtime > age:
                os.rmdir(parent)
        except OSError:
            continue  # not empty
    return removed


def _terminal_language(asked: str) -> Lang:
    if asked in ("en", "zh"):
        return "zh" if asked == "zh" else "en"
    told = os.environ.get("LC_ALL") or os.environ.get("LANG") or locale.getlocale()[0] or ""
    return "zh" if told.lower().startswith("zh") else "en"

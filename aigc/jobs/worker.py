"""The process that trains.  `python -m aigc.jobs.worker` loads everything slow, then waits on its standard input for the id of a run.

When that input ends, the server is gone: what was learnt is written down and the process ends within five seconds.
"""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable

from aigc.jobs.files import is_full
from aigc.jobs.processes import Holder
from aigc.jobs.runs import Run
from aigc.jobs.training import Tools, rehearse, run_job, tools

__all__ = ["run_job", "serve"]

NICE = 5  # the page stays quick while a training takes all cores
SERVER_GONE_SECONDS = 5.0


def serve(with_tools: Callable[[], Tools] = tools, warm_up: Callable[[Tools, Callable[[], bool]], None] = rehearse) -> None:
    """Be a worker process: load, wait for one run, train it, end."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    faulthandler.enable()
    leaving = threading.Event()
    wanted: queue.SimpleQueue[str] = queue.SimpleQueue()

    def leave(*_: object) -> None:
        leaving.set()
        wanted.put("")

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the server, which will tell us
    threading.Thread(target=_listen, args=(wanted, leave), daemon=True).start()
    loaded = with_tools()
    try:
        warm_up(loaded, lambda: not wanted.empty())
    except Exception:  # whatever is wrong will be said when somebody asks for it
        traceback.print_exc()
    id = wanted.get()
    if id and not leaving.is_set():
        _exit(_serve_one(Run.open(id), leaving, loaded))
    _exit(0)


def _listen(wanted: queue.SimpleQueue[str], leave: Callable[[], None]) -> None:
    for line in sys.stdin:
        wanted.put(line.strip())
    leave()
    time.sleep(SERVER_GONE_SECONDS)
    _exit(75)


def _serve_one(run: Run, leaving: threading.Event, loaded: Tools) -> int:
    """-> exit code"""
    log = os.open(run.folder / "output.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(log, stream)
    if sys.platform == "linux":  # elsewhere what the server knows us by stands: a launcher may be between us, and clocks differ
        run.update(holder=Holder.me().as_json())
    try:
        run_job(run, should_exit=leaving.is_set, with_tools=loaded)
        return 0
    except OSError as error:
        with contextlib.suppress(OSError):  # a full disk does not take this either, and must not be taken for a crash
            traceback.print_exc()
        return errno.ENOSPC if is_full(error) else 1


def _exit(code: int) -> None:
    """At once: nothing here is worth the seconds that taking torch apart can need."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve()

"""Real trainings that can be killed at once and by the dozen: torch is loaded one time, each training is a fork.

Standard input: a home, a run's id, and what is different for it.  Standard output: the process id of its training.
Every step is reported and checkpoints come a dozen times, so that two trainings can be compared step by step.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from pathlib import Path

from aigc.jobs.runs import Run
from aigc.jobs.training import run_job, tools
from aigc.train import loop


def one(home: str, id: str, *how: str) -> None:
    os.setsid()
    os.environ["AIGC_HOME"] = home
    leaving = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: leaving.set())
    for setting in how:
        name, _, value = setting.partition("=")
        if name == "crash":
            os.environ["AIGC_CRASH_AT"] = value
        elif name == "file":  # no file may grow beyond so many bytes: fails as a full disk does
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(value), int(value)))
        elif name == "memory":  # so many bytes more than now
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + int(value), used + int(value)))
    run_job(Run.open(id), should_exit=leaving.is_set, with_tools=LOADED)


if __name__ == "__main__":
    loop.REPORT_SECONDS, loop.SAVE_SECONDS, loop.SAVING = 0.0, 0.02, 10.0  # after as much training, however long the last one took
    LOADED = tools()
    import torch._dynamo  # noqa: F401  # what an optimiser would load at its first step

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                one(*line.split())
                code = 0
            finally:
                os._exit(code)
        print(pid, flush=True)

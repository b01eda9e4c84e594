"""Evaluations asked for on the page: each is `python -m aigc evaluate` in a process of its own, one at a time, and nobody but its visitor ends it.

`python -m aigc.jobs.evaluating evaluate SLUG ...` is that command on a leash: it takes a back seat to trainings and to the page, and ends
when the line to the server does.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from aigc.home import PROJECT
from aigc.jobs.processes import KILL, environment, send_signal
from aigc.words import Lang, Refusal, both

COMMAND = (sys.executable, "-m", "aigc.jobs.evaluating")
NICE = 10  # behind a training (worker.NICE) and the page
GRACE = 3.0  # seconds from being told to stop to being ended
KEPT = 200  # visitors whose last evaluation is remembered
SENTENCE = 400  # characters of a line that are shown
LOCALES: dict[str, str] = {"en": "C.UTF-8", "zh": "zh_CN.UTF-8"}

BUSY = both("Another evaluation is under way here, and they go one at a time: try again in a moment.",
            "这里正在进行另一次评估，一次只能一个：请稍后再试。")  # fmt: skip
STARTING = both("Starting.", "正在启动。")
CANCELLED = both("Cancelled; nothing was written.", "已取消，什么也没有写下。")
TOO_LONG = both("It took longer than {n:.0f} minutes, which is the most here, and was ended: ask for fewer samples or fewer parts.",
                "用时超过这里的上限 {n:.0f} 分钟，已被结束：请减少样本数或评估项目。")  # fmt: skip
CRASHED = both("The evaluation ended unexpectedly (code {code}); the server’s log says why.", "评估意外结束（代码 {code}），原因见服务器日志。")


@dataclass
class Evaluation:
    """One evaluation; its thread writes, everybody reads."""

    slug: str
    data: str
    owner: str
    lang: Lang
    sentence: str
    most_seconds: float | None = None
    started: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    over: bool = False
    failed: str = ""  # why, in the visitor's language
    report: dict[str, Any] | None = None  # as the command printed it
    cancelled: bool = False
    late: bool = False  # it took longer than it may

    @property
    def age(self) -> float:
        return self.seconds if self.over else time.monotonic() - self.started


class Evaluations:
    """`command` runs `python -m aigc` on a leash."""

    def __init__(self, command: Sequence[str] = COMMAND):
        self._command = tuple(command)
        self._lock = threading.Lock()
        self._last: OrderedDict[str, Evaluation] = OrderedDict()
        self._process: subprocess.Popen[str] | None = None

    def ask(
        self, slug: str, data: str, *, owner: str, lang: Lang, n: int, parts: Sequence[str] = (), most_seconds: float | None = None
    ) -> Evaluation:
        """Start one for `owner`; the same model asked again while it is being evaluated is the same evaluation.

        `most_seconds`: how long it may take.  Raises Refusal while another is under way.
        """
        with self._lock:
            for one in self._last.values():
                if not one.over:
                    if (one.owner, one.slug, one.data) == (owner, slug, data):
                        return one
                    raise Refusal(BUSY)
            one = Evaluation(slug, data, owner, lang, STARTING[lang], most_seconds)
            self._last[owner] = one
            self._last.move_to_end(owner)
            while len(self._last) > KEPT:
                self._last.popitem(last=False)
            wanted = ["evaluate", slug, "--data", data, "--n", str(n), *(["--parts", ",".join(parts)] if parts else []), "--json"]
            threading.Thread(target=self._follow, args=(one, wanted), name=f"evaluate {slug}", daemon=True).start()
            return one

    def of(self, owner: str) -> Evaluation | None:
        """The one that this visitor asked for last."""
        return self._last.get(owner)

    def cancel(self, owner: str) -> None:
        """End the visitor's own; what ends by itself meanwhile has ended."""
        one = self._last.get(owner)
        if one is None or one.over:
            return
        one.cancelled = True
        self._end()

    def _expire(self, one: Evaluation) -> None:
        one.late = True
        self._end()

    def _end(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        send_signal(process.pid, signal.SIGTERM)
        threading.Timer(GRACE, _kill, (process,)).start()

    def _follow(self, one: Evaluation, wanted: Sequence[str]) -> None:
        try:
            self._run(one, wanted)
        except Exception:  # a thread has nobody to tell: the page shows a sentence, the log the rest
            logging.getLogger(__name__).exception("evaluating %s", one.slug)
            one.failed = one.failed or CRASHED.fill(code="?")[one.lang]
        finally:
            self._process, one.seconds, one.over = None, one.age, True

    def _run(self, one: Evaluation, wanted: Sequence[str]) -> None:
        locale = LOCALES[one.lang]
        env = environment() | {"LC_ALL": locale, "LANG": locale, "AIGC_LANG": one.lang, "PYTHONUTF8": "1"}
        process = self._process = subprocess.Popen(
            [*self._command, *wanted], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, cwd=PROJECT,
            text=True, encoding="utf-8", errors="replace", start_new_session=True,
        )  # fmt: skip
        assert process.stdout and process.stderr and process.stdin
        if one.cancelled:  # before there was anything to end
            self._end()
        late = threading.Timer(one.most_seconds or threading.TIMEOUT_MAX, self._expire, (one,))
        late.daemon = True
        late.start()
        listening = threading.Thread(target=_listen, args=(process.stderr, one), daemon=True)
        listening.start()
        printed = process.stdout.read()
        code = process.wait()
        listening.join(GRACE)
        late.cancel()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()
        self._judge(one, code, printed)

    def _judge(self, one: Evaluation, code: int, printed: str) -> None:
        answer = _json_in(printed)
        if code == 0 and isinstance(answer, dict):
            one.report = answer
        elif one.late:
            one.failed = TOO_LONG.fill(n=(one.most_seconds or 0) / 60)[one.lang]
        elif one.cancelled:
            one.failed = CANCELLED[one.lang]
        elif isinstance(answer, dict) and isinstance(answer.get("error"), str):
            one.failed = answer["error"]
        else:
            logging.getLogger(__name__).error("evaluating %s ended with code %s: %s", one.slug, code, one.sentence)
            one.failed = CRASHED.fill(code=code)[one.lang]


def _kill(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        send_signal(process.pid, KILL)


def _listen(lines: IO[str], one: Evaluation) -> None:
    """Every line is a sentence of progress; what is no sentence (a warning of a library) is passed over."""
    with lines:
        for line in lines:
            sentence = line.rpartition("\r")[2].strip()
            if sentence and not line.startswith((" ", "\t")):
                one.sentence = sentence[:SENTENCE]


def _json_in(printed: str) -> Any:
    lines = printed.strip().splitlines()
    try:
        return json.loads(lines[-1]) if lines else None
    except ValueError:
        return None


def leash() -> None:
    """Be `python -m aigc` with this process's arguments, until that or the server ends."""
    if hasattr(os, "nice"):
        os.nice(NICE)

    def watch() -> None:
        with contextlib.suppress(OSError, ValueError):
            os.read(0, 1)  # nothing is ever written: what comes is the end
        os._exit(143)

    threading.Thread(target=watch, daemon=True).start()
    sys.argv[0] = "aigc"
    runpy.run_module("aigc", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    leash()

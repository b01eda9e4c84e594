"""One server a home: two would fight over the same line."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

from aigc.home import runs_folder
from aigc.jobs.files import in_words, locked
from aigc.jobs.processes import Holder
from aigc.words import Refusal, both

LOCK = ".server.lock"
TAKEN = both(
    "Another AIGC Lab is already using {folder}: open its page, end it, or set AIGC_HOME to another folder.",
    "另一个 AIGC Lab 正在使用 {folder}：请打开它的页面、结束它，或用 AIGC_HOME 指定另一个文件夹。",
)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Be the server of this home for as long as it lasts.  Raises Refusal if there is one, or if the folder cannot be written."""
    path = runs_folder() / LOCK
    with contextlib.ExitStack() as held:
        with in_words():
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                held.enter_context(locked(path, wait=False))
            except BlockingIOError:
                raise Refusal(TAKEN, folder=runs_folder()) from None
            path.write_text(json.dumps(Holder.me().as_json()))
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                path.write_text("")


def serving() -> bool:
    """Whether a server tends the line of this home."""
    try:
        holder = Holder.from_json(json.loads((runs_folder() / LOCK).read_text()))
    except (OSError, ValueError):
        return False
    return bool(holder and holder.alive())

"""One server a home: two would fight over the same line."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

from aigc.home import runs_folder
from aigc.jobs.files import locked
from aigc.jobs.processes import Holder
from aigc.words import Refusal, both

LOCK = ".server.lock"


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Be the server of this home for as long as it lasts.  Raises Refusal if there is one, or if the folder cannot be written."""
    path = runs_folder() / LOCK
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path, wait=False):
            path.write_text(json.dumps(Holder.me().as_json()))
            try:
                yield
            finally:
                with contextlib.suppress(OSError):
                    path.write_text("")
    except BlockingIOError:
        words = both(
            "Another AIGC Lab is already using {folder}: open its page, end it, or set AIGC_HOME to another folder.",
            "另一个 AIGC Lab 正在使用 {folder}：请打开它的页面、结束它，或用 AIGC_HOME 指定另一个文件夹。",
        )
        raise Refusal(words, folder=runs_folder()) from None
    except OSError as error:
        words = both(
            "The folder {folder} cannot be written ({why}): check its permissions, or set AIGC_HOME to another folder.",
            "无法写入文件夹 {folder}（{why}）：请检查权限，或用 AIGC_HOME 指定另一个文件夹。",
        )
        raise Refusal(words, folder=runs_folder(), why=error.strerror) from None


def serving() -> bool:
    """Whether a server tends the line of this home."""
    try:
        holder = Holder.from_json(json.loads((runs_folder() / LOCK).read_text()))
    except (OSError, ValueError):
        return False
    return bool(holder and holder.alive())

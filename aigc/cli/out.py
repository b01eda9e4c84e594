"""Where a verb's words go: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from aigc.words import Lang, Words, both

OK, FAILED, REFUSED, INTERRUPTED, ABORTED = 0, 1, 2, 3, 130  # exit codes, as parser.EXIT_CODES tells them
PROGRESS_SECONDS = 5.0  # between two lines where nobody overwrites them, as in a log


def shell_language() -> Lang:
    """As POSIX has it: the first of these that is set decides."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


class Out:
    def __init__(self, lang: Lang, as_json: bool):
        self.lang, self.as_json = lang, as_json
        self._shown = 0  # width of the progress line that stands there now
        self._said_at = float("-inf")
        self._given = False  # the result

    def result(self, values: dict[str, Any], lines: list[str]) -> None:
        """What was asked for: the values as one line of JSON (ASCII, which any shell takes), or the lines for people."""
        self._clear()
        text = json.dumps(values, default=_plain, allow_nan=False) if self.as_json else "\n".join(lines)
        print(text, flush=True)
        self._given = True

    def stream(self, part: str) -> None:
        """A part of the result for people, as it comes."""
        if not self.as_json and part:
            self._clear()
            print(part, end="", flush=True)

    def say(self, words: Words, **values: object) -> None:
        self._clear()
        print(words.fill(**values)[self.lang] if values else words[self.lang], file=sys.stderr, flush=True)

    def refuse(self, words: Words, **values: object) -> None:
        """One sentence for people; with --json also a line for programs, unless they have the result."""
        words = words.fill(**values) if values else words
        self.say(words)
        if self.as_json and not self._given:
            self.result({"error": words[self.lang]}, [])

    def progress(self, text: str) -> None:
        """A line that the next one replaces; in a log, a line now and then."""
        if sys.stderr.isatty():
            print("\r" + text.ljust(self._shown), end="", file=sys.stderr, flush=True)
            self._shown = len(text)
        elif time.monotonic() - self._said_at >= PROGRESS_SECONDS:
            self._said_at = time.monotonic()
            print(text, file=sys.stderr, flush=True)

    def _clear(self) -> None:
        if self._shown:
            print("\r" + " " * self._shown + "\r", end="", file=sys.stderr, flush=True)
            self._shown = 0


def system_says(error: OSError) -> Words:
    """Without the path, which may be nobody's business."""
    where = f" ({os.path.basename(str(error.filename))})" if error.filename else ""
    return both(f"The system says: {error.strerror or error}{where}.", f"系统报告：{error.strerror or error}{where}。")


def columns(rows: list[tuple[str, ...]]) -> list[str]:
    """Rows as aligned text; Chinese characters are two columns wide."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _width(text: str) -> int:
    import unicodedata

    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _plain(value: Any) -> Any:
    return value.as_json() if isinstance(value, Words) else str(value)

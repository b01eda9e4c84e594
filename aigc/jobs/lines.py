"""A file of JSON lines that one process appends to and others read while it grows."""

from __future__ import annotations

import errno
import json
import math
import os
from pathlib import Path
from typing import Any

CHUNK = 8 << 20  # bytes read at most in one call


def append(path: Path, value: dict[str, Any]) -> None:
    """Add one line in one call, so that a kill leaves whole lines.  Raises OSError; a full disk may leave half a line, which
    the next one does not continue."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
    try:
        size = os.fstat(handle).st_size
        line = as_line(value)
        if size and _last_byte(handle, size) != b"\n":
            line = b"\n" + line
        if os.write(handle, line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(handle)


def read(path: Path, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The complete lines from `offset` on, and the offset to ask from next time.  Nothing new costs one `stat`."""
    try:
        if os.stat(path).st_size <= offset:
            return [], offset
        with open(path, "rb") as file:
            file.seek(offset)
            data = file.read(CHUNK)
    except FileNotFoundError:
        return [], offset
    whole = data[: data.rfind(b"\n") + 1]
    return [value for line in whole.split(b"\n") if isinstance(value := _loads(line), dict)], offset + len(whole)


def read_all(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    offset = -1
    while True:
        more, end = read(path, max(offset, 0))
        found += more
        if end == offset or not end:
            return found
        offset = end


def as_line(value: dict[str, Any]) -> bytes:
    return _dumps(value).encode() + b"\n"


def _last_byte(handle: int, size: int) -> bytes:
    os.lseek(handle, size - 1, os.SEEK_SET)
    return os.read(handle, 1)


def _dumps(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:  # NaN and infinity are no JSON: browsers refuse the whole line
        return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _loads(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:  # half a line, from a disk that was full
        return None

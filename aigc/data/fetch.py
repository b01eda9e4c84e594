"""One file over HTTP: continued where it was cut, checked before it is used, given up in bounded time when nothing arrives."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import filelock
import httpx

T = TypeVar("T")
Tick = Callable[[int], object]  # hears how many bytes of the file are here

CONNECT_SECONDS = 6.0
STALL_SECONDS = 15.0  # without a byte
TRIES = 3  # in a row that brought less than LEAST_BYTES
LEAST_BYTES = 65_536  # a try that brought this much, or a minute of download, was worth it
PAUSE_SECONDS = 1.0  # before the second try; longer before each later one


class WrongSum(Exception):
    """The named file is not what the server promised; what arrived has been deleted."""


class Stalled(Exception):
    """The server ends too early, or sends so little that it will never end."""


def client(headers: dict[str, str]) -> httpx.Client:
    return httpx.Client(headers=headers, follow_redirects=True, timeout=httpx.Timeout(STALL_SECONDS, connect=CONNECT_SECONDS))


def fetch(client: httpx.Client, url: str, target: Path, size: int, sha256: str, tick: Tick) -> None:
    """The whole, checked file at `target`.  Of two processes wanting it, one fetches and the other waits and watches.

    `sha256` may be "" where the server gives none.  Raises WrongSum, Stalled, httpx.HTTPError or OSError; a partial file
    stays for the next call, unless it is wrong.
    """
    partial = partial_of(target, size, sha256)
    lock = filelock.FileLock(target.with_name(f"{target.name}.lock"))
    while not lock.is_locked:
        try:
            lock.acquire(timeout=0.5)
        except filelock.Timeout:
            tick(_size(partial))
    try:
        if not _is_here(target, size):
            patiently(lambda: _continue(client, url, partial, size, tick), lambda: _size(partial))
            _check_sum(partial, target.name, size, sha256)
            os.replace(partial, target)
    finally:
        lock.release()
    tick(size)


def partial_of(target: Path, size: int, sha256: str) -> Path:
    """Where a file lies until it is whole: never continued by another version of it."""
    return target.with_name(f"{target.name}.{sha256[:8] or size}.partial")


def still_to_come(target: Path, size: int, sha256: str) -> int:
    """Bytes of a file that are neither at `target` nor in what was fetched of it."""
    return 0 if _is_here(target, size) else max(0, size - _size(partial_of(target, size, sha256)))


def patiently(attempt: Callable[[], T], size: Callable[[], int] = lambda: 0) -> T:
    """attempt(), again after a pause when the network or the server failed; for good after TRIES that brought next to nothing."""
    fruitless = 0
    while True:
        had = size()
        try:
            return attempt()
        except (httpx.TransportError, httpx.HTTPStatusError, Stalled) as error:
            if isinstance(error, httpx.HTTPStatusError) and error.response.status_code < 500 and error.response.status_code != 429:
                raise
            fruitless = 0 if size() - had >= LEAST_BYTES else fruitless + 1
            if fruitless >= TRIES:
                raise
            time.sleep(PAUSE_SECONDS * max(1, fruitless))


def _continue(client: httpx.Client, url: str, partial: Path, size: int, tick: Tick) -> None:
    partial.touch()  # a file may be empty
    had = _size(partial)
    if had < size:
        with client.stream("GET", url, headers={"Range": f"bytes={had}-"}) as response:
            response.raise_for_status()
            # A server that knows no ranges sends everything again.
            resumed = re.match(rf"bytes {had}-", response.headers.get("Content-Range", ""))
            with partial.open("ab" if resumed else "wb") as out:
                _pour(response, out, tick)
                out.flush()
                os.fsync(out.fileno())
    if _size(partial) < size:
        raise Stalled("the connection was closed too early")


def _pour(response: httpx.Response, out, tick: Tick) -> None:
    since, arrived = time.monotonic(), 0
    for chunk in response.iter_raw():
        out.write(chunk)
        tick(out.tell())
        arrived += len(chunk)
        if time.monotonic() - since > 4 * STALL_SECONDS:
            if arrived < LEAST_BYTES:
                raise Stalled("next to nothing arrives")
            since, arrived = time.monotonic(), 0


def _check_sum(partial: Path, name: str, size: int, sha256: str) -> None:
    with partial.open("rb") as f:
        right = _size(partial) == size and (not sha256 or hashlib.file_digest(f, "sha256").hexdigest() == sha256)
    if not right:
        partial.unlink()
        raise WrongSum(name)


def _is_here(target: Path, size: int) -> bool:
    return target.exists() and _size(target) == size


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0

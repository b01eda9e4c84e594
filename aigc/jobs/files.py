"""Files that are there whole or not at all, whatever kills the process or fills the disk in between."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from aigc.home import existing
from aigc.words import Refusal, both

_FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}  # no space, over the size limit of the process, over the quota
UNWRITABLE = both(
    "The folder of runs cannot be written ({why}): check its permissions, or set AIGC_HOME to another folder.",
    "训练文件夹无法写入（{why}）：请检查权限，或用 AIGC_HOME 指定另一个文件夹。",
)
NOTHING = 1 << 20  # bytes
_passed: Counter[str] = Counter()


class DiskFull(Refusal):
    """There is no room for what was to be written."""

    def __init__(self, wanted: int = 0):
        words = both("The disk is full", "磁盘已满")
        if wanted:
            words = both("The disk is nearly full: {mb:,.0f} MB are needed", "磁盘快满了：需要 {mb:,.0f} MB").fill(mb=wanted / 1e6)
        super().__init__(both("{what}; free some space.", "{what}，请腾出空间。"), what=words)


def is_full(error: BaseException) -> bool:
    return isinstance(error, DiskFull) or (isinstance(error, OSError) and error.errno in _FULL)


@contextlib.contextmanager
def in_words() -> Iterator[None]:
    """What the disk refuses becomes a sentence; without paths, since strangers may read it.  Raises Refusal."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise DiskFull from error
        raise Refusal(UNWRITABLE, why=error.strerror or type(error).__name__) from error


@contextlib.contextmanager
def full_in_words() -> Iterator[None]:
    """A full disk becomes a sentence; whatever else goes wrong stays what it is.  Raises DiskFull."""
    try:
        yield
    except OSError as error:
        if not is_full(error):
            raise
        raise DiskFull from error


def crash_point(name: str) -> None:
    """Tests set AIGC_CRASH_AT=name (or name:n for the n-th passage) to end the process here as abruptly as a power cut."""
    wanted, _, nth = os.environ.get("AIGC_CRASH_AT", "").partition(":")
    if wanted == name:
        _passed[name] += 1
        if _passed[name] == int(nth or 1):
            os._exit(91)


def write_whole(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Replace `path` by `data` in one go: temporary file, rename; with `sync` also safe against a power cut.  Raises OSError."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        write_new(temporary, data, sync=sync)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    if sync:
        sync_folder(path.parent)


def write_new(path: Path, data: bytes, *, sync: bool = True, half_way: str = "") -> None:
    """Write a file that does not exist yet; `half_way` names a crash point in its middle.  Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644)
    try:
        view, half = memoryview(data), len(data) // 2
        for part in (view[:half], view[half:]):
            while part:
                part = part[os.write(handle, part) :]
            if half_way:
                crash_point(half_way)
                half_way = ""
        if sync:
            os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def need_room(folder: Path, size: int) -> None:
    """Raises DiskFull unless three times `size` bytes are free on the volume of `folder`: the old, the new, and a margin."""
    if shutil.disk_usage(folder).free < 3 * size:
        raise DiskFull(3 * size)


def has_no_room(path: Path) -> bool:
    """Whether next to nothing is free on the volume where `path` is or would be."""
    try:
        return shutil.disk_usage(existing(path)).free < NOTHING
    except OSError:
        return False


def remove_folder(folder: Path) -> None:
    """Take a folder away; it first gets a name that nothing looks for, so that half a removal is not half a folder."""
    doomed = folder.with_name(f".gone-{uuid.uuid4().hex[:8]}")
    try:
        os.rename(folder, doomed)
    except FileNotFoundError:
        return
    shutil.rmtree(doomed, ignore_errors=True)


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[int]:
    """Hold the lock that the file `path` stands for, against other processes and threads.  Raises BlockingIOError unless `wait`."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _lock(handle, wait)
        yield handle
    finally:
        os.close(handle)  # gives the lock back, as does the end of the process


def _lock(handle: int, wait: bool) -> None:
    if os.name == "nt":
        import msvcrt

        os.lseek(handle, 1 << 20, os.SEEK_SET)  # beyond the content, which others may want to read
        try:
            msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError as error:
            raise BlockingIOError(*error.args) from error
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))

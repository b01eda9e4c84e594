"""Reads what a person uploads, pictures and zips of them, without trusting any of it."""

from __future__ import annotations

import contextlib
import io
import struct
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np

from aigc.data.pictures import open_picture, square
from aigc.words import Refusal, Words, both

MOST_FILES = 20_000
MOST_BYTES = 32 * 1024**2  # of one picture, unpacked
MOST_BYTES_IN_ALL = 2 * 1024**3
MOST_DIRECTORY_BYTES = 16 * 1024**2  # of a zip's list of entries
DESKTOP_CRUMBS = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")

TOO_MANY = both("These are too many files: at most {most} can be used at once.", "文件太多：一次最多使用 {most} 个。")
TOO_MUCH = both("Unpacked, these files take more than {most} GB: use fewer.", "这些文件解压后超过 {most} GB：请少放一些。")
TOO_BIG = both("larger than {most} MB", "超过 {most} MB").fill(most=MOST_BYTES // 1024**2)
UNREADABLE = both("cannot be opened", "无法打开")
NOT_UNPACKED = both("encrypted, or packed in a way that cannot be read", "已加密，或压缩方式无法读取")

Opener = Callable[[], BinaryIO]
Skipped = list[tuple[str, Words]]


def read_pictures(files: list[Path], side: int, progress: Callable[[int, int], None] | None = None) -> tuple[np.ndarray, Skipped, int]:
    """(uint8 (N, side, side, 3), or (..., 1) if all are grey; the files left out and why; the number of files).

    Only one picture is held in full at a time.  Raises Refusal when there are too many, or too much to unpack.
    """
    skipped: Skipped = []
    pictures = []
    with contextlib.ExitStack() as archives:
        openers = list(_openers(files, skipped, archives))
        for done, (name, opener) in enumerate(openers):
            try:
                with opener() as file, open_picture(file) as picture:
                    pictures.append(square(picture, side))
            except Refusal as refusal:
                skipped.append((name, refusal.words))
            if progress:
                progress(done + 1, len(openers))
    x = np.stack(pictures) if pictures else np.empty((0, side, side, 3), np.uint8)
    grey = bool(np.array_equal(x[..., 0], x[..., 1]) and np.array_equal(x[..., 0], x[..., 2]))
    return x[..., :1] if grey else x, skipped, len(pictures) + len(skipped)


def _openers(files: list[Path], skipped: Skipped, archives: contextlib.ExitStack) -> Iterator[tuple[str, Opener]]:
    """Every file to look at, by the name a person knows it by; nothing is unpacked yet."""
    listed: list[tuple[str, int, Opener]] = []
    for file in files:
        try:
            listed += _in_zip(file, archives) if file.suffix.lower() == ".zip" else [_alone(file)]
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
            skipped.append((_shown(file.name), UNREADABLE))
    if len(listed) > MOST_FILES:
        raise Refusal(TOO_MANY, most=MOST_FILES)
    if sum(size for _, size, _ in listed) > MOST_BYTES_IN_ALL:
        raise Refusal(TOO_MUCH, most=MOST_BYTES_IN_ALL // 1024**3)
    for name, size, opener in listed:
        if size > MOST_BYTES:
            skipped.append((name, TOO_BIG))
        else:
            yield name, opener


def _alone(file: Path) -> tuple[str, int, Opener]:
    return _shown(file.name), file.stat().st_size, lambda: file.open("rb")


def _in_zip(file: Path, archives: contextlib.ExitStack) -> Iterator[tuple[str, int, Opener]]:
    if _directory_bytes(file) > MOST_DIRECTORY_BYTES:
        raise Refusal(TOO_MANY, most=MOST_FILES)
    archive = archives.enter_context(zipfile.ZipFile(file))
    for entry in archive.infolist():
        parts = PurePosixPath(entry.filename).parts
        if not entry.is_dir() and parts and not any(crumb in parts for crumb in DESKTOP_CRUMBS):
            yield _shown(parts[-1]), entry.file_size, partial(_unpacked, archive, entry)


def _directory_bytes(file: Path) -> int:
    """How long the zip says its list of entries is: a list of a million takes seconds and a gigabyte to read."""
    with file.open("rb") as f:
        f.seek(max(0, f.seek(0, io.SEEK_END) - 22 - 65_535))  # the end record, and the longest comment behind it
        tail = f.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or end + 22 > len(tail):
        raise zipfile.BadZipFile
    if b"PK\x06\x07" in tail[:end]:  # 64-bit records: only files too large for us need them
        return 1 << 62
    return struct.unpack_from("<I", tail, end + 12)[0]


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> BinaryIO:
    """The entry in memory; its name is never used as a path, and its announced size is not believed."""
    try:
        with archive.open(entry) as packed:
            content = packed.read(MOST_BYTES + 1)
    except Exception as error:  # bad passwords, checksums, methods, headers: all of them mean the same here
        raise Refusal(NOT_UNPACKED) from error
    if len(content) > MOST_BYTES:
        raise Refusal(TOO_BIG)
    return io.BytesIO(content)


def _shown(name: str) -> str:
    """A file's name as it can be shown: no control or direction marks, at most 80 characters."""
    return "".join(c for c in name if unicodedata.category(c)[0] != "C")[:80] or "?"

"""Models to and from a folder or a zip.  What comes in may be hostile: only our four files are taken, by name, size and content."""

from __future__ import annotations

import io
import os
import shutil
import stat
import struct
import uuid
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from aigc.knobs import read
from aigc.options import Options
from aigc.registry import weights
from aigc.registry.card import CARD_BYTES, read_card, spec_from_json
from aigc.registry.entries import CARD, README, SAMPLES, WEIGHTS, Entry, entry
from aigc.registry.readme import readme
from aigc.registry.store import place
from aigc.words import Refusal, both

DIRECTORY_BYTES = 1 << 16  # of a zip: several hundred files
SAMPLES_BYTES = 16 << 20
SAMPLES_PIXELS = 16_000_000
LIMITS = {CARD: CARD_BYTES, WEIGHTS: weights.FILE_BYTES, SAMPLES: SAMPLES_BYTES}

_LARGE = both("{name} is too large to be part of a model.", "{name} 太大，不会是模型的一部分。")
_ODD = both("This archive holds {name}, which no model has; nothing was taken from it.", "压缩包里有模型不应有的 {name}；没有导入任何内容。")


def files_of(slug: str) -> dict[str, bytes]:
    """The files of a model as they may leave this machine: name -> content.  Raises Refusal."""
    found = entry(slug)
    card = found.card.public()
    files = {WEIGHTS: weights.read_file(found.weights)}
    if found.samples:
        files[SAMPLES] = found.samples.read_bytes()
    return {**files, README: readme(card).encode(), CARD: card.as_bytes()}


def export(slug: str, to: Path) -> Path:
    """Write a model as a zip if `to` ends in .zip, else as a folder; neither may exist yet.  Raises Refusal."""
    files = files_of(slug)
    if to.exists():
        raise Refusal(both("{p} is already there.", "{p} 已经存在。"), p=to.name)
    if not to.parent.is_dir():
        raise Refusal(both("There is no folder {p}: make it first.", "没有文件夹 {p}：请先新建。"), p=str(to.parent)[:200])
    partial = to.with_name(f".{uuid.uuid4().hex}")
    try:
        if to.suffix.lower() == ".zip":
            with zipfile.ZipFile(partial, "w") as archive:  # stored: weights do not compress
                for name, data in files.items():
                    archive.writestr(zipfile.ZipInfo(f"{slug}/{name}"), data)
        else:
            partial.mkdir()
            for name, data in files.items():
                (partial / name).write_bytes(data)
        os.replace(partial, to)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True) if partial.is_dir() else partial.unlink(missing_ok=True)
        raise
    return to


def import_(source: Path, owner: str = "") -> Entry:
    """A model from a folder or zip that `export` or the Hub gave; it gets a free name near its own.

    Raises Refusal, having changed nothing, unless every file is what it should be.
    """
    files = _from_zip(source) if source.is_file() else _from_folder(source)
    for name in (CARD, WEIGHTS):
        if name not in files:
            raise Refusal(both("There is no {name} in it, so it is no model.", "其中没有 {name}，所以不是一个模型。"), name=name)
    card = read_card(files[CARD])
    weights.header(files[WEIGHTS])  # first, since it costs least
    if weights.sha256(files[WEIGHTS]) != card.hashes.get(WEIGHTS):
        raise Refusal(weights.UNUSABLE, why=both("the file is not the one that its card speaks of", "文件与卡片所述不符"))
    read(Options, card.options)
    weights.file_into(weights.build(card.technique, card.config, spec_from_json(card.spec), card.inside), files[WEIGHTS])
    samples = files.get(SAMPLES)
    if samples:
        _check_picture(samples)
    created = card.created or datetime.now(UTC).isoformat(timespec="seconds")
    return place(replace(card, owner=owner, run="", created=created), files[WEIGHTS], samples, wanted=card.slug)


def _from_folder(source: Path) -> dict[str, bytes]:
    if not source.is_dir() or source.is_symlink():
        raise Refusal(both("{p} is neither a folder nor a zip of a model.", "{p} 既不是模型文件夹，也不是模型压缩包。"), p=source.name[:80])
    files = {}
    for name, limit in LIMITS.items():
        path = source / name
        if path.is_symlink():
            raise Refusal(_ODD, name=f"{name} → …")
        if path.is_file():
            if path.stat().st_size > limit:
                raise Refusal(_LARGE, name=name)
            files[name] = path.read_bytes()
    return files


def _from_zip(source: Path) -> dict[str, bytes]:
    damaged = both("This file is no zip, or a damaged one.", "这个文件不是 zip，或已损坏。")
    try:
        if _directory_bytes(source) > DIRECTORY_BYTES:
            raise Refusal(both("This archive lists too many files to be a model.", "压缩包里的文件太多，不会是一个模型。"))
        with zipfile.ZipFile(source) as archive:
            files: dict[str, bytes] = {}
            for member in archive.infolist():
                path = _safe_path(member)
                if path.name in LIMITS and len(path.parts) <= 2 and not member.is_dir():
                    if path.name in files:
                        raise Refusal(_ODD, name=f"{path.name} × 2")
                    files[path.name] = _unpack(archive, member, path.name)
            return files
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise Refusal(damaged) from error


def _directory_bytes(source: Path) -> int:
    """Size of a zip's list of files, looked up before anything parses a list of a million."""
    with source.open("rb") as file:
        file.seek(max(0, source.stat().st_size - (20 + 22 + 65535)))  # the end record, what stands before it, the longest comment after it
        end = file.read()
    at = end.rfind(b"PK\5\6")
    if at < 0 or at + 22 > len(end):
        raise zipfile.BadZipFile
    if end[max(0, at - 20) :].startswith(b"PK\6\7"):  # a 64-bit record, which counts for more than this one: no model needs it
        return 1 << 32
    return struct.unpack_from("<I", end, at + 12)[0]


def _safe_path(member: zipfile.ZipInfo) -> PurePosixPath:
    """The member's path if it stays inside and is a plain file or folder."""
    path = PurePosixPath(member.filename)
    kind = stat.S_IFMT(member.external_attr >> 16)
    if path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise Refusal(_ODD, name="".join(c if c.isprintable() else "?" for c in member.filename[:80]))
    return path


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> bytes:
    """At most the size that the archive claims, which the limit bounds; what is longer fails its checksum."""
    if member.file_size > LIMITS[name]:
        raise Refusal(_LARGE, name=name)
    with archive.open(member) as file:
        return file.read(member.file_size)


def _check_picture(data: bytes) -> None:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if image.width * image.height > SAMPLES_PIXELS or getattr(image, "n_frames", 1) > 1:
                raise Refusal(_LARGE, name=SAMPLES)
            image.verify()
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise Refusal(both("{name} is no picture.", "{name} 不是图像。"), name=SAMPLES) from error

"""Where files for download are put: a folder of its own for each, with a name people can read; swept after a day."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import os
import re
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from aigc import home, registry

KEEP_SECONDS = 24 * 3600


def new_path(name: str) -> Path:
    """A path for a new file called `name`, as far as that is a file name."""
    sweep()
    clean = re.sub(r"[^\w.-]+", "-", name)[-80:].encode()[-240:].decode(errors="ignore").strip("-.") or "file"  # 255 bytes a name
    folder = home.outputs_folder() / uuid.uuid4().hex
    folder.mkdir(parents=True)
    return folder / clean


def sweep(older_than: float = KEEP_SECONDS) -> None:
    """Remove what was made more than so many seconds ago."""
    for folder in home.outputs_folder().glob("*"):
        try:
            if time.time() - folder.stat().st_mtime > older_than:
                shutil.rmtree(folder)
        except OSError:  # another process sweeps as well
            continue


def write(data: bytes, name: str, to: Path | None = None) -> Path:
    """`data` as a new file called `name`, or at `to`, where a file appears whole or not at all."""
    path = to or new_path(name)
    partial = path.with_name(f".{uuid.uuid4().hex}")  # no longer than a name may be, whatever the file's is
    try:
        partial.write_bytes(data)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def text(content: str, name: str, to: Path | None = None) -> Path:
    """A script or a note."""
    return write(content.encode(), name, to)


def table(header: Sequence[str], rows: Iterable[Sequence[object]], name: str, to: Path | None = None) -> Path:
    """A CSV file."""
    return write(as_csv(header, rows).encode(), name, to)


def as_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table that no spreadsheet takes for formulas."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_cell(v) for v in header])
    writer.writerows([_cell(v) for v in row] for row in rows)
    return out.getvalue()


def model(slug: str) -> Path:
    """A model of the registry as a zip.  Raises Refusal."""
    return _kept(slug, "zip", lambda path: registry.export(slug, path))


def weights(slug: str) -> Path:
    """The weights of a model, as the safetensors file they are.  Raises Refusal."""
    return _kept(slug, "safetensors", lambda path: shutil.copyfile(registry.entry(slug).weights, path))


def _kept(slug: str, kind: str, make: Callable[[Path], object]) -> Path:
    """A file of a model: the one made before, unless the model has changed since, so that who asks a thousand times has one.
    Raises Refusal."""
    card = registry.entry(slug).card
    digest = hashlib.sha256(card.as_bytes() + f"{slug}.{kind}".encode()).hexdigest()[:32]
    sweep()
    path = home.outputs_folder() / digest / f"{slug}.{kind}"
    with contextlib.suppress(OSError):
        os.utime(path.parent)  # not to be swept while somebody reads it
    if path.is_file():
        return path
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=path.parent.parent) as beside:
        made = Path(beside) / path.name
        make(made)
        path.parent.mkdir(exist_ok=True)
        os.replace(made, path)
    return path


def _cell(value: object) -> object:
    """Spreadsheets run text that starts with one of these; an apostrophe makes it text."""
    return f"'{value}" if isinstance(value, str) and value.lstrip()[:1] in ("=", "+", "-", "@", "\t", "\r") else value

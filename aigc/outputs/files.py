"""Where files for download are put: a folder of its own for each, with a name people can read; swept after a day."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

from aigc import home, registry

KEEP_SECONDS = 24 * 3600


def new_path(name: str) -> Path:
    """A path for a new file called `name`, as far as that is a file name."""
    sweep()
    clean = re.sub(r"[^\w.-]+", "-", name).strip("-.")[-80:] or "file"
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
    return registry.export(slug, new_path(f"{slug}.zip"))


def weights(slug: str) -> Path:
    """The weights of a model, as the safetensors file they are.  Raises Refusal."""
    path = new_path(f"{slug}.safetensors")
    shutil.copyfile(registry.entry(slug).weights, path)
    return path


def _cell(value: object) -> object:
    """Spreadsheets run text that starts with one of these; an apostrophe makes it text."""
    return f"'{value}" if isinstance(value, str) and value.lstrip()[:1] in ("=", "+", "-", "@", "\t", "\r") else value

"""Makes a recording of an arena, to come along: a page on which nothing was trained yet has something to show.

python -m aigc.jobs.recordings ARENA    where it stands is told; commit it
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from aigc.home import recordings_folder
from aigc.jobs import arena as arenas
from aigc.jobs.files import write_whole
from aigc.jobs.runs import Run
from aigc.words import Refusal

MOMENTS = 24  # of each run, of which there are pictures
LEFT_OUT = ("checkpoint", "commands.jsonl", "heartbeat", ".*")
NOT_HERE = ("holder", "runner", "model")  # fields of run.json: who trained it, and what came of it


def record(id: str) -> list[Path]:
    """-> the files and folders that are to come along.  Raises Refusal unless it is an arena that is over."""
    arena = arenas.open_arena(id)
    if arenas.is_live(arena):
        raise Refusal(arenas.STILL_GOING)
    told = recordings_folder() / "arenas" / f"{id}.json"
    copies = [_copy(Run.open(cell.run).ours(), recordings_folder() / "runs" / cell.run) for cell in arena.cells]
    told.parent.mkdir(parents=True, exist_ok=True)
    write_whole(told, json.dumps(replace(arena, owner="").as_json(), ensure_ascii=False, indent=1).encode())
    return [told, *copies]


def _copy(run: Run, to: Path) -> Path:
    shutil.copytree(run.folder, to, ignore=shutil.ignore_patterns(*LEFT_OUT))
    record = {**run.record, **dict.fromkeys(NOT_HERE)}
    record["request"]["owner"] = ""
    write_whole(to / "run.json", json.dumps(record, ensure_ascii=False, indent=1).encode())
    copy = Run(run.id)
    copy.folder = to
    while copy.thin_previews(MOMENTS) > MOMENTS:
        pass
    return to


if __name__ == "__main__":
    for path in record(sys.argv[1]):
        print(path)

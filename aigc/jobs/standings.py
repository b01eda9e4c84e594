"""What the runs of an arena have cost and reached, as plain numbers: the page, the shell and the files it writes read them here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aigc.jobs import arena as arenas
from aigc.jobs.arena import Arena, Cell
from aigc.jobs.costs import WATTS_OF_GPU, WATTS_PER_THREAD, Cost, watt_hours, watts
from aigc.jobs.runs import Run
from aigc.registry import made_by
from aigc.words import Refusal, both

Json = dict[str, Any]

UNITS = {
    "seconds": "s",
    "rate": "images/s",
    "memory": "bytes, on a CPU of the whole process",
    "flops": "FLOP per image",
    "watts": "W, assumed",
    "energy": "Wh, estimated",
}
# What a run adds to its process cannot be told apart: 6 MB where the warm-up had ended before it came, 105 MB where it had not.
WHOLE_PROCESS = both(
    "Memory on a processor is that of the whole process that trains: Python and PyTorch take 230 to 500 MB of it, depending on how far they had "
    "warmed up, so compare only what lies far above that.",
    "在处理器上，内存是整个训练进程占用的：其中 Python 与 PyTorch 就占 230 到 500 MB，取决于预热进行到哪一步，所以只有远高于此的数值才可比较。",
)
ASSUMED = both(
    f"Estimated, not measured: energy counts {WATTS_PER_THREAD:.0f} W for each processor thread in use, or {WATTS_OF_GPU:.0f} W for a graphics card.",
    f"估计值，并非实测：能耗按处理器每个线程 {WATTS_PER_THREAD:.0f} 瓦、显卡 {WATTS_OF_GPU:.0f} 瓦计。",
)


@dataclass
class Told:
    """What the log of one run has said so far."""

    step: Json | None = None
    preview: Json | None = None
    memory: int = 0
    measured: dict[str, list[list[float | None]]] = field(default_factory=dict)  # figure -> [images, seconds, value], ...

    def take(self, events: Sequence[Json]) -> None:
        for event in events:
            if event["kind"] == "step":
                self.step, self.memory = event, max(self.memory, event["memory_bytes"])
            elif event["kind"] == "preview":
                self.preview = event
            elif event["kind"] == "measured":
                for name, value in event["figures"].items():
                    self.measured.setdefault(name, []).append([event["images"], round(event["seconds"], 2), short(value)])


def short(value: float | None) -> float | None:
    """Five digits are more than a plot shows; JSON has no NaN."""
    return float(f"{value:.5g}") if value is not None and math.isfinite(value) else None


def told_by(run: Run | None) -> Told:
    """The whole log, read once."""
    told, offset = Told(), 0
    while run is not None:
        events, reached = run.events(offset)
        told.take(events)
        if reached == offset:
            break
        offset = reached
    return told


def record_of(cell: Cell) -> Json | None:
    """run.json; None if it never started, or was deleted."""
    run = arenas.run_of(cell)
    try:
        return run.record if run else None
    except Refusal:  # deleted a moment ago
        return None


def numbers(cell: Cell, record: Json | None, told: Told, cost: Cost | None) -> Json:
    """The row of a run, in units of one: seconds, images, images a second, bytes, watt-hours; of figures, the last that was measured."""
    now, record = told.step or record or {}, record or {}
    images, seconds = now.get("images") or 0, now.get("seconds") or 0.0
    computes = (record.get("device") or "", record.get("threads") or 1)
    last = {key: points[-1][2] for key, points in told.measured.items()}
    return {
        "run": cell.run,
        "technique": cell.technique,
        **{f"knob {name}": value for name, value in cell.values.items()},
        "state": record.get("state") or "",
        "reason": record.get("reason") or (cell.refused.as_json() if cell.refused else None),  # why it failed, in both languages
        "device": record.get("device") or "",
        "seconds": round(seconds, 2),
        "images": images,
        "rate": images / seconds if seconds else 0.0,
        "memory": told.memory,
        "parameters": cost.parameters if cost else None,
        "flops": cost.flops if cost else None,
        "watts": watts(*computes) if record else 0.0,
        "energy": watt_hours(round(seconds, 2), *computes) if record else 0.0,
        "model": made.slug if (made := made_by(cell.run, record.get("model"))) else None,
    } | last


def about(arena: Arena) -> Json:
    """What was asked for, and in which units the rows are."""
    axes = [{"knob": axis.knob, "values": list(axis.values)} for axis in arena.axes]
    asked = {"name": arena.name, "data": arena.data, "seconds": arena.seconds, "images": arena.images, "preset": arena.preset}
    return {
        "id": arena.id,
        **asked,
        "created": arena.created,
        "axes": axes,
        "units": UNITS,
        "energy_assumption": ASSUMED.en,
        "memory_note": WHOLE_PROCESS.en,
    }


def as_table(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """Heads with their units, and a line a row; words in English, as the heads are."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    return [_head(key) for key in keys], [[_cell(row.get(key, "")) for key in keys] for row in rows]


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    from aigc import outputs  # draws pictures, for which a page at its start need not wait

    return outputs.as_csv(*as_table(rows))


def _head(key: str) -> str:
    return f"{key} ({UNITS[key]})" if key in UNITS else key


def _cell(value: Any) -> Any:
    return value["en"] if isinstance(value, dict) else value

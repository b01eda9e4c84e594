"""What the page shows of an arena now, as plain JSON in the reader's language; static/arena.js draws it.

Asked for every second by every page that shows it, so of each run's log only what is new is read.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aigc import data
from aigc.evaluate import has_network
from aigc.jobs import arena as arenas
from aigc.jobs import standings
from aigc.jobs.arena import Arena, Cell
from aigc.jobs.costs import Costs, Network
from aigc.jobs.runs import Run
from aigc.jobs.standings import Told
from aigc.jobs.states import State, state_in
from aigc.knobs import Choice, Knob
from aigc.registry import spec_from_json
from aigc.techniques import TechniqueInfo, Term, techniques
from aigc.ui import live, palette
from aigc.ui.document import ADDRESS
from aigc.ui.text import arena as text
from aigc.ui.text import live as live_text
from aigc.words import Lang, Refusal, Words

if TYPE_CHECKING:
    from aigc.jobs.supervisor import Supervisor

KEPT = 500  # runs whose logs are remembered
CURVES_OF = 6  # runs whose curves are drawn before any are chosen
SHEET_SHAPE = 2.0  # of most: five rows of ten
COUNTED_WITHIN = 20.0  # seconds that a file waits for what its runs cost
COSTS = Costs()

Json = dict[str, Any]


@dataclass
class Seen(Told):
    """The same, and how far the log has been read."""

    cursor: str = ""


_seen: OrderedDict[str, Seen] = OrderedDict()
_lock = threading.Lock()


def look(run: Run) -> Seen:
    """What is known of a run's log, brought up to date."""
    with _lock:
        seen = _seen.setdefault(run.id, Seen())
        _seen.move_to_end(run.id)
        while len(_seen) > KEPT:
            _seen.popitem(last=False)
        events, cursor, fresh = live.new_events(run, seen.cursor)
        if fresh and seen.cursor:  # it went on from a checkpoint: the log is another one
            seen = _seen[run.id] = Seen()
        seen.take(events)
        seen.cursor = cursor
        return seen


@dataclass(frozen=True)
class Entry:
    """One cell, and what is known of its run at one moment."""

    cell: Cell
    label: Words
    record: Json | None  # run.json; None: there is no such run
    seen: Seen

    @property
    def state(self) -> State | None:
        return state_in(self.record) if self.record else None

    @property
    def images(self) -> int:
        return (self.seen.step or self.record or {}).get("images") or 0

    @property
    def seconds(self) -> float:
        return (self.seen.step or self.record or {}).get("seconds") or 0.0


def entries(arena: Arena) -> list[Entry]:
    found = []
    for cell in arena.cells:
        run = arenas.run_of(cell)
        try:
            found.append(Entry(cell, label(arena, cell), run.record if run else None, look(run) if run else Seen()))
        except Refusal:  # deleted a moment ago
            found.append(Entry(cell, label(arena, cell), None, Seen()))
    return found


# names
def label(arena: Arena, cell: Cell) -> Words:
    """What tells a run from the others of its arena."""
    info = techniques().get(cell.technique)
    if not arena.axes or info is None:
        return info.title if info else Words(cell.technique, cell.technique)
    return _joined([_setting(info, axis.knob, cell.values.get(axis.knob)) for axis in arena.axes])


def _setting(info: TechniqueInfo, name: str, value: Any) -> Words:
    k = arenas.swept(info).get(name)
    return text.SET_TO.fill(knob=k.label if k else name, value=shown(k, value))


def _joined(parts: list[Words]) -> Words:
    return Words(", ".join(p.en for p in parts), "，".join(p.zh for p in parts))


def shown(k: Knob | None, value: Any) -> Words:
    """The value of a knob as a person reads it."""
    if k is not None and issubclass(k.kind, Choice):
        return next((m.words for m in k.kind if m.value == value), Words(str(value), str(value)))
    if isinstance(value, bool):
        return text.YES if value else text.NO
    said = f"{value:g}" if isinstance(value, int | float) else str(value)
    return Words(said, said)


def title(arena: Arena) -> Words:
    """What its visitor called it, or what it compares."""
    if arena.name:
        return Words(arena.name, arena.name)
    info = techniques().get(arena.cells[0].technique)
    if arena.axes and info:
        known = arenas.swept(info)
        turned = [known[a.knob].label if a.knob in known else Words(a.knob, a.knob) for a in arena.axes]
        what = text.SWEEP_OF.fill(technique=info.title, knobs=Words(" × ".join(w.en for w in turned), " × ".join(w.zh for w in turned)))
    else:
        what = _joined([label(arena, cell) for cell in arena.cells])
    each = live_text.images(arena.images) if arena.images else live_text.duration(arena.seconds)
    return text.ON.fill(what=what, data=_data_title(arena), budget=each)


def _data_title(arena: Arena) -> Words:
    known = data.specs()
    return known[arena.data].title if arena.data in known else Words(arena.data, arena.data)


def summary(arena: Arena, supervisor: Supervisor, owner: str, lang: Lang) -> Json:
    """One line of the list of arenas."""
    here = entries(arena)
    return {
        "id": arena.id,
        "title": title(arena)[lang],
        "says": (live_text.RECORDED if arenas.recorded(arena) else says(here))[lang],
        "live": _is_live(here),
        "mine": arenas.may(supervisor, owner, arena),
        "recorded": arenas.recorded(arena),
        "created": arena.created,
    }


def says(here: list[Entry]) -> Words:
    over = sum(e.state is None or not e.state.live for e in here)
    if over == len(here):
        return text.BOTH_OVER if over == 2 else text.ALL_OVER.fill(n=over)
    count = text.DONE_OF.fill(done=over, n=len(here))
    now = next((e for e in here if e.state and e.state.at_work), None)
    return _joined([count, text.NOW.fill(what=now.label)]) if now else count


def _is_live(here: list[Entry]) -> bool:
    return any(e.state is not None and e.state.live for e in here)


# the whole of it
def snapshot(arena: Arena, supervisor: Supervisor, owner: str, lang: Lang, since: str = "") -> Json:
    """Everything that is shown of it, or only {"same": true} if that is what `since` stands for; `settled`: it changes only by training."""
    here = entries(arena)
    figures = _figures(here)
    counted = COSTS.counted
    answer: Json = {
        "id": arena.id,
        "title": title(arena)[lang],
        "says": (text.RECORDING if arenas.recorded(arena) else says(here))[lang],
        "live": _is_live(here),
        "mine": arenas.may(supervisor, owner, arena),
        "recorded": arenas.recorded(arena),
        "progress": round(sum(_progress(e) for e in here) / len(here), 3),
        "columns": arena.columns,
        "shape": _shape(here),
        "heads": _heads(arena, lang),
        "cells": [_cell(e, supervisor, lang) for e in here],
        "curves": {f"{i} {key}": points for i, e in enumerate(here) for key, points in e.seen.measured.items()},
        "terms": {f"{i} {key}": _term(i, e, figures[key], lang, key) for i, e in enumerate(here) for key in figures},
        "drawn": CURVES_OF,
        "panels": {key: named(term)[lang] for key, term in figures.items()},
        "table": table(here, figures, lang),
        "notes": [words[lang] for words in (*_without_quality(here, figures), *_of_memory(here), standings.ASSUMED)],
    }
    mark = hashlib.sha256(json.dumps(answer, sort_keys=True).encode()).hexdigest()[:16]
    fresh = {"live": answer["live"], "settled": COSTS.counted == counted and not COSTS.busy, "mark": mark}
    return fresh | ({"same": True} if since == mark else answer)


def _heads(arena: Arena, lang: Lang) -> list[Json]:
    """The two axes of a sweep: {knob, help, values}."""
    info = techniques().get(arena.cells[0].technique)
    known = arenas.swept(info) if info else {}
    found = []
    for axis in arena.axes:
        k = known.get(axis.knob)
        values = [shown(k, value)[lang] for value in axis.values]
        found.append({"knob": k.label[lang] if k else axis.knob, "help": k.help[lang] if k else "", "values": values})
    return found


def _shape(here: list[Entry]) -> float:
    """Width over height of the sheets, so that their places are kept free before they are there."""
    known = [e.record["spec"]["shape"] for e in here if e.record]
    if known and len(known[0]) == 1:
        return 1.0
    for e in here:
        for sheet in list(e.seen.preview["sheets"].values())[:1] if e.seen.preview else []:
            rows, columns, height, width = sheet["tiles"]
            return round(columns * width / (rows * height), 3)
    return SHEET_SHAPE


def _progress(e: Entry) -> float:
    if e.record is None or (e.state and not e.state.live):
        return 1.0
    options = e.record["request"]["options"]
    spent, budget = (e.images, options["images"]) if options.get("images") else (e.seconds, options.get("seconds"))
    return min(1.0, spent / budget) if budget else 0.0


def _cell(e: Entry, supervisor: Supervisor, lang: Lang) -> Json:
    id, record, state = e.cell.run, e.record, e.state
    reason = e.cell.refused or (Words(**record["reason"]) if record and record["reason"] else None)
    if record is None or state is None:
        return {"label": e.label[lang], "state": "", "says": (text.GONE if id else text.NOT_STARTED)[lang], "reason": reason[lang] if reason else ""}
    points = len(record["spec"]["shape"]) == 1
    moment = text.MOMENT.fill(images=live_text.images(e.images, points), seconds=live_text.duration(e.seconds))
    place = supervisor.place(id) if state is State.QUEUED else 0
    return {
        "run": id,
        "label": e.label[lang],
        "state": state.value,
        "says": live.says(state, place)[lang],
        "moment": moment[lang] if e.images else "",
        "quality": quality(e)[lang],
        "reason": reason[lang] if reason else "",
        "href": f"{ADDRESS[lang]}?tab={e.cell.technique}&run={id}",
        **_picture(e, points),
    }


def quality(e: Entry) -> Words:
    """Its distance from real data, as in the table."""
    figures = _figures([e])
    told = ((figures[key].label, e.seen.measured[key][-1][2]) for key in text.DISTANCES if key in figures)
    return next((text.QUALITY.fill(figure=label, n=_digits(value)) for label, value in told if value is not None), Words("", ""))


def _digits(value: float | None) -> str:
    return f"{value:.4g}" if value is not None else ""


def _picture(e: Entry, points: bool) -> Json:
    """Where its newest samples are."""
    preview = e.seen.preview
    if preview is None:
        return {}
    mark = e.seen.cursor.partition(":")[0]
    if points:
        return {"points": f"{preview['arrays'].rpartition('/')[2]}?g={mark}"} if preview["arrays"] else {}
    sheet = preview["sheets"].get(sheet_of(preview))
    return {"picture": f"{sheet['file'].rpartition('/')[2]}?g={mark}", "tiles": sheet["tiles"]} if sheet else {}


def sheet_of(preview: Json) -> str:
    """The name of the sheet that stands for a run; "" where it has none."""
    return "samples" if "samples" in preview["sheets"] else next(iter(preview["sheets"]), "")


# figures that were measured while it trained
def _figures(here: list[Entry]) -> dict[str, Term]:
    """Every figure that a run of it has, by its key: what it is called, and in what unit."""
    found: dict[str, Term] = {}
    for e in here:
        for key in e.seen.measured:
            if key not in found:
                found[key] = live.measured(e.record or {}).get(key) or Term(Words(key, key), Words("", ""))
    return found


def named(term: Term) -> Words:
    unit = live_text.unit(term.unit)
    return Words(f"{term.label.en} ({unit.en})", f"{term.label.zh}（{unit.zh}）") if term.unit else term.label


def _term(i: int, e: Entry, term: Term, lang: Lang, key: str) -> Json:
    """Of the run in place `i`, which keeps its colour and its dashes whatever is drawn beside it."""
    dash, colour = divmod(i, len(palette.SERIES))
    look = {"role": palette.SERIES[colour].value, "dash": dash, "row": False, "sparse": True, "linear": term.unit == "%"}
    return {"label": e.label[lang], "help": term.help[lang], "unit": "", "panel": key} | look


def _without_quality(here: list[Entry], figures: dict[str, Term]) -> list[Words]:
    """Why cells of figures are empty, of those runs that came to their end."""
    over = [e for e in here if e.images and e.state in (State.FINISHED, State.STOPPED) and _asked_to_be_measured(e.record or {})]
    unread = [e for e in over if not e.seen.measured and not _can_be_measured(e.record or {})]
    short = [e for e in over if not e.seen.measured and e not in unread]
    untold = [e for e in over if e.seen.measured and "asked_class" in figures and "asked_class" not in e.seen.measured]
    said = ((text.NO_NETWORK, unread), (text.TOO_SHORT, short), (text.NOT_TOLD_CLASSES, untold))
    return [words.fill(runs=_listed([e.label for e in runs])) for words, runs in said if runs]


def _of_memory(here: list[Entry]) -> list[Words]:
    """Only an accelerator tells what the training alone takes."""
    return [standings.WHOLE_PROCESS] if any(e.seen.memory and (e.record or {}).get("device") == "cpu" for e in here) else []


def _asked_to_be_measured(record: Json) -> bool:
    return record["request"]["options"].get("measures") != 0


def _can_be_measured(record: Json) -> bool:
    """Whether there is something to measure this data by."""
    spec = spec_from_json(record["spec"]) if live.measured(record) else None
    return spec is not None and (spec.is_points or has_network(spec))


def _listed(names: list[Words]) -> Words:
    """Names that may have commas in them."""
    return Words("; ".join(n.en for n in names), "；".join(n.zh for n in names))


# the table
def table(here: list[Entry], figures: dict[str, Term], lang: Lang) -> Json:
    """{columns: [{key, label, help}], rows: [{key: text}]}"""
    columns = [{"key": key, "label": label[lang], "help": help[lang]} for key, (label, help) in text.COLUMNS.items()]
    told = [{"key": key, "label": named(term)[lang], "help": text.LAST_OF.fill(figure=term.help)[lang]} for key, term in figures.items()]
    return {"columns": [columns[0], *told, *columns[1:]], "rows": [_row(e, figures, lang) for e in here]}


def _row(e: Entry, figures: dict[str, Term], lang: Lang) -> dict[str, str]:
    values = numbers(e)
    state = e.state.words[lang] if e.state else (text.GONE if e.cell.run else text.NOT_STARTED)[lang]
    said = {
        "run": e.label[lang],
        "state": state,
        "seconds": live_text.duration(values["seconds"])[lang] if values["seconds"] else "",
        "images": f"{values['images']:,}" if values["images"] else "",
        "rate": f"{values['rate']:,.0f}" if values["rate"] else "",
        "memory": live_text.memory(values["memory"])[lang] if values["memory"] else "",
        "parameters": f"{values['parameters']:,}" if values["parameters"] else "",
        "flops": _short(values["flops"]) if values["flops"] else "",
        "energy": f"{values['energy']:.3g} Wh" if values["energy"] else "",
        "model": values["model"] or "",
    }
    return said | {key: _digits(values.get(key)) for key in figures}


def _short(value: float) -> str:
    """1.23 M, 45.6 G."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"


def numbers(e: Entry) -> Json:
    """The row of a run as plain numbers; what it costs is counted meanwhile."""
    cost = COSTS.of(*_network(e.cell, e.record)) if e.record else None
    return standings.numbers(e.cell, e.record, e.seen, cost)


def _network(cell: Cell, record: Json) -> Network:
    return cell.technique, record["request"]["config"], record["spec"]


# files
def as_json(arena: Arena) -> Json:
    """Everything that can be computed with: the table as numbers, and the curves."""
    return standings.about(arena) | {"runs": [row | {"measured": e.seen.measured} for e, row in _rows(arena)]}


def as_csv(arena: Arena) -> str:
    return standings.as_csv([row for _, row in _rows(arena)])


def _rows(arena: Arena) -> list[tuple[Entry, Json]]:
    """A file is made once: what its runs cost is waited for."""
    here = entries(arena)
    costs = iter(COSTS.of_all([_network(e.cell, e.record) for e in here if e.record], COUNTED_WITHIN))
    return [(e, standings.numbers(e.cell, e.record, e.seen, next(costs) if e.record else None)) for e in here]

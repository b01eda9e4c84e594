"""What the page shows of a training run now: pure reads of its run folder, as plain JSON in the reader's language.

The browser asks twice a second with the cursor of its last answer, so an answer holds only what is new; without a cursor it
holds the whole history, thinned out.  `static/live.js` draws it.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aigc.commands import Do
from aigc.evaluate import measured_terms
from aigc.jobs.runs import State
from aigc.jobs.standings import short
from aigc.knobs import as_values, knobs, read_value, said
from aigc.options import Options
from aigc.registry import made_by, spec_from_json
from aigc.techniques import TechniqueInfo, Term, techniques
from aigc.ui.text import live as text
from aigc.ui.text import train as presets
from aigc.words import Lang, Refusal, Words

if TYPE_CHECKING:
    from aigc.jobs.runs import Run

CURVE_POINTS = 600  # on the wire, for each curve
ROW_FRAMES = 120  # of each row's history
LOG_LINES = 200
TOLD = 2  # settings that a run's title tells
OF_POINTS = ("js",)  # figures of 2-D sets; the others are of pictures

Json = dict[str, Any]


def snapshot(run: Run, since: str, lang: Lang, *, mine: bool, place: int = 0) -> Json:
    """Everything about `run` that is newer than the cursor `since` ("" asks for all).

    `mine`: the asker may steer it.  `place`: its place in the queue, 1 for the next to start, 0 when it does not wait.
    """
    record = run.record
    state = _state(record)
    info = techniques().get(record["request"]["technique"])
    events, cursor, fresh = new_events(run, since)
    answer: Json = {
        "id": run.id,
        "cursor": cursor,
        "fresh": fresh,
        "live": state.live,
        "state": state.value,
        "says": (text.RECORDING if run.recorded else says(state, place))[lang],
        "reason": (record["reason"] or {}).get(lang, ""),
        "mine": mine,
        "why": "" if mine else text.NOT_YOURS[lang],
        "actions": [] if run.recorded else actions(record, state, info, lang),
        **_position(record, state, events, fresh, lang),
        **_history(record, events, lang),
    }
    return answer | _lasting(record, info, lang) if fresh else answer


def summary(run: Run, lang: Lang, *, mine: bool, place: int = 0) -> Json:
    """One line of the list of recent runs."""
    record = run.record
    state = _state(record)
    return {
        "id": run.id,
        "title": _title(record, lang),
        "says": (text.RECORDED if run.recorded else says(state, place))[lang],
        "state": state.value,
        "live": state.live,
        "mine": mine,
        "recorded": run.recorded,
        "created": record["created"],
        "trained": text.duration(record.get("seconds") or 0.0)[lang],
    }


def says(state: State, place: int = 0) -> Words:
    """The state as a person would say it: "training", "stopped by you", "waiting, 2nd in line"."""
    return text.waiting(place) if state is State.QUEUED and place else state.words


def _state(record: Json) -> State:
    return State(record["state"])  # type: ignore[call-arg]  # mypy sees the two arguments of a member, not the one of a look-up


# what can be done
def actions(record: Json, state: State, info: TechniqueInfo | None, lang: Lang) -> list[Json]:
    """The buttons for this state, in order: {do, label, primary, choices: [{label, value}]}."""
    match state:
        case State.RUNNING:
            wanted = [_button(Do.PAUSE, lang), _one_step(info, lang), _button(Do.STOP, lang)]
        case State.PAUSED:
            wanted = [_button(Do.RESUME, lang, primary=True), _one_step(info, lang), _button(Do.STOP, lang)]
        case State.QUEUED | State.STARTING:
            wanted = [_button(Do.STOP, lang) | {"label": text.CANCEL[lang]}]
        case State.INTERRUPTED | State.STALLED | State.FAILED:
            wanted = [_button("again", lang, primary=state is not State.FAILED)]  # what failed may fail again
        case State.STOPPED:
            wanted = [_button("again", lang), _train_longer(record, lang)]
        case State.FINISHED:
            wanted = [_train_longer(record, lang)]
        case State.STOPPING:
            wanted = []
    return wanted


def _button(do: str, lang: Lang, primary: bool = False, choices: Iterable[tuple[Words, Any]] = ()) -> Json:
    listed = [{"label": label[lang], "value": value} for label, value in choices]
    return {"do": str(do), "label": text.ACTIONS[str(do)][lang], "primary": primary, "choices": listed}


def _one_step(info: TechniqueInfo | None, lang: Lang) -> Json:
    alone = [(text.phase(name), name) for name in (info.steps if info else ())]
    return _button(Do.STEP, lang, choices=[*alone, (text.ALL_PHASES, "")] if alone else [])


def _train_longer(record: Json, lang: Lang) -> Json:
    """As much again, in the currency of the budget it had, or more."""
    budget = record["request"]["options"]
    if not budget.get("seconds") and (n := budget.get("images")):
        return _button("longer", lang, choices=[(text.more(text.images(n * k)), {"images": n * k}) for k in (1, 5)])
    return _button("longer", lang, choices=[(text.more(text.duration(s)), {"seconds": s}) for s in (60, 300, 1800)])


# where it is
def _position(record: Json, state: State, events: Sequence[Json], fresh: bool, lang: Lang) -> Json:
    """{progress, facts}: a fact that is None keeps what was last said of it, an empty one goes."""
    points = _is_points(record)
    step = next((e for e in reversed(events) if e["kind"] == "step"), None)
    last = step or (record if fresh else None)
    moving = state is State.RUNNING
    left = _seconds_left(record, step) if step else None
    facts: dict[str, Words | str | None] = {
        "images": text.images(last["images"], points) if last else None,
        "rate": text.rate(step["images_per_second"], points) if step and moving else None if moving else "",
        "elapsed": text.duration(last["seconds"]) if last else None,
        "remaining": text.duration(left) if left is not None and moving else None if moving and not step else "",
        "device": (record["device"] or "").upper(),
        "memory": text.memory(step["memory_bytes"]) if step and moving else None if moving else "",
        "model": model.slug if (model := made_by(record["id"], record["model"])) else "",
    }
    told = {name: {"label": text.FACTS[name][lang], "value": v[lang] if isinstance(v, Words) else v} for name, v in facts.items()}
    return {"facts": told} | ({"progress": _progress(record, last)} if last else {})


def _progress(record: Json, last: Json) -> float | None:
    """The share of the budget that is spent, 0 to 1; None without a budget."""
    budget = record["request"]["options"]
    shares = [(last.get(unit) or 0) / budget[unit] for unit in ("images", "seconds") if budget.get(unit)]
    return min(1.0, max(shares)) if shares else None


def _seconds_left(record: Json, step: Json) -> float | None:
    budget = record["request"]["options"]
    left = []
    if budget.get("seconds"):
        left.append(budget["seconds"] - step["seconds"])
    if budget.get("images") and step["images_per_second"] > 0:
        left.append((budget["images"] - step["images"]) / step["images_per_second"])
    return max(0.0, min(left)) if left else None


# what happened
def new_events(run: Run, since: str) -> tuple[list[Json], str, bool]:
    """Events after the cursor, the new cursor, and whether they start from the beginning.

    A resumed run's log is cut back to its checkpoint, which is a new file: an old cursor then starts over.
    """
    generation, begin = _parse(since)
    now = _generation(run)
    if generation != now:
        begin = 0
    events, reached = _read(run, begin)
    return events, f"{now}:{reached}", begin == 0


def all_events(run: Run) -> list[Json]:
    return _read(run, 0)[0]


def _read(run: Run, begin: int) -> tuple[list[Json], int]:
    events, reached = run.events(begin)
    while (more := run.events(reached))[0]:  # a very long log comes in several pieces
        events, reached = events + more[0], more[1]
    return events, reached


def _parse(cursor: str) -> tuple[str, int]:
    generation, _, offset = cursor.partition(":")
    return (generation, int(offset)) if offset.isascii() and offset.isdigit() and len(offset) < 16 else ("", 0)


def _generation(run: Run) -> str:
    try:
        return f"{os.stat(run.folder / 'log.jsonl').st_ino:x}"
    except FileNotFoundError:
        return "none"


def _history(record: Json, events: Sequence[Json], lang: Lang) -> Json:
    points = _is_points(record)
    return {
        "curves": {name: thin(points) for name, points in _curves(events).items()},
        "rows": _rows(events),
        "previews": [_preview(e, points, lang) for e in events if e["kind"] == "preview"],
        "log": [line for e in events if (line := _line(e, lang))][-LOG_LINES:],
    }


def _curves(events: Sequence[Json]) -> dict[str, list[list[float | None]]]:
    """{term: [[images, seconds, value], ...]}; a value that is not finite is None."""
    found: dict[str, list[list[float | None]]] = {}
    for e in events:
        if e["kind"] == "step":
            for name, value in e["terms"].items():
                found.setdefault(name, []).append([e["images"], round(e["seconds"], 2), short(value)])
        elif e["kind"] == "measured":
            for name, value in e["figures"].items():
                found.setdefault(name, []).append([e["images"], round(e["seconds"], 2), short(value)])
    return found


def thin(points: list[list[float | None]], limit: int = CURVE_POINTS) -> list[list[float | None]]:
    """At most `limit` of the points, in order: both ends, and of each stretch the lowest and the highest, so that no spike is lost."""
    if len(points) <= limit:
        return points
    inner, stretches = points[1:-1], (limit - 2) // 2
    kept = points[:1]
    for i in range(stretches):
        stretch = inner[i * len(inner) // stretches : (i + 1) * len(inner) // stretches]
        finite = [p for p in stretch if p[2] is not None] or stretch[:1]
        low, high = min(finite, key=_height), max(finite, key=_height)
        kept += [low] if low is high else sorted((low, high), key=stretch.index)
    return kept + points[-1:]


def _height(point: list[float | None]) -> float:
    return point[2] if point[2] is not None else 0.0


def _rows(events: Sequence[Json]) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for e in events:
        if e["kind"] == "health":
            for name, row in e["rows"].items():
                found.setdefault(name, []).append({"images": e["images"], "row": [short(v) for v in row]})
    return {name: frames[:: math.ceil(len(frames) / ROW_FRAMES)][:-1] + frames[-1:] for name, frames in found.items()}


def _preview(event: Json, points: bool, lang: Lang) -> Json:
    """File names in place of paths: the browser knows where a run's previews are."""
    sheets = {name: sheet | {"file": sheet["file"].rpartition("/")[2]} for name, sheet in event["sheets"].items()}
    arrays = event["arrays"].rpartition("/")[2] if event["arrays"] else None
    words = {"images": text.images(event["images"], points)[lang], "seconds": text.duration(event["seconds"])[lang]}
    return {"images": event["images"], "seconds": round(event["seconds"], 2), "sheets": sheets, "arrays": arrays, "words": words}


def _line(event: Json, lang: Lang) -> Json | None:
    match event["kind"]:
        case "said":
            words = event["words"]
        case "paused" | "resumed" as kind:
            words = text.MOMENTS[kind].as_json()
        case "finished":
            words = text.MOMENTS[f"finished by {event['by']}"].as_json()
        case _:
            return None
    return {"images": event["images"], "text": words[lang]}


# what does not change while it runs
def _lasting(record: Json, info: TechniqueInfo | None, lang: Lang) -> Json:
    named = legend(info, lang, measured(record))
    return {"title": _title(record, lang), "points": _is_points(record), "classes": _classes(record, lang)} | named


def legend(info: TechniqueInfo | None, lang: Lang, figures: dict[str, Term] | None = None) -> Json:
    """The names of the curves and of the plots they stand in; `figures`: of those that are measured now and then, dot by dot."""
    terms, figures = info.terms if info else {}, figures or {}
    return {
        "terms": {name: _term(term, lang) | {"sparse": name in figures} for name, term in (terms | figures).items()},
        "panels": {term.panel: text.panel(term.panel)[lang] for term in (terms | figures).values()},
    }


def measured(record: Json) -> dict[str, Term]:
    """What the figures that are measured while this run trains are called; named for its data, since that is what they are measured by."""
    try:
        spec = spec_from_json(record["spec"])
    except Refusal:
        return {}
    return {name: term for name, term in measured_terms(spec).items() if (name in OF_POINTS) == spec.is_points}


def _is_points(record: Json) -> bool:
    return len(record["spec"]["shape"]) == 1


def _title(record: Json, lang: Lang) -> str:
    """The data, the preset, and what was set otherwise than that: runs of one preset are told apart by it."""
    title, preset = record["spec"]["title"], record["request"].get("preset", "")
    return " · ".join([title[lang], *([presets.preset(preset)[lang], *_changed(record, lang)] if preset else [])])


def _changed(record: Json, lang: Lang) -> list[str]:
    """The first settings that are not the preset's: ["Beta 0.6"]."""
    asked = record["request"]
    info = techniques().get(asked["technique"])
    if info is None:
        return []
    known, given = {**knobs(info.Config), **knobs(Options)}, {**asked["config"], **asked["options"]}
    try:
        usual = _usual(info.slug, json.dumps(record["spec"]), asked["preset"])
        named = [name for name in known if name in given and given[name] != usual[name]]
        named.sort(key=lambda name: known[name].group != "first")  # what stands open in the form
        told = [f"{known[name].label[lang]} {said(read_value(known[name], given[name]), lang)}" for name in named[:TOLD]]
    except Refusal:  # of another version
        return []
    return told + ["…"] * (len(named) > TOLD)


@lru_cache(maxsize=100)
def _usual(technique: str, spec: str, preset: str) -> dict[str, Any]:
    """The settings of a preset for the data that `spec` describes in JSON.  Raises Refusal."""
    parts = techniques()[technique].read({}, spec_from_json(json.loads(spec)), preset)
    return {name: value for part in parts for name, value in as_values(part).items()}


def _term(term: Term, lang: Lang) -> Json:
    return {
        "label": term.label[lang],
        "help": term.help[lang],
        "role": term.role.value,
        "unit": text.unit(term.unit)[lang],
        "panel": term.panel,
        "row": term.row,
    }


def _classes(record: Json, lang: Lang) -> list[str]:
    """The class of each picture of the samples, in turn; empty where the model was not told classes."""
    return [c[lang] for c in record["spec"]["classes"]] if record["request"]["config"].get("conditional") else []

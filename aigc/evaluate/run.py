"""One evaluation, from a model's name to the report on disk."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aigc import __version__, data, outputs, registry
from aigc.data import DataSpec
from aigc.data.load import load
from aigc.evaluate import parts_for
from aigc.evaluate.examiners import EXAMINERS
from aigc.evaluate.feature_card import NO_NETWORK, has_network
from aigc.evaluate.features import extractor
from aigc.evaluate.report import PARTS, Figure, Report, carried_over, file_name, folder_of
from aigc.evaluate.subject import Note, Picture, Subject
from aigc.registry import Entry
from aigc.registry.entries import WEIGHTS
from aigc.registry.sampling import sampling_values, settings
from aigc.train import best_device
from aigc.words import Refusal, Words, both

LEAST, MOST = 200, 100_000
OTHER_SHAPE = both("{model} makes something else than {data} holds: evaluate it on {own}.", "{model} 生成的东西与 {data} 不同：请在 {own} 上评估它。")
NO_PART = both("For {model} on {data} there is no part {part}; there are: {all}.", "对 {model} 与 {data} 没有 {part} 这一项；可选：{all}。")


def evaluate(
    slug: str,
    data_name: str,
    n: int = 10_000,
    seed: int = 0,
    parts: tuple[str, ...] | None = None,
    device: str = "auto",
    how: Mapping[str, Any] | None = None,
) -> Iterator[Words | Report]:
    """Progress in words, the report last; it is on disk by then, together with what earlier ones on the same weights found.

    `parts`: of report.PARTS; None takes all that make sense.  `how`: sampling knobs.  Raises Refusal.
    """
    begun = time.monotonic()
    entry, spec = registry.entry(slug), data.spec(data_name)
    asked = checked(entry, spec, n, seed, parts)
    yield both("Loading the model and the data", "正在载入模型与数据")
    model = registry.load(slug, str(best_device(device)))
    sampling = sampling_values(model, dict(how or {}))
    other = {k: v for k, v in settings(sampling).items() if v != settings(sampling_values(model, {}))[k]}
    seen = extractor(spec, model.device) if has_network(spec) else None
    subject = Subject(model, load(data_name), n, seed, seen, sampling, slug)

    report = Report(
        slug, spec.name, "train", n, seed, datetime.now(UTC).isoformat(timespec="seconds"), 0.0, str(model.device), __version__,
        f"{seen.title.en}, {100 * seen.card.accuracy:.2f} %" if seen else "", settings=other, weights=entry.card.hashes.get(WEIGHTS, ""),
        notes=() if seen or spec.is_points else (NO_NETWORK.fill(data=spec.title, name=spec.name),),
    )  # fmt: skip
    pictures: list[Picture] = []
    for part in asked:
        yield PARTS[part]
        for found in EXAMINERS[part](subject):
            match found:
                case Words():
                    yield found
                case Figure():
                    report = dataclasses.replace(report, figures=(*report.figures, found))
                case Note():
                    report = dataclasses.replace(report, notes=(*report.notes, found.words))
                case Picture():
                    pictures.append(found)
                case (name, series):
                    report = dataclasses.replace(report, series={**report.series, name: series})
    report = dataclasses.replace(report, seconds=round(time.monotonic() - begun, 1))
    yield kept(report, pictures, asked)


def checked(entry: Entry, spec: DataSpec, n: int, seed: int, parts: tuple[str, ...] | None) -> tuple[str, ...]:
    """The parts to examine, in order.  Raises Refusal for what makes no sense."""
    if not LEAST <= n <= MOST:
        raise Refusal(both("The number of samples lies between {a} and {b}.", "样本数须在 {a} 到 {b} 之间。"), a=LEAST, b=f"{MOST:,}")
    if not 0 <= seed < 2**31:
        raise Refusal(both("A seed is a whole number from 0 on.", "种子是从 0 起的整数。"))
    if tuple(entry.card.spec["shape"]) != spec.shape:
        raise Refusal(OTHER_SHAPE, model=entry.slug, data=spec.title, own=entry.card.data)
    possible = parts_for(entry, spec)
    for part in parts or ():
        if part not in possible:
            raise Refusal(NO_PART, model=entry.slug, data=spec.title, part=repr(part)[:40], all=", ".join(possible))
    return tuple(part for part in possible if parts is None or part in parts)


def kept(report: Report, pictures: list[Picture], asked: tuple[str, ...]) -> Report:
    """The report as it stands on disk, its pictures beside it; what is made says so."""
    folder = folder_of(report.slug)
    folder.mkdir(parents=True, exist_ok=True)
    file = file_name(report.data, report.settings, report.n)
    for picture in pictures:
        name = f"{Path(file).stem}-{picture.name}.png"
        image = outputs.sheet(picture.rows.flatten(0, 1), columns=picture.rows.shape[1])
        _replace(folder / name, outputs.png(image, made=True, note={"model": report.slug, "data": report.data, "seed": report.seed}))
        report = dataclasses.replace(report, pictures={**report.pictures, picture.name: name})
    report = carried_over(report, asked)
    _replace(folder / file, json.dumps(report.as_json(), ensure_ascii=False, indent=1, allow_nan=False).encode())
    _onto_card(report)
    return report


def _onto_card(report: Report) -> None:
    """What was measured on the data that it learnt from, as it samples by itself, stands on the model's own card, too."""
    with contextlib.suppress(Refusal):  # it came along, and its card says already; or it was deleted or trained on meanwhile
        if not report.settings and registry.entry(report.slug).card.data == report.data:
            registry.amend(report.slug, quality={f.name: f.value for f in report.figures if math.isfinite(f.value)}, of=report.weights)


def _replace(file: Path, content: bytes) -> None:
    temporary = file.with_name(f".{file.name}")
    temporary.write_bytes(content)
    os.replace(temporary, file)

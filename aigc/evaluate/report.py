"""What an evaluation found, as plain values: figures with their errors and floors, series to draw, pictures; and where it is kept."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aigc import home
from aigc.registry import SLUG
from aigc.words import Words, both

PARTS: dict[str, Words] = {
    "fidelity": both("Fidelity: samples beside real pictures", "保真度：样本与真实图像对照"),
    "likelihood": both("Likelihood of held-out pictures", "留出图像的似然"),
    "reconstruction": both("Reconstruction of held-out pictures", "留出图像的重建"),
    "usefulness": both("Usefulness: a classifier taught on samples", "有用性：用样本训练分类器"),
    "memorisation": both("Memorisation: samples beside the nearest training pictures", "记忆：样本与最近的训练图像"),
    "tradeoff": both("Quality against variety", "质量与多样性的取舍"),
    "points": both("Points beside the true distribution", "点集与真实分布对照"),
}
SHIPPED_REPORT = "evaluation.json"  # in the folder of a shipped model
OF_SAMPLES = ("fidelity", "usefulness")  # parts whose figures are of as many samples as were asked for
UNITS_ZH = {"nats": "nat", "bits/dim": "bit/维", "points": "百分点"}  # what differs from the English
Line = list[tuple[float, float, float | None]]


@dataclass(frozen=True)
class Figure:
    """One number."""

    key: str  # "fid", "kid", "precision", ...
    label: Words  # names what it was measured with: never a bare "FID"
    value: float
    error: float | None  # what it would vary by, had other samples been drawn beside the same real ones
    floor: float | None  # the same figure for real against real; None where it has no meaning
    n: int  # samples, or real pictures where no samples are asked
    help: Words  # one sentence: what it measures and how to read it
    unit: str = ""  # "nats", "bits/dim", "%", ...
    better: str = "low"  # or "high"
    part: str = ""  # of PARTS
    floor_n: int = 0  # real pictures behind the floor

    @property
    def unit_in_words(self) -> Words:
        return both(self.unit, UNITS_ZH.get(self.unit, self.unit))

    @property
    def name(self) -> Words:
        """As a model's card names it: "FID, MNIST CNN, n = 10,000"."""
        unit = self.unit_in_words
        en, zh = (f" ({unit.en})", f"（{unit.zh}）") if self.unit else ("", "")
        return both(f"{self.label.en}{en}, n = {self.n:,}", f"{self.label.zh}{zh}，n = {self.n:,}")


@dataclass(frozen=True)
class Series:
    """Lines over one axis; `labels` names each."""

    title: Words
    x: Words
    y: Words
    lines: dict[str, Line]  # name -> (x, y, error) in order
    labels: dict[str, Words]
    help: Words
    part: str = ""
    joined: bool = True  # False where nothing lies between its points, as over classes


@dataclass(frozen=True)
class Origin:
    """When and how something was measured."""

    seed: int
    created: str  # ISO 8601, UTC
    seconds: float
    device: str
    code_version: str
    extractor: str


@dataclass(frozen=True)
class Report:
    slug: str
    data: str
    split: str  # the real pictures compared with: "train", with floors by "test"
    n: int
    seed: int
    created: str  # ISO 8601, UTC
    seconds: float
    device: str
    code_version: str
    extractor: str  # "MNIST CNN, 99.5 %"; "" where none was needed
    figures: tuple[Figure, ...] = ()
    series: dict[str, Series] = field(default_factory=dict)
    pictures: dict[str, str] = field(default_factory=dict)  # name -> file beside the report
    notes: tuple[Words, ...] = ()  # what was left out, and why
    settings: dict[str, Any] = field(default_factory=dict)  # sampling knobs that differ from their defaults
    weights: str = ""  # sha256 of the model's file
    carried: dict[str, Origin] = field(default_factory=dict)  # parts that an earlier evaluation found

    @property
    def parts(self) -> tuple[str, ...]:
        """Those that it has anything of, in order."""
        there = {f.part for f in self.figures} | {s.part for s in self.series.values()}
        return tuple(part for part in PARTS if part in there)

    def origin(self, part: str) -> Origin:
        own = Origin(self.seed, self.created, self.seconds, self.device, self.code_version, self.extractor)
        return self.carried.get(part, own)

    def n_of(self, part: str) -> int:
        """Samples behind a part: old reports hold some that were measured with another number than theirs."""
        return max((f.n for f in self.figures if f.part == part in OF_SAMPLES), default=self.n)

    def figure(self, key: str) -> Figure | None:
        return next((f for f in self.figures if f.key == key), None)

    def as_json(self) -> dict[str, Any]:
        return json.loads(json.dumps(dataclasses.asdict(self), allow_nan=False))

    @staticmethod
    def from_json(values: dict[str, Any]) -> Report:
        """Raises ValueError, KeyError or TypeError for what is no report."""
        known = {f.name for f in dataclasses.fields(Report)}
        read = {k: v for k, v in values.items() if k in known}
        read["figures"] = tuple(Figure(**{**f, "label": _words(f["label"]), "help": _words(f["help"])}) for f in values["figures"])
        read["series"] = {name: _series(s) for name, s in values["series"].items()}
        read["notes"] = tuple(_words(w) for w in values.get("notes", ()))
        read["carried"] = {part: Origin(**o) for part, o in values.get("carried", {}).items()}
        return Report(**read)


def _words(value: dict[str, str]) -> Words:
    return both(value["en"], value["zh"])


def _series(values: dict[str, Any]) -> Series:
    lines: dict[str, Line] = {name: [(x, y, e) for x, y, e in line] for name, line in values["lines"].items()}
    words = {k: _words(values[k]) for k in ("title", "x", "y", "help")}
    labels = {k: _words(w) for k, w in values["labels"].items()}
    return Series(**words, lines=lines, labels=labels, part=values.get("part", ""), joined=values.get("joined", True))


def folder_of(slug: str) -> Path:
    return home.evaluations_folder() / slug


def file_name(data: str, settings: dict[str, Any], n: int) -> str:
    """Of the report on a dataset; another number of samples, and sampling that was asked to be otherwise, get files of their own."""
    other = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]
    return f"{data}{f'-{other}' if settings else ''}-n{n}.json"


def reports(slug: str) -> list[Report]:
    """What was found about a model, newest first; what came with a shipped one is among it.  Files that cannot be read are left out."""
    if not SLUG.match(slug):
        return []
    files = [*folder_of(slug).glob("*.json"), *([shipped] if (shipped := _shipped(slug) / SHIPPED_REPORT).is_file() else [])]
    found = [report for file in files if (report := _read(file)) is not None]
    return sorted(found, key=lambda r: r.created, reverse=True)


def picture_of(report: Report, name: str) -> Path | None:
    """The file of a picture that belongs to a report; None if it is not there any more."""
    file = Path(report.pictures.get(name, "")).name  # only ever a name
    for folder in (folder_of(report.slug), _shipped(report.slug)):
        if file and (folder / file).is_file():
            return folder / file
    return None


def _shipped(slug: str) -> Path:
    return home.SHIPPED / slug


def _read(file: Path) -> Report | None:
    try:
        return Report.from_json(json.loads(file.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def carried_over(new: Report, parts: tuple[str, ...]) -> Report:
    """`new` with what the last report on the same weights and as many samples found in parts that were not examined this time."""

    def is_alike(old: Report) -> bool:
        return (old.weights, old.data, old.settings, old.n) == (new.weights, new.data, new.settings, new.n)

    old = next(filter(is_alike, reports(new.slug)), None)
    if old is None:
        return new
    return dataclasses.replace(
        new,
        figures=(*new.figures, *(f for f in old.figures if f.part not in parts)),
        series={**{k: s for k, s in old.series.items() if s.part not in parts}, **new.series},
        pictures={**({} if "memorisation" in parts else old.pictures), **new.pictures},
        extractor=new.extractor or old.extractor,
        carried={part: old.origin(part) for part in old.parts if part not in parts},
    )

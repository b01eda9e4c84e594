"""What a taught model says of itself: card.json for programs, README.md in both languages with the Hub's front matter for people."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aigc.data import spec
from aigc.words import LANGS, Words, both

TITLES = {
    "limits": both("Limits", "局限"),
    "figures": both("Measured on what was held out", "在留出数据上的测量"),
    "data": both("Data", "数据"),
    "made": both("Made by", "训练命令"),
}
TAUGHT = both(
    "Taught by {examples:,} {unit} (repeats counted) in {seconds:.0f} s on {device}, seed {seed}.",
    "训练 {examples:,} {unit}（含重复），{seconds:.0f} 秒，设备 {device}，种子 {seed}。",
)
CREDIT = both("{credit}. Licence: {licence}.", "{credit}。许可：{licence}。")


@dataclass(frozen=True)
class Figure:
    """One measured number; `name` is its key in card.json."""

    name: str
    value: float
    words: Words
    form: str = "{:.2f}"

    def line(self, lang: str) -> str:
        return (
            f"- {self.words[lang]}: **{self.form.format(self.value)}**"
            if lang == "en"
            else f"- {self.words[lang]}：**{self.form.format(self.value)}**"
        )


@dataclass(frozen=True)
class Credit:
    credit: str
    licence: str

    @classmethod
    def of(cls, dataset: str) -> Credit:
        described = spec(dataset)
        return cls(described.credit, described.licence)


@dataclass(frozen=True)
class Card:
    title: Words
    about: Words
    limits: Words
    figures: list[Figure]
    data: list[Credit]
    lesson: str
    unit: Words  # what the budget counts
    examples: int
    seed: int
    seconds: float
    device: str
    tags: tuple[str, ...]  # of the Hub: its task first
    use: str  # Python that runs it
    licence: str = "apache-2.0"
    languages: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        return f"python -m aigc teach {self.lesson} --budget {self.examples} --seed {self.seed}"


def write(card: Card, to: Path) -> dict[str, Any]:
    """Writes both files beside the weights in `to`; the facts of card.json."""
    facts = {
        "title": card.title.as_json(),
        "about": card.about.as_json(),
        "limits": card.limits.as_json(),
        "licence": card.licence,
        "figures": {figure.name: round(figure.value, 5) for figure in card.figures},
        "data": [{"credit": d.credit, "licence": d.licence} for d in card.data],
        "command": card.command,
        "budget": card.examples,
        "seed": card.seed,
        "seconds": round(card.seconds, 1),
        "device": card.device,
        "sha256": {path.relative_to(to).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(to.rglob("*.safetensors"))},
    }
    (to / "README.md").write_text(readme(card), encoding="utf-8")
    (to / "card.json").write_text(json.dumps(facts, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return facts


def readme(card: Card) -> str:
    front = [f"license: {card.licence}", f"pipeline_tag: {card.tags[0]}", "tags:", *(f"- {tag}" for tag in card.tags)]
    front += ["language:", *(f"- {language}" for language in card.languages)] if card.languages else []
    return "\n".join(["---", *front, "---", "", "\n\n---\n\n".join(_told(card, lang) for lang in LANGS), ""])


def _told(card: Card, lang: str) -> str:
    def headed(key: str, text: str) -> str:
        return f"## {TITLES[key][lang]}\n\n{text}"

    taught = TAUGHT.fill(examples=card.examples, unit=card.unit, seconds=card.seconds, device=card.device, seed=card.seed)
    parts = [
        f"# {card.title[lang]}",
        card.about[lang],
        f"```python\n{card.use}\n```",
        headed("figures", "\n".join(figure.line(lang) for figure in card.figures)),
        headed("limits", card.limits[lang]),
        headed("data", "\n".join(f"- {CREDIT.fill(credit=d.credit, licence=d.licence)[lang]}" for d in card.data)),
        headed("made", f"```bash\n{card.command}\n```\n\n{taught[lang]}"),
    ]
    return "\n\n".join(parts)

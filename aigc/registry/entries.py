"""The models that are here: a quick look at their cards, without torch."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from aigc import home
from aigc.data import DataSpec
from aigc.registry.card import BROKEN, CARD_BYTES, SLUG, ModelCard, read_card, spec_from_json
from aigc.words import Refusal, Words, both

WEIGHTS, CARD, README, SAMPLES = "model.safetensors", "config.json", "README.md", "samples.png"
FILES = (WEIGHTS, SAMPLES, README, CARD)  # in the order written: a folder with a card is complete


@dataclass(frozen=True)
class Entry:
    """A complete model folder."""

    slug: str
    folder: Path
    card: ModelCard
    shipped: bool

    @property
    def weights(self) -> Path:
        return self.folder / WEIGHTS

    @property
    def samples(self) -> Path | None:
        path = self.folder / SAMPLES
        return path if path.is_file() else None

    @property
    def bytes(self) -> int:
        """Size of its files."""
        return sum(p.stat().st_size for name in FILES if (p := self.folder / name).is_file())


def entries() -> list[Entry]:
    """Every model trained here, newest first, then the shipped ones.  A folder whose card is broken is left to `broken`."""
    found = [e for e in _look() if isinstance(e, Entry)]
    return sorted(sorted(found, key=lambda e: e.slug), key=lambda e: (not e.shipped, e.card.created), reverse=True)


def broken() -> dict[str, Words]:
    """Folders that hold a model whose card cannot be read: name -> why."""
    return {e[0]: e[1] for e in _look() if not isinstance(e, Entry)}


def entry(slug: object) -> Entry:
    """The model called `slug`.  Raises Refusal."""
    if isinstance(slug, str) and SLUG.match(slug):
        for root, shipped in ((home.models_folder(), False), (home.SHIPPED, True)):
            if (root / slug / CARD).is_file():
                return Entry(slug, root / slug, _card(root / slug, shipped), shipped)
    raise Refusal(both("There is no model called {s}.", "没有名为 {s} 的模型。"), s=repr(slug)[:80])


def on_data(slug: str, spec: DataSpec, suits: Callable[[ModelCard], bool], unsuited: Words, elsewhere: Words) -> Entry:
    """The entry of a model that suits and was trained on this data.  Raises Refusal, in the words for what is wrong."""
    found = entry(slug)
    its = spec_from_json(found.card.spec)
    if not suits(found.card):
        raise Refusal(unsuited, s=slug)
    if its.name != spec.name or its.shape != spec.shape:
        raise Refusal(elsewhere, s=slug, its=its.title, d=spec.title)
    return found


def free_slug(wanted: str) -> str:
    """A name that no model has yet, as near to `wanted` as a name can be: `My GAN!` -> `my-gan`, or `my-gan-2`."""
    base = wanted if SLUG.match(wanted) else re.sub(r"[^a-z0-9]+", "-", wanted.lower()).strip("-")[:56].strip("-") or "model"
    names = (base if n == 1 else f"{base[:56].strip('-')}-{n}" for n in range(1, 10**6))
    return next(name for name in names if not taken(name))


def taken(slug: str) -> bool:
    return (home.models_folder() / slug).exists() or (home.SHIPPED / slug).exists()


def made_by(run: str, named: object) -> Entry | None:
    """The model that a run made: the one that it named, unless that name has gone to another since, else whichever says so on its card."""
    if not named:
        return None
    with contextlib.suppress(Refusal):
        if (found := entry(named)).card.run == run:
            return found
    for card in home.models_folder().glob(f"*/{CARD}"):
        with contextlib.suppress(Refusal, OSError):
            if run.encode() in card.read_bytes() and (found := entry(card.parent.name)).card.run == run:
                return found
    return None


def lineage(slug: str) -> list[str]:
    """The names of the models this one was continued from, nearest first; the last may have been deleted."""
    line: list[str] = []
    cards = {e.slug: e.card for e in entries()}
    while slug in cards and (slug := cards[slug].parent) and slug not in line:
        line.append(slug)
    return line


def _look() -> Iterator[Entry | tuple[str, Words]]:
    seen: set[str] = set()
    for root, shipped in ((home.models_folder(), False), (home.SHIPPED, True)):
        for card in root.glob(f"*/{CARD}"):
            slug = card.parent.name
            if SLUG.match(slug) and slug not in seen:
                seen.add(slug)
                try:
                    yield Entry(slug, card.parent, _card(card.parent, shipped), shipped)
                except Refusal as refusal:
                    yield slug, refusal.words


def _card(folder: Path, shipped: bool) -> ModelCard:
    """The card in `folder`; the folder's name is the model's name, whatever the card says."""
    try:
        with (folder / CARD).open("rb") as file:
            raw = file.read(CARD_BYTES + 1)
    except OSError as error:
        raise Refusal(BROKEN, why=error.strerror or "") from error
    return replace(read_card(raw), slug=folder.name, kind="shipped" if shipped else "trained")

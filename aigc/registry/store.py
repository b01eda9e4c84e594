"""Changing what is in the registry: every change is a folder or a file that appears at once and whole, or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from aigc import home
from aigc.registry import weights
from aigc.registry.card import NO_SLUG, SLUG, ModelCard, spec_from_json
from aigc.registry.entries import CARD, README, SAMPLES, WEIGHTS, Entry, entries, entry, free_slug, taken
from aigc.registry.readme import readme
from aigc.words import Refusal, Words, both

try:
    import fcntl
except ImportError:  # Windows: renames are atomic there too, but two changes at once are not kept apart
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from aigc.techniques.base import Technique

ORPHAN_SECONDS = 3600


def save(model: Technique, card: ModelCard, samples: bytes | None = None, *, wanted: str = "") -> Entry:
    """A model into the registry under `card.slug`, which must be free, or a free name near `wanted`.  `samples`: a PNG file.  Raises Refusal."""
    return place(replace(card, inside=weights.inside_of(model)), weights.as_file(model), samples, wanted=wanted)


def place(card: ModelCard, raw: bytes, samples: bytes | None, *, wanted: str = "") -> Entry:
    """Files into the registry: a hidden folder is written, forced to the disk, and renamed.  `wanted` as of `save`."""
    files = {WEIGHTS: raw} | ({SAMPLES: samples} if samples else {})
    card = replace(card, hashes={name: weights.sha256(data) for name, data in files.items()})
    with _changing() as root:
        if wanted:
            card = replace(card, slug=free_slug(wanted))
        _check_free(card.slug)
        folder = root / f".new-{uuid.uuid4().hex}"
        try:
            folder.mkdir()
            for name, data in {**files, **_words_of(card)}.items():
                _write(folder / name, data)
            _sync(folder)
            folder.rename(root / card.slug)
            _sync(root)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return entry(card.slug)


def load(slug: str, device: str = "cpu") -> Technique:
    """The model called `slug`, checked and ready to sample.  Raises Refusal, saying what is wrong with it."""
    found = entry(slug)
    raw = weights.read_file(found.weights)
    if weights.sha256(raw) != found.card.hashes.get(WEIGHTS):
        raise Refusal(weights.UNUSABLE, why=_CHANGED.fill(name=WEIGHTS))
    model = weights.build(found.card.technique, found.card.config, spec_from_json(found.card.spec), found.card.inside)
    return weights.file_into(model, raw).to(device).eval().requires_grad_(False)


def verify(slug: str) -> list[Words]:
    """What is wrong with a model's files; an empty list means nothing.  Raises Refusal if there is no such model."""
    found = entry(slug)
    problems = []
    for name, expected in found.card.hashes.items():
        path = found.folder / Path(name).name
        if not path.is_file():
            problems.append(both("{name} is missing", "缺少 {name}").fill(name=path.name))
        elif weights.sha256(path.read_bytes()) != expected:
            problems.append(_CHANGED.fill(name=path.name))
    if WEIGHTS not in found.card.hashes:
        problems.append(both("the card does not say what {name} should be", "卡片没有写明 {name} 的校验值").fill(name=WEIGHTS))
    if not problems:
        try:
            load(slug)
        except Refusal as refusal:
            problems.append(refusal.words)
    return problems


def rename(slug: str, new: str) -> Entry:
    """Give a model another name; models continued from it follow.  Raises Refusal."""
    with _changing() as root:
        _own(slug)
        _check_free(new)
        (root / slug).rename(root / new)
        _sync(root)
        _rewrite(replace(entry(new).card, slug=new))
        _move_reports(slug, new)
        for child in entries():
            if child.card.parent == slug and not child.shipped:
                config, options = child.card.config, child.card.options
                named = {name: new for name in ("latents", "teacher") if config.get(name) == slug}
                started = {"start": new} if options.get("start") == slug else {}
                _rewrite(replace(child.card, parent=new, config={**config, **named}, options={**options, **started}))
    return entry(new)


def amend(slug: str, *, title: str | None = None, quality: Mapping[Words, float] | None = None, of: str = "") -> Entry:
    """Give a model another title, or add figures to its card, measured with the weights whose sha256 is `of`.  Raises Refusal."""
    with _changing():
        card = _own(slug).card
        if of and card.hashes.get(WEIGHTS) != of:
            raise Refusal(CHANGED, name=slug)
        title = card.title if title is None else title.strip()[:120]
        measured = quality or {}
        values, names = ({**card.quality, **{n.en: v for n, v in measured.items()}}, {**card.quality_zh, **{n.en: n.zh for n in measured}})
        _rewrite(replace(card, title=title, quality=values, quality_zh=names))
    return entry(slug)


def delete(slug: str) -> None:
    """A model goes, even one whose card cannot be read.  Raises Refusal for a shipped one."""
    with _changing() as root:
        if not SLUG.match(slug) or not (root / slug).is_dir():
            _own(slug)
        gone = root / f".gone-{uuid.uuid4().hex}"
        (root / slug).rename(gone)
        _sync(root)
        shutil.rmtree(gone, ignore_errors=True)
        shutil.rmtree(home.evaluations_folder() / slug, ignore_errors=True)


def _move_reports(slug: str, new: str) -> None:
    """What was measured of a model follows it; what an earlier one of the new name left behind is not this one's."""
    folder = home.evaluations_folder()
    shutil.rmtree(folder / new, ignore_errors=True)
    if not (folder / slug).is_dir():
        return
    (folder / slug).rename(folder / new)
    for file in sorted((folder / new).glob("*.json")):
        with contextlib.suppress(ValueError, TypeError):  # one that cannot be read is not shown either
            _replace(file, json.dumps({**json.loads(file.read_bytes()), "slug": new}, ensure_ascii=False).encode())


def _own(slug: str) -> Entry:
    found = entry(slug)
    if found.shipped:
        raise Refusal(both("{s} came with the project and stays as it is.", "{s} 随项目提供，不能改动。"), s=slug)
    return found


def _check_free(slug: str) -> None:
    if not SLUG.match(slug):
        raise Refusal(NO_SLUG)
    if taken(slug):
        raise Refusal(both("There is already a model called {s}; choose another name.", "已经有名为 {s} 的模型；请换一个名称。"), s=slug)


def _rewrite(card: ModelCard) -> None:
    folder = home.models_folder() / card.slug
    for name, data in _words_of(card).items():
        _replace(folder / name, data)
    _sync(folder)


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}")
    _write(temporary, data)
    os.replace(temporary, path)


def _words_of(card: ModelCard) -> dict[str, bytes]:
    """README and card, the card last."""
    return {README: readme(card).encode(), CARD: card.as_bytes()}


@contextmanager
def _changing() -> Iterator[Path]:
    """The folder of models, with nobody else changing it; what a crash left behind is cleared away."""
    root = home.models_folder()
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".lock").open("w") as lock:
        if fcntl:
            fcntl.flock(lock, fcntl.LOCK_EX)
        for left in (*root.glob(".new-*"), *root.glob(".gone-*")):
            if time.time() - left.stat().st_mtime > ORPHAN_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
        yield root


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


CHANGED = both("{name} has been trained on since: evaluate it again.", "{name} 之后又训练过：请重新评估。")
_CHANGED = both("{name} is not what was saved: its checksum differs", "{name} 与保存时不同：校验值不符")

"""What can be explored: the models of a technique, and its runs as they are now.  Listing needs no torch."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aigc import registry
from aigc.data import DataSpec
from aigc.jobs import checkpoints
from aigc.jobs.runs import Run, State, runs
from aigc.registry.recipe import card_of_run
from aigc.techniques import TechniqueInfo
from aigc.words import Refusal, Words, both

if TYPE_CHECKING:
    from aigc.techniques.base import Technique

RUNS = 12  # in the list
KEPT = 4  # models of runs held in memory

NOTHING = both("Nothing has been trained here yet: train a model first, then come back.", "这里还没有训练好的模型：请先训练一个，再回来。")
NO_WEIGHTS = both("This run has saved nothing yet; try again in a few seconds.", "这次训练还没有保存任何内容，请过几秒再试。")
OTHER = both("This model was made by another technique.", "这个模型属于另一种技术。")
NOW = both("{state}, as it is now: {images} images", "{state}，取目前的状态：{images} 张图")
SHIPPED = both("shipped", "随项目提供")


@dataclass(frozen=True)
class Subject:
    """A model or a run: `key` is "model:<slug>" or "run:<id>"."""

    key: str
    card: registry.ModelCard
    words: Words  # its line in the list

    @property
    def spec(self) -> DataSpec:
        return registry.spec_from_json(self.card.spec)

    @property
    def is_run(self) -> bool:
        return self.key.startswith("run:")

    @property
    def name(self) -> str:
        """The slug of the model, or the id of the run."""
        return self.key.partition(":")[2]


def subjects(info: TechniqueInfo) -> list[Subject]:
    """What there is to explore, newest first: live runs, then models, then ended runs that made no model."""
    models = [_of_model(entry) for entry in registry.entries() if entry.card.technique == info.slug]
    known = {s.card.run for s in models}
    live: list[Subject] = []
    ended: list[Subject] = []
    for run in runs():
        subject = _of_run(run, info, known)
        if subject:
            (live if run.state.live else ended).append(subject)
    return [*live[:RUNS], *models, *ended[:RUNS]]


def subject(info: TechniqueInfo, key: object) -> Subject:
    """The one of that key, which may come from an address.  Raises Refusal."""
    kind, _, name = key.partition(":") if isinstance(key, str) else ("", "", "")
    if kind == "run":
        run = Run.open(name)
        made = registry.made_by(run.id, run.record.get("model"))
        if made and not run.state.live:  # else it was deleted since; the run's own weights may still be here
            return subject(info, f"model:{made.slug}")
        if run.record["request"]["technique"] != info.slug:
            raise Refusal(OTHER)
        found = _of_run(run, info, set())
        if found is None:
            raise Refusal(NO_WEIGHTS)
        return found
    if not key:
        raise Refusal(NOTHING)
    if kind != "model":
        raise Refusal(both("There is no such model here.", "这里没有这个模型。"))
    entry = registry.entry(name)
    if entry.card.technique != info.slug:
        raise Refusal(OTHER)
    return _of_model(entry)


def _of_model(entry: registry.Entry) -> Subject:
    card = entry.card
    parts = [registry.spec_from_json(card.spec).title, *([SHIPPED] if entry.shipped else [])]
    return Subject(f"model:{entry.slug}", card, _joined(card.name, parts))


def _of_run(run: Run, info: TechniqueInfo, known: set[str]) -> Subject | None:
    """None for a run of another technique, without a checkpoint, or of which a model is in the list."""
    try:
        record = run.record
        images, live = run.kept_images(), State(record["state"]).live  # type: ignore[call-arg]
        if record["request"]["technique"] != info.slug or not images or (run.id in known and not live):
            return None
        card = card_of_run(record, images=images)
        spec = registry.spec_from_json(card.spec)
    except (Refusal, KeyError, ValueError):
        return None
    state = State(record["state"]).words  # type: ignore[call-arg]
    return Subject(f"run:{run.id}", card, _joined(card.slug, [spec.title, NOW.fill(state=state, images=f"{images:,}")]))


def _joined(name: str, parts: list[Words]) -> Words:
    return both(" · ".join([name, *(p.en for p in parts)]), " · ".join([name, *(p.zh for p in parts)]))


_runs: OrderedDict[tuple[str, str], tuple[threading.Lock, Technique]] = OrderedDict()  # (run, checkpoint) -> its model
_guard = threading.Lock()


@contextmanager
def opened(this: Subject) -> Iterator[Technique]:
    """Its model, for as long as the block lasts nobody else's; one thread, since a training wants the others.  Raises Refusal.

    The block may be left in another thread than it was entered in: Gradio runs each step of a generator where it likes.
    """
    from aigc.train.devices import use_threads

    use_threads(1)
    if not this.is_run:
        with registry.loaded(this.name) as model:
            yield model
        return
    lock, model = _of_checkpoint(this)
    with lock:
        yield model


def _of_checkpoint(this: Subject) -> tuple[threading.Lock, Technique]:
    run = Run(this.name)
    newest = next((f.name for f in checkpoints.folders(run.folder / "checkpoint")), "")
    with _guard:
        if (run.id, newest) in _runs:
            _runs.move_to_end((run.id, newest))
            return _runs[run.id, newest]
    weights = run.weights()
    if weights is None:
        raise Refusal(NO_WEIGHTS)
    model = registry.into(registry.build(this.card.technique, this.card.config, this.spec), weights).eval().requires_grad_(False)
    with _guard:
        held = _runs[run.id, newest] = (threading.Lock(), model)
        while len(_runs) > KEPT:
            _runs.popitem(last=False)
    return held

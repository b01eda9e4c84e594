"""The end of a run: its model into the registry."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aigc import outputs, registry
from aigc.events import Preview
from aigc.jobs.runs import Run
from aigc.registry import Entry, ModelCard
from aigc.words import Refusal

if TYPE_CHECKING:
    from aigc.techniques.base import Technique


def keep(run: Run, model: Technique, shown: Preview | None, facts: dict[str, Any]) -> str:
    """-> the slug.  A run that went on replaces the model it made before.

    `facts` of the last checkpoint hold the knobs as they were at the end, which is not as they were asked for if one was turned.
    """
    record = run.record
    earlier = _earlier(run, record["model"])
    known = {k: facts[k] for k in ("config", "options") if k in facts} | {"created": datetime.now(UTC).isoformat(timespec="seconds")}
    if earlier:
        known["title"] = earlier.card.title
    wanted = record["request"].get("name") or f"{record['request']['technique']}-{record['request']['data']}"
    card = registry.card_of_run(record, **known)
    made = registry.save(model, card, _samples(shown, card, len(model.spec.classes) if model.conditional else 0), wanted=wanted)
    if earlier is None:
        return made.slug
    registry.delete(earlier.slug)  # only now that the new one is safe
    return registry.rename(made.slug, earlier.slug).slug


def _earlier(run: Run, slug: str | None) -> Entry | None:
    try:
        found = registry.entry(slug) if slug else None
    except Refusal:  # deleted or renamed since
        return None
    return found if found and found.card.run == run.id else None


def _samples(shown: Preview | None, card: ModelCard, columns: int) -> bytes | None:
    """The last preview as a picture that says that it was generated; a class has a column of its own, if there are few."""
    samples = shown.sheets.get("samples", shown.arrays.get("points")) if shown else None
    note = {"technique": card.technique, "data": card.data, "seed": card.seed}
    return None if samples is None else outputs.png(outputs.drawn(samples, columns=columns if columns <= 10 else 0), made=True, note=note)

"""The end of a run: its model into the registry."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from aigc import outputs, registry
from aigc.events import Preview
from aigc.jobs.runs import Run
from aigc.registry import Entry, ModelCard
from aigc.words import Refusal

if TYPE_CHECKING:
    from aigc.techniques.base import Technique


def keep(run: Run, model: Technique, shown: Preview | None) -> str:
    """-> the slug.  A run that went on replaces the model it made before."""
    earlier = _earlier(run)
    card = _card(run, earlier)
    made = registry.save(model, card, _samples(shown, card))
    if earlier is None:
        return made.slug
    # the new one is safe before the old one goes
    registry.delete(earlier.slug)
    return registry.rename(made.slug, earlier.slug).slug


def _earlier(run: Run) -> Entry | None:
    slug = run.record["model"]
    try:
        found = registry.entry(slug) if slug else None
    except Refusal:  # deleted or renamed since
        return None
    return found if found and found.card.run == run.id else None


def _card(run: Run, earlier: Entry | None) -> ModelCard:
    record, request = run.record, run.request
    spec = record["spec"]
    return ModelCard(
        slug=registry.free_slug(request.name or f"{request.technique}-{request.data}"),
        technique=request.technique,
        data=request.data,
        spec=spec,
        config=request.config,
        options=request.options,
        title=earlier.card.title if earlier else "",
        images=record["images"],
        steps=record["steps"],
        seconds=record["seconds"],
        device=record["device"] or "",
        seed=request.options.get("seed", 0),
        preset=request.preset,
        licence=spec.get("licence", ""),
        credit=spec.get("credit", ""),
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        parent=request.parent,
        run=run.id,
        owner=request.owner,
        code_version=record["code_version"],
    )


def _samples(shown: Preview | None, card: ModelCard) -> bytes | None:
    """The last preview as a picture that says that it was generated."""
    if shown is None:
        return None
    samples = shown.sheets.get("samples", shown.arrays.get("points"))
    note = {"technique": card.technique, "data": card.data, "seed": card.seed}
    return None if samples is None else outputs.png(outputs.drawn(samples), made=True, note=note)

"""Evaluation: what a model's samples are worth, in figures that name what they were measured with.  Nothing here needs torch; run.py does."""

from __future__ import annotations

from aigc.data import DataSpec
from aigc.evaluate.feature_card import has_network
from aigc.evaluate.report import PARTS, Figure, Report, Series, picture_of, reports
from aigc.evaluate.terms import measured_terms
from aigc.knobs import knobs
from aigc.registry import Entry
from aigc.techniques import technique

__all__ = ["PARTS", "Figure", "Report", "Series", "dial", "has_network", "measured_terms", "parts_for", "picture_of", "reports"]

DIALS = ("guidance", "truncation", "temperature")  # knobs of sampling that buy quality with variety


def parts_for(entry: Entry, data: DataSpec) -> tuple[str, ...]:
    """Which parts of an evaluation make sense for this model and this data; none if it makes something else than they are."""
    card = entry.card
    if tuple(card.spec["shape"]) != data.shape:
        return ()
    if data.is_points:
        return ("points",)
    seen = has_network(data)
    makes_sense = {
        "fidelity": seen,
        "likelihood": card.technique in ("vae", "diffusion"),
        "reconstruction": technique(card.technique).can_encode and "latent" in card.config,
        "memorisation": True,
    }
    return tuple(part for part in PARTS if makes_sense.get(part))


def dial(entry: Entry) -> str:
    """The sampling knob that buys quality with variety; "" where the model has none."""
    card = entry.card
    known = knobs(technique(card.technique).Sampling)
    guided = bool(card.config.get("conditional")) and card.config.get("label_dropout", 0.1) > 0
    return next((name for name in DIALS if name in known and (name != "guidance" or guided)), "")

"""The figures of a few samples that a training is measured by on its way: cheap, and by the same yardstick from beginning to end."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Generator, Tensor

from aigc.data.load import Dataset
from aigc.data.points import SETS
from aigc.evaluate import has_network
from aigc.evaluate.distances import frechet, moments
from aigc.evaluate.features import Extractor, data_hash, extractor
from aigc.evaluate.points import fresh, jensen_shannon, on_grid
from aigc.evaluate.subject import as_bytes
from aigc.evaluate.terms import LIVE_SAMPLES
from aigc.techniques.base import Technique
from aigc.words import Refusal

SEED = 2026
BATCH = 128
TRUE_POINTS = 200_000


def measure_for(data: Dataset, device: torch.device | str) -> Callable[[Technique], dict[str, float]] | None:
    """The function from a model to its figures; None where nothing is at hand to measure this data by.

    It draws from a generator of its own, so that asking it changes nothing.
    """
    if data.spec.name in SETS:
        histogram = on_grid(fresh(data.spec.name, TRUE_POINTS, 1)[0])
        return lambda model: {"js": jensen_shannon(histogram, on_grid(_finite(_samples(model)[0])))}
    seen = _network(data, device)
    return None if seen is None else lambda model: pictures(seen, model)


def pictures(seen: Extractor, model: Technique) -> dict[str, float]:
    """ "fid", and of a model that is told classes "asked_class" in %."""
    x, asked = _samples(model)
    features, logits = seen.read(as_bytes(x))
    figures = {"fid": frechet(*moments(features), seen.model.mean.cpu(), seen.model.covariance.cpu())}
    if asked is not None:
        figures["asked_class"] = 100 * float((logits.argmax(1) == asked.cpu()).double().mean())
    return figures


def _network(data: Dataset, device: torch.device | str) -> Extractor | None:
    """The feature network, if it knows these very pictures: its own statistics of them spare half a minute."""
    if not has_network(data.spec):
        return None
    try:
        seen = extractor(data.spec, device)
    except Refusal:  # a damaged network is no reason not to train
        return None
    return seen if data_hash(data.x) == seen.card.data_hash else None


@torch.inference_mode()
def _samples(model: Technique) -> tuple[Tensor, Tensor | None]:
    """LIVE_SAMPLES of them by the cheap settings of a preview, all classes in turn, and the classes asked for."""
    rng = Generator(model.device).manual_seed(SEED)
    labels = torch.arange(LIVE_SAMPLES, device=model.device) % len(model.spec.classes) if model.conditional else None
    made = []
    for start in range(0, LIVE_SAMPLES, BATCH):
        *_, x = model.sample(BATCH, rng, None if labels is None else labels[start : start + BATCH], **model.glance())
        made.append(x.float().cpu())
    return torch.cat(made), labels


def _finite(x: Tensor) -> np.ndarray:
    return np.nan_to_num(x.double().numpy(), posinf=1e6, neginf=-1e6)

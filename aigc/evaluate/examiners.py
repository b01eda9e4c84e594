"""The parts of an evaluation, each a generator over a subject."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from aigc.evaluate import fidelity, likelihood, memorisation, points, reconstruction, tradeoff, usefulness
from aigc.evaluate.subject import Found, Subject

EXAMINERS: dict[str, Callable[[Subject], Iterator[Found]]] = {
    "fidelity": fidelity.examine,
    "likelihood": likelihood.examine,
    "reconstruction": reconstruction.examine,
    "usefulness": usefulness.examine,
    "memorisation": memorisation.examine,
    "tradeoff": tradeoff.examine,
    "points": points.examine,
}

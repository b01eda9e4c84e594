"""What a training costs to watch: means read once per report, and previews that wait until they have been earned."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class Meter:
    """Collects the terms of every step on the device and copies their means to the host in one go."""

    def __init__(self, images: int = 0, averaged_at: int = 0):
        self.averaged_at = averaged_at  # images seen at the last update of the average
        self.restart(images)

    def restart(self, images: int) -> None:
        self._terms: dict[str, list[Tensor]] = {}
        self._seen: set[str] = set()
        self._since, self._images, self.steps = time.monotonic(), images, 0

    def add(self, phase: str, terms: dict[str, Tensor]) -> None:
        self._seen.add(phase)
        self.steps += 1
        for name, value in terms.items():
            self._terms.setdefault(name, []).append(value.detach())

    def wants(self, phase: str) -> bool:
        """Whether this is the first step of the phase since the last report: the one whose gradient is measured."""
        return phase not in self._seen

    def age(self) -> float:
        return time.monotonic() - self._since

    def rate(self, images: int) -> float:
        return (images - self._images) / max(self.age(), 1e-9)

    def read(self, images: int) -> tuple[dict[str, float], dict[str, list[float | None]]]:
        """Means since the last reading: (numbers, rows).  In a row, None stands where no example fell."""
        numbers = {k: torch.stack(v).float().mean() for k, v in self._terms.items() if v[0].ndim == 0}
        rows = {k: torch.stack(v).float().nanmean(0) for k, v in self._terms.items() if v[0].ndim == 1}
        self.restart(images)
        values = torch.stack(list(numbers.values())).tolist() if numbers else []
        return dict(zip(numbers, values, strict=True)), {k: [None if x != x else x for x in v.tolist()] for k, v in rows.items()}


class Pace:
    """When the next preview and the next checkpoint are due: each may take only its share of the time."""

    def __init__(self, watching: float, saving: float, save_seconds: float):
        self._watching, self._saving, self._save_seconds = watching, saving, save_seconds
        now = time.monotonic()
        self._next_preview, self._next_save = now, now + save_seconds / 3

    def preview_due(self) -> bool:
        return time.monotonic() >= self._next_preview

    def save_due(self) -> bool:
        return time.monotonic() >= self._next_save

    @contextmanager
    def preview(self) -> Iterator[None]:
        begun = time.monotonic()
        yield
        now = time.monotonic()
        self._next_preview = now + max(0.5, (now - begun) / self._watching)

    @contextmanager
    def saving(self) -> Iterator[None]:
        begun = time.monotonic()
        yield
        now = time.monotonic()
        self._next_save = now + max(self._save_seconds, (now - begun) / self._saving)

"""What a training costs to watch: means read once per report, previews and measurements that wait until they have been earned."""

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
            self._terms.setdefault(name, []).append(value)

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
    """When the next preview and the next checkpoint are due: each may take only its share of the time, the first few previews more."""

    EARLY, HURRY = 4, 4  # so many previews wait a fraction of the time: most is learnt at first

    def __init__(self, watching: float, saving: float, save_seconds: float):
        self._watching, self._saving, self._save_seconds = watching, saving, save_seconds
        now = time.monotonic()
        self._next_preview, self._next_save = now, now + save_seconds / 3
        self._previews = 0

    def preview_due(self) -> bool:
        return time.monotonic() >= self._next_preview

    def save_due(self) -> bool:
        return time.monotonic() >= self._next_save

    @contextmanager
    def preview(self) -> Iterator[None]:
        begun = time.monotonic()
        yield
        now = time.monotonic()
        share = self._watching * (self.HURRY if self._previews < self.EARLY else 1)
        self._previews += 1
        self._next_preview = now + max(0.5, (now - begun) / share)

    @contextmanager
    def saving(self) -> Iterator[None]:
        begun = time.monotonic()
        yield
        now = time.monotonic()
        self._next_save = now + max(self._save_seconds, (now - begun) / self._saving)


class Moments:
    """When the model is measured: at moments spread evenly over the logarithm of the budget, each left out if it would cost more than
    its share of the time."""

    EARLIEST = 0.03  # of the budget
    SHARE, LAST_SHARE = 0.05, 0.1  # of the time that all may take, and the last one, which training does not wait for

    def __init__(self, count: int):
        self._moments = [self.EARLIEST ** (1 - i / max(1, count - 1)) for i in range(count)][: count - 1]
        self._count = len(self._moments)
        self._wanted = count > 0
        self._spent = self.cost = 0.0  # seconds: of all so far, of the last one

    def skip_to(self, progress: float) -> None:
        """A resumed run has its earlier ones behind it."""
        self._moments = [m for m in self._moments if m > progress]

    def due(self, progress: float, seconds: float, expected: float) -> bool:
        """Whether to measure now, `seconds` into a training that is `progress` (above 0) on its way.  Asked at every step."""
        if not self._moments or progress < self._moments[0]:
            return False
        self.skip_to(progress)
        behind = (self._count - len(self._moments)) / self._count  # so much of its share: what is dear is measured late as well as early
        return self._spent + (self.cost or expected) <= self.SHARE * behind * seconds / progress

    def last_due(self, seconds: float, expected: float) -> bool:
        return self._wanted and (self.cost or expected) <= self.LAST_SHARE * seconds

    @contextmanager
    def measuring(self) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self.cost = time.monotonic() - begun
        self._spent += self.cost

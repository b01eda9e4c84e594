"""Bringing datasets to where the page can show them: found, downloaded or decoded in a thread of their own, one at a time each.

What stays in memory is a few hundred examples, not the dataset: the training process loads that for itself.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aigc.data import DataSpec
from aigc.words import Refusal, Words, both

if TYPE_CHECKING:
    from torch import Tensor

KEPT, KEPT_POINTS = 400, 2500  # examples of each dataset: enough for forty of any of ten classes
KEPT_SETS = 24

FAILED = both("Something went wrong while reading {title}; the server's log says what.", "读取 {title} 时出错，详情见服务器日志。")


class Cancelled(Exception):
    pass


@dataclass(frozen=True)
class Sample:
    """Some real examples, chosen once: uint8 (N, C, H, W) or float32 (N, 2); labels (N,) or None; `total` training examples there are."""

    spec: DataSpec
    x: Tensor
    labels: Tensor | None
    total: int


@dataclass
class Work:
    """One dataset on its way.  The thread writes, everybody reads."""

    by: str = ""  # who asked first, and may cancel it
    done: int = 0  # bytes
    total: int = 0
    sample: Sample | None = None
    failed: Words | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def over(self) -> bool:
        return self.sample is not None or self.failed is not None


class Preparing:
    """The works by the name of their dataset."""

    def __init__(self) -> None:
        self._works: OrderedDict[str, Work] = OrderedDict()
        self._lock = threading.Lock()

    def ask(self, name: str, *, download: bool = False, by: str = "") -> Work:
        """The work on `name`, started if nobody has; one that failed is tried again."""
        with self._lock:
            work = self._works.get(name)
            if work is None or work.failed is not None:
                work = self._works[name] = Work(by)
                threading.Thread(target=_prepare, args=(name, work, download), name=f"data {name}", daemon=True).start()
            self._works.move_to_end(name)
            while len(self._works) > KEPT_SETS and next(iter(self._works.values())).over:
                self._works.popitem(last=False)
            return work

    def under_way(self, name: str) -> Work | None:
        work = self._works.get(name)
        return work if work and not work.over else None

    def cancel(self, name: str, by: str = "") -> None:
        """What has arrived of a download is kept by whoever fetched it.  Nothing happens to one that somebody else asked for."""
        with self._lock:
            if (work := self._works.get(name)) and not work.over and work.by == by:
                work.cancelled.set()
                del self._works[name]

    def forget(self, name: str) -> None:
        with self._lock:
            self._works.pop(name, None)


def _prepare(name: str, work: Work, download: bool) -> None:
    def progress(done: int, total: int) -> None:
        work.done, work.total = done, total
        if work.cancelled.is_set():
            raise Cancelled

    try:
        from aigc.data.load import load

        work.sample = _chosen(load(name, progress=progress, download=download))
    except Cancelled:
        pass
    except Refusal as refusal:
        work.failed = refusal.words
    except Exception:  # a thread has nobody to tell: the page shows a sentence, the log the rest
        logging.getLogger(__name__).exception("reading %s", name)
        work.failed = FAILED.fill(title=name)


def _chosen(dataset: object) -> Sample:
    """Some examples at random, always the same."""
    import torch

    from aigc.data.load import Dataset

    assert isinstance(dataset, Dataset)
    which = torch.randperm(len(dataset), generator=torch.Generator().manual_seed(0))[: KEPT_POINTS if dataset.spec.is_points else KEPT]
    labels = None if dataset.labels is None else dataset.labels[which].clone()
    return Sample(dataset.spec, dataset.x[which].clone(), labels, len(dataset))

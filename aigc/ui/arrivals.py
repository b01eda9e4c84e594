"""Pretrained models on their way here: looked at and fetched in threads of their own, one for each model, watched by every page."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from aigc.data.remote import endpoint
from aigc.pretrained import Stopped, hub
from aigc.pretrained.catalogue import Entry
from aigc.pretrained.hub import Progress
from aigc.words import Refusal, Words, both

AT_ONCE = 3  # downloads
KEPT_LOOKS = 32
FAILURE_SECONDS = 60.0

FAILED = both("Something went wrong while fetching {title}; the server's log says what.", "获取 {title} 时出错，详情见服务器日志。")
BUSY = both("{n} models are being fetched already: wait until one is here.", "已有 {n} 个模型正在下载：请等其中一个完成。")


@dataclass
class Arrival:
    """One model on its way.  The thread writes, everybody reads."""

    entry: Entry
    by: str  # who asked for it; "" alone on this machine
    progress: Progress | None = None
    failed: Words | None = None
    over: bool = False
    began: float = 0.0  # when the first byte was asked for
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def seconds_left(self) -> float | None:
        """At the pace so far; None while that says nothing."""
        if self.progress is None or not self.began:
            return None
        gained, elapsed = self.progress.done - self.progress.had, time.monotonic() - self.began
        return (self.progress.total - self.progress.done) * elapsed / gained if gained > 0 and elapsed > 2 else None


class Arrivals:
    """By slug; one that failed is remembered until it is asked for again."""

    def __init__(self) -> None:
        self._arrivals: dict[str, Arrival] = {}
        self._lock = threading.Lock()

    def ask(self, entry: Entry, by: str = "") -> Arrival:
        """The download of `entry`, started if nobody has.  Raises Refusal if too many are under way."""
        with self._lock:
            arrival = self._arrivals.get(entry.slug)
            if arrival and not arrival.over:
                return arrival
            if (n := sum(not a.over for a in self._arrivals.values())) >= AT_ONCE:
                raise Refusal(BUSY, n=n)
            arrival = self._arrivals[entry.slug] = Arrival(entry, by)
        threading.Thread(target=_fetch, args=(arrival,), name=f"model {entry.slug}", daemon=True).start()
        return arrival

    def of(self, slug: str) -> Arrival | None:
        """The download under way, or the one that failed."""
        arrival = self._arrivals.get(slug)
        return arrival if arrival and (not arrival.over or arrival.failed) else None

    def cancel(self, slug: str, by: str = "") -> None:
        """What has arrived is kept.  Only whoever asked for it can."""
        with self._lock:
            if (arrival := self._arrivals.get(slug)) and arrival.by == by:
                arrival.stop.set()
                if not arrival.over:
                    arrival.over = True
                del self._arrivals[slug]


def _fetch(arrival: Arrival) -> None:
    try:
        for progress in hub.download(arrival.entry, arrival.stop):
            if progress.total and not arrival.began:
                arrival.began = time.monotonic()
            arrival.progress = progress
    except Stopped:
        pass
    except Refusal as refusal:
        arrival.failed = refusal.words
    except Exception:  # a thread has nobody to tell: the page shows a sentence, the log the rest
        logging.getLogger(__name__).exception("fetching %s", arrival.entry.slug)
        arrival.failed = FAILED.fill(title=arrival.entry.title)
    finally:
        arrival.over = True


class Looks:
    """What the Hub says of repositories that are not in the catalogue; the newest are remembered, failures for a minute."""

    def __init__(self) -> None:
        self._looks: OrderedDict[str, _Look] = OrderedDict()
        self._lock = threading.Lock()

    def at(self, entry: Entry) -> Entry | Words | None:
        """The entry with its size and licence, or why it cannot be used, or None while that is being asked."""
        key = f"{entry.tasks[0]} {entry.repo} {endpoint()}"
        with self._lock:
            look = self._looks.get(key)
            if look is None or (isinstance(look.found, Words) and time.monotonic() - look.began > FAILURE_SECONDS):
                look = self._looks[key] = _Look(entry)
                threading.Thread(target=look.ask, name=f"look at {entry.repo}", daemon=True).start()
            self._looks.move_to_end(key)
            while len(self._looks) > KEPT_LOOKS:
                self._looks.popitem(last=False)
        return look.found


class _Look:
    def __init__(self, entry: Entry):
        self.entry, self.began = entry, time.monotonic()
        self.found: Entry | Words | None = None

    def ask(self) -> None:
        try:
            self.found = hub.look(self.entry)
        except Refusal as refusal:
            self.found = refusal.words
        except Exception:  # as above
            logging.getLogger(__name__).exception("looking at %s", self.entry.repo)
            self.found = FAILED.fill(title=self.entry.title)

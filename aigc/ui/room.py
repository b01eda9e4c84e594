"""Whether there is room for one more upload: what strangers send may fill neither the disk nor more than its share of it."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from aigc.home import bytes_in, existing

GIGABYTE = 1_000_000_000
LEAST_FREE = GIGABYTE // 5  # bytes of disk, where nobody but the owner of it sends anything
LEAST_FREE_PUBLIC = 2 * GIGABYTE, 0.05  # and this share of the disk
MOST_PUBLIC = 4 * GIGABYTE  # of uploads, until the sweep takes them away
LOOK_EVERY = 5.0  # seconds between two looks into the folder


class Room:
    def __init__(self, folder: Path, limit: int, public: bool, clock: Callable[[], float] = time.monotonic):
        """`folder` is where uploads are put, `limit` the most bytes that one can have."""
        self.folder, self.limit, self.public, self.clock = folder, limit, public, clock
        self.held, self.until = 0, -1.0
        self.looking = threading.Lock()

    def __call__(self) -> bool:
        disk = shutil.disk_usage(existing(self.folder))
        if not self.public:
            return disk.free >= LEAST_FREE
        least, share = LEAST_FREE_PUBLIC
        if disk.free < max(least, share * disk.total):
            return False
        with self.looking:
            if self.clock() > self.until:
                self.held, self.until = bytes_in(self.folder), self.clock() + LOOK_EVERY
            if self.held + self.limit > MOST_PUBLIC:
                return False
            self.held += self.limit  # it may come to that before the next look
        return True

"""The sign of life of a training: a file touched once a second while it moves, so that a hang can be told from hard work."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

EVERY = 1.0  # seconds
BUSY = 0.05  # share of one core that counts as working
PATIENCE = 600.0  # seconds that work without a step is believed: a long preview, not an endless loop


class Heart:
    """`beat()` costs next to nothing and may be called at every step.  Without it, computing is a sign of life for ten minutes;
    a deadlock computes nothing, and a stopped process touches nothing."""

    def __init__(self, file: Path):
        self._file, self._beaten, self._over = file, True, threading.Event()
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)

    def beat(self) -> None:
        self._beaten = True

    def __enter__(self) -> Heart:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        computed, moved = time.process_time(), time.monotonic()
        while True:
            now, used = time.monotonic(), time.process_time()
            if self._beaten:
                moved = now
            if self._beaten or (used - computed > BUSY * EVERY and now - moved < PATIENCE):
                with contextlib.suppress(OSError):
                    self._file.touch()
            self._beaten, computed = False, used
            if self._over.wait(EVERY):
                return

"""Writes down what a training says, and never stops it for want of a preview or a checkpoint that found no room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aigc.events import Event, Paused, Preview, Resumed, Said, Saved
from aigc.jobs import previews
from aigc.jobs.files import DiskFull, is_full
from aigc.jobs.runs import Run
from aigc.jobs.states import State
from aigc.words import Words, both

NOT_WRITTEN = both("Not written: {what}. {why}", "未能写入：{what}。{why}")
A_PREVIEW, A_CHECKPOINT = both("a preview", "一次预览"), both("a checkpoint", "一个检查点")


class Recorder:
    """`heard` is told every line that was logged; a shell shows them."""

    def __init__(self, run: Run, heard: Callable[[dict[str, Any]], None] | None = None):
        self.run, self._heard = run, heard
        self.shown: Preview | None = None  # the last one
        self.facts: dict[str, Any] = {}  # of the last checkpoint
        self._previews = run.thin_previews()
        self._complained: set[str] = set()

    def write(self, event: Event) -> None:
        """Raises OSError if not even a line can be written."""
        if isinstance(event, Preview):
            self.shown = event
            if self._tried(event, A_PREVIEW, lambda: self._log(event)):
                self._previews += 1
                if self._previews > previews.MOST:
                    self._previews = self.run.thin_previews()
        elif isinstance(event, Saved):
            self.facts = event.facts
            if self._tried(event, A_CHECKPOINT, lambda: self.run.save_checkpoint(event)):
                self._log(event)
                self.run.update(images=event.images, steps=event.steps, seconds=event.seconds)
        else:
            self._log(event)
            if isinstance(event, Paused | Resumed):
                self.run.move(State.PAUSED if isinstance(event, Paused) else State.RUNNING)

    def say(self, images: int, words: Words) -> None:
        self._log(Said(images, words))

    def _tried(self, event: Preview | Saved, what: Words, write: Callable[[], object]) -> bool:
        """Whether there was room; what found none is said once, until there is room again."""
        try:
            write()
        except (OSError, DiskFull) as error:
            if not is_full(error):
                raise
            if what.en not in self._complained:
                self._complained.add(what.en)
                self.say(event.images, NOT_WRITTEN.fill(what=what, why=(error if isinstance(error, DiskFull) else DiskFull()).words))
            return False
        self._complained.discard(what.en)
        return True

    def _log(self, event: Event) -> None:
        line = self.run.append(event)
        if self._heard:
            self._heard(line)

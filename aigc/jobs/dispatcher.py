"""The thread that keeps the line moving: hands runs to workers, watches them, and says what became of each."""

from __future__ import annotations

import contextlib
import logging
import threading
import time

from aigc.home import runs_folder
from aigc.jobs import recovery, states
from aigc.jobs.crew import Patience, Worker
from aigc.jobs.files import is_full
from aigc.jobs.runs import Run
from aigc.jobs.states import State
from aigc.jobs.store import PAGE, SHELL, Store, lane_of
from aigc.words import Refusal

log = logging.getLogger(__name__)
TICK, IDLE_TICK = 0.2, 1.0  # seconds between two looks
RETRY_SPARE = 10.0  # seconds after a spare died before it had work
SWEEP_EVERY = 3600.0


class Dispatcher:
    def __init__(self, store: Store, patience: Patience, command: tuple[str, ...], keep: int | None):
        self._store, self._patience, self._command, self._keep = store, patience, command, keep
        self._wake, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._tend, name="dispatcher", daemon=True)
        self._workers: list[Worker] = []
        self._spare: Worker | None = None
        self._looked = self._sweep_at = time.monotonic()
        self._spare_at = self._looked + patience.warm_up

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Something has changed: look now."""
        self._wake.set()

    def healthy(self) -> bool:
        return self._thread.is_alive() and time.monotonic() - self._looked < 30

    def stop(self) -> None:
        """End every worker, once it has written down what was learnt."""
        self._over.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        leaving = [*self._workers, *([self._spare] if self._spare else [])]
        for worker in leaving:
            worker.leave()
        until = time.monotonic() + self._patience.leave
        while any(w.exit_code() is None for w in leaving) and time.monotonic() < until:
            time.sleep(0.02)
        for worker in leaving:
            if worker.exit_code() is None:
                worker.kill(State.INTERRUPTED, states.interrupted_at(worker.run.kept_images()) if worker.run else None)
            with contextlib.suppress(OSError, Refusal):
                self._bury(worker, worker.wait())

    def _tend(self) -> None:
        full = False
        while not self._over.is_set():
            idle = True
            try:
                idle = self._look()
                full = False
            except Exception as error:
                if not is_full(error):
                    log.exception("the line could not be tended; trying again")
                elif not full:  # said once, not every second into what may be the same disk
                    log.warning("the disk is full: the line cannot be tended until there is room again")
                full = is_full(error)
            self._looked = time.monotonic()
            self._wake.wait(IDLE_TICK if idle else TICK)
            self._wake.clear()

    def _look(self) -> bool:
        """-> whether there is nothing to do"""
        for worker in list(self._workers):
            self._look_at(worker)
        self._look_after_orphans()
        waiting = self._store.waiting()
        if self._store.limits.seconds is not None:  # where strangers come, nobody may hold a place without using it
            self._make_way({lane for _, lane in [*waiting, *self._store.waiting(SHELL)]})
        self._keep_a_spare(bool(waiting))
        for lane in dict.fromkeys(lane for _, lane in waiting):
            if self._spare and (id := self._store.claim(lane, self._spare.holder)):
                self._begin(id, self._spare)
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + SWEEP_EVERY
            recovery.sweep(self._keep)
        return not waiting and not self._workers

    def _look_at(self, worker: Worker) -> None:
        code = worker.exit_code()
        try:
            if code is None:
                worker.watch(self._patience)
            else:
                self._bury(worker, code)
                self._workers.remove(worker)
        except Refusal:  # its folder was deleted by hand
            worker.kill()

    def _make_way(self, wanted: set[str]) -> None:
        for worker in self._workers:
            with contextlib.suppress(Refusal):  # its folder was deleted by hand
                worker.make_way(self._patience, worker.run is not None and lane_of(worker.run.request.device) in wanted)

    def _begin(self, id: str, worker: Worker) -> None:
        try:
            run = Run.open(id)
            begun = run.move(State.STARTING, holder=worker.holder.as_json(), runner=PAGE, saving=False)
        except Refusal:  # its folder was deleted by hand
            begun = False
        if begun:
            self._spare = None
            self._workers.append(worker)
            worker.hand(run)
        else:  # or it was cancelled in this very moment
            self._store.finish(id, worker.holder)

    def _bury(self, worker: Worker, code: int) -> None:
        if worker.run:
            with contextlib.suppress(Refusal):
                worker.bury(code)
            self._store.finish(worker.run.id, worker.holder)

    def _keep_a_spare(self, needed: bool) -> None:
        """A worker that has loaded everything, unless a training needs the cores and nobody waits."""
        if self._spare and (code := self._spare.exit_code()) is not None:
            log.warning("a worker ended with code %s before it got a run; see %s", code, runs_folder() / "workers.log")
            self._spare, self._spare_at = None, time.monotonic() + RETRY_SPARE
        busy = any(w.run and w.run.state is not State.STOPPING for w in self._workers)
        if self._spare is None and (needed or (not busy and time.monotonic() >= self._spare_at)):
            self._spare = Worker(self._command)

    def _look_after_orphans(self) -> None:
        """Runs whose process is none of ours: shells, which may die, and workers that an earlier server left behind."""
        ours = {w.run.id for w in self._workers if w.run}
        for id, runner, holder in self._store.holders():
            if id in ours:
                continue
            if not (holder and holder.alive()):
                recovery.settle_one(self._store, Run(id), holder)
            elif runner == PAGE:
                self._workers.append(Worker.adopt(Run.open(id), holder))

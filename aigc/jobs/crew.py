"""The worker processes as the server sees them: one warm spare, those at work, and those that an earlier server left behind."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

from aigc.home import runs_folder
from aigc.jobs import states
from aigc.jobs.processes import KILL, Holder, send_signal, spawn
from aigc.jobs.runs import Run
from aigc.jobs.states import State
from aigc.words import Words

COMMAND = (sys.executable, "-m", "aigc.jobs.worker")
UNKNOWN_END = -1000  # exit code of a process that was not our child


@dataclass(frozen=True)
class Patience:
    """Seconds that a worker is given before it is helped along."""

    warm_up: float = 3.0  # from the start of the server to that of the first spare
    start: float = 240.0  # from getting a run to the first sign of life: a cold disk is slow to load torch
    stalled: float = 60.0  # without a sign of life
    stop: float = 5.0  # from being told to stop to SIGTERM, and again to SIGKILL
    finish: float = 120.0  # the same once it has heard, or while it measures: it may be writing a large model
    paused: float = 300.0  # in all, while others wait and strangers come
    leave: float = 10.0  # from SIGTERM to SIGKILL when the server stops


class Worker:
    """A process that trains, or waits to."""

    def __init__(self, command: tuple[str, ...] = COMMAND):
        self.run: Run | None = None
        self.fate: tuple[State, Words | None] | None = None  # why we ended it
        self._process: subprocess.Popen[bytes] | None = spawn(command, runs_folder() / "workers.log")
        holder = Holder.of(self._process.pid)
        self.holder = holder or Holder(self._process.pid, "gone", "gone")
        self._reset()

    @classmethod
    def adopt(cls, run: Run, holder: Holder) -> Worker:
        """A process that an earlier server started."""
        worker = cls.__new__(cls)
        worker.run, worker.fate, worker._process, worker.holder = run, None, None, holder
        worker._reset()
        return worker

    def _reset(self) -> None:
        self._moved = time.monotonic()
        self._beat = self._beat_now()
        self._beaten = False
        self._stopping: float | None = None
        self._terminated = False
        self._paused, self._looked = 0.0, time.monotonic()

    def hand(self, run: Run) -> None:
        """Give it its run; should it be dead already, its end will tell."""
        self.run = run
        self._reset()
        assert self._process is not None and self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(f"{run.id}\n".encode())
            self._process.stdin.flush()

    def exit_code(self) -> int | None:
        """None while it lives."""
        if self._process is not None:
            return self._process.poll()
        return None if self.holder.alive() else UNKNOWN_END

    def wait(self) -> int:
        """Its exit code, a moment after it was killed."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self._process.wait(timeout=2)
        return UNKNOWN_END

    def terminate(self) -> None:
        send_signal(self.holder.pid, signal.SIGTERM)

    def kill(self, state: State | None = None, words: Words | None = None) -> None:
        if self.fate is None and state is not None:
            self.fate = (state, words)
        if self.exit_code() is None:
            send_signal(self.holder.pid, KILL)

    def leave(self) -> None:
        """The server goes, or others need the place: write down what was learnt, and end."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        if os.name != "nt":  # there a signal ends a process at once
            self.terminate()

    def watch(self, patience: Patience) -> None:
        """End it if it is hung, or will not stop."""
        if self.run is None or not self._is_its_worker():
            return
        now, beat = time.monotonic(), self._beat_now()
        if beat != self._beat:
            self._beat, self._beaten, self._moved = beat, True, now
        limit = patience.stalled if self._beaten else patience.start
        if now - self._moved > limit:
            self.kill(State.STALLED, states.STALLED.fill(n=limit))
        record = self.run.record
        if states.state_in(record) is State.STOPPING:
            self._stopping = self._stopping or now
            waited = now - self._stopping - (patience.finish if record.get("saving") or record.get("measuring") else patience.stop)
            if waited > 0 and not self._terminated:
                self._terminated = True
                self.terminate()
            if waited > patience.stop:
                self.kill(State.STOPPED, states.FORCED)

    def make_way(self, patience: Patience, wanted: bool) -> None:
        """Let a run go that was paused for long enough, all in all, while others `wanted` its device."""
        now = time.monotonic()
        if self.run is not None and self.run.state is State.PAUSED and self._is_its_worker() and (wanted or self.fate):
            self._paused += now - self._looked
            if self._paused > patience.paused and self.fate is None:
                self.fate = State.INTERRUPTED, states.paused_too_long(patience.paused)
                self.leave()
            elif self._paused > patience.paused + patience.leave:
                self.kill()
        self._looked = now

    def bury(self, code: int) -> None:
        """Write into the run's folder how it ended, unless the worker did.  Raises OSError if there is no room for that."""
        if self.run is None:
            return
        if self._is_its_worker():
            state, words = self.fate or self._fate_of(code)
            self.run.move(state, words, only_if={"holder": self.holder.as_json()})
        elif self.fate and self.fate[1] and self._state() is self.fate[0]:  # it knows that it had to go, we know why
            self.run.update(reason=self.fate[1].as_json())

    def _fate_of(self, code: int) -> tuple[State, Words]:
        """What an exit code means for a run that its worker left live."""
        assert self.run is not None
        images = self.run.kept_images()
        if self.run.state is State.STOPPING and code in (0, UNKNOWN_END):
            return State.STOPPED, states.FORCED
        if code == -KILL:
            return State.INTERRUPTED, states.killed_at(images)
        if code in (-signal.SIGTERM, 75, UNKNOWN_END):
            return State.INTERRUPTED, states.interrupted_at(images)
        if code == errno.ENOSPC:
            return State.FAILED, states.DISK_FULL.fill(n=f"{images:,}")
        return State.FAILED, states.crashed(code)

    def _is_its_worker(self) -> bool:
        """False once the run is over."""
        state = self._state()
        return state is not None and state.live

    def _state(self) -> State | None:
        """Of the run; None if somebody has sent it on already, before this process was quite gone."""
        assert self.run is not None
        record = self.run.record
        return states.state_in(record) if Holder.from_json(record.get("holder")) == self.holder else None

    def _beat_now(self) -> int:
        """The heartbeat as a mark to compare, not a time: clocks jump."""
        try:
            return os.stat(self.run.folder / "heartbeat").st_mtime_ns if self.run else 0
        except OSError:
            return 0

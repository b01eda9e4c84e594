"""What a person can ask of the trainings, from the page's process.  Handlers write files and wake the dispatcher; nothing here
loads torch."""

from __future__ import annotations

import contextlib
import hmac
import operator
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aigc.commands import Command, Do
from aigc.home import home as home_folder
from aigc.jobs import crew, lock, recovery, states
from aigc.jobs.crew import Patience
from aigc.jobs.dispatcher import Dispatcher
from aigc.jobs.files import in_words
from aigc.jobs.request import Request, check_data, check_live_knob, checked, longer
from aigc.jobs.runs import Run
from aigc.jobs.states import State
from aigc.jobs.store import PAGE, Limits, Store
from aigc.registry.card import spec_as_json
from aigc.words import Refusal, both


class Supervisor:
    def __init__(
        self,
        home: Path | None = None,
        *,
        single_user: bool = True,
        limits: Limits | None = None,
        keep: int | None = None,
        patience: Patience | None = None,
        command: tuple[str, ...] = crew.COMMAND,
    ):
        """`single_user`: everything belongs to whoever asks.  `limits`: store.PUBLIC where strangers come.  `keep`: how many
        ended runs, and of all else that visitors leave, to keep; None keeps all.  `command` starts a worker."""
        if home is not None and home.resolve() != home_folder():
            raise ValueError(f"{home} is not where AIGC_HOME points: {home_folder()}")
        self.single_user, self.limits = single_user, limits or Limits()
        self.near: Callable[[str, str], bool] = operator.eq  # whether two owners come from one place; whoever sees them knows better
        self._dispatch = (patience or Patience(), command, keep)
        self._held = contextlib.ExitStack()

    # its own life
    def start(self) -> None:
        """Raises Refusal if another server uses this home, or it cannot be written."""
        self._held.enter_context(lock.alone())
        try:
            self.store = Store(limits=self.limits, near=lambda one, other: self.near(one, other))
            recovery.settle(self.store)
            self._dispatcher = Dispatcher(self.store, *self._dispatch)
            self._dispatcher.start()
        except BaseException:
            self._held.close()
            raise

    def stop(self) -> None:
        """Let the trainings write down what they learnt, and end them; runs that wait are found again at the next start."""
        self._dispatcher.stop()
        self._held.close()

    def healthy(self) -> bool:
        """Whether the line is being tended."""
        return self._dispatcher.healthy()

    # what a person can ask
    def submit(self, request: Request, key: str | None = None) -> Run:
        """Put a run into the line.  The same `key` again (a double click) gives the same run.  Raises Refusal."""
        if key and (earlier := self.store.with_key(request.owner, key)):
            with contextlib.suppress(Refusal):
                return Run.open(earlier)
            self.store.forget(earlier)  # its folder was deleted by hand
        request, spec = checked(request, self.limits.seconds, self.limits.download)
        with in_words():
            run = Run.create(request, spec_as_json(spec))
        try:
            stands = self.store.enqueue(run.id, request.owner, request.device, key)
        except Refusal:
            run.discard()
            raise
        if stands != run.id:
            run.discard()
        self._dispatcher.wake()
        return Run.open(stands)

    def command(self, run_id: str, owner: str | None, command: Command) -> None:
        """Pass a command on to a run.  Raises Refusal unless the owner may and the run is in a state for it."""
        run = self._mine(run_id, owner)
        if not states.check_command(command.do, run.state):
            return
        if command.do is Do.SET:
            check_live_knob(run.request, command.value)
        with in_words():
            run.send(command)
            if command.do is Do.STOP:
                self._stop(run)
        self._dispatcher.wake()

    def resume(self, run_id: str, owner: str | None = None) -> Run:
        """Go on from the last checkpoint of a run that ended before its budget did.  Raises Refusal."""
        run = self._mine(run_id, owner)
        if run.state.live:
            return run
        if not run.state.resumable:
            raise Refusal(both("This run has spent its budget; give it more.", "这次训练的预算已用完；请追加预算。"))
        check_data(run.request)
        return self._again(run, run.record["request"])

    def continue_(self, run_id: str, owner: str | None = None, *, seconds: float = 0, images: int = 0) -> Run:
        """Give a run that is over so much more, in the same folder.  Raises Refusal."""
        run = self._mine(run_id, owner)
        if run.state.live:
            return run
        return self._again(run, longer(run.record, seconds, images, self.limits.seconds))

    def may(self, owner: str | None, run: Run) -> bool:
        """Whether `owner` may steer this run; to look is free to all."""
        if run.recorded:
            return False
        if self.single_user:
            return True
        return bool(owner) and hmac.compare_digest(str(owner).encode(), run.request.owner.encode())

    def place(self, run_id: str) -> int:
        """1 for the next to start; 0 for a run that does not wait."""
        return self.store.place(Run(run_id).id)

    def delete(self, run_id: str, owner: str | None = None) -> None:
        """Remove an ended run; its model stays.  Raises Refusal."""
        self._mine(run_id, owner).delete()
        self.store.forget(run_id)

    def _mine(self, run_id: str, owner: str | None) -> Run:
        run = Run.open(run_id).ours()
        if not self.may(owner, run):
            raise Refusal(both("This run belongs to someone else.", "这次训练属于别人。"))
        return run

    def _stop(self, run: Run) -> None:
        """Before it started, it is over; otherwise its worker has five seconds."""
        if run.move(State.STOPPED, only_if={"state": State.QUEUED}):
            self.store.finish(run.id)
        else:
            run.move(State.STOPPING, saving=False)

    def _again(self, run: Run, request: dict[str, Any]) -> Run:
        before = run.record
        with in_words():
            run.forget_commands()
            moved = run.move(State.QUEUED, request=request, queued=time.time(), holder=None, runner=PAGE)
        if moved:
            try:
                self.store.enqueue(run.id, run.request.owner, run.request.device)
            except Refusal:
                run.restore(before)
                raise
        self._dispatcher.wake()
        return run

"""A training in this very process, as a shell runs it: in the same line as the page's, and seen by the page."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from aigc.jobs import lock, recovery, states
from aigc.jobs.processes import Holder
from aigc.jobs.request import Request, checked, longer
from aigc.jobs.runs import Run
from aigc.jobs.states import State
from aigc.jobs.store import SHELL, Store
from aigc.registry.card import spec_as_json
from aigc.words import Refusal, both

LOOK_EVERY = 0.5  # seconds between two looks at the line

Waiting = Callable[[int], None]
Heard = Callable[[dict[str, Any]], None]
Begun = Callable[[Run], None]


def train_here(request: Request, *, begun: Begun = lambda run: None, waiting: Waiting = lambda place: None, heard: Heard = lambda line: None) -> Run:
    """Train in this process, after waiting for a turn.  -> the run, over in one way or another

    `begun(run)` is told the run as soon as it has a folder, `waiting(place)` the place in the line whenever it changes,
    `heard(line)` every line of the log.  The first SIGINT or SIGTERM writes a checkpoint and leaves the run as interrupted, a second
    one does as usual.  Raises Refusal.
    """
    request, spec = checked(request)
    store = open_store()
    run = Run.create(request, spec_as_json(spec), holder=Holder.me().as_json(), runner=SHELL)
    begun(run)
    return _work(store, run, waiting, heard)


def resume_here(run_id: str, *, seconds: float = 0, images: int = 0, waiting: Waiting = lambda place: None, heard: Heard = lambda line: None) -> Run:
    """Go on from the last checkpoint of a run: to the end of its budget, or for so much longer; else as `train_here`."""
    store = open_store()
    run = Run.open(run_id)
    if run.state.live:
        raise Refusal(both("This run is still going.", "这次训练还在进行。"))
    if not (run.state.resumable or seconds or images):
        raise Refusal(
            both("This run has spent its budget; give it more with --seconds or --images.", "这次训练的预算已用完；请用 --seconds 或 --images 追加。")
        )
    request = longer(run.record, seconds, images) if seconds or images else run.record["request"]
    run.forget_commands()
    run.move(State.QUEUED, request=request, queued=time.time(), holder=Holder.me().as_json(), runner=SHELL)
    return _work(store, run, waiting, heard)


def open_store() -> Store:
    """The line, and where no server tends it, without those that died.  Raises Refusal."""
    store = Store()
    if not lock.serving():
        recovery.settle(store)
    return store


def _work(store: Store, run: Run, waiting: Waiting, heard: Heard) -> Run:
    from aigc.jobs.training import run_job

    me = Holder.me()
    store.enqueue(run.id, run.request.owner, run.request.device, runner=SHELL, holder=me)
    try:
        with _leaving() as leaving:
            if not _wait_for_turn(store, run, me, waiting, leaving):
                run.move(State.STOPPED)
            elif run.move(State.STARTING, holder=me.as_json(), runner=SHELL, saving=False):
                run_job(run, should_exit=leaving.is_set, heard=heard, farewell=lambda n: states.STOPPED_IN_SHELL.fill(id=run.id, n=f"{n:,}"))
    finally:
        store.finish(run.id)
    return run


def _wait_for_turn(store: Store, run: Run, me: Holder, waiting: Waiting, leaving: threading.Event) -> bool:
    told = 0
    while not leaving.is_set() and run.state is State.QUEUED:
        if store.claim(run.request.device, me, run=run.id, serving=lock.serving()):
            return True
        for id, _, holder in store.holders():
            if not lock.serving() and not (holder and holder.alive()):
                recovery.settle_one(store, Run(id), holder)
        place = store.place(run.id)
        if place != told:
            waiting(place)
            told = place
        leaving.wait(LOOK_EVERY)
    return False


@contextlib.contextmanager
def _leaving() -> Iterator[threading.Event]:
    """Set by the first SIGINT or SIGTERM."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def leave(number: int, _: object) -> None:
        event.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, leave)
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

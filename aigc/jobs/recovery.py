"""What to make of runs whose process is gone: the folders and the line agree with the world again."""

from __future__ import annotations

import contextlib

from aigc.home import runs_folder
from aigc.jobs import states
from aigc.jobs.files import remove_folder
from aigc.jobs.processes import Holder
from aigc.jobs.runs import Run, runs
from aigc.jobs.states import State
from aigc.jobs.store import PAGE, Store
from aigc.words import Refusal


def settle(store: Store) -> None:
    """Runs that are at work according to their folders although nobody works on them are interrupted; those that wait are in the line.

    Only for a server at its start, or where there is none: otherwise the server knows better why a process ended.
    """
    for run in reversed(runs()):
        record = run.record
        holder = Holder.from_json(record.get("holder"))
        if states.state_in(record).live and not (holder and holder.alive()):
            settle_one(store, run, holder)


def settle_one(store: Store, run: Run, holder: Holder | None) -> None:
    """`holder`, which worked on this run or waited in a shell, is gone. Somebody may have sent the run on already: then that stands."""
    held = {"holder": holder.as_json() if holder else None}
    with contextlib.suppress(Refusal):  # deleted by hand
        record = run.record
        if states.state_in(record) is State.QUEUED and record.get("runner", PAGE) == PAGE:
            store.return_to_line(run.id, run.request.owner, run.request.device)
            return
        run.move(State.INTERRUPTED, states.interrupted_at(run.kept_images()), only_if=held)
    store.finish(run.id, holder)


def sweep(keep_runs: int | None = None) -> None:
    """Clear away what was half removed, old downloads, and ended runs beyond the newest `keep_runs`."""
    from aigc import outputs  # draws pictures, which a start need not wait for

    outputs.sweep()
    for orphan in runs_folder().glob(".gone-*"):
        remove_folder(orphan)
    if keep_runs is not None:
        for run in [r for r in runs() if not r.state.live][keep_runs:]:
            run.delete()

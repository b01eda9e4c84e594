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


def sweep(keep: int | None = None) -> None:
    """Clear away what was half removed, old downloads, and of what visitors left all but the newest `keep` of each kind."""
    from aigc import outputs  # draws pictures, which a start need not wait for

    outputs.sweep()
    for orphan in runs_folder().glob(".gone-*"):
        remove_folder(orphan)
    if keep is not None:
        _forget_the_oldest(keep)


def _forget_the_oldest(keep: int) -> None:
    """A public server is no archive: ended runs, and the models, arenas and pictures that have an owner; the host's own have none."""
    from aigc import registry
    from aigc.data import own
    from aigc.jobs import arena

    for run in [r for r in runs() if not r.state.live][keep:]:
        run.delete()
    for model in [e for e in registry.entries() if e.card.owner and not e.shipped][keep:]:
        registry.delete(model.card.slug)
    for one in [a for a in arena.arenas() if a.owner and not arena.is_live(a)][keep:]:
        arena.forget(one)
    own.forget_the_oldest(keep)

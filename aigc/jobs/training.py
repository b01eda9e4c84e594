"""One training, from the request in its run folder to the model in the registry, whatever goes wrong on the way."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aigc.commands import Command, Do
from aigc.events import Event, Finished, Preview, Saved
from aigc.jobs import checkpoints, keeping, processes, states
from aigc.jobs.files import is_full
from aigc.jobs.heart import Heart
from aigc.jobs.recorder import Recorder
from aigc.jobs.runs import Run
from aigc.jobs.states import State
from aigc.knobs import read
from aigc.options import Options
from aigc.words import Refusal, Words, both

if TYPE_CHECKING:
    from aigc.techniques.base import Technique

DOWNLOADING = both("fetching {data}: {done:.0f} of {total:.0f} MB", "正在获取 {data}：{done:.0f} / {total:.0f} MB")
Heard = Callable[[dict[str, Any]], None]
Measure = Callable[[Any], dict[str, float]]


class _Interrupted(Exception):
    """The process has to leave; the run can go on later."""


class _Cancelled(Exception):
    """Stopped before the first step: nothing was learnt."""


@dataclass(frozen=True)
class Tools:
    """What needs torch. Tests of processes put light ones in their place."""

    load: Callable[..., Any]  # (name, progress=...) -> Dataset
    build: Callable[..., Any]  # (technique, config, spec, start=...) -> Technique
    train: Callable[..., Generator[Event, None, Any]]
    device: Callable[[str], Any]
    compute: Callable[[int, int], None]  # (threads, seed): how the process computes
    keep: Callable[[Run, Any, Preview | None, dict[str, Any]], str] = keeping.keep
    measure: Callable[[Any, Any], Measure | None] = lambda data, device: None  # how good a model is, on its way


def tools() -> Tools:
    """The real ones; loads everything that takes time."""
    import torch

    from aigc.data.load import load
    from aigc.evaluate.live import measure_for
    from aigc.registry import build
    from aigc.techniques import techniques
    from aigc.train import best_device, train

    for info in techniques().values():
        info.load()

    def compute(threads: int, seed: int) -> None:
        torch.set_num_threads(threads)
        torch.manual_seed(seed)  # fresh weights draw from the global generator

    return Tools(load, build, train, best_device, compute, measure=measure_for)


def rehearse(loaded: Tools, hurried: Callable[[], bool]) -> None:
    """One step with every technique, so that what is loaded at first use is there before anybody waits for it."""
    from aigc.techniques import techniques

    data = loaded.load("digits")
    for info in techniques().values():
        config, options = info.read({"images": 1, "seconds": 0}, data.spec)
        for _ in loaded.train(loaded.build(info.slug, config, data.spec), data, options):
            if hurried():
                return


def run_job(
    run: Run,
    *,
    should_exit: Callable[[], bool] = lambda: False,
    heard: Heard | None = None,
    farewell: Callable[[int], Words] = states.interrupted_at,
    with_tools: Tools | None = None,
) -> State:
    """Train what `run` asks for, from its checkpoint if it has one, until it ends in one way or another.  -> the state it is in then

    `should_exit` is asked at every step: once it is true a checkpoint is written and the run is left as interrupted.
    `heard` is told every line of the log.  `farewell(images)` is what the page then says.
    Raises OSError only if the disk is so full that not even the state can be written.
    """
    with Heart(run.folder / "heartbeat") as heart:
        try:
            _Job(run, heart, should_exit, heard, with_tools or tools()).work()
        except _Interrupted:
            run.move(State.INTERRUPTED, farewell(run.kept_images()))
        except _Cancelled:
            run.move(State.STOPPED)
        except Exception as error:
            run.move(State.FAILED, _explained(run, error))
    return run.state


def _explained(run: Run, error: Exception) -> Words:
    """What happened, in words; the traceback of a surprise goes into the run's folder and nowhere else."""
    if is_full(error):
        return states.DISK_FULL.fill(n=f"{run.kept_images():,}")
    if isinstance(error, Refusal):
        return error.words
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "allocate memory" in str(error):
        return states.NO_MEMORY
    (run.folder / "error.log").write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return states.UNEXPECTED


class _Job:
    def __init__(self, run: Run, heart: Heart, should_exit: Callable[[], bool], heard: Heard | None, tools: Tools):
        self.run, self.heart, self.should_exit, self.tools = run, heart, should_exit, tools
        self.recorder = Recorder(run, heard)
        self.leaving = False
        self._read = 0  # how far the commands have been read
        self._said = 0.0  # when the progress of a download was last told

    def work(self) -> None:
        request, record = self.run.request, self.run.record
        options = read(Options, request.options)
        device = self.tools.device(request.device)
        # a budget in seconds cannot repeat bit for bit anyway; one in images must not depend on who else is computing
        threads = record["threads"] or (processes.spare_threads() if options.seconds else processes.threads())
        self.run.update(device=str(device), threads=threads, started=record["started"] or time.time(), saving=False, measuring=False)
        data = self.tools.load(request.data, progress=self._progress)
        self._leave_early()
        self.tools.compute(threads, options.seed)
        model = self.tools.build(request.technique, request.config, data.spec, start=options.start).to(device)
        measure = self._patiently(self.tools.measure(data, device)) if options.measures else None
        training = self.tools.train(model, data, options, commands=self.commands, resume=self._resume(), measure=measure)
        self.run.move(State.RUNNING)
        self._end(*self._follow(training))

    def _patiently(self, measure: Measure | None) -> Measure | None:
        """A Stop cannot be heard in the middle of a measurement, which may take a while: not a reason to end the training by force."""
        if measure is None:
            return None

        def measured(model: Technique) -> dict[str, float]:
            self.run.update(measuring=True)
            try:
                return measure(model)
            finally:
                self.run.update(measuring=False)

        return measured

    def _follow(self, training: Generator[Event, None, Technique]) -> tuple[Technique, Finished | None]:
        finished = None
        while True:
            try:
                event = next(training)
            except StopIteration as end:
                return end.value, finished
            self.heart.beat()
            self.recorder.write(event)
            if isinstance(event, Finished):
                finished = event
                self.run.update(images=event.images, steps=event.steps, seconds=event.seconds, saving=True)
            elif isinstance(event, Saved) and self.leaving:
                raise _Interrupted

    def _end(self, model: Technique, finished: Finished | None) -> None:
        slug = self.tools.keep(self.run, model, self.recorder.shown, self.recorder.facts)
        self.run.move(State.STOPPED if finished and finished.by == "stop" else State.FINISHED, model=slug)

    def _resume(self) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """(state, facts) of the last good checkpoint, to which the log is cut; says so when a newer one was damaged."""
        checkpoints.sweep(self.run.folder / "checkpoint")
        there = self.run.kept_images()
        loaded = self.run.load_checkpoint() if checkpoints.folders(self.run.folder / "checkpoint") else None
        checkpoints.keep_up_to(self.run.folder / "checkpoint", loaded.manifest["folder"] if loaded else None)
        at: dict[str, Any] = loaded.manifest if loaded else {"images": 0, "steps": 0, "seconds": 0.0, "damaged": there > 0}
        self.run.truncate_log(at["images"] if loaded else -1)
        self.run.update(images=at["images"], steps=at["steps"], seconds=at["seconds"])
        if at["damaged"]:
            self.recorder.say(at["images"], states.DAMAGED.fill(n=f"{at['images']:,}") if loaded else states.ALL_DAMAGED)
        return (loaded.state, loaded.facts) if loaded else None

    def commands(self) -> list[Command]:
        """What the training is to do now; asked between two steps, so it must cost microseconds."""
        self.heart.beat()
        if self.should_exit() and not self.leaving:
            self.leaving = True
            return [Command(Do.SNAPSHOT, "checkpoint")]
        found, self._read = self.run.commands(self._read)
        if any(c.do is Do.STOP for c in found):
            self.run.update(saving=True)  # we have heard: what follows may take a while
        return found

    def _progress(self, done: int, total: int) -> None:
        self._leave_early()
        if time.monotonic() - self._said > 1.0:
            self._said = time.monotonic()
            words = DOWNLOADING.fill(data=self.run.request.data, done=done / 1e6, total=total / 1e6)
            self.run.update(reason=words.as_json())

    def _leave_early(self) -> None:
        """Before the first step; other commands than to stop wait for it."""
        self.heart.beat()
        if self.should_exit():
            raise _Interrupted
        if any(c.do is Do.STOP for c in self.run.commands()[0]):
            raise _Cancelled

"""The state of one training, and the few things that can be done to it."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, cast

import torch
from torch import Tensor
from torch.optim import Optimizer as TorchOptimiser

from aigc.data.batches import Batch, Draws
from aigc.data.load import Dataset
from aigc.ema import EMA
from aigc.events import Event, Finished, Health, Measured, Preview, Saved, Step
from aigc.knobs import as_values, read
from aigc.options import Options
from aigc.techniques.base import Phase, Shown, Technique
from aigc.train import optimise
from aigc.train.devices import laid_out, memory_bytes, precision, settle
from aigc.train.record import Recorder, recordable
from aigc.train.watch import Meter, Moments, Pace
from aigc.words import Refusal, both

REPORT_SECONDS = 0.5
SAVE_SECONDS = 15.0
WATCHING = 0.02  # share of the time that previews may take
SAVING = 0.01
AVERAGED = 50  # times in a half-life that the average follows
MEASURED = 512  # samples that a measurement is expected to take
CALIBRATED, AT_LAST = 2000, 20_000  # real examples that the averaged model is calibrated by: on the way, and when training ends

NOT_FINITE = both(
    "The loss became infinite near image {n}. Lower the learning rate or clip the gradients, then train again.",
    "损失在第 {n} 张图像附近变为无穷。请降低学习率或裁剪梯度，再重新训练。",
)


Measure = Callable[[Technique], dict[str, float]]


class NotFinite(Refusal):
    """A loss became NaN or infinite; the last checkpoint is from before that."""


class Loop:
    """The state of one training, and the few things that can be done to it."""

    def __init__(self, model: Technique, data: Dataset, options: Options, watch: bool, measure: Measure | None = None, recorded: bool = True):
        self.model, self.options, self.watch = model, options, watch
        self.device = model.device
        settle(self.device)
        laid_out(model)
        self.data = data.to(self.device)
        self.rng = torch.Generator(self.device).manual_seed(options.seed)
        torch.manual_seed(options.seed)  # dropout draws from the global generator
        self.phases = model.phases()
        self.optimisers, self.moves = optimise.build(self.phases, options), optimise.Moves(model, self.phases)
        self.recorder = Recorder(self) if recorded and recordable(self.device, options) else None
        self.ema = EMA(model, copy.deepcopy(model))
        self.shown = _shown(model, self.data)
        self.batch: Batch | None = None
        self.images = self.steps = self.draws = 0
        self.moved = False  # weights since the average last followed them
        self.meter = Meter()
        self.measure, self.moments = measure, Moments(options.measures if measure else 0)
        self.pace = Pace(WATCHING, SAVING, SAVE_SECONDS)
        self.before = 0.0  # seconds before the clock was last started
        self.calibrated = (0, 0)  # steps and examples of the last calibration
        self.calibrating = self.drawing = 0.0  # seconds: of the last calibration, and of the last preview without it
        self.started: float | None = None  # None: the clock stands still

    @cached_property
    def batches(self) -> Draws:
        """Made for the first step: by then the weights are those of the checkpoint, and a model may prepare its data by them."""
        with precision(self.device, self.options.precision):
            return self.model.batches(self.data, self.options)

    @property
    def averaged(self) -> Technique:
        """The model that is shown, measured and kept: with averaged weights, or those of the last step where the half-life is 0."""
        if self.moved and not self.options.ema_halflife:
            self._average()
        return cast(Technique, self.ema.averaged)

    # the clock
    @property
    def seconds(self) -> float:
        return self.before + (time.monotonic() - self.started if self.started is not None else 0.0)

    def progress(self) -> float:
        """How much of the budget is spent, 0 to 1; without one, 0."""
        by_images = self.images / self.options.images if self.options.images else 0.0
        by_time = self.seconds / self.options.seconds if self.options.seconds else 0.0
        return min(1.0, max(by_images, by_time))

    def spent(self) -> bool:
        return self.progress() >= 1.0

    # one step
    def step(self, only: str = "") -> None:
        """Every phase that is due once, or the one called `only`."""
        factor = optimise.learning_rate_factor(self.options, self.images, self.progress())
        for name, phase in self.phases.items():
            if only == name or (not only and self.steps % phase.every == 0):
                for _ in range(phase.repeats):
                    self._run(name, phase, factor)
        self.steps += 1

    def _run(self, name: str, phase: Phase, factor: float) -> None:
        if phase.fresh or self.batch is None:
            self.batch = self.batches.draw(self.draws, self.rng)
            self.draws += 1
            self.images += len(self.batch)
        optimise.set_learning_rate(self._optimiser(name), (phase.learning_rate or (lambda: self.options.learning_rate))() * factor)
        terms = self.recorder.run(name, phase, self.batch) if self.recorder else self.move(name, phase, self.batch, self.meter.wants(name))
        self.moved = True
        if phase is list(self.phases.values())[-1] and self._average_due():
            self._average()
        self.meter.add(name, terms)

    def move(self, name: str, phase: Phase, batch: Batch, measure: bool) -> dict[str, Tensor]:
        """Descend the loss of a phase once.  -> what is reported of it; the length of the gradient if it was cut or is to be measured"""
        optimiser = self._optimiser(name)
        with self.moves.only(name), precision(self.device, self.options.precision):
            terms = phase.loss(batch, self.rng)
        self.moves.forget(name)
        terms["loss"].backward()
        length = optimise.gradient_length(self.moves.weights[name], self.options.clip_gradient, measure)
        optimiser.step()
        if phase.after:
            phase.after()
        several = len(self.phases) > 1
        named = {f"{name}_loss" if several and k == "loss" else k: v.detach() for k, v in terms.items()}
        if length is not None:
            named[f"{name}_gradient" if several else "gradient"] = length
        return named

    def _optimiser(self, name: str) -> TorchOptimiser:
        return self.optimisers[self.phases[name].optimiser or name]

    def _average_due(self) -> bool:
        """A fiftieth of the half-life apart is as good as after every step, which is a twentieth of the time of a small network."""
        halflife = min(float(self.options.ema_halflife), self.images / 10)
        return self.options.ema_halflife > 0 and self.images - self.meter.averaged_at >= halflife / AVERAGED

    def _average(self) -> None:
        self.ema.update(max(1, self.images - self.meter.averaged_at), float(self.options.ema_halflife), self.images)
        self.meter.averaged_at, self.moved = self.images, False

    def configure(self, config: Any) -> None:
        self.model.config = self.averaged.config = config

    # what is said
    def report(self, due: bool = False) -> Iterator[Event]:
        if not (due or self.meter.age() >= REPORT_SECONDS) or not self.meter.steps:
            return
        rate = self.meter.rate(self.images)
        numbers, rows = self.meter.read(self.images)
        if not all(math.isfinite(value) for name, value in numbers.items() if name.endswith("loss")):
            raise NotFinite(NOT_FINITE, n=f"{self.images:,}")
        yield Step(self.images, self.steps, self.seconds, rate, memory_bytes(self.device), numbers)
        if rows:
            yield Health(self.images, rows)

    def look(self, due: bool = False) -> Iterator[Event]:
        """A preview, when the last ones have cost little enough."""
        if self.watch and (due or self.pace.preview_due()):
            with self.pace.preview(), self._aside() as rng:
                self._calibrate()
                begun = time.monotonic()
                sheets, arrays = self.averaged.preview(self.shown, rng)
                self.drawing = time.monotonic() - begun
            yield Preview(self.images, self.seconds, sheets, arrays)

    def gauge(self, last: bool = False) -> Iterator[Event]:
        """The figures of a few samples, at the moments that are worth what they cost."""
        progress, seconds = self.progress(), self.seconds
        expected = (0.0 if last else self.calibrating) + self.drawing * MEASURED / self.shown.count
        due = self.moments.last_due(seconds, expected) if last else progress > 0 and self.moments.due(progress, seconds, expected)
        if due and self.measure:
            with self.moments.measuring(), self._aside():
                self._calibrate()
                figures = self.measure(self.averaged)
            yield Measured(self.images, seconds, figures)

    def _calibrate(self, count: int = CALIBRATED) -> None:
        """Once for the weights of a step, unless more examples are asked for."""
        if self.calibrated >= (self.steps, count):
            return
        labels = self.data.labels[:count] if self.data.labels is not None else None
        x, begun = self.data.x[:count], time.monotonic()
        try:
            with self._aside() as rng:
                self.averaged.calibrate(x.float() / 255 if x.dtype == torch.uint8 else x, labels, rng)
        except FloatingPointError as error:  # the last step's loss may have been finite, and the weights that it left are not
            raise NotFinite(NOT_FINITE, n=f"{self.images:,}") from error
        self.calibrated, self.calibrating = (self.steps, count), time.monotonic() - begun

    @contextmanager
    def _aside(self) -> Iterator[torch.Generator]:
        """Showing must not move the generators that training draws from."""
        with torch.no_grad(), torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            yield torch.Generator(self.device).manual_seed(self.options.seed)

    def save(self, due: bool = False) -> Iterator[Event]:
        if not (due or self.pace.save_due()):
            return
        yield from self.report(due=True)  # a checkpoint is never of weights whose loss was not finite
        self._calibrate()
        with self.pace.saving():  # the clock runs while the caller writes
            yield Saved(self.images, self.steps, self.seconds, dict(self.ema.state_dict()), self._state(), self._facts())

    def close(self, by: str) -> Iterator[Event]:
        yield from self.report(due=True)
        self._calibrate(AT_LAST)
        yield from self.look(due=True)
        yield from self.save(due=True)
        yield from self.gauge(last=True)
        yield Finished(self.images, self.steps, self.seconds, by)

    # waiting: time that passes while paused is nobody's
    def stop_clock(self) -> None:
        self.before, self.started = self.seconds, None

    def start_clock(self) -> None:
        """Only steps spend the budget.  Showing a model for the first time loads libraries and chooses kernels; the next time is quicker."""
        self.hold_clock()
        self.pace = Pace(WATCHING, SAVING, SAVE_SECONDS)

    def hold_clock(self) -> None:
        self.started = time.monotonic()
        self.meter.restart(self.images)

    # going on later
    def _state(self) -> dict[str, Tensor]:
        state = {f"model.{k}": v for k, v in self.model.state_dict().items()} | optimise.state(self.optimisers)
        state |= {"rng": self.rng.get_state(), "rng.global": torch.get_rng_state()}
        if self.device.type == "cuda":
            state["rng.cuda"] = torch.cuda.get_rng_state(self.device)
        if self.batch is not None:
            state["batch.x"] = self.batch.x
            if self.batch.labels is not None:
                state["batch.labels"] = self.batch.labels
        return state | {f"average.{k}": v for k, v in self.ema.state_dict().items()}

    def _facts(self) -> dict[str, Any]:
        counted = {"images": self.images, "steps": self.steps, "draws": self.draws, "seconds": self.seconds, "averaged_at": self.meter.averaged_at}
        return counted | {"config": as_values(self.model.config), "options": as_values(self.options)}

    def restore(self, state: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Go on from a checkpoint; live knobs as they were then, the budget as it is asked for now."""
        budget = {"seconds": self.options.seconds, "images": self.options.images}
        self.options = read(Options, {**facts["options"], **budget})
        self.configure(read(type(self.model.config), facts["config"]))
        self.model.load_state_dict(_under(state, "model."))
        self.ema.averaged.load_state_dict(_under(state, "average."))
        optimise.restore(self.optimisers, state)
        self.rng.set_state(state["rng"].cpu())
        torch.set_rng_state(state["rng.global"].cpu())
        if "rng.cuda" in state:
            torch.cuda.set_rng_state(state["rng.cuda"].cpu(), self.device)
        if "batch.x" in state:
            labels = state.get("batch.labels")
            self.batch = Batch(state["batch.x"].to(self.device), labels.to(self.device) if labels is not None else None)
        self.images, self.steps, self.draws, self.before = facts["images"], facts["steps"], facts["draws"], facts["seconds"]
        self.meter = Meter(self.images, facts["averaged_at"])
        self.moments.skip_to(self.progress())


def _under(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)}


def _shown(model: Technique, data: Dataset) -> Shown:
    """What every preview of this run shows."""
    spec = model.spec
    classes = len(spec.classes)
    if spec.is_points:
        count = 1000
    elif model.conditional:
        count = classes * max(1, 50 // classes)
    else:
        count = 64 if spec.shape[-1] <= 32 else 36
    labels = torch.arange(count, device=model.device) % classes if model.conditional else None
    x = data.test_x if len(data.test_x) else data.x
    real = x[: 500 if spec.is_points else 16]
    return Shown(count, labels, real.float() / 255 if real.dtype == torch.uint8 else real)

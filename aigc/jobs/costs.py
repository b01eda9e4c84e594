"""What a network costs: its weights, and the arithmetic of training on one image, counted on a tiny batch in a thread of its own."""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aigc.registry import build, spec_from_json

BATCH = 2  # enough for batch norm; the count is divided by it
WATTS_PER_THREAD, WATTS_OF_GPU = 10.0, 300.0  # assumed, not measured: a busy core of a processor, a graphics card at work

Network = tuple[str, dict[str, Any], dict[str, Any]]  # technique, config, spec


@dataclass(frozen=True)
class Cost:
    parameters: int
    flops: float  # of every phase of a step, forwards and backwards, for each image drawn; a multiplication and an addition are two


class Costs:
    """Counted once for every network that is asked for; nobody waits."""

    def __init__(self) -> None:
        self._known: dict[str, Cost | None] = {}
        self._waiting: set[str] = set()
        self._asked: queue.SimpleQueue[tuple[str, Network]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._done = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self.counted = 0  # how many have been, whatever came of it

    def of(self, technique: str, config: dict[str, Any], spec: dict[str, Any]) -> Cost | None:
        """None until it has been counted, or if it cannot be."""
        return self._known[self._ask(technique, config, spec)]

    def of_all(self, networks: Iterable[Network], seconds: float) -> list[Cost | None]:
        """The same of several, when all that was asked for has been counted, or after so long."""
        keys = [self._ask(*network) for network in networks]
        self.wait(seconds)
        return [self._known[key] for key in keys]

    def _ask(self, technique: str, config: dict[str, Any], spec: dict[str, Any]) -> str:
        """Begins to count unless somebody asked before.  -> the key of what is known"""
        key = json.dumps([technique, config, spec["shape"], len(spec["classes"])], sort_keys=True)
        with self._lock:
            if key not in self._known:
                self._known[key] = None
                self._waiting.add(key)
                self._asked.put((key, (technique, config, spec)))
                if self._thread is None:
                    self._thread = threading.Thread(target=self._count, name="costs", daemon=True)
                    self._thread.start()
        return key

    @property
    def busy(self) -> bool:
        """Whether something that was asked for has not been counted yet."""
        return bool(self._waiting)

    def wait(self, seconds: float) -> None:
        """Until everything that was asked for has been counted, but no longer than that."""
        with self._done:
            self._done.wait_for(lambda: not self._waiting, seconds)

    def _count(self) -> None:
        while True:
            key, network = self._asked.get()
            try:
                self._known[key] = count(*network)
            except Exception:  # a run that could not be built says so itself; here a cell of a table stays empty
                logging.getLogger(__name__).info("no cost for %s", key, exc_info=True)
            with self._done:
                self.counted += 1
                self._waiting.discard(key)
                self._done.notify_all()


def count(technique: str, config: dict[str, Any], spec: dict[str, Any]) -> Cost:
    """Builds the network and does one step's work on `BATCH` made-up examples.  Raises Refusal."""
    import torch

    from aigc.data.batches import Batch
    from aigc.train.optimise import Moves

    model = build(technique, config, spec_from_json(spec))
    rng = torch.Generator().manual_seed(0)
    x = torch.rand(BATCH, *model.spec.shape, generator=rng)
    batch = Batch(x, torch.zeros(BATCH, dtype=torch.int64) if model.spec.classes else None)
    phases = model.phases()
    moves = Moves(model, phases)
    flops = drawn = 0.0
    for name, phase in phases.items():
        times = phase.repeats / phase.every
        with moves.only(name), _counting() as counted:
            phase.loss(batch, rng)["loss"].backward()
        flops += sum(counted) * times
        drawn += len(batch) * times * phase.fresh
    return Cost(sum(p.numel() for p in model.parameters()), flops / drawn if drawn else 0.0)


@contextmanager
def _counting() -> Iterator[list[int]]:
    """Collects the operations of every matrix product and convolution, by the formulas of `torch.utils.flop_counter`; its own counter
    follows modules too, which gradients of gradients (R1) do not allow."""
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils.flop_counter import flop_registry

    counted: list[int] = []

    class Counter(TorchDispatchMode):
        @classmethod
        def _should_skip_dynamo(cls) -> bool:
            return False  # nothing is compiled here, and to say so to the compiler would load it: two seconds

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            if formula := flop_registry.get(func._overloadpacket):
                counted.append(formula(*args, **(kwargs or {}), out_val=result))
            return result

    with Counter():
        yield counted


def watts(device: str, threads: int) -> float:
    """What a training takes, as assumed above."""
    return WATTS_OF_GPU if device.startswith(("cuda", "mps")) else WATTS_PER_THREAD * max(1, threads)


def watt_hours(seconds: float, device: str, threads: int) -> float:
    """The energy of so long a training, if what computes takes what is assumed above."""
    return watts(device, threads) * seconds / 3600

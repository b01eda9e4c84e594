"""A training step as one CUDA graph.

A step of a small network is hundreds of kernels of a few microseconds each, and the GPU waits for Python to launch them.  A graph
launches them all at once, with the same sums in the same order: the weights are the same bits.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from aigc.data.batches import Batch
from aigc.options import Optimiser, Options
from aigc.techniques.base import Phase

if TYPE_CHECKING:
    from aigc.train.loop import Loop

WARM = 3  # steps before a phase is recorded: by then libraries have chosen their kernels, and the optimiser has its state


def recordable(device: torch.device, options: Options) -> bool:
    """torch's SGD holds its learning rate as a constant."""
    return device.type == "cuda" and options.optimiser is not Optimiser.SGD


@dataclass(frozen=True)
class Recording:
    """One phase: what it reads, and where it leaves what is reported."""

    graph: torch.cuda.CUDAGraph
    batch: Batch
    shapes: dict[str, torch.Size]
    reported: Tensor  # (sum of the sizes of those shapes,)

    def run(self, batch: Batch) -> dict[str, Tensor]:
        for mine, new in zip(tensors(self.batch).values(), tensors(batch).values(), strict=True):
            mine.copy_(new)
        self.graph.replay()
        parts = self.reported.clone().split([shape.numel() for shape in self.shapes.values()])
        return {name: part.view(shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}


class Recorder:
    """Records each phase of `loop` once it is warm, and anew when a live knob has moved, since a recording holds knobs as constants."""

    def __init__(self, loop: Loop):
        self.loop, self.stream = loop, torch.cuda.Stream(loop.device)
        self.failed: set[str] = set()  # phases that can only be run as they are
        self.forget()

    def forget(self) -> None:
        self.recordings: dict[str, Recording] = {}
        self.warmth: Counter[str] = Counter()
        self.knobs: tuple[Any, Options] = (self.loop.model.config, self.loop.options)

    def run(self, name: str, phase: Phase, batch: Batch) -> dict[str, Tensor]:
        """One step of a phase.  -> what is reported of it"""
        if name in self.failed:
            return self.loop.move(name, phase, batch, self.loop.meter.wants(name))
        if (self.loop.model.config, self.loop.options) != self.knobs:
            self.forget()
        if name not in self.recordings:
            if self.warmth[name] < WARM:
                self.warmth[name] += 1
                return self._aside(name, phase, batch)
            try:
                self.recordings[name] = self._record(name, phase, batch)
            except RuntimeError:
                logging.getLogger(__name__).warning("the phase %s trains without a CUDA graph", name, exc_info=True)
                self.failed.add(name)
                return self.run(name, phase, batch)
        return self.recordings[name].run(batch)

    def _aside(self, name: str, phase: Phase, batch: Batch) -> dict[str, Tensor]:
        """On the stream that will be recorded, so that nothing is prepared for another one."""
        here = torch.cuda.current_stream(self.loop.device)
        self.stream.wait_stream(here)
        with torch.cuda.stream(self.stream):
            terms = self.loop.move(name, phase, batch, measure=True)
        here.wait_stream(self.stream)
        return terms

    def _record(self, name: str, phase: Phase, batch: Batch) -> Recording:
        """Nothing is computed here but the copy of the batch; no weight moves."""
        own = replace(batch, **{key: value.clone() for key, value in tensors(batch).items()})
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.loop.rng)
        with torch.cuda.graph(graph, stream=self.stream, capture_error_mode="thread_local"):
            terms = self.loop.move(name, phase, own, measure=True)
            reported = torch.cat([value.float().flatten() for value in terms.values()])
        return Recording(graph, own, {key: value.shape for key, value in terms.items()}, reported)


def tensors(batch: Batch) -> dict[str, Tensor]:
    named = {field.name: getattr(batch, field.name) for field in fields(batch)}
    return {name: value for name, value in named.items() if isinstance(value, Tensor)}

"""Beam search, and models that read one text and write another, by transformers' own `generate`; the best text so far is told at each step."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

from aigc.pretrained import Stopped
from aigc.pretrained.text.kit import Kit, sound

if TYPE_CHECKING:
    from transformers import LogitsProcessorList


def generated(kit: Kit, ids: list[int], stop: threading.Event, **how: Any) -> Iterator[list[int]]:
    """New tokens of the best text so far, ever longer; the last one is the answer.  Raises Refusal and Stopped."""
    from transformers import LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

    skip = len(ids) if kit.writes_on else 1  # a mark to start from is all that a model that rewrites is given of its answer
    told: queue.SimpleQueue[Any] = queue.SimpleQueue()
    left = threading.Event()  # nobody listens any more

    class Telling(StoppingCriteria):
        def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
            told.put(input_ids[0, skip:].tolist())
            return torch.full((len(input_ids),), stop.is_set() or left.is_set(), device=input_ids.device)

    class Sound(LogitsProcessor):
        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            return sound(scores)

    kit.check(ids)
    how["logits_processor"] = LogitsProcessorList([Sound(), *(how.get("logits_processor") or [])])

    def run() -> None:
        try:
            tokens = torch.tensor([ids], device=kit.device)
            watch = StoppingCriteriaList([Telling()])
            made = kit.model.generate(tokens, attention_mask=torch.ones_like(tokens), stopping_criteria=watch, pad_token_id=kit.filler, **how)
            told.put(made[0, skip:].tolist())
            told.put(None)
        except BaseException as error:
            told.put(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while (found := told.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            if stop.is_set():
                raise Stopped
            yield found
    finally:
        left.set()
        thread.join()


def bare(kit: Kit, tokens: list[int]) -> list[int]:
    """Without what fills up the shorter beams; one end mark stays, which says that the model ended it."""
    tokens = [t for t in tokens if t != kit.filler or t in kit.ends]
    while len(tokens) > 1 and tokens[-1] in kit.ends and tokens[-2] in kit.ends:
        tokens.pop()
    return tokens


def drawing(temperature: float, rng: torch.Generator) -> LogitsProcessorList:
    """Makes a greedy `generate` draw each token by `rng`: its own sampling listens to the seed of the whole process alone.

    The likeliest of logits / temperature + Gumbel noise is a draw from their softmax (Maddison et al. 2014, section 2).
    """
    from transformers import LogitsProcessor, LogitsProcessorList

    class Drawing(LogitsProcessor):
        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            return scores / temperature - torch.empty_like(scores).exponential_(generator=rng).log()

    return LogitsProcessorList([Drawing()])

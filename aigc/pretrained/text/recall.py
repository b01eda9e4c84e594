"""What was read of the latest conversation, kept with its model: the next turn is read only from where the two differ."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from aigc.pretrained.fit import free_memory
from aigc.pretrained.text.kit import CHUNK, Kit, Reading

MOST = 2**30  # bytes that are kept
SHARE = 4  # of the memory that is free, at most one part in so many
TURNING = ("dynamic", "longrope")  # rotary positions that change for all tokens once a text grows long


@dataclass
class Recall:
    whose: str  # nobody else's run goes on from it: how fast an answer comes would tell what was said
    ids: list[int]
    cache: Any  # transformers' DynamicCache of these tokens
    chunked: int  # tokens at the beginning that were read in whole chunks

    @property
    def bytes(self) -> int:
        return sum(tensor.untyped_storage().nbytes() for layer in self.cache.layers for tensor in (layer.keys, layer.values))


@contextmanager
def resumed(kit: Kit, ids: list[int], whose: str, stop: threading.Event) -> Iterator[Reading]:
    """A reading that may have read a part of `ids` already, never all, and leaves what it reads for the next run of `whose`; "": neither."""
    reading = Reading(kit, stop)
    if not whose:
        yield reading
        return
    last, kit.recall = kit.recall, None
    if last is not None and last.whose == whose:
        _take(reading, last, ids)
    del last  # it may be large
    try:
        yield reading
    finally:
        kit.recall = _kept(reading, whose)


@torch.inference_mode()
def _take(reading: Reading, last: Recall, ids: list[int]) -> None:
    most = min(len(last.ids), len(ids) - 1)
    same = next((i for i in range(most) if last.ids[i] != ids[i]), most)
    if not _is_exact(reading.kit):
        same = min(same, last.chunked) // CHUNK * CHUNK
    if same <= 0 or reading.kept is None:
        return
    if same < len(last.ids):
        last.cache.crop(same - len(last.ids))
    reading.cache, reading.ids, reading.chunked = last.cache, ids[:same], min(last.chunked, same // CHUNK * CHUNK)


@torch.inference_mode()
def _kept(reading: Reading, whose: str) -> Recall | None:
    """What there is to keep: the beginning, where all of it takes too much memory."""
    n = len(reading.ids)
    if not n or not reading.is_sound or not _can_be_cut(reading):
        return None
    recall = Recall(whose, reading.ids, reading.cache, reading.chunked)
    each = sum(layer.keys.nbytes + layer.values.nbytes for layer in recall.cache.layers) / n
    room = int(min(MOST, free_memory(reading.kit.device.type) // SHARE) / each)
    if not room:
        return None
    if room < n:
        recall.cache.crop(room - n)
        recall = Recall(whose, reading.ids[:room], recall.cache, min(recall.chunked, room // CHUNK * CHUNK))
    for layer in recall.cache.layers:  # a part that was cut off stays in memory as long as the rest is a view of the whole
        layer.keys, layer.values = (t if t.untyped_storage().nbytes() == t.nbytes else t.clone() for t in (layer.keys, layer.values))
    return recall


def _can_be_cut(reading: Reading) -> bool:
    """Whether its beginning is what it would be without the rest: not where layers forget, mix or share what they read."""
    from transformers.cache_utils import DynamicLayer

    if reading.cache is None or any(type(layer) is not DynamicLayer for layer in reading.cache.layers):
        return False
    rope = getattr(reading.kit.model.config.get_text_config(), "rope_parameters", None)
    if any(word in TURNING for word in _kinds(rope)):
        return False
    return all(layer.get_seq_length() == len(reading.ids) for layer in reading.cache.layers)


def _kinds(rope: Any) -> list[Any]:
    """Kinds of rotary positions; some models have one for each kind of layer."""
    if not isinstance(rope, dict):
        return []
    return [rope.get("rope_type"), *(kind for inner in rope.values() for kind in _kinds(inner))]


def _is_exact(kit: Kit) -> bool:
    """Whether tokens read one by one differ from tokens read together by no more than the last digits of 32 bits.

    Elsewhere (16 bits, and TensorFloat-32 of a GPU) that would change what is drawn: there only whole chunks are taken over, which a
    reading from the start computes in the very same way.
    """
    return bool(kit.model.dtype == torch.float32 and kit.device.type != "cuda")

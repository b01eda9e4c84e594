"""Models kept loaded: as many as fit into a fixed memory, the ones used last; one user of a model at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aigc.registry.entries import WEIGHTS, entry
from aigc.registry.store import load

if TYPE_CHECKING:
    from aigc.techniques.base import Technique

MEMORY_BYTES = 1 << 30


@dataclass
class _Held:
    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0  # inside `loaded` or waiting for it: not to be dropped
    model: Technique | None = None
    bytes: int = 0


_held: OrderedDict[tuple[str, str, str], _Held] = OrderedDict()  # (slug, sha256, device), the one used last at the end
_guard = threading.Lock()


@contextmanager
def loaded(slug: str, device: str = "cpu") -> Iterator[Technique]:
    """The model called `slug`, for as long as the block lasts nobody else's.  Raises Refusal."""
    found = entry(slug)
    key = (slug, found.card.hashes.get(WEIGHTS, ""), device)  # the hash: a new model under an old name is another one
    with _guard:
        held = _held.setdefault(key, _Held())
        _held.move_to_end(key)
        held.users += 1
    try:
        with held.lock:
            if held.model is None:
                held.model = load(slug, device)
                held.bytes = sum(t.nbytes for t in held.model.state_dict().values())
            yield held.model
    finally:
        with _guard:
            held.users -= 1
            _make_room()


def _make_room() -> None:
    """Drop what was not used for longest until the rest fits, and what failed to load."""
    for key, held in list(_held.items()):
        too_much = sum(h.bytes for h in _held.values()) > MEMORY_BYTES
        if not held.users and (held.model is None or too_much):
            del _held[key]


def forget() -> None:
    """Drop every model that nobody is using."""
    with _guard:
        for key in [k for k, h in _held.items() if not h.users]:
            del _held[key]

"""The pipelines in memory: each loaded once, lent to one run at a time, and taken down when others need the room.

A line stands before each pipeline, and one before the loading; whoever waits looks at its stop event ten times a second.  No lock
is held while something loads or runs, nothing is waited for while a lock is held, and a run never waits for another pipeline.
A loading goes on when its run is stopped: the libraries cannot break off, nor load two at once, but nobody has to watch.
"""

from __future__ import annotations

import ctypes
import gc
import json
import logging
import os
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from aigc.data.sources import in_bytes
from aigc.knobs import Switch, knobs
from aigc.pretrained import Stopped, architecture, hub, layout
from aigc.pretrained.catalogue import Entry
from aigc.pretrained.fit import AUTOMATIC, MEMORY, NO_OFFLOAD, Chosen, Device, Number, Setup, chosen, free_memory, impossible
from aigc.pretrained.layout import HEADROOM
from aigc.words import Refusal, Words, both

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["Device", "Held", "Number", "Setup", "Stopped", "held", "idle_bytes", "is_open", "is_out_of_memory", "lent", "unload"]

T = TypeVar("T")
LOOK_SECONDS = 0.1  # between two looks at the stop event while in line

NOT_HERE = both("{title} is not on this machine yet: download it first.", "本机还没有 {title}：请先下载。")
DAMAGED = both(
    "The file {file} of {title} is damaged and cannot be opened: download the model again, which fetches that file alone.",
    "{title} 的文件 {file} 已损坏，无法打开：请重新下载该模型，只会重新获取这个文件。",
)
SHIPPED_DAMAGED = both("The file {file} of {title}, which comes along with AIGC Lab, is damaged and cannot be opened: get AIGC Lab anew.",
                       "随 AIGC 实验室附带的 {title} 的文件 {file} 已损坏，无法打开：请重新获取 AIGC 实验室。")  # fmt: skip
TOO_LARGE = both("{title} needs about {need} of {memory} and {free} are free, with every idle model put away: choose a smaller model{or_halve}.",
                 "{title} 约需 {need} {memory}，收起所有空闲模型后只剩 {free}：请选更小的模型{or_halve}。")  # fmt: skip
OR_HALVE = both(", or 16-bit numbers", "，或改用 16 位数值")
OUT_OF_MEMORY = both(
    "There was not enough memory for this, so {title} and every idle model were put away. Try a smaller picture, a shorter text, fewer at a "
    "time, or another model; the next run starts afresh.",
    "内存不足，已收起 {title} 和所有空闲模型。请试试更小的图、更短的文字、更少的数量或别的模型；下一次运行会重新开始。",
)
NOT_LOADED = both("{title} could not be loaded: {why}", "{title} 无法加载：{why}")
IMPOSSIBLE = both("{title} cannot take “{setting}”: set it to automatic.", "{title} 不支持“{setting}”：请设为自动。")
NO_COMPILER = both("Compiling needs a C++ compiler, or triton on a GPU, and there is none here: set Compile to automatic.",
                   "编译需要 C++ 编译器（GPU 上需要 triton），而本机没有：请把“编译”设为自动。")  # fmt: skip


@dataclass(frozen=True)
class Held:
    """A pipeline in memory, for showing."""

    slug: str
    title: Words
    bytes: int  # of its parameters, and of what it keeps for its next run
    how: Chosen
    setup: Setup  # what was asked for, the rest left to the machine
    busy: bool
    waiting: int  # in line for it

    @property
    def device(self) -> str:
        return self.how.device

    @property
    def dtype(self) -> str:
        return self.how.dtype


@dataclass
class _Slot:
    entry: Entry
    line: deque[object] = field(default_factory=deque)  # the first has it
    thing: Any = None
    asked: tuple[str, Setup] = ("", AUTOMATIC)  # what `thing` was loaded by, and as
    how: Chosen = Chosen("", "")
    bytes: int = 0  # of the parameters
    spare: int = 0  # bytes that `thing` keeps beside them for its next run, if it has `spare_bytes`
    home: str = ""  # the device whose memory holds the parameters
    used: float = 0.0  # when it was given back last
    doomed: bool = False  # to be put away when given back


_changed = threading.Condition()  # guards everything below; held for moments only
_slots: dict[str, _Slot] = {}
_loading: deque[object] = deque()
_spilt = threading.Event()  # memory ran out: what is left of that run is swept up before the next loading


def _alone() -> None:
    """In a forked process (ZeroGPU runs in one) nobody else stands in line, and no other thread will ever let go of the lock."""
    global _changed
    _changed = threading.Condition()
    _loading.clear()
    for slot in _slots.values():
        slot.line.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_alone)


@contextmanager
def lent(
    entry: Entry,
    load: Callable[[Path, torch.device, torch.dtype], T],
    stop: threading.Event,
    waiting: Callable[[int], None] | None = None,
    setup: Setup = AUTOMATIC,
) -> Iterator[T]:
    """The loaded pipeline, for this run alone until the block ends.  All tasks of an entry should give the same `load`: another loads anew.

    `waiting(n)` hears how many are ahead, each time that changes.  Raises Stopped as soon as `stop` is set in line, and Refusal: not
    downloaded, too large, or out of memory, inside the block too.  Not to be nested for one entry: it would wait for itself.
    """
    slot, ticket = _join(entry)
    try:
        _wait(slot.line, ticket, stop, waiting)
        thing = _ready(slot, entry, load, stop, setup)
        exhausted = False
        try:
            yield thing
        except BaseException as error:
            if not is_out_of_memory(error):
                raise
            exhausted = True
            traceback.clear_frames(error.__traceback__)  # they hold what filled the memory
            error.__traceback__ = None
        if exhausted:
            del thing
            _put_away(slot)
            free_idle()
            _spilt.set()
            raise Refusal(OUT_OF_MEMORY, title=entry.title)
    finally:
        _leave(slot, ticket)


def held() -> list[Held]:
    """What is in memory now, most lately used last."""
    with _changed:
        loaded = sorted((s for s in _slots.values() if s.thing is not None), key=lambda s: s.used)
        return [Held(s.entry.slug, s.entry.title, s.bytes + s.spare, s.how, s.asked[1], bool(s.line), max(0, len(s.line) - 1)) for s in loaded]


def is_open(slug: str, setup: Setup = AUTOMATIC) -> bool:
    """Whether it is in memory as `setup` wants it, and nobody is at work with it or in line."""
    with _changed:
        slot = _slots.get(slug)
        return slot is not None and slot.thing is not None and slot.asked[1] == setup and not slot.line


def idle_bytes(device: str) -> int:
    """What could be had back on a device at once."""
    with _changed:
        return sum(s.bytes + s.spare for s in _slots.values() if s.thing is not None and not s.line and s.home == device)


def unload(slug: str | None = None) -> int:
    """Puts one pipeline away, or all; one that is at work goes when its run ends.  -> how many."""
    with _changed:
        asked = [s for s in _slots.values() if s.thing is not None and slug in (None, s.entry.slug)]
        for slot in asked:
            slot.doomed = bool(slot.line)
            if not slot.line:
                _empty(slot)
        _changed.notify_all()
    if asked:
        _collect()
    return len(asked)


def free_idle() -> None:
    """Puts away everything that nobody uses."""
    with _changed:
        for slot in list(_slots.values()):
            if not slot.line:
                _empty(slot)
    _collect()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: on a GPU, in Python, or in PyTorch's allocator for the CPU."""
    if isinstance(error, MemoryError):
        return True
    told = str(error).lower()
    return isinstance(error, RuntimeError) and any(sign in told for sign in ("out of memory", "not enough memory", "defaultcpuallocator"))


# the lines
def _join(entry: Entry) -> tuple[_Slot, object]:
    ticket = object()
    with _changed:
        slot = _slots.setdefault(entry.slug, _Slot(entry))
        slot.line.append(ticket)
    return slot, ticket


def _wait(line: deque[object], ticket: object, stop: threading.Event, waiting: Callable[[int], None] | None = None) -> None:
    told = 0
    while True:
        with _changed:
            place = line.index(ticket)
            if place and place == told and not stop.is_set():
                _changed.wait(LOOK_SECONDS)
                place = line.index(ticket)
        if stop.is_set():
            raise Stopped
        if not place:
            return
        if place != told and waiting:
            waiting(place)
        told = place


def _leave(slot: _Slot, ticket: object) -> None:
    with _changed:
        slot.line.remove(ticket)
        slot.used = time.monotonic()
        slot.spare = getattr(slot.thing, "spare_bytes", 0)
        emptied = slot.doomed
        if slot.doomed or (slot.thing is None and not slot.line):
            _empty(slot)
        _changed.notify_all()
    if emptied:
        _collect()


# loading
@dataclass(eq=False)
class _Loading:
    """One loading, in a thread of its own, for nothing in it can be interrupted; it is also its own ticket."""

    over: bool = False
    error: BaseException | None = None


def _ready(slot: _Slot, entry: Entry, load: Callable[..., T], stop: threading.Event, setup: Setup) -> T:
    """The slot's pipeline as `setup` wants it.  The caller stands first in the slot's line.

    Who is stopped while it loads leaves at once; the loading takes over the place in line, and the next one finds what it brought.
    """
    asked = (f"{load.__module__}.{load.__qualname__}", setup)
    if slot.thing is not None and slot.asked == asked and not slot.doomed:
        return slot.thing
    folder = hub.here(entry)
    if folder is None:
        file = hub.damaged(entry)
        raise Refusal(DAMAGED if file else NOT_HERE, title=entry.title, file=file)
    for name in impossible(entry):
        if getattr(setup, name) is Switch.ON:
            raise Refusal(IMPOSSIBLE, title=entry.title, setting=knobs(Setup)[name].label)
    loading = _Loading()
    with _changed:
        _loading.append(loading)
    try:
        _wait(_loading, loading, stop)
        threading.Thread(target=_bring, args=(loading, slot, entry, load, folder, asked), name=f"loading of {entry.slug}", daemon=True).start()
    except BaseException:
        _over(loading, slot)
        raise
    _await(loading, slot, stop)
    if loading.error is not None:
        raise loading.error
    return slot.thing


def _await(loading: _Loading, slot: _Slot, stop: threading.Event) -> None:
    with _changed:
        try:
            while not loading.over and not stop.is_set():
                _changed.wait(LOOK_SECONDS)
        finally:
            if not loading.over:
                slot.line.insert(1, loading)
    if stop.is_set():
        raise Stopped


def _over(loading: _Loading, slot: _Slot) -> bool:
    """-> whether it stands in the slot's line now, since nobody waits for it any more."""
    with _changed:
        _loading.remove(loading)
        loading.over = True
        _changed.notify_all()
        return loading in slot.line


def _bring(loading: _Loading, slot: _Slot, entry: Entry, load: Callable[..., Any], folder: Path, asked: tuple[str, Setup]) -> None:
    """The thread of a loading: fills the slot, or says why not."""
    try:
        _fill(slot, entry, load, folder, asked)
    except BaseException as error:
        loading.error = error
    if _over(loading, slot):
        _leave(slot, loading)


def _fill(slot: _Slot, entry: Entry, load: Callable[..., Any], folder: Path, asked: tuple[str, Setup]) -> None:
    if not entry.shipped:
        _check(entry, folder)
    elif bad := layout.damaged(folder):
        raise Refusal(SHIPPED_DAMAGED, title=entry.title, file=bad[0])
    if _spilt.is_set():
        _spilt.clear()
        _collect()

    def spare(device: str) -> int:  # what stands in this slot, loaded another way, goes first
        return idle_bytes(device) + (slot.bytes + slot.spare if slot.thing is not None and slot.home == device else 0)

    how = chosen(entry, asked[1], spare)
    each = 4 if how.dtype == "float32" else 2
    weights = layout.parameters(folder, lambda kind: each)
    home = "cpu" if how.offload else how.device  # offloaded parameters stay in main memory
    need, or_halve = int(weights * HEADROOM), OR_HALVE if each == 4 else Words("", "")
    _check_room(entry, need, home, free_memory(home) + int(spare(home) * HEADROOM), or_halve)  # before anything goes for nothing
    _put_away(slot)
    _make_room(entry, need, home, or_halve)
    thing = _load(entry, load, folder, how)
    taken = weights if how.offload else _taken(thing) or weights
    with _changed:
        slot.entry, slot.thing, slot.asked, slot.how, slot.bytes = entry, thing, asked, how, taken
        slot.home, slot.doomed = home, False


def _check(entry: Entry, folder: Path) -> None:
    """What lies in the user's own cache may be of any kind.  Raises Refusal."""
    index = layout.read_index(folder)
    settings = index if index is not None else json.loads((folder / layout.MODEL).read_text("utf-8"))
    architecture.check(entry, settings, pipeline=index is not None)


def _make_room(entry: Entry, need: int, device: str, or_halve: Words) -> None:
    """Puts idle pipelines away, the least lately used first, until `need` bytes are free.  Raises Refusal where memory would run out for all."""
    while free_memory(device) < need:
        if not _put_oldest_away(device):
            break
    _check_room(entry, need, device, free_memory(device), or_halve)


def _check_room(entry: Entry, need: int, device: str, free: int, or_halve: Words) -> None:
    if free < need and device == "cpu":  # a GPU says no by itself; a machine out of main memory ends this process
        raise Refusal(TOO_LARGE, title=entry.title, need=in_bytes(need), free=in_bytes(free), memory=MEMORY[device], or_halve=or_halve)


def _put_oldest_away(device: str) -> bool:
    with _changed:
        idle = [s for s in _slots.values() if s.thing is not None and not s.line and s.home == device]
        if not idle:
            return False
        _empty(min(idle, key=lambda s: s.used))
    _collect()
    return True


def _load(entry: Entry, load: Callable[..., T], folder: Path, how: Chosen) -> T:
    import torch

    first = torch.device("cpu" if how.offload else how.device)
    for last in (False, True):
        try:
            thing = load(folder, first, getattr(torch, how.dtype))
            settle(thing, how)
            return thing
        except Refusal:
            raise
        except Exception as error:
            if not is_out_of_memory(error):
                logging.getLogger(__name__).exception("loading %s", entry.slug)
                raise Refusal(NOT_LOADED, title=entry.title, why=(str(error).splitlines() or [type(error).__name__])[0][:200]) from error
            traceback.clear_frames(error.__traceback__)
        free_idle()
        if last:
            break
    raise Refusal(OUT_OF_MEMORY, title=entry.title)


def networks_of(thing: Any) -> list[nn.Module]:
    """What computes in what was loaded."""
    from torch import nn

    parts = [*getattr(getattr(thing, "pipe", None), "components", {}).values(), getattr(thing, "model", None), *getattr(thing, "networks", ())]
    return [part for part in parts if isinstance(part, nn.Module)]


def _taken(thing: Any) -> int:
    """Bytes of the numbers of what was loaded, each counted once: a head may stand in the files beside the embedding that it shares."""
    tensors = (t for network in networks_of(thing) for t in (*network.parameters(), *network.buffers()))
    return sum({(t.device, t.data_ptr()): t.nbytes for t in tensors}.values())


def settle(thing: Any, how: Chosen) -> None:
    """Offloading, slicing and compiling of what was loaded: something that has a `.pipe`, a `.model` or `.networks`, or a pipeline itself."""
    import torch

    from aigc.train.compiling import compiler_here

    device = torch.device(how.device)
    whole = getattr(thing, "pipe", None) or getattr(thing, "model", None) or thing
    if how.offload:
        if device.type == "cpu":
            raise Refusal(NO_OFFLOAD)
        whole.enable_group_offload(onload_device=device, offload_type="leaf_level", use_stream=device.type == "cuda")
    if how.slicing:
        whole.enable_attention_slicing()
        if (vae := getattr(whole, "vae", None)) is not None:
            vae.enable_slicing()
            vae.enable_tiling()
    if how.compile:
        if not compiler_here(device):
            raise Refusal(NO_COMPILER)
        for network in getattr(thing, "networks", None) or [getattr(whole, "unet", None) or getattr(whole, "transformer", None) or whole]:
            if getattr(network, "_repeated_blocks", None):
                network.compile_repeated_blocks()
            else:
                network.compile()


def _put_away(slot: _Slot) -> None:
    with _changed:
        if slot.thing is None:
            return
        slot.thing, slot.bytes, slot.spare = None, 0, 0
    _collect()


def _empty(slot: _Slot) -> None:
    """Under the lock.  The slot itself goes when nobody is in its line."""
    slot.thing, slot.bytes, slot.spare, slot.doomed = None, 0, 0, False
    if not slot.line:
        _slots.pop(slot.entry.slug, None)


def _collect() -> None:
    gc.collect()
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)  # glibc keeps what is freed: of a model of 600 million parameters a third
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()

"""Pipelines in memory: loaded once, lent to one at a time, put away for others, and what happens when memory runs out."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import random
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_pretrained import written

from aigc.knobs import Switch, knobs, read
from aigc.nets.style import StyleNetwork
from aigc.nets.upscaler import ResidualUpscaler
from aigc.pretrained import Stopped, catalogue, hub, layout, shelf
from aigc.pretrained.catalogue import Entry, entries
from aigc.pretrained.fit import AT_LEAST, chosen, fit, impossible
from aigc.pretrained.folder import save_network
from aigc.pretrained.image import kit, others
from aigc.pretrained.image.asked import SETTINGS, Asked, Method, Style, Upscale, Verb
from aigc.pretrained.image.make import note
from aigc.pretrained.image.run import pictures
from aigc.pretrained.lending import AHEAD, Waiting, borrowed
from aigc.pretrained.shelf import Setup
from aigc.pretrained.text import kit as text
from aigc.ui.telling import in_line
from aigc.ui.text import telling as telling_text
from aigc.words import Refusal

BY_SLUG = {e.slug: e for e in entries()}
A, B, C = BY_SLUG["gpt2"], BY_SLUG["smollm2-135m"], BY_SLUG["qwen3-0.6b"]
PIPELINE = BY_SLUG["lcm-dreamshaper"]
GO = threading.Event()  # never set
PATIENCE = 10.0  # seconds after which a test has hung


class Thing:
    """Stands for a pipeline: it must never be used by two at once."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.inside = 0

    def run(self, seconds: float = 0.0) -> None:
        self.inside += 1
        assert self.inside == 1
        time.sleep(seconds)
        self.inside -= 1


LOADED: list[str] = []


def load(folder: Path, device: torch.device, dtype: torch.dtype) -> Thing:
    LOADED.append(folder.name)
    return Thing(folder)


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every model is here, in miniature."""
    for entry in (A, B, C, PIPELINE):
        written(entry, tmp_path / "models" / entry.slug)
    monkeypatch.setattr(hub, "here", lambda entry: tmp_path / "models" / entry.slug)
    shelf.unload()  # what other tests left there
    LOADED.clear()
    yield
    shelf.unload()
    assert not shelf._slots and not shelf._loading


def used(entry: Entry, **how: Any) -> Thing:
    with shelf.lent(entry, load, GO, **how) as thing:
        thing.run()
    return thing


def slugs() -> list[str]:
    return [h.slug for h in shelf.held()]


def in_threads(*runs: Callable[[], None]) -> list[BaseException]:
    failures: list[BaseException] = []

    def guarded(run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(run,), daemon=True) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "it hangs"
    return failures


@pytest.mark.skipif(sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="another allocator")
def test_the_memory_of_what_is_put_away_goes_back_to_the_system():
    """Weights of ten million bytes lie between what stays: glibc would keep their pages for itself."""
    stay: list[torch.Tensor] = []

    def large(folder: Path, device: torch.device, dtype: torch.dtype) -> list[torch.Tensor]:
        del folder, device, dtype
        torch.zeros(31 << 18)  # once so much was freed, smaller blocks are no longer mapped each by itself
        weights = []
        for _ in range(24):
            weights.append(torch.ones(10 << 18))
            stay.append(torch.ones(100))
        return weights

    process = psutil.Process()
    with shelf.lent(A, large, GO) as weights:
        assert len(weights) == 24
        del weights
        full = process.memory_info().rss
    shelf.unload()
    assert full - process.memory_info().rss > 200 << 20


# lent to a generator
def test_results_wait_for_a_reader_who_is_slow():
    made: list[int] = []

    def work(thing: Thing) -> Iterator[int]:
        for i in range(100):
            made.append(i)
            yield i

    results = borrowed(A, load, work, threading.Event())
    read = next(r for r in results if r == 0)
    deadline = time.monotonic() + PATIENCE
    while len(made) < AHEAD and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)
    assert read == 0 and AHEAD <= len(made) <= AHEAD + 3
    assert [r for r in results if not isinstance(r, Waiting)][-1] == 99 and len(made) == 100


def test_whether_the_model_is_being_opened_or_reads_is_told_apart():
    """A long text is read for a minute on two cores, by a model that was opened before."""
    may_load, may_begin = threading.Event(), threading.Event()

    def slow(folder: Path, device: torch.device, dtype: torch.dtype) -> Thing:
        may_load.wait(PATIENCE)
        return load(folder, device, dtype)

    def work(thing: Thing) -> Iterator[int]:
        may_begin.wait(PATIENCE)
        yield 0

    results = borrowed(A, slow, work, threading.Event())
    assert in_line(next(results)) == in_line(next(results)) == telling_text.OPENING
    may_load.set()
    assert in_line(next(r for r in results if in_line(r) != telling_text.OPENING)) == telling_text.READING
    may_begin.set()
    assert in_line(next(r for r in results if r == 0)) is None
    list(results)
    again = borrowed(A, slow, work, threading.Event())
    assert in_line(next(again)) == telling_text.READING, "it is open already"
    again.close()
    otherwise = borrowed(A, slow, work, threading.Event(), shelf.Setup(dtype=shelf.Number.FLOAT32))
    assert in_line(next(otherwise)) == telling_text.OPENING
    list(otherwise)


def test_a_run_computes_with_all_threads_whatever_others_took(monkeypatch: pytest.MonkeyPatch):
    from aigc.train import devices

    def work(thing: Thing) -> Iterator[int]:
        yield torch.get_num_threads()

    before = torch.get_num_threads()
    try:
        for few in (1, 2):
            devices.use_threads(few)  # as Explore does, in whichever thread: every new one starts with it
            results = [r for r in borrowed(A, load, work, threading.Event()) if not isinstance(r, Waiting)]
            assert results == [devices.THREADS]
    finally:
        devices.use_threads(before)


def test_a_reader_who_goes_away_is_not_waited_for():
    stop = threading.Event()

    def work(thing: Thing) -> Iterator[int]:
        for i in range(1000):
            if stop.is_set():
                raise Stopped
            yield i

    results = borrowed(A, load, work, stop)
    next(r for r in results if r == 0)
    results.close()
    assert stop.is_set() and not shelf.held()[0].busy


# loaded once
def test_a_pipeline_is_loaded_once():
    assert used(A) is used(A)
    assert LOADED == ["gpt2"]
    (held,) = shelf.held()
    assert held.slug == "gpt2" and not held.busy and 10_000 < held.bytes < 200_000 and held.dtype in ("float32", "bfloat16", "float16")


def test_what_is_in_memory_counts_numbers_that_two_share_once(tmp_path: Path):
    """As Qwen3 0.6B comes: its files hold the head beside the embedding that it is tied to, 0.6 of the 3.0 GB that they would be."""
    settings = tmp_path / "models" / C.slug / "config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"tie_word_embeddings": True}))
    weights = load_file(settings.parent / "model.safetensors")
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"].clone()
    save_file(weights, settings.parent / "model.safetensors", metadata={"format": "pt"})
    with shelf.lent(C, text.load, GO, setup=Setup(dtype=shelf.Number.FLOAT32)) as loaded:
        head = loaded.model.lm_head.weight
        assert head.data_ptr() == loaded.model.get_input_embeddings().weight.data_ptr()
        numbers = sum(p.numel() for p in loaded.model.parameters()) + sum(b.numel() for b in loaded.model.buffers())
    (held,) = shelf.held()
    assert held.bytes == 4 * numbers < layout.parameters(settings.parent, lambda kind: 4)
    assert shelf.idle_bytes("cpu") == held.bytes


def test_another_setup_loads_anew_and_the_old_one_is_gone():
    first = weakref.ref(used(A))
    assert used(A, setup=Setup(dtype=shelf.Number.FLOAT16)) is not first()
    gc.collect()
    assert first() is None and shelf.held()[0].dtype == "float16" and len(shelf.held()) == 1


def test_another_kind_of_loading_loads_anew():
    used(A)
    with shelf.lent(A, lambda folder, device, dtype: "something else", GO) as thing:
        assert thing == "something else"


def test_device_and_kind_of_number_are_handed_to_the_loading():
    told: list[Any] = []
    setup = Setup(device=shelf.Device.CPU, dtype=shelf.Number.BFLOAT16)
    with shelf.lent(A, lambda *given: told.append(given), GO, setup=setup):
        pass
    assert told[0][1:] == (torch.device("cpu"), torch.bfloat16)


def test_what_is_not_here_is_not_lent(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hub, "here", lambda entry: None)
    with pytest.raises(Refusal, match="download it first"), shelf.lent(A, load, GO):
        pass


def test_a_loading_that_fails_says_so_and_the_next_one_is_tried():
    def broken(folder: Path, device: torch.device, dtype: torch.dtype) -> Thing:
        raise OSError("no file named config.json\nand a long story")

    with pytest.raises(Refusal, match=r"could not be loaded: no file named config\.json$"), shelf.lent(A, broken, GO):
        pass
    assert used(A) and LOADED == ["gpt2"]


def test_an_error_of_the_run_is_passed_on_and_the_pipeline_stays():
    with pytest.raises(ZeroDivisionError), shelf.lent(A, load, GO):
        raise ZeroDivisionError
    assert used(A) and LOADED == ["gpt2"]


def test_a_run_that_is_given_up_half_way_gives_the_pipeline_back():
    def run() -> Iterator[int]:
        with shelf.lent(A, load, GO):
            yield from range(10)

    steps = run()
    next(steps)
    assert shelf.held()[0].busy
    steps.close()
    assert not shelf.held()[0].busy


# one at a time
def test_two_users_at_once_wait_in_line_and_hear_their_place():
    places: dict[str, list[int]] = {"second": [], "third": []}
    inside, order = threading.Event(), []

    def first() -> None:
        with shelf.lent(A, load, GO) as thing:
            inside.set()
            wait_until(lambda: shelf.held()[0].waiting == 2)
            thing.run(0.05)
            order.append("first")

    def later(name: str, ahead: int) -> None:
        inside.wait(PATIENCE)
        wait_until(lambda: shelf.held()[0].waiting == ahead - 1)
        with shelf.lent(A, load, GO, places[name].append) as thing:
            thing.run(0.05)
            order.append(name)

    assert not in_threads(first, lambda: later("second", 1), lambda: later("third", 2))
    assert order == ["first", "second", "third"] and places == {"second": [1], "third": [2, 1]}
    assert LOADED == ["gpt2"]


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until, "it hangs"
        time.sleep(0.005)


def test_different_pipelines_do_not_wait_for_each_other():
    both = threading.Barrier(2, timeout=PATIENCE)

    def run(entry: Entry) -> None:
        with shelf.lent(entry, load, GO):
            both.wait()

    assert not in_threads(lambda: run(A), lambda: run(B))


def test_who_waits_in_line_can_be_stopped():
    stop, waiting = threading.Event(), threading.Event()
    with shelf.lent(A, load, GO):

        def second() -> None:
            with shelf.lent(A, load, stop, lambda place: waiting.set()):
                pass

        def stopper() -> None:
            waiting.wait(PATIENCE)
            stop.set()

        began = time.monotonic()
        (failure,) = in_threads(second, stopper)
        assert isinstance(failure, Stopped) and time.monotonic() - began < 1
    assert used(A)


def test_who_waits_for_another_to_load_can_be_stopped():
    stop, loading, go_on = threading.Event(), threading.Event(), threading.Event()

    def slow(folder: Path, device: torch.device, dtype: torch.dtype) -> Thing:
        loading.set()
        go_on.wait(PATIENCE)
        return Thing(folder)

    def first() -> None:
        with shelf.lent(A, slow, GO):
            pass

    def second() -> None:
        loading.wait(PATIENCE)
        threading.Timer(0.1, stop.set).start()
        try:
            with shelf.lent(B, load, stop):
                pass
        finally:
            go_on.set()

    (failure,) = in_threads(first, second)
    assert isinstance(failure, Stopped) and slugs() == ["gpt2"]


class Slow:
    """A loading that takes until it may end, however long that is."""

    def __init__(self) -> None:
        self.begun, self.may_end, self.times = threading.Event(), threading.Event(), 0

    def load(self, folder: Path, device: torch.device, dtype: torch.dtype) -> Thing:
        self.times += 1
        self.begun.set()
        self.may_end.wait(PATIENCE)
        return Thing(folder)


def stopped_while_loading(entry: Entry, slow: Slow) -> None:
    """As a page does: a run in a thread, which its Stop ends."""
    stop = threading.Event()
    results = borrowed(entry, slow.load, lambda thing: iter(()), stop)
    assert next(results) == Waiting()
    slow.begun.wait(PATIENCE)
    began = time.monotonic()
    stop.set()
    with pytest.raises(Stopped):
        list(results)
    assert time.monotonic() - began < 1 and not slow.may_end.is_set()


def test_who_is_stopped_while_it_loads_leaves_at_once_and_the_next_one_finds_it_loaded():
    slow = Slow()
    stopped_while_loading(A, slow)
    assert not shelf.held(), "nothing that is half loaded is shown"
    threading.Timer(0.2, slow.may_end.set).start()
    with shelf.lent(A, slow.load, GO) as thing:
        thing.run()
    assert slow.times == 1 and slugs() == ["gpt2"] and not shelf.held()[0].busy


def test_a_loading_that_nobody_waits_for_lets_others_work_and_is_kept():
    used(B)
    slow = Slow()
    stopped_while_loading(A, slow)
    assert used(B) and slugs() == ["smollm2-135m"]
    slow.may_end.set()
    wait_until(lambda: "gpt2" in slugs() and not shelf.held()[-1].busy)
    assert shelf.unload() == 2


def test_another_setup_after_a_stop_loads_anew():
    slow = Slow()
    stopped_while_loading(A, slow)
    threading.Timer(0.1, slow.may_end.set).start()
    with shelf.lent(A, slow.load, GO, setup=Setup(dtype=shelf.Number.FLOAT16)):
        assert slow.times == 2 and shelf.held()[0].dtype == "float16"


def test_a_loading_that_nobody_waits_for_may_fail():
    slow = Slow()

    def broken(folder: Path, device: torch.device, dtype: torch.dtype) -> Thing:
        slow.load(folder, device, dtype)
        raise OSError("cut off")

    stop = threading.Event()
    run = threading.Thread(target=lambda: in_threads(lambda: enter(A, broken, stop)))
    run.start()
    slow.begun.wait(PATIENCE)
    stop.set()
    run.join(1)
    assert not run.is_alive()
    slow.may_end.set()
    wait_until(lambda: not shelf._slots and not shelf._loading)
    assert used(A)


def enter(entry: Entry, loading: Callable[..., Any], stop: threading.Event) -> None:
    with shelf.lent(entry, loading, stop):
        pass


def test_a_stopped_event_asks_for_nothing():
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped), shelf.lent(A, load, stop):
        pass
    assert not LOADED


def test_many_users_of_three_pipelines_come_through(monkeypatch: pytest.MonkeyPatch):
    """With room for two of the three, stops, errors, memory running out and unloading in between: nobody hangs, nobody shares."""
    monkeypatch.setattr(shelf, "free_memory", lambda device: 0 if len(shelf.held()) >= 2 and random.random() < 0.5 else 10**12)
    monkeypatch.setattr(shelf, "_collect", lambda: None)  # it takes a while, each time
    done: list[str] = []

    def user(seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(12):
            stop = threading.Event()
            if rng.random() < 0.3:
                threading.Timer(rng.random() * 0.02, stop.set).start()
            try:
                with shelf.lent(rng.choice((A, B, C)), load, stop) as thing:
                    thing.run(rng.random() * 0.004)
                    if rng.random() < 0.1:
                        raise MemoryError
                    if rng.random() < 0.1:
                        raise ValueError
                    done.append(thing.folder.name)
            except (Stopped, Refusal, ValueError):
                pass
            if rng.random() < 0.1:
                shelf.unload(rng.choice((A.slug, None)))

    assert not in_threads(*(lambda seed=seed: user(seed) for seed in range(8)))
    assert len(done) > 20 and not any(h.busy for h in shelf.held())


# room
def test_the_one_used_longest_ago_makes_room(monkeypatch: pytest.MonkeyPatch):
    used(A), used(B), used(A)
    assert slugs() == ["smollm2-135m", "gpt2"]
    monkeypatch.setattr(shelf, "free_memory", lambda device: 0 if len(shelf.held()) >= 2 else 10**12)
    used(C)
    assert slugs() == ["gpt2", "qwen3-0.6b"], "the one in the middle was used last"


def test_a_pipeline_at_work_is_never_put_away(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shelf, "free_memory", lambda device: 10**12 if not shelf.held() else 0)
    with shelf.lent(A, load, GO) as thing:
        with pytest.raises(Refusal, match="are free"):
            used(B)
        thing.run()
        assert slugs() == ["gpt2"]
    assert used(B) and slugs() == ["smollm2-135m"]


def test_unloading_frees_what_is_idle_at_once_and_what_is_at_work_when_it_is_done():
    kept = weakref.ref(used(A))
    assert shelf.unload("gpt2") == 1 and shelf.unload("gpt2") == 0
    gc.collect()
    assert kept() is None and slugs() == []
    with shelf.lent(A, load, GO) as thing:
        used(B)
        assert shelf.unload() == 2 and slugs() == ["gpt2"]
        thing.run()
    assert slugs() == [] and used(A) and LOADED.count("gpt2") == 3


# out of memory
@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
    ],
)
def test_memory_that_runs_out_is_said_freed_and_the_next_run_works(error: Exception):
    idle, busy = weakref.ref(used(B)), weakref.ref(used(A))
    with pytest.raises(Refusal, match="not enough memory") as refusal, shelf.lent(A, load, GO):
        raise error
    assert "内存不足" in refusal.value.words.zh and slugs() == []
    del refusal
    error.__traceback__ = None
    gc.collect()
    assert idle() is None and busy() is None
    assert used(A) and used(B) and slugs() == ["gpt2", "smollm2-135m"]


def test_pytorchs_own_complaint_is_understood():
    with pytest.raises(Refusal, match="not enough memory"), shelf.lent(A, load, GO):
        torch.empty(2**60)


def test_other_errors_are_not_taken_for_it():
    assert not shelf.is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not shelf.is_out_of_memory(ValueError("out of memory"))


def test_memory_that_runs_out_while_loading_is_tried_again_without_the_idle_ones():
    used(B)

    def greedy(folder: Path, device: torch.device, dtype: torch.dtype) -> Thing:
        if "smollm2-135m" in slugs():
            raise MemoryError
        return Thing(folder)

    with shelf.lent(A, greedy, GO):
        assert slugs() == ["gpt2"]

    def hopeless(folder: Path, device: torch.device, dtype: torch.dtype) -> Thing:
        raise MemoryError

    with pytest.raises(Refusal, match="not enough memory"), shelf.lent(B, hopeless, GO):
        pass
    assert used(B)


def test_a_model_larger_than_the_machine_is_refused_before_it_is_loaded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shelf, "free_memory", lambda device: 1000)
    for dtype, advice in ((shelf.Number.FLOAT32, "or 16-bit numbers"), (shelf.Number.FLOAT16, "a smaller model\\.$")):
        with pytest.raises(Refusal, match=f"are free.*{advice}"):
            used(A, setup=Setup(dtype=dtype))
    assert not LOADED and not shelf.held()


def test_what_is_too_large_drives_nothing_out(monkeypatch: pytest.MonkeyPatch):
    """Neither the idle models, nor the same one as it is loaded, where all their memory would not be enough."""
    used(B), used(A, setup=Setup(dtype=shelf.Number.FLOAT16))
    before, spare = LOADED.copy(), sum(h.bytes for h in shelf.held())
    monkeypatch.setattr(layout, "parameters", lambda folder, bytes_each: 10 * spare)
    monkeypatch.setattr(shelf, "free_memory", lambda device: spare)
    for entry in (C, A):
        with pytest.raises(Refusal, match="with every idle model put away"):
            used(entry)
    assert slugs() == ["smollm2-135m", "gpt2"] and before == LOADED
    used(A, setup=Setup(dtype=shelf.Number.FLOAT16))
    assert before == LOADED, "the next run finds its model open"


# how it is loaded
class Pipeline:
    """What a pipeline of diffusers can be told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.vae = self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("enable_"):
            return lambda *args, **kwargs: self.told.append(name)
        raise AttributeError(name)


def test_slices_and_tiles_reach_the_pipeline():
    with shelf.lent(PIPELINE, lambda *_: Pipeline(), GO, setup=Setup(slicing=Switch.ON)) as pipe:
        assert pipe.told == ["enable_attention_slicing", "enable_slicing", "enable_tiling"]


def test_offloading_needs_a_gpu_and_says_so():
    setup = Setup(device=shelf.Device.CPU, offload=Switch.ON)
    with pytest.raises(Refusal, match="Offload"), shelf.lent(PIPELINE, lambda *_: Pipeline(), GO, setup=setup):
        pass


def test_compiling_without_a_compiler_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aigc.train.compiling.shutil.which", lambda name: None)
    with pytest.raises(Refusal, match="compiler"), shelf.lent(A, lambda *_: Pipeline(), GO, setup=Setup(compile=Switch.ON)):
        pass


@pytest.fixture
def networks(tmp_path: Path) -> None:
    """What enlarges and what gives a style, as they come along."""
    save_network(ResidualUpscaler(16, 2), tmp_path / "models" / "upscaler", {"width": 16, "blocks": 2})
    save_network(StyleNetwork(), tmp_path / "models" / "style", {})


OURS = [e for e in catalogue.SHIPPED if e.slug in ("upscaler", "style")]


@pytest.mark.parametrize("entry", [A, *OURS], ids=lambda e: e.slug)
@pytest.mark.parametrize("name", ["slicing", "offload"])
def test_what_only_pipelines_take_is_refused_for_all_else(entry: Entry, name: str, networks: None):
    with pytest.raises(Refusal) as refused, shelf.lent(entry, others.of(entry)[0], GO, setup=Setup(**{name: Switch.ON})):
        pass
    label = knobs(Setup)[name].label
    assert label.en in refused.value.words.en and label.zh in refused.value.words.zh and entry.title.zh in refused.value.words.zh


@pytest.mark.parametrize("entry", OURS, ids=lambda e: e.slug)
@pytest.mark.parametrize("number", [n for n in shelf.Number if n != "auto"])
def test_a_network_of_ours_runs_in_the_numbers_asked_for(entry: Entry, number: shelf.Number, networks: None):
    given = {"upscaler": (Verb.UPSCALE, {}), "style": (Verb.STYLE, {"iterations": 5, "side": 64})}
    verb, settings = given[entry.slug]
    image = Image.effect_noise((40, 30), 60).convert("RGB")
    asked = Asked(verb, read(SETTINGS[verb], settings), image=image, style=image.rotate(90))
    *_, shot = pictures(asked, entry, threading.Event(), Setup(device=shelf.Device.CPU, dtype=number))
    thing = shelf._slots[entry.slug].thing
    assert {p.dtype for network in thing.networks for p in network.parameters()} == {getattr(torch, number)} and shelf.held()[0].dtype == number
    assert shot.images[0].size == ((80, 60) if verb is Verb.UPSCALE else (64, 48))


@pytest.mark.parametrize("entry", OURS, ids=lambda e: e.slug)
def test_a_network_of_ours_is_compiled(entry: Entry, networks: None):
    with shelf.lent(entry, others.of(entry)[0], GO, setup=Setup(compile=Switch.ON)) as thing:
        assert all(network._compiled_call_impl is not None for network in thing.networks)


@pytest.mark.slow
def test_compiled_networks_make_the_same_pictures(networks: None):
    image = Image.effect_noise((40, 30), 60).convert("RGB")
    for entry, asked in (
        (OURS[0], Asked(Verb.UPSCALE, Upscale(), image=image)),
        (OURS[1], Asked(Verb.STYLE, Style(method=Method.ADAIN, side=64), image=image, style=image.rotate(90))),
        (OURS[1], Asked(Verb.STYLE, Style(iterations=5, side=64), image=image, style=image.rotate(90))),
    ):
        made = []
        for compiled in (False, True):
            *_, shot = pictures(asked, entry, threading.Event(), Setup(dtype=shelf.Number.FLOAT32, compile=Switch.ON if compiled else Switch.OFF))
            made.append(np.asarray(shot.images[0], float))
        assert np.abs(made[0] - made[1]).mean() < 1


def test_only_the_method_that_optimises_has_steps(networks: None):
    image = Image.effect_noise((40, 30), 60).convert("RGB")
    for method, silent in ((Method.ADAIN, ("iterations",)), (Method.GATYS, ())):
        asked = Asked(Verb.STYLE, Style(method=method, iterations=5, side=64), image=image, style=image.rotate(90))
        *_, shot = pictures(asked, OURS[1], threading.Event())
        assert shot.silent == silent and ("iterations" in note(asked, "style", shot)["settings"]) is not bool(silent)


def test_numbers_are_chosen_as_they_will_be(monkeypatch: pytest.MonkeyPatch, networks: None):
    """A model of ours runs in 16 bits only where they are quicker, and says so."""
    for fast, wanted in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr("aigc.train.devices.FAST_BFLOAT16", fast)
        for entry in OURS:
            assert chosen(entry, Setup(device=shelf.Device.CPU))[:2] == ("cpu", wanted)
        for entry in (e for e in entries() if e.variant == "fp16"):  # fetched in a form that CPUs are slow at
            assert chosen(entry, Setup(device=shelf.Device.CPU))[:2] == ("cpu", wanted)


@pytest.mark.parametrize("slug", [e.slug for e in entries() if e.family == "diffusers"])
def test_every_pipeline_takes_what_is_not_refused_for_it(slug: str, tmp_path: Path):
    entry = BY_SLUG[slug]
    written(entry, tmp_path / "models" / slug)
    wanted = {name: name not in impossible(entry) for name in ("slicing", "compile")}
    with shelf.lent(entry, kit.load, GO, setup=Setup(**{name: Switch.ON if on else Switch.OFF for name, on in wanted.items()})) as it:
        vae = getattr(it.pipe, "vae", None)
        assert wanted["compile"] and wanted["slicing"] == (vae is not None) and (vae is None or (vae.use_slicing and vae.use_tiling))


def test_a_forked_process_finds_an_open_door():
    """Whatever lines and locks there were: the threads that stood in them are not in the new process."""
    with shelf.lent(A, load, GO), shelf._changed:
        child = os.fork()
        if child == 0:
            shelf.held()
            os._exit(0 if not shelf.held()[0].busy else 1)
        until = time.monotonic() + PATIENCE
        while (done := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < until:
            time.sleep(0.01)
    if done == (0, 0):
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert done == (child, 0)


def test_a_device_that_is_not_here_is_refused():
    if not torch.backends.mps.is_available():
        with pytest.raises(Refusal, match="no device mps"):
            used(A, setup=Setup(device=shelf.Device.MPS))


# what is chosen for a machine
GB = 10**9
FLUX, SMALL = BY_SLUG["flux2-klein-4b"], PIPELINE


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[[float, float], None]:
    """A made-up NVIDIA machine without any of the models, of so many GB of GPU and of main memory that are free."""

    def made(gpu: float, main: float) -> None:
        monkeypatch.setattr(hub, "here", lambda entry: None)
        monkeypatch.setattr("aigc.train.devices.best_device", lambda asked="auto": torch.device("cuda" if asked == "auto" else str(asked)))
        monkeypatch.setattr("aigc.pretrained.fit.quick", lambda device: ("float32", "float16", "bfloat16"))
        monkeypatch.setattr("aigc.pretrained.fit.free_memory", lambda device: int((main if device == "cpu" else gpu) * GB))
        monkeypatch.setattr("aigc.train.compiling.compiler_here", lambda device: True)

    return made


@pytest.mark.parametrize(
    ("entry", "gpu", "main", "wanted", "why"),
    [
        (FLUX, 80, 64, {"compile"}, ("it is large", "因为模型大")),
        (FLUX, 20, 64, {"slicing"}, ("memory is tight", "内存紧张")),
        (FLUX, 12, 64, {"offload"}, ("cannot hold all 18.0 GB", "显存放不下整个模型（18.0 GB）")),
        (FLUX, 6, 64, {"offload", "slicing"}, ("layer by layer", "逐层")),
        (SMALL, 80, 64, set(), ("not offloaded, sliced or compiled", "不卸载、不切片、不编译")),
        (B, 80, 64, set(), ("Fits", "放得下")),
    ],
)
def test_what_a_pipeline_needs_on_a_machine_is_chosen_and_explained(
    entry: Entry, gpu: float, main: float, wanted: set[str], why: tuple[str, str], machine: Callable[[float, float], None]
):
    machine(gpu, main)
    how, found = chosen(entry, Setup()), fit(entry)
    assert {name for name in ("offload", "slicing", "compile") if getattr(how, name)} == wanted
    assert found.fits and found.need == how.need == (AT_LEAST if "offload" in wanted else entry.gpu_bytes)
    assert why[0] in found.words.en and why[1] in found.words.zh and found.words.en.endswith(".") and found.words.zh.endswith("。")


def test_a_model_that_neither_memory_holds_does_not_fit(machine: Callable[[float, float], None]):
    machine(12, 8)
    assert not chosen(FLUX, Setup()).offload and not fit(FLUX).fits
    assert "Main memory cannot hold it for offloading either: 8.0 GB" in fit(FLUX).words.en
    asked = fit(FLUX, Setup(offload=Switch.ON))
    assert not asked.fits and "18.0 GB are needed, 8.0 GB of main memory" in asked.words.en
    assert fit(FLUX, spare=lambda device: 10 * GB).fits, "with what idle models would give up"


def test_a_model_meant_for_a_gpu_needs_on_a_cpu_in_16_bits_what_it_needs_there_and_that_is_offered(
    machine: Callable[[float, float], None], monkeypatch: pytest.MonkeyPatch
):
    machine(0, 20)
    on_cpu = {number: Setup(device=shelf.Device.CPU, dtype=number) for number in (shelf.Number.FLOAT32, shelf.Number.BFLOAT16)}
    whole, half = (fit(FLUX, setup) for setup in on_cpu.values())
    assert (whole.fits, whole.need, half.fits, half.need) == (False, 36 * GB, True, 18 * GB)
    assert whole.words.en.endswith("With 16-bit numbers it would need about 18.0 GB and fit.") and "16 位数值" in whole.words.zh
    assert fit(C, on_cpu[shelf.Number.BFLOAT16]).need == pytest.approx(0.6 * C.cpu_bytes)
    monkeypatch.setattr("aigc.pretrained.fit.quick", lambda device: ("float32",))
    assert "would need about 18.0 GB and fit. But this CPU takes many times longer" in fit(FLUX, Setup(device=shelf.Device.CPU)).words.en
    machine(0, 17)
    assert fit(FLUX, on_cpu[shelf.Number.FLOAT32]).words.en.endswith("are free.")


def test_what_the_user_chose_is_kept_and_said(machine: Callable[[float, float], None]):
    machine(12, 64)
    refused = fit(FLUX, Setup(offload=Switch.OFF))
    assert not refused.fits and "Set Offload to automatic: then it fits" in refused.words.en
    machine(80, 64)
    asked = Setup(offload=Switch.ON, slicing=Switch.ON, compile=Switch.OFF)
    how, words = chosen(FLUX, asked), fit(FLUX, asked).words
    refused = fit(SMALL, Setup(device=shelf.Device.CPU, offload=Switch.ON))
    assert not refused.fits and "Only from a GPU" in refused.words.en
    assert how.offload and how.slicing and not how.compile and words.en.count(", as asked.") == 2 and words.zh.count("按所选设置") == 2


def test_nothing_is_compiled_without_a_compiler_or_where_every_run_is_a_process_of_its_own(
    machine: Callable[[float, float], None], monkeypatch: pytest.MonkeyPatch
):
    machine(80, 64)
    assert chosen(FLUX, Setup()).compile and not chosen(FLUX, Setup(device=shelf.Device.CPU)).compile
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert not chosen(FLUX, Setup()).compile
    monkeypatch.delenv("SPACES_ZERO_GPU")
    monkeypatch.setattr("aigc.train.compiling.compiler_here", lambda device: False)
    assert not chosen(FLUX, Setup()).compile


def test_models_that_come_along_are_drawn_as_they_are_however_tight(machine: Callable[[float, float], None]):
    machine(0.8, 0.8)
    pictures_ = next(e for e in catalogue.SHIPPED if e.slug == "pictures")
    for device in (shelf.Device.CPU, shelf.Device.AUTO):
        assert not any(chosen(pictures_, Setup(device=device))[2:5])


def test_on_a_cpu_slices_help_where_memory_is_tight(machine: Callable[[float, float], None]):
    need = SMALL.cpu_bytes / GB
    for main, wanted in ((1.1 * need, True), (3 * need, False)):
        machine(0, main)
        how = chosen(SMALL, Setup(device=shelf.Device.CPU, dtype=shelf.Number.FLOAT32))
        assert how.slicing is wanted and not how.offload and not how.compile


def test_what_was_chosen_reaches_the_pipeline(machine: Callable[[float, float], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    machine(3, 64)
    told: list[Any] = []
    monkeypatch.setattr(hub, "here", lambda entry: tmp_path / "models" / entry.slug)
    with shelf.lent(PIPELINE, lambda folder, device, dtype: told.append(device.type) or Pipeline(), GO) as pipe:
        assert told == ["cpu"] and pipe.told == ["enable_group_offload", "enable_attention_slicing", "enable_slicing", "enable_tiling"]
        (held,) = shelf.held()
        assert held.how.offload and held.how.slicing and held.device == "cuda" and held.setup == Setup()

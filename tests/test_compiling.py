"""Compiling before the first step: when it is done, what it says, and that a compiler that fails costs nothing but its time."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from toys import toy_data

from aigc.commands import Command, Do
from aigc.events import Event, Finished, Said, Saved
from aigc.options import Compiling, Options
from aigc.techniques.base import Technique
from aigc.techniques.diffusion import Config
from aigc.techniques.diffusion.model import Diffusion
from aigc.train import compiling, train
from aigc.train.loop import Loop
from aigc.words import Refusal

CPU = torch.device("cpu")
OPTIONS = Options(seconds=0, images=512, batch=32)


def trained(asked: Compiling, options: Options = OPTIONS, **how: Any) -> tuple[list[Event], Technique, Diffusion]:
    """-> everything said, the averaged model, the one that was trained"""
    torch.manual_seed(0)
    model = Diffusion(Config(compiling=asked, width=16, levels=50, dropout=0.1), toy_data((2,), n=64).spec)
    events, steps = [], train(model, toy_data((2,), n=64), options, **how)
    while True:
        try:
            events.append(next(steps))
        except StopIteration as end:
            return events, end.value, model


def said(events: list[Event]) -> list[str]:
    return [e.words["en"] for e in events if isinstance(e, Said)]


def weights(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([v.flatten().float() for v in model.state_dict().values()])


@pytest.mark.parametrize(("device", "expected"), [("cpu", True), ("cuda", True), ("mps", False)])
def test_it_is_done_by_itself_where_it_was_measured_to_pay(device: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "compiler_here", lambda device: True)
    assert compiling.wanted(Compiling.AUTOMATIC, Options(seconds=600), torch.device(device)) is expected


@pytest.mark.parametrize(
    ("asked", "seconds", "here", "expected"),
    [
        (Compiling.AUTOMATIC, 600, True, True),
        (Compiling.AUTOMATIC, 60, True, False),
        (Compiling.AUTOMATIC, 0, True, False),
        (Compiling.AUTOMATIC, 600, False, False),
        (Compiling.OFF, 600, True, False),
        (Compiling.ON, 10, True, True),
        (Compiling.ON, 10, False, True),
    ],
)
def test_it_is_done_where_it_pays_or_is_asked_for(asked: Compiling, seconds: float, here: bool, expected: bool, monkeypatch: Any) -> None:
    monkeypatch.setattr(compiling, "compiler_here", lambda device: here)
    assert compiling.wanted(asked, Options(seconds=seconds, images=0 if seconds else 1000), CPU) is expected


def test_asking_for_it_without_a_compiler_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "COMPILERS", ("no-such-compiler",))
    with pytest.raises(Refusal, match="C\\+\\+ compiler"):
        trained(Compiling.ON)
    events, *_ = trained(Compiling.AUTOMATIC)
    assert not said(events)


SUCCEEDS, FAILS = "platform", "no.such.module"  # in place of the process that compiles


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(compiling, "compiler_here", lambda device: True)
    monkeypatch.setattr(compiling, "COMPILER", SUCCEEDS)
    return monkeypatch


def test_a_compiler_that_fails_leaves_the_training_as_it_would_have_been(quick: pytest.MonkeyPatch) -> None:
    quick.setattr(compiling, "COMPILER", FAILS)
    events, averaged, _ = trained(Compiling.ON)
    assert [words.split(";")[0] for words in said(events)][1:] == ["The network could not be compiled"]
    assert torch.equal(weights(averaged), weights(trained(Compiling.OFF)[1]))


def test_a_network_that_fails_once_compiled_is_put_back(quick: pytest.MonkeyPatch) -> None:
    def broken(network: torch.nn.Module) -> None:
        def call(*_: object) -> None:
            torch.rand(1)  # what was drawn on the way must not show either
            raise RuntimeError("omp.h: no such file")

        network._compiled_call_impl = call

    quick.setattr(torch.nn.Module, "compile", broken)
    events, averaged, _ = trained(Compiling.ON)
    assert [words.split(";")[0] for words in said(events)][1:] == ["The network could not be compiled"]
    assert torch.equal(weights(averaged), weights(trained(Compiling.OFF)[1]))


def test_a_stop_is_heard_while_the_training_waits_for_the_compiler(quick: pytest.MonkeyPatch) -> None:
    quick.setattr(compiling.Translation, "_busy", lambda self: self._process is not None)
    asked = iter([[], [], [Command(Do.STOP)]])
    events, *_ = trained(Compiling.ON, commands=lambda: next(asked))
    assert isinstance(events[-1], Finished) and events[-1].by == "stop" and events[-1].images == 0


def test_the_training_goes_on_with_a_thread_less_meanwhile_and_nothing_is_left_of_it(quick: pytest.MonkeyPatch) -> None:
    begun: list[compiling.Translation] = []
    threads: set[int] = set()

    def busy(self: compiling.Translation) -> bool:
        begun.append(self)
        return self._process is not None

    def commands() -> list[Command]:
        threads.add(torch.get_num_threads())
        return []

    quick.setattr(compiling.Translation, "_busy", busy)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        events, *_ = trained(Compiling.AUTOMATIC, Options(seconds=600, images=512, batch=32), commands=commands)
        assert threads == {1} and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert isinstance(events[-1], Finished) and events[-1].images == 512
    assert begun[0]._process is None


def test_what_the_other_process_compiles_is_what_a_step_calls() -> None:
    torch.manual_seed(0)
    data = toy_data((2,), n=64)
    loop = Loop(Diffusion(Config(width=16, levels=50, conditional=True), data.spec), data, OPTIONS, watch=False)
    before = weights(loop.model)
    job = compiling._job(loop, threads=1)
    (call,) = job.calls
    assert [layout[0][0] for layout in call.layouts if layout] == [32, 32, 32] and call.gradients
    told = compiling.read_job(json.dumps(asdict(job)))
    assert told.shape == [2] and told.calls[0].network == 0
    (network,) = compiling.networks_of(job.model())
    (mine,) = compiling.networks_of(loop.model)
    assert [(n, p.shape, p.stride()) for n, p in network.named_parameters()] == [(n, p.shape, p.stride()) for n, p in mine.named_parameters()]
    assert torch.equal(weights(loop.model), before) and not loop.model.denoiser._forward_pre_hooks and loop.draws == 0


@pytest.mark.slow
@pytest.mark.skipif(not compiling.compiler_here(CPU), reason="no C++ compiler here")
def test_a_compiled_network_learns_the_same_and_is_kept_as_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    events, averaged, model = trained(Compiling.ON)
    assert model.denoiser._compiled_call_impl is not None and said(events)[-1].startswith("The network is compiled")
    _, plain, _ = trained(Compiling.OFF)
    assert averaged.state_dict().keys() == plain.state_dict().keys() and averaged.denoiser._compiled_call_impl is None
    assert weights(averaged).sub(weights(plain)).norm() < 0.1 * weights(plain).norm()  # dropout draws other units
    saved = [e for e in events if isinstance(e, Saved)][-1]
    more, resumed, _ = trained(Compiling.ON, Options(seconds=0, images=1024, batch=32), resume=(saved.state, saved.facts))
    assert said(more)[-1].startswith("The network is compiled") and not torch.equal(weights(resumed), weights(averaged))


@pytest.mark.slow
@pytest.mark.skipif(not compiling.compiler_here(CPU), reason="no C++ compiler here")
def test_what_the_other_process_made_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were it not, the training would stand still for as long as the compiler takes."""
    from torch._dynamo.utils import counters

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    torch._dynamo.reset()
    counters.clear()
    trained(Compiling.ON)
    assert counters["inductor"]["fxgraph_cache_hit"] or counters["aot_autograd"]["autograd_cache_hit"]
    assert not counters["aot_autograd"]["autograd_cache_miss"]

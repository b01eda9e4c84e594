"""ZeroGPU without ZeroGPU: a stand-in for `spaces` that sends everything through pickle, as the real one does between processes."""

from __future__ import annotations

import pickle
import sys
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from aigc.pretrained import Stopped
from aigc.ui.zero_gpu import on_gpu
from aigc.words import Refusal, both

CLOSED: list[bool] = []
STOPS: list[threading.Event] = []  # of each run: on the other side it is another one


def counted(most: int, entry: Any = None, *, stop: threading.Event, refuse_at: int = -1, setup: Any = None) -> Iterator[int]:
    STOPS.append(stop)
    try:
        for i in range(most):
            if stop.is_set():
                raise Stopped
            if i == refuse_at:
                raise Refusal(both("No more than {n}.", "最多 {n}。"), n=i)
            yield i
    finally:
        CLOSED.append(True)


HERE = f"{__name__}:counted"


@pytest.fixture
def space(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """-> how each function was decorated."""
    asked: list[dict[str, Any]] = []

    def gpu(task: Callable[..., Iterator[Any]], **how: Any) -> Callable[..., Iterator[Any]]:
        asked.append(how)

        def lent(*args: Any, **kwargs: Any) -> Iterator[Any]:
            args, kwargs = pickle.loads(pickle.dumps((args, kwargs)))
            results = task(*args, **kwargs)
            try:
                for result in results:
                    yield pickle.loads(pickle.dumps(result))
            finally:
                results.close()  # type: ignore[attr-defined]

        return lent

    spaces = types.ModuleType("spaces")
    spaces.GPU = gpu  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "spaces", spaces)
    monkeypatch.setenv("SPACES_ZERO_GPU", "1")
    CLOSED.clear()
    return asked


def test_elsewhere_nothing_is_decorated(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    monkeypatch.setitem(sys.modules, "spaces", None)  # importing it would fail
    assert list(on_gpu(HERE)(3, stop=threading.Event())) == [0, 1, 2]


def test_on_a_space_the_gpu_is_asked_for_at_import_and_the_results_come_across(space: list[dict[str, Any]]):
    run = on_gpu(HERE, seconds=90)
    assert space == [{"duration": 90}]
    assert list(run(3, stop=threading.Event())) == [0, 1, 2]


def test_what_runs_on_the_cpu_borrows_no_gpu(space: list[dict[str, Any]]):
    from aigc.pretrained.catalogue import SHIPPED
    from aigc.pretrained.fit import Device, Setup

    verse, other = SHIPPED[:2]
    stop = threading.Event()
    for entry, setup, is_here in (
        (verse, Setup(), True), (verse, Setup(device=Device.CUDA), False), (other, Setup(), False), (other, Setup(device=Device.CPU), True),
    ):  # fmt: skip
        assert list(on_gpu(HERE)(2, entry, setup=setup, stop=stop)) == [0, 1]
        assert (STOPS[-1] is stop) is is_here
    stop.set()
    with pytest.raises(Stopped):
        next(on_gpu(HERE)(2, verse, stop=stop))


def test_a_refusal_comes_across_in_both_languages(space: list[dict[str, Any]]):
    with pytest.raises(Refusal) as refusal:
        list(on_gpu(HERE)(3, refuse_at=1, stop=threading.Event()))
    assert refusal.value.words == both("No more than 1.", "最多 1。")


def test_a_stop_takes_effect_after_the_next_result_and_closes_the_other_side(space: list[dict[str, Any]]):
    stop = threading.Event()
    results = on_gpu(HERE)(100, stop=stop)
    assert next(results) == 0
    stop.set()
    with pytest.raises(Stopped):
        next(results)
    assert CLOSED


def test_whatever_tabs_send_across_can_be_sent():
    from aigc.knobs import Switch
    from aigc.pretrained.catalogue import entries
    from aigc.pretrained.fit import Device, Setup

    sent = (entries(), Setup(device=Device.CUDA, slicing=Switch.ON))
    assert pickle.loads(pickle.dumps(sent)) == sent

"""What a step costs, counted instead of timed: calls of operators, and waits for the device."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from toys import toy_data

from aigc.knobs import as_values
from aigc.registry import build
from aigc.techniques import technique, techniques
from aigc.train import devices
from aigc.train.loop import Loop

SYNCS = ("aten._local_scalar_dense", "aten.nonzero", "aten.masked_select", "aten.is_nonzero", "aten.equal")
WAITS = {"cpu", "item", "tolist", "numpy", "__array__", "__bool__", "__float__", "__int__", "__index__"}  # of a tensor; on a GPU all of them wait
MOST = {"gan": 360, "autoencoder": 160, "vae": 190, "diffusion": 440}  # operator calls a step of the quick preset for 28 x 28 pictures
NOW = {"gan": 3772, "autoencoder": 2462, "vae": 2831, "diffusion": 6982}  # in all steps of a lazy penalty's period, with torch 2.13
PERIOD = 16  # steps


@pytest.fixture(autouse=True)
def float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine multiplies fastest, the count is of the same calls."""
    monkeypatch.setattr(devices, "FAST_BFLOAT16", False)


class Calls(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.counted: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.counted[func.name().replace("::", ".").rsplit(".", 1)[0] if "." in func.name() else func.name().replace("::", ".")] += 1
        return func(*args, **(kwargs or {}))


class Asked(TorchFunctionMode):
    """What Python asks of tensors, which no dispatcher sees where nothing has to be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[str] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, given = getattr(func, "__name__", ""), (*args[1:], *(kwargs or {}).values())
        if name in WAITS or (name == "to" and any(str(value).startswith("cpu") for value in given)):
            self.waits.append(name)
        return func(*args, **(kwargs or {}))


def calls_of_a_step(slug: str, steps: int = 1) -> Counter[str]:
    data = toy_data((1, 28, 28), n=200)
    config, options = technique(slug).read({"seconds": 0, "images": 10**6}, data.spec, "quick")
    loop = Loop(build(slug, as_values(config), data.spec), data, options, watch=False)
    for _ in range(8):  # past the first steps, in which optimisers are born and gradients are measured
        loop.step()
    with Calls() as calls, Asked() as asked:
        for _ in range(steps):
            loop.step()
    assert not asked.waits
    return calls.counted


@pytest.mark.parametrize("slug", list(techniques()))
def test_a_step_never_waits_for_the_device_and_makes_no_more_calls_than_it_did(slug: str) -> None:
    counted = calls_of_a_step(slug)
    assert not [name for name in counted if name.startswith(SYNCS)], counted
    assert sum(counted.values()) <= MOST[slug], sum(counted.values())


@pytest.mark.skipif(not torch.__version__.startswith("2.13."), reason="another torch counts otherwise")
@pytest.mark.parametrize("slug", list(techniques()))
def test_not_one_call_is_added_unawares(slug: str) -> None:
    """Fewer are welcome: write the new number down."""
    assert sum(calls_of_a_step(slug, PERIOD).values()) == NOW[slug]


@pytest.mark.parametrize("slug", list(techniques()))
def test_the_count_is_the_same_every_time(slug: str) -> None:
    assert calls_of_a_step(slug) == calls_of_a_step(slug)


def test_a_wait_is_noticed() -> None:
    with Calls() as calls:
        torch.ones(3).sum().item()
    assert any(name.startswith(SYNCS) for name in calls.counted), calls.counted
    with Asked() as asked:
        torch.ones(3).cpu(), torch.ones(3).to("cpu"), torch.ones(3).numpy(), float(torch.ones(1)), torch.ones(3).to(torch.float64)
    assert asked.waits == ["cpu", "to", "numpy", "__float__"]

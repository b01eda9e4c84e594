"""The loop: what it promises about position, randomness, commands and watching, on a technique made for it."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from toys import Toy, ToyConfig, toy_data

from aigc.commands import Command, Do
from aigc.ema import EMA
from aigc.events import Finished, Health, Paused, Preview, Resumed, Said, Saved, Step
from aigc.knobs import read
from aigc.options import Options, Precision, Schedule
from aigc.techniques import technique
from aigc.train import NotFinite, devices, train
from aigc.train.loop import Loop
from aigc.train.optimise import learning_rate_factor

OPTIONS = Options(seconds=0, images=4000, batch=16, ema_halflife=200)


def toy(**how: Any) -> Toy:
    torch.manual_seed(0)
    return Toy(ToyConfig(), toy_data().spec, **how)


def digest(model: torch.nn.Module) -> str:
    return hashlib.sha256(b"".join(v.contiguous().numpy().tobytes() for v in model.state_dict().values())).hexdigest()


def drain(generator: Any) -> tuple[list[Any], Any]:
    events = []
    while True:
        try:
            events.append(next(generator))
        except StopIteration as end:
            return events, end.value


def told(*at: tuple[int, Command]) -> Any:
    """Commands given at the n-th time the loop asks."""
    asked = Counter()

    def commands() -> list[Command]:
        asked["times"] += 1
        return [c for n, c in at if n == asked["times"]]

    return commands


def test_a_run_ends_at_its_budget_and_says_so() -> None:
    model = toy()
    events, averaged = drain(train(model, toy_data(), OPTIONS))
    last = events[-1]
    assert isinstance(last, Finished) and last.by == "budget"
    assert 4000 <= last.images < 4000 + 2 * 16  # two batches a step
    assert any(isinstance(e, Saved) for e in events) and isinstance(events[0], Preview)
    assert averaged is not model and digest(averaged) != digest(model)
    steps = [e for e in events if isinstance(e, Step)]
    assert {"judge_loss", "maker_loss", "score", "judge_gradient", "maker_gradient"} <= set(steps[0].terms)
    rows = [e for e in events if isinstance(e, Health)]
    assert len(rows[0].rows["parts"]) == 3


def test_the_first_look_costs_no_budget_and_holds_up_no_later_one() -> None:
    class SlowAtFirst(Toy):
        looks = 0

        def calibrate(self, x: torch.Tensor, labels: torch.Tensor | None, rng: torch.Generator) -> None:
            SlowAtFirst.looks += 1
            time.sleep(2.0 if SlowAtFirst.looks == 1 else 0.0)

    torch.manual_seed(0)
    events, _ = drain(train(SlowAtFirst(ToyConfig(), toy_data().spec), toy_data(), replace(OPTIONS, images=0, seconds=1.2)))
    looks = [e for e in events if isinstance(e, Preview)]
    assert looks[0].seconds == 0 and len(looks) >= 3
    assert events[-1].images > 1000 and 1.2 <= events[-1].seconds < 2.0


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not() -> None:
    runs = [drain(train(toy(), toy_data(), options))[1] for options in (OPTIONS, OPTIONS, Options(seconds=0, images=4000, batch=16, seed=1))]
    assert digest(runs[0]) == digest(runs[1]) != digest(runs[2])


def test_a_resumed_run_equals_one_that_was_never_stopped() -> None:
    whole, straight = toy(), None
    _, straight = drain(train(whole, toy_data(), OPTIONS))
    first = toy()
    saved: list[Saved] = []
    for event in train(first, toy_data(), OPTIONS, commands=told((40, Command(Do.SNAPSHOT)))):
        if isinstance(event, Saved):
            saved.append(event)
            break
    state = {k: v.clone() for k, v in saved[0].state.items()}
    assert 0 < saved[0].images < 4000
    second = toy()
    torch.manual_seed(99)
    with torch.no_grad():
        for p in second.parameters():
            p.add_(1.0)  # whatever was there before must not matter
    _, resumed = drain(train(second, toy_data(), OPTIONS, resume=(state, saved[0].facts)))
    assert digest(second) == digest(whole)
    assert digest(resumed) == digest(straight)


def test_watching_pausing_and_saving_do_not_change_what_is_learnt() -> None:
    plain, watched = toy(), toy()
    drain(train(plain, toy_data(), OPTIONS, watch=False))
    commands = told((5, Command(Do.PAUSE)), (9, Command(Do.RESUME)), (30, Command(Do.SNAPSHOT)), (60, Command(Do.SNAPSHOT)))
    events, _ = drain(train(watched, toy_data(), OPTIONS, commands=commands))
    assert digest(plain) == digest(watched)
    assert [type(e) for e in events if isinstance(e, Paused | Resumed)] == [Paused, Resumed]


def test_the_average_follows_fifty_times_in_a_half_life_and_without_one_is_the_last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    followed: list[int] = []
    update = EMA.update
    monkeypatch.setattr(EMA, "update", lambda self, images, *how: (followed.append(images), update(self, images, *how))[1])
    slow = Loop(toy(), toy_data(), Options(seconds=0, batch=16, ema_halflife=1600), watch=False)
    for _ in range(2000):
        slow.step()
    late = followed[-20:]
    assert set(late) == {32}, "a step is 32 images, and a fiftieth of the half-life as many"
    followed.clear()
    slow.options = Options(seconds=0, batch=16, ema_halflife=6400)
    for _ in range(100):
        slow.step()
    assert set(followed) == {128} and len(followed) == 25
    none = Loop(toy(), toy_data(), Options(seconds=0, batch=16, ema_halflife=0), watch=False)
    followed.clear()
    none.step()
    assert not followed and digest(none.averaged) == digest(none.model) and len(followed) == 1


def test_stop_keeps_what_was_learnt() -> None:
    model = toy()
    events, averaged = drain(train(model, toy_data(), OPTIONS, commands=told((50, Command(Do.STOP)))))
    assert isinstance(events[-1], Finished) and events[-1].by == "stop" and events[-1].steps == 49
    assert isinstance(events[-2], Saved) and events[-2].steps == 49
    assert digest(averaged) != digest(toy())


def test_one_step_moves_one_phase_only() -> None:
    model = toy()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    commands = told((1, Command(Do.PAUSE)), (2, Command(Do.STEP, "judge")), (3, Command(Do.STOP)))
    events, _ = drain(train(model, toy_data(), OPTIONS, commands=commands))
    moved = {k.split(".")[0] for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert moved == {"judge"} and events[-1].steps == 1


def test_a_live_knob_turns_and_is_remembered_and_others_are_refused_in_words() -> None:
    model = toy()
    commands = told(
        (3, Command(Do.SET, ["pull", 3.0])),
        (4, Command(Do.SET, ["frozen", 3.0])),
        (5, Command(Do.SET, ["pull", "nan"])),
        (6, Command(Do.SET, ["learning_rate", 0.01])),
        (7, Command(Do.SET, "nonsense")),
        (9, Command(Do.STOP)),
    )
    events, _ = drain(train(model, toy_data(), OPTIONS, commands=commands))
    said = [e.words.en for e in events if isinstance(e, Said)]
    assert said[0] == "pull: 1 → 3" and "cannot change" in said[1] and "must be a number" in said[2] and said[3] == "Learning rate: 0.001 → 0.01"
    assert len(said) == 5
    saved = next(e for e in events if isinstance(e, Saved))
    assert saved.facts["config"]["pull"] == 3.0 and saved.facts["options"]["learning_rate"] == 0.01
    assert model.config.pull == 3.0 and model.config.frozen == 1.0


def test_a_loss_that_is_not_finite_stops_before_it_is_saved() -> None:
    events = []
    with pytest.raises(NotFinite) as error:
        for event in train(toy(poison_at=30), toy_data(), OPTIONS, commands=told((25, Command(Do.SNAPSHOT)), (50, Command(Do.SNAPSHOT)))):
            events.append(event)
    assert "infinite" in error.value.words.en and error.value.words.zh
    saved = [e for e in events if isinstance(e, Saved)]
    assert saved and all(v.isfinite().all() for v in saved[-1].weights.values() if v.is_floating_point())


@pytest.mark.parametrize("reached", [float("nan"), float("inf"), 1e30])
@pytest.mark.parametrize(("slug", "config"), [("autoencoder", {}), ("vae", {"components": 3}), ("vae", {"latent": 3})])
def test_codes_that_are_not_finite_after_the_last_step_are_told_like_a_loss(slug: str, config: dict[str, Any], reached: float) -> None:
    """The loss is that of the weights before the step; what is fitted to the codes meets those after it."""
    info, data = technique(slug), toy_data()
    model = info.load()(read(info.Config, {"network": "dense", **config}), data.spec)
    loop = Loop(model, data, replace(OPTIONS, ema_halflife=0), watch=False)
    loop.step()
    with torch.no_grad():
        for weight in loop.averaged.networks()["encoder"].parameters():
            weight.fill_(reached)
    loop.moved = False
    with pytest.raises(NotFinite, match="Lower the learning rate"):
        list(loop.close("budget"))


def test_a_learning_rate_beyond_reason_is_noticed() -> None:
    model = toy()
    with pytest.raises(NotFinite):
        drain(train(model, toy_data(), Options(seconds=0, images=100_000, learning_rate=1.0, schedule=Schedule.CONSTANT, momentum=0.0), resume=None,
                    commands=lambda: _explode(model)))  # fmt: skip


def _explode(model: Toy) -> list[Command]:
    with torch.no_grad():
        model.judge.weight.mul_(1e6)
    return []


class _HostCopies(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


def test_nothing_is_copied_to_the_host_between_two_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aigc.train.loop.REPORT_SECONDS", 1e9)
    loop = Loop(toy(), toy_data(), OPTIONS, watch=False)
    loop.step()
    with _HostCopies() as copies:
        for _ in range(10):
            loop.step()
            assert list(loop.report()) == []
    assert copies.count == 0


@pytest.mark.parametrize("asked", Precision)
def test_bfloat16_is_left_alone_where_float32_is_asked_for(asked: Precision, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "FAST_BFLOAT16", True)
    seen: list[bool] = []
    loss = Toy.judge_loss
    monkeypatch.setattr(Toy, "judge_loss", lambda *a: seen.append(torch.is_autocast_enabled("cpu")) or loss(*a))
    Loop(toy(), toy_data(), Options(batch=16, precision=asked), watch=False).step()
    assert seen and set(seen) == {asked is Precision.AUTOMATIC}


def test_the_learning_rate_follows_its_schedule() -> None:
    warm = Options(batch=100, warmup_images=1000, schedule=Schedule.WARMUP)
    assert learning_rate_factor(warm, 0, 0.0) == pytest.approx(0.1)
    assert learning_rate_factor(warm, 5000, 0.9) == 1.0
    cosine = Options(batch=100, warmup_images=0, schedule=Schedule.COSINE)
    assert [learning_rate_factor(cosine, 0, p) for p in (0.0, 0.5, 1.0)] == pytest.approx([1.0, 0.5, 0.0])
    assert learning_rate_factor(Options(schedule=Schedule.CONSTANT), 0, 1.0) == 1.0

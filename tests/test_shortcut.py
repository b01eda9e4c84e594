"""Shortcuts: a model that learns to go straight from the noise of another to its samples (reflow)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from toys import toy_data, toy_spec

from aigc import home, registry
from aigc.commands import Command, Do
from aigc.data.load import load
from aigc.events import Saved
from aigc.jobs.request import Request, checked
from aigc.knobs import as_values
from aigc.maths.diffusion import both_ends
from aigc.options import Options
from aigc.registry import ModelCard
from aigc.registry.sampling import sampling_values
from aigc.techniques import technique
from aigc.techniques.diffusion.asked import chosen, default_steps
from aigc.techniques.diffusion.model import Diffusion
from aigc.techniques.diffusion.pairs import EXAMPLES, PairBatch, Pairs
from aigc.train import train
from aigc.words import Refusal

SPEC = toy_spec((1, 8, 8))
CONFIG = {"width": 8, "levels": 40, "conditional": True}
OPTIONS = Options(seconds=0, images=96, batch=16, learning_rate=1e-3)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def card(slug: str, kind: str, config: dict[str, Any], spec: Any = SPEC) -> ModelCard:
    return ModelCard(slug, kind, spec.name, registry.spec_as_json(spec), config, as_values(OPTIONS))


@pytest.fixture
def teacher() -> Diffusion:
    torch.manual_seed(0)
    model = registry.build("diffusion", CONFIG, SPEC)
    assert isinstance(model, Diffusion)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.05 * torch.randn(p.shape, generator=rng()))
    registry.save(model, card("slow", "diffusion", as_values(model.config)))
    return model


def student(**values: Any) -> Diffusion:
    model = registry.build("diffusion", {**CONFIG, "teacher": "slow", **values}, SPEC)
    assert isinstance(model, Diffusion)
    return model


def trained(model: Diffusion, options: Options = OPTIONS, **how: Any) -> tuple[list[Saved], Diffusion]:
    steps, saved = train(model, toy_data(SPEC.shape), options, watch=False, **how), []
    while True:
        try:
            event = next(steps)
        except StopIteration as end:
            return saved, end.value
        if isinstance(event, Saved):
            saved.append(event)


def same(a: Diffusion, b: Diffusion) -> bool:
    return all(torch.equal(v, b.state_dict()[k]) for k, v in a.state_dict().items())


def test_both_ends_of_the_path_are_looked_at_most_and_by_the_density_it_names() -> None:
    t = both_ends((torch.arange(200_000) + 0.5) / 200_000)
    assert t.min() >= 0 and t.max() <= 1
    counts = torch.histc(t, 10, 0, 1) / len(t)
    for i, share in enumerate(counts.tolist()):
        exact = (math.sinh(4 * (i + 1) / 10 - 2) - math.sinh(4 * i / 10 - 2)) / (2 * math.sinh(2))
        assert share == pytest.approx(exact, abs=1e-4)


def test_a_batch_of_pairs_is_a_function_of_its_index_and_is_made_once() -> None:
    asked: list[int] = []

    def make(z: torch.Tensor, labels: torch.Tensor | None, rng: torch.Generator) -> torch.Tensor:
        asked.append(len(z))
        assert labels is not None and set(labels.tolist()) <= set(range(10))
        return z / 2

    pairs = Pairs(make, (1, 4, 4), classes=10, size=64, seed=3, device=torch.device("cpu"))
    rounds = -(-EXAMPLES // 64)
    first, second, again = pairs.draw(0, rng()), pairs.draw(1, rng()), pairs.draw(rounds, rng(7))
    assert asked == [64, 64]
    assert torch.equal(first.x, again.x) and torch.equal(first.noise, again.noise) and torch.equal(first.labels, again.labels)  # type: ignore[arg-type]
    assert not torch.equal(first.noise, second.noise) and torch.allclose(first.x, first.noise / 2, atol=2e-3)
    other = Pairs(make, (1, 4, 4), classes=10, size=64, seed=3, device=torch.device("cpu"))
    assert torch.equal(other.draw(1, rng()).x, second.x)


def test_it_starts_as_its_teacher_and_sees_the_teachers_own_pairs(teacher: Diffusion) -> None:
    model = student()
    assert not same(model, teacher)
    model.begin()
    assert same(model, teacher)
    batch = model.batches(toy_data(SPEC.shape), OPTIONS).draw(0, rng())
    assert isinstance(batch, PairBatch) and batch.x.shape == batch.noise.shape == (16, *SPEC.shape)
    made = teacher.eval().make_inside(batch.noise, batch.labels, rng())
    assert torch.allclose(made, batch.x, atol=2e-3)
    terms = {k: v.detach() for k, v in model.loss(batch, rng(1)).items()}
    x = batch.x - batch.noise  # the loss of a network that answers nothing: the length of what it should have said
    with torch.no_grad():
        for p in model.denoiser.out.parameters():  # type: ignore[union-attr]
            p.zero_()
    assert float(model.loss(batch, rng(1))["mse"].detach()) == pytest.approx(float(x.square().mean()), rel=1e-3) != float(terms["mse"])


def test_a_stopped_one_goes_on_as_if_it_had_not_been_stopped(teacher: Diffusion) -> None:
    _, whole = trained(student())
    asked = iter([[], [], [Command(Do.STOP)]])
    saved, _ = trained(student(), commands=lambda: next(asked, []))
    assert saved[-1].images == 32
    _, resumed = trained(student(), resume=(saved[-1].state, saved[-1].facts))
    assert same(whole, resumed) and not same(whole, teacher)


def test_on_points_one_step_of_it_lands_where_ten_of_its_teacher_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "SHIPPED", home.PROJECT / "checkpoints" / "shipped")
    spec = load("moons").spec
    slow = registry.load("moons-diffusion")
    assert isinstance(slow, Diffusion)
    request, _ = checked(Request("diffusion", "moons", {}, {"seconds": 0, "images": 150_000}, preset="shortcut"))
    assert request.config["teacher"] == request.parent == "moons-diffusion" and request.config["width"] == slow.config.width
    torch.manual_seed(0)
    model = registry.build("diffusion", request.config, spec)
    steps = train(model, load("moons"), Options(**{**request.options, "measures": 0}), watch=False)
    quick: Any = None
    while quick is None:
        try:
            next(steps)
        except StopIteration as end:
            quick = end.value
    z = torch.randn(1000, 2, generator=rng())
    wanted = slow.make_inside(z, None, rng())

    def off(model: Diffusion, steps: int) -> float:
        return float((model.make_inside(z, None, rng(), steps=steps, sampler="euler") - wanted).square().sum(1).mean())

    assert off(quick, 1) < off(slow, 1) / 20 and off(quick, 2) < off(slow, 2) / 10


def test_it_is_sampled_in_two_steps_without_guidance_unless_told_otherwise(teacher: Diffusion) -> None:
    config = student().config
    how = chosen({}, config)
    assert (how.sampler.value, how.steps, how.guidance) == ("euler", 2, 1.0) and default_steps(config) == 2
    assert chosen({}, teacher.config).steps == default_steps(teacher.config) == 8
    assert technique("diffusion").sampling_of(config) == {"steps": 2, "guidance": 1.0}
    assert technique("diffusion").sampling_of(teacher.config) == {"steps": 8, "guidance": 1.4}
    model = student()
    assert sampling_values(model, {})["steps"] == 2 and sampling_values(model, {"steps": 5})["steps"] == 5
    assert sampling_values(teacher, {})["steps"] == 8
    with pytest.raises(Refusal, match="never had its labels hidden"):
        model.make(2, rng(), torch.tensor([0, 1]), guidance=2.0)
    assert model.make(2, rng(), torch.tensor([0, 1])).shape == (2, *SPEC.shape)


@pytest.fixture
def unsuitable() -> Iterator[None]:
    digits = load("digits").spec
    for slug, kind, config, spec in (
        ("curved", "diffusion", {"path": "cosine", "width": 8}, digits),
        ("image", "diffusion", {"target": "image", "width": 8}, digits),
        ("other", "gan", {"channels": 8}, digits),
        ("fine", "diffusion", {"width": 8, "depth": 2}, digits),
    ):
        registry.save(registry.build(kind, config, spec), card(slug, kind, config, spec))
    yield


def test_a_request_is_checked_and_takes_over_what_is_its_teachers(teacher: Diffusion, unsuitable: None) -> None:
    def asked(slug: str) -> Request:
        return checked(Request("diffusion", "digits", {"teacher": slug, "width": 64, "dropout": 0.1}, {"images": 10}))[0]

    made = asked("fine")
    assert made.parent == "fine" and (made.config["width"], made.config["depth"], made.config["dropout"]) == (8, 2, 0.1)
    for slug, why in {
        "curved": "flow matching",
        "image": "flow matching",
        "other": "flow matching",
        "slow": "trained on",
        "nobody": "no model",
    }.items():
        with pytest.raises(Refusal, match=why):
            asked(slug)
    assert sorted(registry.teachers()) == ["fine", "slow"]


def test_it_is_kept_told_of_and_loads_without_its_teacher(teacher: Diffusion) -> None:
    model = student()
    made = registry.save(model, ModelCard(**{**vars(card("quick", "diffusion", as_values(model.config))), "parent": "slow"}))
    first, second = registry.shell_commands(made.card)
    assert first.endswith("--name slow") and "--set teacher=slow" in second and "width" not in second
    assert "shortcut of `slow`" in (made.folder / "README.md").read_text()
    assert registry.rename("slow", "slower") and registry.entry("quick").card.config["teacher"] == registry.entry("quick").card.parent == "slower"
    registry.delete("slower")
    assert same(registry.load("quick"), model)  # type: ignore[arg-type]
    with pytest.raises(Refusal, match="no model called"):
        registry.load("quick").begin()
    assert len(registry.shell_commands(registry.entry("quick").card)) == 1

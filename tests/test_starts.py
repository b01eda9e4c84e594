"""Starting from a finished model: its weights, what has to be the same, and how the way to it is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from conftest import PROJECT
from toys import toy_data, toy_spec

from aigc import home, registry
from aigc.data import spec
from aigc.data.batches import Batch
from aigc.jobs.request import Request, checked
from aigc.knobs import as_values
from aigc.options import Options
from aigc.registry import ModelCard
from aigc.registry.starts import start
from aigc.techniques import technique, techniques
from aigc.techniques.base import Technique
from aigc.techniques.diffusion.model import Diffusion
from aigc.train import train
from aigc.words import Refusal

SPEC = toy_spec((1, 8, 8))
OPTIONS = Options(seconds=0, images=64, batch=16)
SMALL = {"gan": {"channels": 4}, "autoencoder": {"width": 8}, "vae": {"width": 8}, "diffusion": {"width": 8, "conditional": True}}


def config(slug: str, **values: Any) -> Any:
    return technique(slug).read({**SMALL[slug], **values}, SPEC)[0]


def kept(slug: str, name: str, begun_as: str = "", **values: Any) -> Technique:
    torch.manual_seed(7)
    model = registry.build(slug, config(slug, **values), SPEC)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.1 * torch.randn(p.shape))
    options = {**as_values(OPTIONS), "start": begun_as}
    registry.save(model, ModelCard(name, slug, SPEC.name, registry.spec_as_json(SPEC), as_values(model.config), options, parent=begun_as))
    return model


def same(a: Technique, b: Technique) -> bool:
    return all(torch.equal(v, b.state_dict()[k]) for k, v in a.state_dict().items())


@pytest.mark.parametrize("slug", techniques())
def test_a_training_begins_with_its_weights_and_moves_on(slug: str) -> None:
    before = kept(slug, "before")
    model = registry.build(slug, config(slug), SPEC, start="before")
    assert not same(model, before)
    model.begin()
    assert same(model, before)
    *_, last = train(model, toy_data(SPEC.shape), OPTIONS, watch=False)
    assert last.by == "budget" and not same(model, before)


def test_a_run_that_goes_on_does_not_start_again() -> None:
    kept("vae", "before")
    data = toy_data(SPEC.shape)
    model = registry.build("vae", config("vae"), SPEC, start="before")
    *_, saved, _ = (event for event in train(model, data, OPTIONS, watch=False) if type(event).__name__ in ("Saved", "Finished"))
    registry.delete("before")
    again = registry.build("vae", config("vae"), SPEC, start="before")
    *_, last = train(again, data, replace(OPTIONS, images=128), watch=False, resume=(saved.state, saved.facts))
    assert last.images == 128


def test_what_may_move_while_training_may_differ_and_what_may_not_is_named_with_its_value() -> None:
    kept("diffusion", "before", attention=True)
    assert start("before", "diffusion", config("diffusion", attention=True, model_guidance=1.4, label_dropout=0.3), SPEC).slug == "before"
    with pytest.raises(Refusal) as refused:
        start("before", "diffusion", config("diffusion", width=16, conditional=False), SPEC)
    assert refused.value.words.en == "To start from before, be as it is: Told the class = yes; Width = 8; Attention = yes."
    assert "宽度 = 8" in refused.value.words.zh


def test_guidance_is_learnt_from_the_model_it_started_from() -> None:
    before = kept("diffusion", "before")
    model = registry.build("diffusion", config("diffusion", model_guidance=3.0, label_dropout=1e-6), SPEC, start="before")
    model.begin()
    data = toy_data(SPEC.shape)
    batch = Batch(data.x[:16].float() / 255, data.labels[:16])
    seen: list[tuple[torch.Tensor, ...]] = []
    model.denoiser.register_forward_pre_hook(lambda network, args: seen.append(args))  # type: ignore[operator,union-attr]
    loss = model.loss(batch, torch.Generator().manual_seed(0))["mse"]  # type: ignore[operator]
    ((x, time, labels),) = seen
    told, untold = (before.denoiser(x, time, them) for them in (labels, torch.full_like(labels, 10)))  # type: ignore[operator]
    assert torch.allclose(loss, (told - (untold + 3 * (told - untold))).square().mean(), rtol=1e-4)
    assert "guide" not in dict(model.named_children()) and same(before, model)


@pytest.mark.parametrize("how", [{"model_guidance": 2.0}, {"label_dropout": 0.0}])
def test_a_model_that_is_guided_already_or_cannot_be_is_no_guide(how: dict[str, float]) -> None:
    kept("diffusion", "before", **how)
    model = registry.build("diffusion", config("diffusion", model_guidance=1.5), SPEC, start="before")
    assert isinstance(model, Diffusion) and model.guide is None


@pytest.mark.parametrize(("slug", "its", "says"), [
    ("gan", SPEC, "of another technique"),
    ("diffusion", toy_spec((1, 28, 28)), "choose data that match"),
    ("diffusion", toy_spec((1, 8, 8), classes=3), "choose data that match"),
])  # fmt: skip
def test_a_model_of_another_kind_or_shape_is_refused(slug: str, its: Any, says: str) -> None:
    kept("diffusion", "before")
    with pytest.raises(Refusal, match=says):
        start("before", slug, config(slug), its)


def test_a_request_is_checked_and_remembers_where_it_started() -> None:
    with pytest.raises(Refusal, match="no model called"):
        checked(Request("vae", "digits", {}, {"start": "nowhere"}, preset="quick"))
    digits = spec("digits")
    made, options = technique("vae").read({}, digits, "quick")
    card = ModelCard("mine", "vae", "digits", registry.spec_as_json(digits), as_values(made), as_values(options))
    registry.save(registry.build("vae", made, digits), card)
    request, _ = checked(Request("vae", "digits", {}, {"start": "mine"}, preset="quick"))
    assert request.parent == "mine" and request.options["start"] == "mine"


def test_the_way_to_a_model_is_told_from_its_beginning_and_follows_a_new_name() -> None:
    kept("vae", "first")
    kept("vae", "second", "first")
    registry.rename("first", "oldest")
    lines = registry.shell_commands(registry.entry("second").card)
    assert len(lines) == 2 and lines[0].endswith("--name oldest") and "--set start=oldest" in lines[1]
    assert registry.lineage("second") == ["oldest"]


def test_two_models_that_name_each_other_do_not_go_round_for_ever() -> None:
    kept("vae", "first", "second")
    kept("vae", "second", "first")
    assert len(registry.shell_commands(registry.entry("second").card)) == 2


def test_the_form_offers_the_models_of_its_technique() -> None:
    kept("vae", "a-vae")
    kept("gan", "a-gan")
    assert "a-vae" in registry.starts("vae") and "a-gan" not in registry.starts("vae")


@pytest.mark.parametrize("data", ["mnist", "fashion-mnist"])
def test_the_preset_that_learns_guidance_suits_the_model_that_came_along(data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "SHIPPED", PROJECT / "checkpoints" / "shipped")
    made, options = technique("diffusion").read({}, spec(data), "guided")
    assert start(options.start, "diffusion", made, spec(data)).shipped and made.learns_guidance


def test_the_divergence_of_a_vae_warms_up_anew() -> None:
    torch.manual_seed(7)
    before = registry.build("vae", config("vae", warmup=1000), SPEC)
    before.images_seen.fill_(5000)
    registry.save(before, ModelCard("before", "vae", SPEC.name, registry.spec_as_json(SPEC), as_values(before.config), as_values(OPTIONS)))
    model = registry.build("vae", config("vae", warmup=1000), SPEC, start="before")
    model.begin()
    assert int(model.images_seen) == 0


def test_strangers_do_not_fill_the_disk_by_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    large = Request("vae", "celeba", preset="quick")
    with pytest.raises(Refusal, match="200 MB"):
        checked(large, 1800.0, 200e6)
    assert checked(large)[1].name == "celeba"

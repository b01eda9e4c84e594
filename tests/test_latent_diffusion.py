"""Diffusion in the codes of an autoencoder: trained, kept with the autoencoder inside, refused in words where it makes no sense."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from toys import toy_data, toy_spec

from aigc import outputs, registry
from aigc.commands import Command, Do
from aigc.data.batches import Batch
from aigc.data.load import load
from aigc.events import Event, Preview, Saved
from aigc.jobs.request import Request, checked
from aigc.knobs import as_values, knobs, read, read_value
from aigc.maths.likelihood import kl_per_dimension
from aigc.options import Options
from aigc.registry import ModelCard
from aigc.registry.sampling import draw
from aigc.techniques import technique
from aigc.techniques.base import Technique
from aigc.techniques.diffusion.model import Diffusion
from aigc.techniques.vae.model import VAE
from aigc.train import train
from aigc.words import Refusal

SHAPE = (3, 16, 16)
SPEC = toy_spec(SHAPE)
MAP = {"bottleneck": "map", "latent": 2, "channels": 8, "likelihood": "gaussian"}
CONFIG = {"latents": "codes", "width": 8, "levels": 20}
OPTIONS = read(Options, {"seconds": 0, "images": 160, "batch": 16, "flip": True})


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def awake(model: Any, seed: int = 5) -> Any:
    """With weights that are not zero anywhere, so that outputs tell models apart."""
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.05 * torch.randn(p.shape, generator=rng(seed)))
    return model


def card(slug: str, kind: str, config: dict[str, Any], data: Any = SPEC) -> ModelCard:
    return ModelCard(slug, kind, data.name, registry.spec_as_json(data), config, as_values(OPTIONS))


def vae(**values: Any) -> VAE:
    torch.manual_seed(0)
    model = awake(registry.build("vae", {**MAP, **values}, SPEC))
    data = toy_data(SHAPE)
    model.calibrate(data.x.float() / 255, None, rng())
    return model


@pytest.fixture
def codes() -> VAE:
    """A VAE with a map of codes, in the registry under this name."""
    model = vae()
    registry.save(model, card("codes", "vae", as_values(model.config)))
    return model


@pytest.fixture
def model(codes: VAE) -> Diffusion:
    torch.manual_seed(0)
    made = registry.build("diffusion", CONFIG, SPEC)
    assert isinstance(made, Diffusion)
    return made


def drain(training: Generator[Event, None, Technique]) -> tuple[list[Event], Technique]:
    events: list[Event] = []
    while True:
        try:
            events.append(next(training))
        except StopIteration as end:
            return events, end.value


# the autoencoder


def test_a_map_of_codes_keeps_what_a_vector_keeps() -> None:
    model = vae()
    x = toy_data(SHAPE).x[:6].float() / 255
    mean, logvar = model.posterior(x, None)
    assert mean.shape == (6, 2 * 4 * 4) and model.latents(3, rng()).shape == (3, 32)
    (back,) = model.decode(mean, rng=rng())
    assert back.shape == x.shape
    with torch.no_grad():
        terms = model.loss(Batch(x), rng())
    assert terms["kl_per_dimension"].shape == (2,)  # a bar for each channel of the map
    assert float(terms["kl_per_dimension"].sum()) == pytest.approx(float(terms["kl"]), rel=1e-5)
    assert torch.allclose(terms["kl"], kl_per_dimension(mean, logvar).sum(1).mean())


def test_a_place_of_the_map_sees_its_own_part_of_the_picture() -> None:
    model = vae()
    x = toy_data(SHAPE).x[:1].float() / 255
    changed = x.clone()
    changed[..., :4, :4] += 0.5
    away = (model.as_map(model.posterior(changed, None)[0]) - model.as_map(model.posterior(x, None)[0])).abs().sum(1)[0]
    assert away[:2, :2].mean() > 2 * away[2:, 2:].mean()


def test_codes_are_standardised_and_lead_back_to_the_reconstruction() -> None:
    model = vae()
    x = toy_data(SHAPE).x.float() / 255
    codes = model.codes(x)
    assert codes.shape == (100, 2, 4, 4)
    assert codes.mean((0, 2, 3)).abs().max() < 1e-3 and (codes.std((0, 2, 3)) - 1).abs().max() < 1e-3
    (rebuilt,) = model.decode(model.posterior(x, None)[0], rng=rng())
    assert torch.allclose(model.from_codes(codes), rebuilt, atol=1e-5)


@pytest.mark.parametrize(
    ("values", "shape", "why"),
    [
        ({}, (1, 6, 6), "divided by 4"), ({}, (2,), "divided by 4"), ({"network": "dense"}, SHAPE, "convolutional"),
        ({"conditional": True}, SHAPE, "not told classes"),
    ],
)  # fmt: skip
def test_a_map_is_refused_where_there_can_be_none(values: dict[str, Any], shape: tuple[int, ...], why: str) -> None:
    with pytest.raises(Refusal) as refused:
        registry.build("vae", {**MAP, "network": "automatic" if shape != (2,) else "dense", **values}, toy_spec(shape))
    assert why in refused.value.words.en or "convolutional" in refused.value.words.en


def test_large_pictures_have_a_preset_for_codes() -> None:
    info = technique("vae")
    assert "codes" not in info.presets(toy_spec((1, 28, 28))) and "codes" not in info.presets(toy_spec((3, 66, 66)))
    config, _ = info.read({}, toy_spec((3, 64, 64)), "codes")
    assert config.code_shape((3, 64, 64)) == (4, 16, 16)


# diffusion in its codes


def test_it_trains_in_the_codes_and_leaves_the_autoencoder_alone(model: Diffusion) -> None:
    before = {k: v.clone() for k, v in model.autoencoder.state_dict().items()}  # type: ignore[union-attr]
    batch = Batch(toy_data(SHAPE).x.float() / 255)
    with torch.no_grad():
        first = float(model.loss(batch, rng())["loss"])
    events, averaged = drain(train(model, toy_data(SHAPE), replace(OPTIONS, images=3200, learning_rate=4e-3)))
    assert float(averaged.loss(batch, rng())["loss"]) < 0.7 * first  # type: ignore[operator]
    for held in (model, averaged):
        assert all(torch.equal(v, before[k]) for k, v in held.autoencoder.state_dict().items())  # type: ignore[union-attr]
    sheet = [e for e in events if isinstance(e, Preview)][-1].sheets["samples"]
    assert sheet.shape[1:] == SHAPE and sheet.min() >= 0 and sheet.max() <= 1


def test_pictures_are_encoded_once_and_mirrored_ones_apart(model: Diffusion) -> None:
    data = toy_data(SHAPE, n=40)
    x = data.x.float() / 255
    batches = model.batches(data, OPTIONS)
    seen = torch.cat([batches.draw(i, rng(i)).x for i in range(40)])
    either = torch.stack([model.from_data(x), model.from_data(x.flip(3))])
    distance, where = (seen[:, None, None] - either).abs().amax((3, 4, 5)).flatten(1).min(1)
    assert distance.max() < 0.01 and 0.3 < (where < 40).float().mean() < 0.7
    assert set((where % 40).tolist()) == set(range(40))


def test_pictures_that_are_shifted_too_are_encoded_as_they_come(model: Diffusion) -> None:
    data, options = toy_data(SHAPE), replace(OPTIONS, shift=0.2)
    batch = model.batches(data, options).draw(0, rng())
    assert batch.x.shape[1:] == SHAPE
    _, averaged = drain(train(model, data, options))
    assert averaged.make(2, rng()).shape == (2, *SHAPE)


def test_a_resumed_run_equals_one_that_was_never_stopped(codes: VAE) -> None:
    def fresh() -> Technique:
        torch.manual_seed(0)
        return registry.build("diffusion", CONFIG, SPEC)

    _, straight = drain(train(fresh(), toy_data(SHAPE), OPTIONS))
    asked = iter([[], [], [], [Command(Do.SNAPSHOT)]])
    saved = next(e for e in train(fresh(), toy_data(SHAPE), OPTIONS, commands=lambda: next(asked, [])) if isinstance(e, Saved))
    assert 0 < saved.images < OPTIONS.images
    _, resumed = drain(train(awake(fresh(), 9), toy_data(SHAPE), OPTIONS, resume=({k: v.clone() for k, v in saved.state.items()}, saved.facts)))
    assert all(torch.equal(v, resumed.state_dict()[k]) for k, v in straight.state_dict().items())


def test_sampling_ends_in_pictures_whoever_watches(model: Diffusion) -> None:
    awake(model.denoiser)
    with torch.no_grad():
        *path, x = model.sample(3, rng(1), steps=4)
        assert len(path) == 3 and x.shape == (3, *SHAPE) and x.min() >= 0 and x.max() <= 1
        assert torch.equal(x, model.make(3, rng(1), steps=4))
        assert not torch.equal(x, model.make(3, rng(2), steps=4))


def test_there_and_back_again(model: Diffusion) -> None:
    """Pictures go to noise and come back as the autoencoder rebuilds them."""
    awake(model.denoiser)
    x = toy_data(SHAPE).x[:3].float() / 255
    with torch.no_grad():
        *_, z = model.encode(x, rng=rng(), sampler="euler", steps=20)
        *_, back = model.decode(z, rng=rng(), sampler="euler", steps=20)
        states = list(model.noise_path(x, rng(), count=4))
        rebuilt = model.to_data(model.from_data(x))
    assert z.shape == (3, 2, 4, 4)
    assert (back - rebuilt).abs().max() < 0.02
    assert torch.allclose(states[0], model.from_data(x)) and torch.equal(states[-1], torch.randn(z.shape, generator=rng()))


# kept


def test_it_is_whole_without_the_autoencoder_it_was_trained_with(model: Diffusion, tmp_path: Path) -> None:
    awake(model.denoiser)
    entry = registry.save(model, replace(card("faces", "diffusion", as_values(model.config)), parent="codes"))
    inside = {k: entry.card.inside[k] for k in ("technique", "config", "slug")}
    assert inside == {"technique": "vae", "config": as_values(model.autoencoder.config), "slug": "codes"}  # type: ignore[union-attr]
    assert registry.lineage("faces") == ["codes"] and "`codes`, which is inside" in (entry.folder / "README.md").read_text()
    made, _ = draw(model.eval(), 4)
    zipped = registry.export("faces", tmp_path / "faces.zip")
    registry.delete("codes")
    assert torch.equal(draw(registry.load("faces"), 4)[0], made)
    registry.delete("faces")
    assert torch.equal(draw(registry.load(registry.import_(zipped).slug), 4)[0], made)


def test_what_is_made_of_faces_says_what_it_is_not(codes: VAE) -> None:
    faces = replace(SPEC, name="fairface64")
    text = (registry.save(codes, card("faces", "vae", as_values(codes.config), faces)).folder / "README.md").read_text()
    assert "belong to nobody" in text and "不属于任何人" in text
    assert "belong to nobody" not in (registry.entry("codes").folder / "README.md").read_text()


def test_another_name_of_the_autoencoder_is_followed(model: Diffusion) -> None:
    registry.save(model, replace(card("faces", "diffusion", as_values(model.config)), parent="codes"))
    registry.rename("codes", "better-name")
    renamed = registry.entry("faces").card
    assert renamed.parent == renamed.config["latents"] == "better-name"
    assert "--set latents=better-name" in registry.shell_command(renamed)


@pytest.mark.parametrize(
    "inside",
    [{}, {"technique": "gan", "config": {}}, {"technique": "vae", "config": {"latent": 3}}, {"technique": 7}, {"technique": "vae", "config": []}],
    ids=str,
)  # fmt: skip
def test_a_card_that_lies_about_what_is_inside_is_refused(model: Diffusion, inside: dict[str, Any]) -> None:
    folder = registry.save(model, card("faces", "diffusion", as_values(model.config))).folder
    registry.delete("codes")
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**values, "inside": inside}))
    with pytest.raises(Refusal):
        registry.load("faces")


# asked for


def asked(latents: str, data: str = "digits") -> Request:
    return Request("diffusion", data, {"latents": latents}, {"images": 10})


def test_a_request_is_checked_before_anything_starts() -> None:
    digits = load("digits").spec
    small = {**MAP, "channels": 4}
    registry.save(registry.build("vae", small, digits), card("codes", "vae", small, digits))
    registry.save(registry.build("vae", {"latent": 4}, digits), card("vector", "vae", {"latent": 4}, digits))
    registry.save(registry.build("vae", small, SPEC), card("elsewhere", "vae", small))
    request, _ = checked(asked("codes"))
    assert request.parent == "codes" and checked(asked(""))[0].parent == ""
    for slug, why in {"vector": "no map of codes", "elsewhere": "trained on", "nowhere": "no model called", "No Slug!": "name of a model"}.items():
        with pytest.raises(Refusal, match=why):
            checked(asked(slug))
    assert sorted(registry.autoencoders()) == ["codes", "elsewhere"]


def test_the_codes_of_a_diffusion_model_serve_others_too(model: Diffusion) -> None:
    faces = registry.save(model, card("faces", "diffusion", as_values(model.config)))
    registry.delete("codes")
    assert registry.autoencoders() == ["faces"]
    other = registry.build("diffusion", {**CONFIG, "latents": "faces"}, SPEC)
    assert all(torch.equal(v, model.autoencoder.state_dict()[k]) for k, v in other.autoencoder.state_dict().items())  # type: ignore[union-attr]
    again = registry.save(other, card("again", "diffusion", as_values(other.config)))
    assert again.card.inside == faces.card.inside


def test_every_line_that_makes_it_again_is_told(model: Diffusion) -> None:
    made = registry.save(model, card("faces", "diffusion", as_values(model.config))).card
    first, second = registry.shell_commands(made)
    assert first == registry.shell_command(registry.entry("codes").card) and first.endswith("--name codes")
    assert "--set latents=codes" in second and second.endswith("--name faces")
    assert first in (registry.entry("faces").folder / "README.md").read_text()
    for lie in ({"slug": "../x"}, {"options": 3}, {"seed": True}, {"technique": None}):
        assert registry.shell_commands(replace(made, inside={**made.inside, **lie})) == [second]


def test_the_knob_is_a_name_or_nothing() -> None:
    k = knobs(technique("diffusion").Config)["latents"]
    assert read_value(k, None) == read_value(k, " ") == read_value(k, "") == "" and read_value(k, " faces-vae ") == "faces-vae"
    for wrong in ("../x", "A", 3, True, "x" * 64):
        with pytest.raises(Refusal):
            read_value(k, wrong)


def test_the_exported_program_builds_it_with_its_autoencoder(model: Diffusion) -> None:
    entry = registry.save(model, replace(card("faces", "diffusion", as_values(model.config)), parent="codes"))
    program = outputs.script(entry.card)
    assert "train vae --data toy" in program and "'latents': 'codes'" in program
    assert "build(TECHNIQUE, config, data.spec, start=options.start)" in program
    compile(program, "train.py", "exec")

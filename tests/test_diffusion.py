"""Diffusion as a whole: every combination trains, every sampler makes the distribution it should, refusals are sentences."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from toys import toy_data, toy_spec

from aigc.data.batches import Batch
from aigc.knobs import read
from aigc.maths import diffusion as maths
from aigc.techniques.base import Shown
from aigc.techniques.diffusion import GUIDANCE, Config, Path, Sampler, Target, Times
from aigc.techniques.diffusion.model import Diffusion
from aigc.words import Refusal

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 64, 64), (2,)]
MEAN, STD = 0.4, 0.3
LEVELS = 1000


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def last(stream: Iterator[Any]) -> Any:
    *_, x = stream
    return x


def batch_of(shape: tuple[int, ...], n: int = 4) -> Batch:
    data = toy_data(shape, n=n)
    return Batch(data.x.float() / 255 if data.x.dtype == torch.uint8 else data.x, data.labels)


def small(shape: tuple[int, ...] = (1, 8, 8), **values: Any) -> Diffusion:
    """A model with awake weights, so that its samples are not all alike."""
    torch.manual_seed(0)
    model = Diffusion(read(Config, {"width": 8, **values}), toy_spec(shape)).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.05 * torch.randn(p.shape, generator=rng(5)))
    return model


class Ideal(nn.Module):
    """The best denoiser there is for data from N(MEAN, STD^2), in whatever it is asked to predict."""

    def __init__(self, model: Diffusion):
        super().__init__()
        self.rates, self.mix, self.calls = model.rates, model.mix, 0
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, time: Tensor, labels: Tensor | None = None) -> Tensor:
        self.calls += 1
        signal_rate, noise_rate = self.rates[(time * (len(self.rates) - 1)).round().long()].view(-1, 2, 1).unbind(1)
        x0 = MEAN + signal_rate * STD**2 / (signal_rate**2 * STD**2 + noise_rate**2) * (x - signal_rate * MEAN)
        noise = (x - signal_rate * x0) / noise_rate
        return maths.target(x0, noise, signal_rate, noise_rate, self.mix)


def ideal(path: Path, target: Target = Target.AUTOMATIC) -> Diffusion:
    model = Diffusion(Config(path=path, target=target, levels=LEVELS, width=8), toy_spec((2,), classes=0)).eval()
    model.denoiser = Ideal(model)
    return model


def allowed(path: Path, target: Target) -> bool:
    try:
        Config(path=path, target=target)
    except Refusal:
        return False
    return True


COMBINATIONS = [(p, t) for p, t in itertools.product(Path, Target) if allowed(p, t)]
EASY = [c for c in COMBINATIONS if c != (Path.COSINE, Target.NOISE)]  # there the noise says nothing of x0 at the first step
ON_STRAIGHT = (Sampler.EULER, Sampler.HEUN, Sampler.ADAMS)
SAMPLERS = [s for s in Sampler if s is not Sampler.AUTOMATIC]
SAMPLED = [(*c, s) for c, s in itertools.product(EASY, SAMPLERS) if c[0] is Path.STRAIGHT or s not in ON_STRAIGHT]
STEPS = {Sampler.DDIM: 100, Sampler.DDPM: 250, Sampler.EULER: 100, Sampler.HEUN: 30, Sampler.ADAMS: 40}
STEPS |= {Sampler.DPM_SOLVER: 40, Sampler.UNIPC: 40}


# what can be asked


def test_exactly_the_combinations_that_cannot_work_are_refused() -> None:
    refused = {(p.value, t.value) for p, t in itertools.product(Path, Target) if not allowed(p, t)}
    assert refused == {("straight", "noise"), ("zero-snr", "noise"), ("linear", "velocity"), ("cosine", "velocity"), ("zero-snr", "velocity")}


def one_step(shape: tuple[int, ...], **values: Any) -> None:
    model = small(shape, dropout=0.1, **values).train()
    terms = model.loss(batch_of(shape), rng())
    terms["loss"].backward()
    assert terms["loss"].isfinite() and terms["mse"].isfinite() and terms["loss_by_noise_level"].shape == (10,), values
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters()), values


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_path_target_and_network_takes_a_step(shape: tuple[int, ...]) -> None:
    networks = ["dense"] if len(shape) == 1 else ["dense", "convolutional"]
    for (path, target), network, conditional in itertools.product(COMBINATIONS, networks, (False, True)):
        one_step(shape, path=path, target=target, network=network, conditional=conditional, attention=conditional)


def test_every_weighting_of_the_levels_takes_a_step() -> None:
    for (path, target), times, min_snr, levels in itertools.product(COMBINATIONS, Times, (0.0, 5.0), (1, 1000)):
        one_step((1, 8, 8), path=path, target=target, times=times, min_snr=min_snr, levels=levels)


@pytest.mark.parametrize(
    ("values", "how", "labels", "says"),
    [
        ({"path": "cosine"}, {"sampler": "euler"}, None, "DDIM"),
        ({"path": "linear"}, {"sampler": "heun"}, None, "DDIM"),
        ({"levels": 10}, {"steps": 11}, None, "at most 10"),
        ({}, {"guidance": 2.0}, None, "not told classes"),
        ({}, {}, torch.zeros(2, dtype=torch.long), "not told classes"),
        ({"conditional": True, "label_dropout": 0.0}, {}, None, "name a class"),
        ({"conditional": True, "label_dropout": 0.0}, {"guidance": 2.0}, torch.zeros(2, dtype=torch.long), "leave guidance at 1"),
        ({"conditional": True}, {}, torch.tensor([0, 10]), "10 classes"),
        ({"conditional": True}, {}, torch.tensor([-1, 0]), "10 classes"),
        ({}, {"sampler": "no such"}, None, "Sampler"),
        ({}, {"temperature": 1}, None, "temperature"),
    ],
)
def test_what_a_model_cannot_do_is_refused_in_a_sentence(values: dict[str, Any], how: dict[str, Any], labels: Tensor | None, says: str) -> None:
    with pytest.raises(Refusal) as refusal:
        last(small(**values).sample(2, rng(), labels, **how))
    assert says in refusal.value.words.en and refusal.value.words.zh.endswith("。")


def test_refusals_while_building() -> None:
    with pytest.raises(Refusal, match="no labels"):
        Diffusion(Config(conditional=True), toy_spec(classes=0))
    with pytest.raises(Refusal, match="dense"):
        small((2,), network="convolutional")


# training


@pytest.mark.parametrize(("path", "target"), COMBINATIONS)
def test_the_ideal_denoiser_has_the_least_loss_there_is(path: Path, target: Target) -> None:
    """Its error is the variance left in the target given x_t; a denoiser for other data errs more."""
    model = ideal(path, target)
    x = MEAN + STD * torch.randn(4000, 2, generator=rng())
    best = model.loss(Batch(x), rng(1))
    other = model.loss(Batch(x + 0.3), rng(1))
    assert best["loss"] < other["loss"]
    of_noise, of_image = model.mix(*model.rates[500].tolist())
    signal_rate, noise_rate = model.rates[500].tolist()
    det = signal_rate * of_noise - noise_rate * of_image  # the target is linear in x0 given x_t: its error is that of x0 times det / noise_rate
    left = (STD**2 * noise_rate**2 / (signal_rate**2 * STD**2 + noise_rate**2)) * (det / noise_rate) ** 2
    model.draw_levels = lambda n, rng: torch.full((n,), 500)  # type: ignore[method-assign]
    assert float(model.loss(Batch(x), rng(1))["mse"]) == pytest.approx(left, rel=0.05)


def test_the_loss_is_weighted_by_min_snr_and_the_error_reported_is_not() -> None:
    plain, weighted = small(path="cosine", target="noise"), small(path="cosine", target="noise", min_snr=5.0)
    batch = batch_of((1, 8, 8), 8)
    a, b = plain.loss(batch, rng(2)), weighted.loss(batch, rng(2))
    assert torch.equal(a["loss"], a["mse"]) and torch.equal(a["mse"], b["mse"])
    assert torch.equal(a["loss_by_noise_level"].nan_to_num(), b["loss_by_noise_level"].nan_to_num())
    assert b["loss"] < b["mse"], "min(SNR, 5) / SNR is at most one"


def test_the_error_by_level_puts_each_example_into_its_tenth() -> None:
    model = small(levels=1000)
    row = model.by_level(torch.tensor([1.0, 3.0, 5.0, 7.0]), torch.tensor([1, 100, 101, 1000]))
    assert row[[0, 1, 9]].tolist() == [2.0, 5.0, 7.0] and row[2:9].isnan().all()


@pytest.mark.parametrize("times", Times)
@pytest.mark.parametrize("levels", [1, 3, 1000])
def test_levels_are_drawn_from_one_to_t(times: Times, levels: int) -> None:
    drawn = small(times=times, levels=levels).draw_levels(3000, rng())
    assert drawn.min() >= 1 and drawn.max() <= levels
    if levels <= 3 or times is Times.UNIFORM:
        assert drawn.min() == 1 and drawn.max() == levels
    middle = ((drawn > levels * 0.25) & (drawn <= levels * 0.75)).float().mean()
    if levels == 1000:
        assert middle == pytest.approx(0.5 if times is Times.UNIFORM else 0.728, abs=0.01)


def test_the_share_of_hidden_labels_is_the_one_asked_for() -> None:
    labels = torch.arange(10_000) % 10
    hidden = small(conditional=True, label_dropout=0.3).hide_some(labels, rng())
    assert hidden is not None
    gone = hidden == 10
    assert gone.float().mean() == pytest.approx(0.3, abs=0.02) and torch.equal(hidden[~gone], labels[~gone])
    assert torch.equal(small(conditional=True, label_dropout=0.0).hide_some(labels, rng()), labels)


# sampling


@pytest.mark.parametrize(("path", "target", "sampler"), SAMPLED)
def test_the_ideal_denoiser_makes_its_distribution_with_every_sampler_and_path(path: Path, target: Target, sampler: Sampler) -> None:
    x = last(ideal(path, target).sample(8000, rng(), sampler=sampler.value, steps=STEPS[sampler]))
    assert x.mean(0).tolist() == pytest.approx([MEAN, MEAN], abs=0.02)
    assert x.std(0).tolist() == pytest.approx([STD, STD], rel=0.05)
    assert ((x - x.mean(0)) / x.std(0)).pow(4).mean() == pytest.approx(3.0, abs=0.3), "no longer normal"


@pytest.mark.parametrize("path", Path)
@pytest.mark.parametrize("sampler", [Sampler.DPM_SOLVER, Sampler.UNIPC, Sampler.DDIM])
def test_the_ode_leads_each_start_where_theory_says(path: Path, sampler: Sampler) -> None:
    """The probability flow of a Gaussian is x0 = MEAN + STD z, start by start."""
    model = ideal(path)
    z = model.latents(500, rng())
    x = last(model.decode(z, rng=rng(), sampler=sampler.value, steps=200))
    assert torch.allclose(x, MEAN + STD * z, atol=0.03)


def test_few_steps_of_the_second_order_samplers_beat_euler() -> None:
    model = ideal(Path.STRAIGHT)
    z = model.latents(500, rng())
    wanted = MEAN + STD * z

    def error(**how: Any) -> float:
        return float((last(model.decode(z, rng=rng(), **how)) - wanted).abs().mean())

    euler = error(sampler="euler", steps=39)
    for better, steps in (("heun", 20), ("adams", 39), ("dpm-solver++", 39), ("unipc", 39)):  # all of them 39 evaluations
        assert error(sampler=better, steps=steps) < 0.5 * euler, better


def test_at_as_many_looks_adams_is_nearer_the_exact_flow_than_heun() -> None:
    model = ideal(Path.STRAIGHT)
    z = model.latents(500, rng())

    def error(**how: Any) -> float:
        return float((last(model.decode(z, rng=rng(), **how)) - MEAN - STD * z).abs().mean())

    assert error(sampler="adams", steps=8) < 0.7 * error(sampler="heun", steps=4)
    assert error(sampler="adams", steps=39) < 0.6 * error(sampler="heun", steps=20)
    few, more, many = (error(sampler="adams", steps=n) for n in (10, 20, 40))
    assert few > 3 * more > 9 * many, "twice the steps, about a quarter of the error: the first and the last are of lower order"


def test_what_suits_is_adams_for_pictures_and_heun_for_points() -> None:
    for model, suits in ((small(), "adams"), (small((2,)), "heun"), (small(path="cosine"), "dpm-solver++")):
        z = model.latents(3, rng())
        assert torch.equal(last(model.decode(z, rng=rng())), last(model.decode(z, rng=rng(), sampler=suits)))


@pytest.mark.parametrize(("sampler", "scheduler"), [("dpm-solver++", "DPMSolverMultistepScheduler"), ("unipc", "UniPCMultistepScheduler")])
def test_the_solvers_are_diffusers_own_on_its_own_schedule(sampler: str, scheduler: str) -> None:
    """Our levels, set by hand, are those that diffusers makes of the same betas by its public knobs."""
    import diffusers

    model = ideal(Path.LINEAR, Target.NOISE)
    z = model.latents(50, rng())
    theirs = getattr(diffusers, scheduler)(num_train_timesteps=LEVELS, beta_schedule="linear", timestep_spacing="trailing")
    theirs.set_timesteps(20)
    x = z
    for t in theirs.timesteps:
        x = theirs.step(model.denoiser(x, (t + 1).expand(len(x)) / LEVELS), t, x).prev_sample
    assert torch.allclose(last(model.decode(z, rng=rng(), sampler=sampler, steps=20)), x, atol=1e-3)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_steps_are_counted_in_evaluations_of_the_network(sampler: Sampler, steps: int) -> None:
    model = ideal(Path.STRAIGHT)
    seen = list(model.sample(3, rng(), sampler=sampler.value, steps=steps))
    assert isinstance(model.denoiser, Ideal)
    assert model.denoiser.calls == (2 * steps - 1 if sampler is Sampler.HEUN else steps)
    assert len(seen) == steps and all(x.isfinite().all() for x in seen)


@pytest.mark.parametrize("path", Path)
@pytest.mark.parametrize("levels", [1, 2, 5])
def test_a_path_of_few_levels_can_be_sampled_by_every_sampler(path: Path, levels: int) -> None:
    model = small(path=path.value, levels=levels)
    for sampler in Sampler:
        if sampler not in ON_STRAIGHT or path is Path.STRAIGHT:
            x = last(model.sample(2, rng(), sampler=sampler.value))
            assert x.isfinite().all() and x.min() >= 0 and x.max() <= 1, sampler


def test_guidance_is_one_wide_evaluation_and_pushes_away_from_no_label() -> None:
    model = small(conditional=True)
    z, labels = model.latents(3, rng()), torch.tensor([0, 4, 9])
    widths: list[int] = []
    model.denoiser.register_forward_pre_hook(lambda net, given: widths.append(len(given[0])))
    plain = model.denoise_for(labels, 1.0)(z, 500)
    nobody = model.denoise_for(None, 1.0)(z, 500)
    guided = model.denoise_for(labels, 1.7)(z, 500)
    assert widths == [3, 3, 6]
    wanted = nobody + 1.7 * (plain - nobody)  # x0 is linear in the prediction, where nothing is cut
    inside = (plain.abs() < 1) & (nobody.abs() < 1) & (wanted.abs() < 1)
    assert inside.float().mean() > 0.3 and torch.allclose(guided[inside], wanted[inside], atol=1e-4)


def test_outside_its_interval_guidance_costs_and_changes_nothing() -> None:
    model = small(conditional=True)
    z, labels = model.latents(3, rng()), torch.tensor([0, 4, 9])
    widths: list[int] = []
    model.denoiser.register_forward_pre_hook(lambda net, given: widths.append(len(given[0])))
    plain, guided = model.denoise_for(labels, 1.0), model.denoise_for(labels, 3.0, 0.2, 0.9)
    assert all(torch.equal(plain(z, level), guided(z, level)) for level in (100, 199, 901, 1000))
    assert widths == [3] * 8
    for level in (200, 500, 900):
        guided(z, level)
    assert widths[8:] == [6, 6, 6]


def test_by_default_the_first_and_the_last_looks_go_without_guidance() -> None:
    model = small(conditional=True)
    widths: list[int] = []
    model.denoiser.register_forward_pre_hook(lambda net, given: widths.append(len(given[0])))
    model.make(3, rng(), torch.tensor([0, 4, 9]))
    assert widths == [3, 3, 6, 6, 6, 6, 6, 3]
    widths.clear()
    model.make(3, rng(), torch.tensor([0, 4, 9]), guided_from=1.0, guided_to=0.0)
    assert widths == [6] * 8


@pytest.mark.parametrize("sampler", ["ddpm", "ddim"])
def test_fresh_noise_comes_from_the_generator_given(sampler: str) -> None:
    model = small()
    z = model.latents(2, rng(3))
    how = {"sampler": sampler, "steps": 5} | ({"eta": 0.7} if sampler == "ddim" else {})
    a, b, c = (last(model.decode(z, rng=rng(s), **how)) for s in (1, 1, 2))
    assert torch.equal(a, b) and not torch.equal(a, c)
    assert torch.equal(last(model.decode(z, rng=rng(1), steps=5)), last(model.decode(z, rng=rng(2), steps=5))), "without it, z alone decides"


def test_a_short_model_takes_as_many_steps_as_it_has_levels_unless_told() -> None:
    model = small(levels=4)
    assert len(list(model.sample(2, rng()))) == 4 and len(list(model.sample(2, rng(), steps=3))) == 3


# ways through


@pytest.mark.parametrize("path", Path)
def test_what_is_encoded_is_the_noise_that_leads_back(path: Path) -> None:
    model = ideal(path)
    x = MEAN + STD * torch.randn(200, 2, generator=rng())
    *states, z = model.encode(x, rng=rng(), steps=200)
    assert len(states) == 199 and torch.allclose(z, (x - MEAN) / STD, atol=0.2)
    assert torch.allclose(last(model.decode(z, rng=rng(), sampler=model.reversible, steps=200)), x, atol=2e-3)
    z = last(model.encode(x, rng=rng(), steps=20))  # fewer steps are another map, but its inverse all the same
    assert torch.allclose(last(model.decode(z, rng=rng(), sampler=model.reversible, steps=20)), x, atol=0.03)


def test_an_image_comes_back_through_a_trained_network() -> None:
    model = small(width=16).train()
    data = toy_data(n=40).x.float() / 255
    optimiser = torch.optim.Adam(model.parameters(), 4e-3)
    losses = []
    for i in range(120):
        loss = model.loss(Batch(data), rng(i))["loss"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert sum(losses[-10:]) < 0.5 * sum(losses[:10])
    model.eval()
    x = data[:8]
    z = last(model.encode(x, rng=rng(), steps=30))
    assert 0.5 < z.std() < 1.5
    back = last(model.decode(z, rng=rng(), sampler=model.reversible, steps=30))
    assert (back - x).abs().mean() < 0.02 and (back - x.roll(1, 0)).abs().mean() > 0.1


def test_the_path_shows_the_noisy_states_and_ends_in_the_answer() -> None:
    model = small()
    z = model.latents(3, rng())
    pairs = list(model.path(z, rng=rng(), steps=6))
    answer = last(model.decode(z, rng=rng(), steps=6))
    assert len(pairs) == 7 and torch.equal(pairs[-1][0], answer) and torch.equal(pairs[-2][1], answer)
    assert torch.equal(pairs[0][0], model.to_data(z))


@pytest.mark.parametrize("shape", [(1, 8, 8), (2,)], ids=str)
def test_the_noise_path_goes_from_the_data_to_noise(shape: tuple[int, ...]) -> None:
    model = small(shape)
    x = batch_of(shape, 50).x
    states = list(model.noise_path(x, rng(), count=5))
    assert len(states) == 5 and torch.allclose(model.to_data(states[0]), x, atol=1e-6)
    distance = [float((s - states[0]).abs().mean()) for s in states]
    assert distance == sorted(distance) and distance[-1] > 0.2
    assert torch.equal(states[-1], torch.randn(x.shape, generator=rng()))


@pytest.mark.parametrize("shape", [(1, 8, 8), (2,)], ids=str)
def test_a_preview_is_cheap_and_shows_the_paths_of_points(shape: tuple[int, ...]) -> None:
    model = small(shape, conditional=True)
    calls: list[int] = []
    model.denoiser.register_forward_pre_hook(lambda *_: calls.append(1))
    sheets, arrays = model.preview(Shown(20, torch.arange(20) % 10), rng())
    assert len(calls) <= 20
    if shape == (2,):
        assert not sheets and arrays["points"].shape == (20, 2) and arrays["paths"].shape == (len(calls) + 1, 20, 2)
        assert torch.equal(arrays["paths"][-1], arrays["points"])
    else:
        assert not arrays and sheets["samples"].shape == (20, *shape)
    calls.clear()
    sheets, arrays = model.preview(Shown(20, torch.arange(20) % 10, how={"steps": 3}), rng())
    assert (arrays["paths"] if arrays else sheets["samples"]) is not None and len(calls) == 3


def test_what_is_saved_is_the_networks_weights() -> None:
    model = small()
    assert set(model.state_dict()) == {f"denoiser.{k}" for k in model.denoiser.state_dict()} and model.networks() == {"denoiser": model.denoiser}


def test_the_default_guidance_is_for_models_that_can_be_guided() -> None:
    for config in ({}, {"conditional": True, "label_dropout": 0.0}):
        model = small(**config)
        labels = torch.zeros(2, dtype=torch.int64) if config else None
        assert last(model.decode(model.latents(2, rng()), labels, rng=rng(), steps=2)).isfinite().all()
    guided = small(conditional=True)
    labels = torch.tensor([1, 2])
    z = guided.latents(2, rng())
    with torch.no_grad():
        for p in guided.denoiser.parameters():
            p.add_(0.05 * torch.randn(p.shape, generator=rng(1)))
    asked, plain, by_default = (last(guided.decode(z, labels, rng=rng(), steps=2, **how)) for how in ({"guidance": GUIDANCE}, {"guidance": 1.0}, {}))
    assert torch.equal(asked, by_default) and not torch.equal(asked, plain)

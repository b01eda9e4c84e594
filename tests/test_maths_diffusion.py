"""The formulas of diffusion against diffusers, the papers' own formulas and closed forms."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from aigc.maths import diffusion as maths
from aigc.maths import noise_paths

T = 1000
SCHEDULES = {
    "linear": (noise_paths.linear_alpha_bar, {"beta_schedule": "linear"}),
    "cosine": (noise_paths.cosine_alpha_bar, {"beta_schedule": "squaredcos_cap_v2"}),
    "zero-snr": (
        lambda n: noise_paths.zero_terminal_snr(noise_paths.linear_alpha_bar(n)),
        {"beta_schedule": "linear", "rescale_betas_zero_snr": True},
    ),
}
MIXES = {"epsilon": maths.noise_target, "sample": maths.image_target, "v_prediction": maths.v_target, "flow": maths.velocity_target}


def draws(*shape: int, seed: int = 0, count: int = 2) -> list[Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=rng) for _ in range(count)]


def rates_of(name: str, levels: int = T) -> Tensor:
    return noise_paths.straight(levels) if name == "straight" else noise_paths.variance_preserving(SCHEDULES[name][0](levels))


def pair(rates: Tensor, level: int) -> tuple[float, float]:
    signal_rate, noise_rate = rates[level].tolist()
    return signal_rate, noise_rate


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_schedules_are_those_of_diffusers(name: str) -> None:
    from diffusers import DDPMScheduler

    make, asked = SCHEDULES[name]
    theirs = DDPMScheduler(num_train_timesteps=T, **asked).alphas_cumprod.double()
    # they multiply 1,000 factors in float32, we in float64
    assert torch.allclose(make(T), theirs, rtol=2e-4, atol=1e-9)


def test_a_short_linear_schedule_is_the_long_one_in_larger_steps() -> None:
    short, long = noise_paths.linear_alpha_bar(100), noise_paths.linear_alpha_bar(1000)
    assert short[-1] < 1e-4, "100 levels with the betas of 1,000 would leave a third of the variance"
    assert torch.allclose(short, long[9::10], rtol=1e-9)
    between = noise_paths.linear_alpha_bar(2000)
    assert torch.allclose(between[1::2], long, rtol=1e-9) and (between.diff() < 0).all()


@pytest.mark.parametrize("levels", [1, 2, 10, 1000])
@pytest.mark.parametrize("name", [*SCHEDULES, "straight"])
def test_every_path_leads_from_data_to_noise(name: str, levels: int) -> None:
    signal_rate, noise_rate = rates_of(name, levels).unbind(1)
    assert signal_rate[0] == 1 and noise_rate[0] == 0
    assert (signal_rate.diff() < 0).all() and (noise_rate.diff() >= 0).all()
    if name != "straight":
        assert torch.allclose(signal_rate**2 + noise_rate**2, torch.ones(levels + 1))
    if name in ("straight", "zero-snr"):
        assert signal_rate[-1] == 0 and noise_rate[-1] == 1
    elif levels == 1000:
        assert signal_rate[-1] < 0.01


@pytest.mark.parametrize("name", SCHEDULES)
def test_noise_is_added_and_v_is_formed_as_in_diffusers(name: str) -> None:
    from diffusers import DDPMScheduler

    scheduler = DDPMScheduler(num_train_timesteps=T, **SCHEDULES[name][1])
    x0, noise = draws(64, 1, 4, 4)
    index = torch.arange(64) * 15
    signal_rate, noise_rate = rates_of(name)[index + 1].view(-1, 2, 1, 1, 1).unbind(1)
    assert torch.allclose(maths.add_noise(x0, noise, signal_rate, noise_rate), scheduler.add_noise(x0, noise, index), atol=1e-4)
    v = maths.target(x0, noise, signal_rate, noise_rate, maths.v_target)
    assert torch.allclose(v, scheduler.get_velocity(x0, noise, index), atol=1e-4)


@pytest.mark.parametrize("path", [*SCHEDULES, "straight"])
@pytest.mark.parametrize("mix", MIXES)
def test_a_perfect_prediction_gives_back_the_image(path: str, mix: str) -> None:
    x0, noise = draws(5, 3)
    rates = rates_of(path)
    for level in (1, 400, T):
        signal_rate, noise_rate = pair(rates, level)
        if mix == "epsilon" and signal_rate < 0.05:
            continue  # the noise says next to nothing of the image there
        x = maths.add_noise(x0, noise, signal_rate, noise_rate)
        predicted = maths.target(x0, noise, signal_rate, noise_rate, MIXES[mix])
        assert torch.allclose(maths.image_from(predicted, x, signal_rate, noise_rate, MIXES[mix]), x0, atol=1e-3)


def test_the_velocity_is_the_slope_of_the_straight_path() -> None:
    x0, noise = (d.double() for d in draws(4, 2))
    rates = noise_paths.straight(10).double()
    slope = (maths.add_noise(x0, noise, *rates[7]) - maths.add_noise(x0, noise, *rates[6])) / 0.1
    assert torch.allclose(slope, maths.target(x0, noise, *rates[6], maths.velocity_target), atol=1e-5)


def test_v_is_the_slope_of_the_cosine_path_in_its_angle() -> None:
    x0, noise = (d.double() for d in draws(4, 2))

    def at(angle: float) -> Tensor:
        return maths.add_noise(x0, noise, math.cos(angle), math.sin(angle))

    slope = (at(0.7 + 1e-6) - at(0.7 - 1e-6)) / 2e-6
    assert torch.allclose(slope, maths.target(x0, noise, math.cos(0.7), math.sin(0.7), maths.v_target), atol=1e-8)


@pytest.mark.parametrize("gamma", [0.5, 5.0])
def test_min_snr_weights_are_those_of_the_paper(gamma: float) -> None:
    signal_rate, noise_rate = rates_of("cosine")[1:-1].double().unbind(1)
    snr = (signal_rate / noise_rate) ** 2
    least = snr.clamp(max=gamma)
    for mix, wanted in ((maths.image_target, least), (maths.noise_target, least / snr), (maths.v_target, least / (snr + 1))):
        assert torch.allclose(maths.min_snr_weight(signal_rate, noise_rate, mix, gamma), wanted, rtol=1e-4)


@pytest.mark.parametrize("mix", [maths.image_target, maths.v_target, maths.velocity_target])
def test_min_snr_means_the_same_weight_of_the_image_whatever_is_predicted(mix: maths.Mix) -> None:
    """On the straight path, of which the paper does not speak: an error of the prediction is compared with the error of x0 it makes."""
    rates = noise_paths.straight(50)[1:].double()
    signal_rate, noise_rate = rates.unbind(1)
    x0, noise = (d.double() for d in draws(50, count=2))
    x = maths.add_noise(x0, noise, signal_rate, noise_rate)
    predicted = maths.target(x0, noise, signal_rate, noise_rate, mix) + 0.01
    error_of_image = (maths.image_from(predicted, x, signal_rate, noise_rate, mix) - x0) ** 2
    snr = (signal_rate / noise_rate) ** 2
    assert torch.allclose(maths.min_snr_weight(signal_rate, noise_rate, mix, 5.0) * 0.01**2, snr.clamp(max=5.0) * error_of_image, rtol=1e-5)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_a_ddim_step_is_that_of_diffusers(name: str, eta: float) -> None:
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler(num_train_timesteps=T, clip_sample=False, prediction_type="sample", timestep_spacing="trailing", **SCHEDULES[name][1])
    scheduler.set_timesteps(20)
    rates = rates_of(name)
    x, x0, noise = draws(3, 1, 4, 4, count=3)
    levels = maths.trailing(T, 20)
    assert [level - 1 for level in levels[:-1]] == scheduler.timesteps.tolist()
    for here, there in ((levels[0], levels[1]), (levels[10], levels[11]), (levels[19], levels[20])):
        theirs = scheduler.step(x0, here - 1, x, eta=eta, variance_noise=noise).prev_sample
        # their alpha_bar before the first level is a knob; ours is 1, as theirs is by default
        assert torch.allclose(maths.ddim_step(x, x0, pair(rates, here), pair(rates, there), eta, noise), theirs, atol=1e-3)


@pytest.mark.parametrize("steps", [T, 50])
@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_eta_one_is_the_posterior_of_ddpm_in_diffusers(name: str, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from diffusers import DDPMScheduler
    from diffusers.schedulers import scheduling_ddpm

    x, x0, noise = draws(3, 1, 4, 4, count=3)
    monkeypatch.setattr(scheduling_ddpm, "randn_tensor", lambda *a, **k: noise)
    scheduler = DDPMScheduler(num_train_timesteps=T, clip_sample=False, prediction_type="sample", timestep_spacing="trailing", **SCHEDULES[name][1])
    scheduler.set_timesteps(steps)
    rates, levels = rates_of(name), maths.trailing(T, steps)
    for i in (steps // 4, steps // 2, steps - 2, steps - 1):
        theirs = scheduler.step(x0, levels[i] - 1, x).prev_sample
        last = levels[i + 1] == 0  # no noise is added to the answer
        ours = maths.ddim_step(x, x0, pair(rates, levels[i]), pair(rates, levels[i + 1]), 1.0, None if last else noise)
        assert torch.allclose(ours, theirs, atol=1e-3)


@pytest.mark.parametrize("name", [*SCHEDULES, "straight"])
def test_eta_one_is_the_posterior_by_bayes(name: str) -> None:
    """q(x_s | x_t, x0) from the joint Gaussian of (x_s, x_t) given x0, on every path."""
    rates = rates_of(name).double()
    x0 = torch.tensor([0.3], dtype=torch.float64)
    for t, s in ((900, 700), (500, 499), (300, 10), (T, 950)):
        (a, b), (a_s, b_s) = pair(rates, t), pair(rates, s)
        x = torch.tensor([0.8], dtype=torch.float64)
        covariance = a / a_s * b_s**2  # x_t = (a / a_s) x_s + fresh noise
        mean = a_s * x0 + covariance / b**2 * (x - a * x0)
        variance = b_s**2 - covariance**2 / b**2
        ours_mean = maths.ddim_step(x, x0, (a, b), (a_s, b_s), 1.0)
        ours_one = maths.ddim_step(x, x0, (a, b), (a_s, b_s), 1.0, torch.ones_like(x))
        assert torch.allclose(ours_mean, mean, atol=1e-6)
        assert torch.allclose((ours_one - ours_mean) ** 2, torch.tensor(variance, dtype=torch.float64), atol=1e-6)


def test_ddim_on_the_straight_path_is_euler() -> None:
    x, x0 = draws(4, 2)
    rates = noise_paths.straight(10)
    euler = x + (0.4 - 0.7) * (x - x0) / 0.7
    assert torch.allclose(maths.ddim_step(x, x0, pair(rates, 7), pair(rates, 4)), euler, atol=1e-6)


@pytest.mark.parametrize("name", [*SCHEDULES, "straight"])
def test_the_step_back_undoes_the_step(name: str) -> None:
    """With the estimate that was made at y, y is the fixed point, from level 0 on."""
    rates = rates_of(name)
    y, x0 = draws(4, 2, seed=3)
    for there, here in ((900, 800), (500, 200), (10, 0)):
        x = maths.ddim_step(y, x0, pair(rates, there), pair(rates, here))
        assert torch.allclose(maths.ddim_step_back(y, x, x0, pair(rates, here), pair(rates, there)), y, atol=1e-4)


def test_guidance_is_the_formula_of_the_paper() -> None:
    conditional, unconditional = draws(4, 2)
    w = 1.5
    paper = (1 + w) * conditional - w * unconditional  # Ho & Salimans 2022, eq. 6
    assert torch.allclose(maths.guide(unconditional, conditional, 1 + w), paper, atol=1e-6)
    assert torch.allclose(maths.guide(unconditional, conditional, 1.0), conditional, atol=1e-6)


@pytest.mark.parametrize(("levels", "steps"), [(1000, 1), (1000, 7), (1000, 1000), (10, 10), (10, 3), (1, 1)])
def test_the_levels_of_a_sampler_fall_strictly_from_noise_to_data(levels: int, steps: int) -> None:
    through = maths.trailing(levels, steps)
    assert len(through) == steps + 1 and through[0] == levels and through[-1] == 0
    assert all(a > b for a, b in itertools.pairwise(through))


def test_a_batch_covers_the_levels_evenly() -> None:
    u = maths.evenly(100, torch.Generator().manual_seed(0))
    assert torch.equal((u * 100).floor().sort().values, torch.arange(100.0))
    again = maths.evenly(100, torch.Generator().manual_seed(1))
    assert not torch.equal(u, again) and u.min() >= 0 and u.max() < 1


def test_the_logit_of_a_logit_normal_is_normal() -> None:
    t = maths.logit_normal(maths.evenly(20_000, torch.Generator().manual_seed(0)))
    logit = t.double().logit()
    assert abs(logit.mean()) < 0.01 and abs(logit.std() - 1) < 0.01
    assert abs(((logit > 1).double().mean()) - 0.1587) < 0.002
    assert maths.logit_normal(torch.tensor([0.0]))[0] == 0


# a step that remembers


def flow_of_a_normal(t: float, z: Tensor, mean: float = 0.4, std: float = 0.3) -> tuple[Tensor, Tensor]:
    """(x_t, the best estimate of x0) where the straight path of N(mean, std^2) has led z: known in closed form."""
    spread = math.hypot((1 - t) * std, t)
    return (1 - t) * mean + spread * z, mean + (1 - t) * std**2 / spread * z


@pytest.mark.parametrize("order", [1, 2, 3])
def test_adams_has_the_order_of_what_it_remembers(order: int) -> None:
    """From exact estimates, so that no weaker step spoils it: halving the step divides the error by 2 to the order."""
    (z,) = draws(200, count=1)

    def error(steps: int) -> float:
        times = torch.linspace(0.9, 0.3, steps + 1, dtype=torch.float64).tolist()
        seen = [(t, flow_of_a_normal(t, z.double())[1]) for t in times[: order - 1]][::-1]
        x = flow_of_a_normal(times[order - 1], z.double())[0]
        for t, t_next in itertools.pairwise(times[order - 1 :]):
            seen = [(t, flow_of_a_normal(t, z.double())[1]), *seen[: order - 1]]
            weights = maths.adams_weights(t, t_next, [time for time, _ in seen])
            x = t_next / t * x + sum(w * x0 for w, (_, x0) in zip(weights, seen, strict=True))
        return float((x - flow_of_a_normal(times[-1], z.double())[0]).abs().mean())

    assert math.log2(error(160) / error(320)) == pytest.approx(order, abs=0.15)


def test_one_step_of_adams_without_memory_is_ddim() -> None:
    x, x0 = draws(5)
    (weight,) = maths.adams_weights(0.8, 0.6, [0.8])
    assert torch.allclose(0.6 / 0.8 * x + weight * x0, maths.ddim_step(x, x0, (0.2, 0.8), (0.4, 0.6)), atol=1e-6)


@pytest.mark.parametrize(("levels", "steps"), [(1000, 8), (1000, 1000), (10, 9), (3, 3), (1, 1)])
def test_a_shift_keeps_the_number_of_steps_and_looks_more_where_there_is_noise(levels: int, steps: int) -> None:
    plain, shifted = maths.trailing(levels, steps), maths.trailing(levels, steps, 1.5)
    assert len(shifted) == steps + 1 and shifted[0] == levels and shifted[-1] == 0
    assert all(a > b for a, b in itertools.pairwise(shifted)) and all(s >= p for s, p in zip(shifted, plain, strict=True))
    assert steps in (levels, 1, 9) or shifted[4] == 600, "1.5 * 0.5 / (1 + 0.5 * 0.5)"

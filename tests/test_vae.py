"""The VAE: its bound against torch.distributions, its warm-up across a resume, its labels and its plane."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence
from toys import toy_data

from aigc.nets.kinds import Network
from aigc.options import Options, Schedule
from aigc.techniques.base import Batch, Shown
from aigc.techniques.vae import TECHNIQUE
from aigc.techniques.vae.config import Bottleneck, Config, Likelihood
from aigc.techniques.vae.model import SMALLEST_LOG_SIGMA, VAE
from aigc.train.loop import Loop
from aigc.words import Refusal

SMALL = Config(width=16, channels=4, latent=3)
SHAPES = [(2,), (1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 64, 64)]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch_of(shape: tuple[int, ...], n: int = 6) -> Batch:
    data = toy_data(shape, n=n)
    return Batch(data.x if len(shape) == 1 else data.x.float() / 255, data.labels)


def built(shape: tuple[int, ...] = (1, 8, 8), **changes: Any) -> VAE:
    torch.manual_seed(0)
    return VAE(replace(SMALL, **changes), toy_data(shape, n=20).spec)


def descend(model: VAE, batch: Batch, steps: int, rate: float) -> dict[str, torch.Tensor]:
    optimiser, noise = torch.optim.Adam(model.parameters(), rate), rng(1)
    for _ in range(steps):
        terms = model.loss(batch, noise)
        optimiser.zero_grad()
        terms["loss"].backward()
        optimiser.step()
    return {name: value.detach() for name, value in terms.items()}


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("likelihood", Likelihood)
@pytest.mark.parametrize("network", Network)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_combination_steps_or_is_refused_in_words(shape: tuple[int, ...], network: Network, likelihood: Likelihood, conditional: bool) -> None:
    changes: dict[str, Any] = {"network": network, "likelihood": likelihood, "conditional": conditional}
    points = len(shape) == 1
    if points and (network is Network.CONVOLUTIONAL or likelihood is Likelihood.BERNOULLI):
        with pytest.raises(Refusal, match=r"Points|points"):
            built(shape, **changes)
        return
    model, batch = built(shape, warmup=100, free_bits=0.1, **changes), batch_of(shape)
    terms = model.loss(batch, rng())
    terms["loss"].backward()
    assert all(p.grad is not None for p in model.parameters()) and set(terms) <= set(TECHNIQUE.terms)
    with torch.no_grad():
        model.eval().calibrate(batch.x, batch.labels, rng())
        (x,) = model.sample(3, rng())
    assert x.shape == (3, *shape) and x.isfinite().all()


@pytest.mark.parametrize("likelihood", Likelihood)
def test_with_beta_one_the_loss_is_minus_the_evidence_lower_bound(likelihood: Likelihood) -> None:
    model, batch = built(likelihood=likelihood, sigma=0.3), batch_of((1, 8, 8))
    terms = model.loss(batch, rng(4))
    mean, logvar = model.encoder(batch.x).chunk(2, 1)
    posterior = Normal(mean, (0.5 * logvar).exp())
    raw = model.decoder(mean + posterior.stddev * torch.randn(mean.shape, generator=rng(4)))
    sigma = 0.3 if likelihood is Likelihood.GAUSSIAN else 1.0  # a learned sigma starts at 1
    bernoulli = likelihood is Likelihood.BERNOULLI
    log_p = -torch.nn.functional.binary_cross_entropy_with_logits(raw, batch.x, reduction="none") if bernoulli else None
    log_p = Normal(raw.sigmoid(), sigma).log_prob(batch.x) if log_p is None else log_p
    kl = kl_divergence(posterior, Normal(0.0, 1.0))
    assert torch.allclose(terms["recon"], -log_p.sum((1, 2, 3)).mean(), rtol=1e-4)
    assert torch.allclose(terms["kl_per_dimension"], kl.mean(0), rtol=1e-3, atol=1e-5)
    assert torch.allclose(terms["loss"], -(log_p.sum((1, 2, 3)) - kl.sum(1)).mean(), rtol=1e-4)
    if bernoulli:
        ink = (batch.x > 0.5).float()
        assert torch.allclose(model.log_likelihood(ink, mean, None), Bernoulli(logits=model.decoder(mean)).log_prob(ink).sum((1, 2, 3)), rtol=1e-4)


def test_binarised_pictures_reach_encoder_and_bound_as_nothing_but_black_and_white(monkeypatch: pytest.MonkeyPatch) -> None:
    model, batch = built(binarise=True), batch_of((1, 8, 8), n=200)
    seen: list[torch.Tensor] = []
    posterior, likelihood = model.posterior, model.log_likelihood
    monkeypatch.setattr(model, "posterior", lambda x, labels: (seen.append(x), posterior(x, labels))[1])
    monkeypatch.setattr(model, "log_likelihood", lambda x, z, labels: (seen.append(x), likelihood(x, z, labels))[1])
    model.loss(batch, rng(0))
    model.loss(batch, rng(1))
    encoded, explained, other, _ = seen
    assert torch.equal(encoded, explained) and not torch.equal(encoded, other)
    assert set(encoded.unique().tolist()) == {0.0, 1.0}
    assert (encoded.mean() - batch.x.mean()).abs() < 4 * 0.5 / encoded.numel() ** 0.5
    assert built().config.binarise is False


def test_beta_and_free_bits_weigh_the_kl_and_move_with_the_knob() -> None:
    model, batch = built(), batch_of((1, 8, 8))
    one = model.loss(batch, rng())
    model.config = replace(SMALL, beta=4.0)
    four = model.loss(batch, rng())
    assert torch.allclose(four["loss"] - one["loss"], 3 * one["kl"], rtol=1e-3, atol=1e-4) and four["kl_weight"] == 4
    model.config = replace(SMALL, free_bits=2.0)
    free = model.loss(batch, rng())
    assert (one["kl_per_dimension"] < 2).all() and torch.allclose(free["loss"], one["recon"] + 3 * 2.0, rtol=1e-5)


def test_the_kl_warms_up_over_images_goes_on_after_a_resume_and_does_not_count_previews() -> None:
    model, batch = built(warmup=60, beta=2.0), batch_of((1, 8, 8), n=6)
    weights = [model.loss(batch, rng())["kl_weight"].item() for _ in range(4)]
    assert weights == pytest.approx([0.2, 0.4, 0.6, 0.8])
    resumed = built(warmup=60, beta=2.0)
    resumed.load_state_dict(model.state_dict())
    assert resumed.loss(batch, rng())["kl_weight"].item() == pytest.approx(1.0)
    resumed.eval()
    assert resumed.loss(batch, rng())["kl_weight"].item() == pytest.approx(1.0)
    resumed.train()
    assert [resumed.loss(batch, rng())["kl_weight"].item() for _ in range(6)][-1] == pytest.approx(2.0)


@pytest.mark.slow
def test_a_linear_gaussian_vae_learns_the_variance_that_theory_gives() -> None:
    """Its best fit is probabilistic PCA: sigma² is the mean of the variances left over, and unused latents pay no KL."""
    spread = torch.tensor([2.0, 0.3])
    x = torch.randn(2000, 2, generator=rng()) * spread
    model = built((2,), network=Network.DENSE, layers=0, latent=2, likelihood=Likelihood.GAUSSIAN_LEARNED)
    descend(model, Batch(x), 1200, 1e-2)
    terms = model.loss(Batch(x), rng(9))
    variance = x.var(0, correction=0)
    bound = 0.5 * (variance.log() + 1 + torch.log(torch.tensor(2 * torch.pi))).sum()  # minus the log-likelihood of the best Gaussian
    assert bound - 0.05 <= terms["loss"] <= bound + 0.15


def test_a_learned_sigma_stops_at_its_floor_and_rises_again() -> None:
    data = toy_data(n=8)
    model = built(network=Network.DENSE, likelihood=Likelihood.GAUSSIAN_LEARNED)
    assert model.log_sigma is not None
    loop = Loop(model, data, Options(seconds=0, images=10**6, batch=8, learning_rate=1e-2, schedule=Schedule.CONSTANT), watch=False)
    with torch.no_grad():
        model.log_sigma.fill_(SMALLEST_LOG_SIGMA - 4)  # a step too far down, or a model from before there was a stop
    sigmas = []
    for _ in range(20):
        loop.step()
        sigmas.append(model.log_sigma.item())
    assert sigmas[0] == SMALLEST_LOG_SIGMA and sigmas == sorted(sigmas) and sigmas[-1] > SMALLEST_LOG_SIGMA + 0.05


def test_a_heavy_beta_silences_the_latents() -> None:
    batch = batch_of((1, 8, 8), n=32)
    spoken, silent = (descend(built(network=Network.DENSE, beta=b), batch, 150, 5e-3) for b in (0.05, 50.0))
    assert spoken["kl"] > 1 > 0.05 > silent["kl"] and spoken["active_units"] >= 1 and silent["active_units"] == 0


def test_unlabelled_pictures_get_the_class_that_explains_them_best() -> None:
    """The decoder is told to paint class 0 black and class 1 white, whatever the latents say."""
    model = built(network=Network.DENSE, layers=0, conditional=True).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
        model.decoder[0].weight[:, SMALL.latent + 0] = -4.0  # type: ignore[union-attr, index, operator]
        model.decoder[0].weight[:, SMALL.latent + 1] = 4.0  # type: ignore[union-attr, index, operator]
        x = torch.cat([torch.ones(2, 1, 8, 8), torch.zeros(2, 1, 8, 8)])
        assert model.likely_labels(x).tolist() == [1, 1, 0, 0]


def test_temperature_scales_the_latents_and_encoding_gives_the_posterior_mean() -> None:
    model, x = built().eval(), batch_of((1, 8, 8)).x
    with torch.no_grad():
        (z,) = model.encode(x, rng=rng())
        assert torch.equal(z, model.encoder(x).chunk(2, 1)[0])
        (a,), (b,) = model.decode(0.5 * z, rng=rng()), model.decode(z, rng=rng(), temperature=0.5)
        assert torch.equal(a, b) and not torch.equal(a, next(model.decode(z, rng=rng())))


def test_the_plane_of_two_latents_is_the_prior_and_of_more_is_laid_through_the_posterior() -> None:
    x = batch_of((1, 8, 8), n=100).x
    with torch.no_grad():
        two, four = built(latent=2).eval(), built(latent=4).eval()
        for model in (two, four):
            model.calibrate(x, None, rng())
        assert torch.allclose(two.plane(torch.tensor([[0.8413447, 0.5]])), torch.tensor([[1.0, 0.0]]), atol=1e-5)
        assert torch.allclose(four.plane.centre, four.posterior(x, None)[0].mean(0), atol=1e-6)


def test_previews_show_pairs_and_the_plane_also_with_classes() -> None:
    real = batch_of((1, 8, 8)).x
    with torch.no_grad():
        for conditional in (False, True):
            model = built(latent=2, conditional=conditional).eval()
            sheets, _ = model.preview(Shown(10, torch.arange(10) if conditional else None, real=real), rng())
            assert sheets["plane"].shape == (144, 1, 8, 8) and torch.equal(sheets["reconstructions"][::2], real)
        points = built((2,), likelihood=Likelihood.GAUSSIAN_LEARNED).eval()
        sheets, arrays = points.preview(Shown(9, real=batch_of((2,)).x), rng())
    assert not sheets and arrays["points"].shape == (9, 2) and arrays["reconstructed"].shape == (6, 2) and arrays["grid"].ndim == 3


def test_weights_survive_a_save_and_the_same_seed_gives_the_same_sample() -> None:
    changes: dict[str, Any] = {"conditional": True, "likelihood": Likelihood.GAUSSIAN_LEARNED}
    model, twin = built(**changes).eval(), built(**changes).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.1)
        model.calibrate(batch_of((1, 8, 8)).x, batch_of((1, 8, 8)).labels, rng())
        assert not torch.equal(next(twin.sample(4, rng())), next(model.sample(4, rng())))
        twin.load_state_dict(model.state_dict())
        assert torch.equal(next(twin.sample(4, rng())), next(model.sample(4, rng()))) and torch.equal(twin.plane.axes, model.plane.axes)


def test_the_article_preset_is_784_256_512_2() -> None:
    spec = toy_data((1, 28, 28), n=20).spec
    config, _ = TECHNIQUE.read({}, spec, "article")
    model = VAE(config, spec)
    dense = [(m.in_features, m.out_features) for m in model.modules() if isinstance(m, torch.nn.Linear)]
    assert dense == [(784, 256), (256, 512), (512, 4), (2, 512), (512, 256), (256, 784)] and config.beta == 1


# where samples start from
def test_samples_start_where_codes_lie_or_from_the_standard_normal() -> None:
    spec = toy_data((1, 8, 8)).spec
    model = VAE(Config(network=Network.DENSE, width=16, latent=3, components=2, conditional=False), spec)
    assert model.mixture is not None
    normal = torch.randn(2000, 3, generator=rng())
    assert torch.allclose(model.latents(2000, rng()).mean(0), normal.mean(0), atol=0.1), "until it is fitted, the two are one"
    model.mixture.fit(torch.cat([normal * 0.1 + 4, normal * 0.1 - 4]), 0)
    z = model.latents(2000, rng())
    assert ((z.abs() - 4).abs() < 1).all() and ((model.latents(2000, rng(), fitted=False)).abs() < 3).float().mean() > 0.9
    (near,) = model.decode(z[:5], rng=rng(), temperature=0.0)
    (centre,) = model.decode(model.mixture.nearest_mean(z[:5]), rng=rng())
    assert torch.allclose(near, centre)
    (zero,) = model.decode(z[:1], rng=rng(), temperature=0.0, fitted=False)
    (origin,) = model.decode(torch.zeros(1, 3), rng=rng())
    assert torch.allclose(zero, origin)


def test_only_a_vector_of_codes_is_clustered() -> None:
    spec = toy_data((1, 16, 16)).spec
    assert VAE(Config(conditional=False), spec).mixture is None
    assert VAE(Config(bottleneck=Bottleneck.MAP, components=5, conditional=False), spec).mixture is None


def test_the_codes_of_real_pictures_are_what_is_fitted() -> None:
    data = toy_data((1, 8, 8), n=400)
    model = VAE(Config(network=Network.DENSE, width=16, latent=2, components=4, conditional=True), data.spec)
    assert model.mixture is not None
    with torch.no_grad():
        x = data.x.float() / 255
        model.calibrate(x, data.labels, rng())
        means = model.posterior(x, data.labels)[0]
    assert torch.allclose(model.latents(4000, rng()).mean(0), means.mean(0), atol=4 * float(means.std()) / 60)

"""The autoencoder: its losses against sums one can write down, its codes, its mixture and its plane."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from toys import toy_data

from aigc.nets.kinds import Network
from aigc.techniques.autoencoder import TECHNIQUE
from aigc.techniques.autoencoder.config import Code, Config, Reconstruction
from aigc.techniques.autoencoder.model import Autoencoder
from aigc.techniques.base import Batch, Shown
from aigc.words import Refusal

SMALL = Config(width=16, channels=4, latent=3)
SHAPES = [(2,), (1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 64, 64)]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch_of(shape: tuple[int, ...], n: int = 6) -> Batch:
    data = toy_data(shape, n=n)
    return Batch(data.x if len(shape) == 1 else data.x.float() / 255, data.labels)


def built(shape: tuple[int, ...] = (1, 8, 8), **changes: Any) -> Autoencoder:
    torch.manual_seed(0)
    return Autoencoder(replace(SMALL, **changes), toy_data(shape, n=20).spec)


@pytest.mark.parametrize("code", Code)
@pytest.mark.parametrize("reconstruction", Reconstruction)
@pytest.mark.parametrize("network", Network)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_combination_steps_or_is_refused_in_words(shape: tuple[int, ...], network: Network, reconstruction: Reconstruction, code: Code) -> None:
    changes: dict[str, Any] = {"network": network, "reconstruction": reconstruction, "code": code}
    points = len(shape) == 1
    if points and (network is Network.CONVOLUTIONAL or reconstruction is Reconstruction.CROSS_ENTROPY):
        with pytest.raises(Refusal, match=r"Points|points"):
            built(shape, **changes)
        return
    model = built(shape, noise=0.1, mask=0.1, l1=0.1, l2=0.1, **changes)
    batch = batch_of(shape)
    terms = model.loss(batch, rng())
    terms["loss"].backward()
    assert all(p.grad is not None for p in model.parameters()) and set(terms) <= set(TECHNIQUE.terms)
    with torch.no_grad():
        model.eval().calibrate(batch.x, None, rng())
        (x,) = model.sample(3, rng())
    assert x.shape == (3, *shape) and x.isfinite().all()


def test_the_terms_are_summed_over_pixels_and_averaged_over_the_batch() -> None:
    batch = batch_of((1, 8, 8))
    for reconstruction in Reconstruction:
        model = built(reconstruction=reconstruction, l1=0.3, l2=0.7)
        terms = model.loss(batch, rng())
        z = model.encoder(batch.x)
        p = model.decoder(z).sigmoid()
        squared = ((p - batch.x) ** 2).sum((1, 2, 3)).mean()
        entropy = -(batch.x * p.log() + (1 - batch.x) * (1 - p).log()).sum((1, 2, 3)).mean()
        recon = squared if reconstruction is Reconstruction.SQUARED else entropy
        l1, l2 = z.abs().sum(1).mean(), 0.5 * (z**2).sum(1).mean()
        assert torch.allclose(terms["recon"], recon, rtol=1e-4) and torch.allclose(terms["mse"], squared / 64, rtol=1e-4)
        assert torch.allclose(terms["loss"], recon + 0.3 * l1 + 0.7 * l2, rtol=1e-4)
        assert torch.allclose(terms["code_spread"], z.std(0, correction=0))


def test_noise_and_mask_spoil_the_input_but_never_the_target() -> None:
    x = torch.ones(50, 1, 8, 8)
    model = built(mask=0.25)
    spoilt = model._spoil(x, rng())
    assert set(spoilt.unique().tolist()) == {0.0, 1.0} and abs((spoilt == 0).float().mean() - 0.25) < 0.02
    noisy = built(noise=0.5)._spoil(x, rng())
    assert abs((noisy - x).std() - 0.5) < 0.02 and torch.equal(x, torch.ones_like(x))
    assert built()._spoil(x, rng()) is x


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 32, 32), (2,)], ids=str)
def test_a_masked_pixel_is_hidden_in_all_of_its_colours(shape: tuple[int, ...]) -> None:
    model, x = built(shape, mask=0.9, reconstruction=Reconstruction.SQUARED), torch.ones(50, *shape)
    kept = model._spoil(x, rng())
    assert kept.mean() == pytest.approx(0.1, abs=0.05)
    if len(shape) == 3:
        assert torch.equal(kept, kept[:, :1].expand_as(kept))
    if shape[0] != 3:
        assert torch.equal(kept, x * (torch.rand(x.shape, generator=rng()) >= 0.9)), "drawn as ever"


def test_live_knobs_move_the_very_next_loss() -> None:
    model, batch = built(), batch_of((1, 8, 8))
    plain = model.loss(batch, rng())["loss"]
    for name, value in {"noise": 0.5, "mask": 0.5, "l1": 1.0, "l2": 1.0}.items():
        model.config = replace(SMALL, **{name: value})  # type: ignore[arg-type]
        assert not torch.equal(model.loss(batch, rng())["loss"], plain), name


@pytest.mark.slow
def test_an_l1_penalty_silences_most_of_a_relu_code() -> None:
    batch, silent = batch_of((1, 8, 8), n=32), {}
    for l1 in (0.0, 3.0):
        model = built(network=Network.DENSE, code=Code.RELU, latent=16, l1=l1)
        optimiser = torch.optim.Adam(model.parameters(), 5e-3)
        for _ in range(150):
            optimiser.zero_grad()
            model.loss(batch, rng())["loss"].backward()
            optimiser.step()
        silent[l1] = (model.encoder(batch.x) < 1e-3).float().mean().item()
    assert silent[3.0] > silent[0.0] + 0.2


def test_a_linear_autoencoder_comes_close_to_principal_components() -> None:
    """With no hidden layer and a linear decoder, no code of two numbers can rebuild better than PCA does."""
    basis, _ = torch.linalg.qr(torch.randn(2, 2, generator=rng(3)))
    x = torch.randn(400, 2, generator=rng()) * torch.tensor([1.5, 0.3]) @ basis.T
    model = built((2,), network=Network.DENSE, layers=0, latent=1, reconstruction=Reconstruction.SQUARED)
    optimiser = torch.optim.Adam(model.parameters(), 2e-2)
    for _ in range(400):
        terms = model.loss(Batch(x), rng())
        optimiser.zero_grad()
        terms["loss"].backward()
        optimiser.step()
    smallest = torch.linalg.eigvalsh(x.T.cov(correction=0))[0]  # what one principal component leaves over
    assert smallest * 0.999 <= terms["recon"].detach() <= smallest * 1.05


def test_samples_come_from_the_codes_that_calibration_saw() -> None:
    model, x = built().eval(), batch_of((1, 8, 8), n=200).x
    with torch.no_grad():
        model.calibrate(x, None, rng())
        z = model.encoder(x)
        drawn = model.latents(5000, rng())
    assert torch.allclose(drawn.mean(0), z.mean(0), atol=0.1 * float(z.std()))
    assert torch.allclose(drawn.std(0), z.std(0), rtol=0.15)
    assert torch.equal(model.latents(4, rng(1)), model.latents(4, rng(1))) and not torch.equal(model.latents(4, rng(1)), model.latents(4, rng(2)))
    relu = built(code=Code.RELU).eval()
    assert (relu.latents(100, rng()) >= 0).all()


def test_temperature_draws_codes_towards_their_cluster_and_one_leaves_them_alone() -> None:
    model, x = built().eval(), batch_of((1, 8, 8), n=200).x
    with torch.no_grad():
        model.calibrate(x, None, rng())
        z = model.encoder(x[:5])
        (one,), (none,) = model.decode(z, rng=rng(), temperature=1.0), model.decode(z, rng=rng(), temperature=0.0)
        assert torch.equal(one, model.decoder(z).sigmoid())
        assert torch.allclose(none, model.decoder(model.mixture.nearest_mean(z)).sigmoid(), atol=1e-6)


@pytest.mark.parametrize("temperature", [1.0, 1.5])
def test_a_relu_code_is_decoded_from_no_negative_number(temperature: float) -> None:
    model = built(code=Code.RELU).eval()
    model.mixture.means.fill_(0.5)
    given: list[torch.Tensor] = []
    model.decoder.register_forward_pre_hook(lambda _, args: given.append(args[0]))
    z = model.latents(100, rng())
    list(model.decode(z, rng=rng(), temperature=temperature))
    assert (given[0] >= 0).all()
    if temperature == 1:
        assert torch.equal(given[0], z)


def test_what_calibration_learns_is_saved_with_perturbed_weights() -> None:
    model, x = built().eval(), batch_of((1, 8, 8), n=100).x
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.1)
        model.calibrate(x, None, rng())
        twin = built().eval()
        twin.load_state_dict(model.state_dict())
        assert torch.equal(next(twin.sample(4, rng())), next(model.sample(4, rng())))
        assert torch.equal(twin.plane(torch.rand(3, 2, generator=rng())), model.plane(torch.rand(3, 2, generator=rng())))


def test_previews_pair_real_with_rebuilt_and_show_the_plane_of_two_latents() -> None:
    real = batch_of((1, 8, 8)).x
    with torch.no_grad():
        model = built(latent=2).eval()
        sheets, arrays = model.preview(Shown(5, real=real), rng())
        assert not arrays and sheets["samples"].shape == (5, 1, 8, 8) and sheets["plane"].shape == (144, 1, 8, 8)
        assert torch.equal(sheets["reconstructions"][::2], real)
        assert torch.equal(sheets["reconstructions"][1::2], next(model.decode(model.encoder(real), rng=rng())))
        top_left = next(model.decode(model.plane(torch.tensor([[0.5 / 12, 11.5 / 12]])), rng=rng()))
        assert torch.allclose(sheets["plane"][:1], top_left, atol=1e-5)
        assert "plane" not in built(latent=3).eval().preview(Shown(5, real=real), rng())[0]
        points = built((2,), latent=1, reconstruction=Reconstruction.SQUARED).eval()
        _, arrays = points.preview(Shown(7, real=batch_of((2,)).x), rng())
    assert arrays["points"].shape == (7, 2) and arrays["reconstructed"].shape == (6, 2) and arrays["grid"].shape[2] == 2


def test_the_article_preset_is_784_32_784() -> None:
    spec = toy_data((1, 28, 28), n=20).spec
    config, options = TECHNIQUE.read({}, spec, "article")
    model = Autoencoder(config, spec)
    dense = [(m.in_features, m.out_features) for m in model.modules() if isinstance(m, torch.nn.Linear)]
    assert dense == [(784, 32), (32, 784)] and isinstance(model.encoder[-1], torch.nn.ReLU)
    assert config.reconstruction is Reconstruction.CROSS_ENTROPY and options.batch == 256

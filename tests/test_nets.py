"""Networks: shapes for every size of picture, the bounds they promise, the plane and the mixture over latents."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from aigc.nets.body import features, maker
from aigc.nets.conv import pooled_features, sizes
from aigc.nets.critic import Critic
from aigc.nets.encoder import Encoder
from aigc.nets.kinds import COMPONENTS, Body, Network, Norm
from aigc.nets.layers import ConvTranspose2x2, Dropout, LeakyReLU, one_hot
from aigc.nets.mixture import LatentMixture
from aigc.nets.plane import LatentPlane, quantile_grid
from aigc.words import Refusal

SMALL = Body(width=12, channels=4)
PICTURES = [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 64, 64), (3, 25, 25), (1, 11, 16), (1, 6, 6)]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("norm", Norm)
@pytest.mark.parametrize("network", [Network.DENSE, Network.CONVOLUTIONAL])
@pytest.mark.parametrize("shape", [(2,), *PICTURES], ids=str)
def test_features_and_makers_fit_every_shape_of_data(shape: tuple[int, ...], network: Network, norm: Norm) -> None:
    body = replace(SMALL, network=network)
    if len(shape) == 1 and network is Network.CONVOLUTIONAL:
        with pytest.raises(Refusal, match="Points"):
            features(shape, body, nn.ReLU, norm)
        return
    trunk, size = features(shape, body, nn.ReLU, norm, dropout=0.1)
    assert trunk(torch.rand(3, *shape)).shape == (3, size)
    assert maker(5, shape, body, nn.ReLU, norm)(torch.randn(3, 5)).shape == (3, *shape)


@pytest.mark.parametrize("shape", PICTURES, ids=str)
def test_the_pooled_critic_fits_every_picture(shape: tuple[int, int, int]) -> None:
    net, size = pooled_features(shape, 0.2, nn.ReLU)
    assert net(torch.rand(2, *shape)).shape == (2, size)


@pytest.mark.parametrize("norm", Norm, ids=str)
@pytest.mark.parametrize("side", range(10, 19))
def test_what_pooling_leaves_out_is_not_computed_and_not_missed(side: int, norm: Norm) -> None:
    net, _ = pooled_features((1, side, side + 1), 0.0, nn.ReLU, norm)
    net.train(norm is not Norm.SPECTRAL)  # whose every call in training takes another step of power iteration
    x = torch.randn(4, 1, side, side + 1, requires_grad=True)
    whole = nn.Sequential(*net)
    assert torch.allclose(net(x), whole(x), atol=1e-6)
    mine, plain = (torch.autograd.grad(f(x).sin().sum(), x)[0] for f in (net, whole))
    assert torch.allclose(mine, plain, atol=1e-6)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_doubling_as_a_product_is_the_transposed_convolution(layout: torch.memory_format) -> None:
    mine = ConvTranspose2x2(5, 3).double().to(memory_format=layout)  # type: ignore[call-overload]
    plain = nn.ConvTranspose2d(5, 3, 2, stride=2).double()
    plain.load_state_dict(mine.state_dict())
    x = torch.randn(2, 5, 4, 6, dtype=torch.float64).contiguous(memory_format=layout).requires_grad_()
    assert torch.allclose(mine(x), plain(x))
    for f, g in zip(*(torch.autograd.grad(net(x).sin().sum(), [x, *net.parameters()]) for net in (mine, plain)), strict=True):
        assert torch.allclose(f, g)


def test_dropout_drops_its_share_and_keeps_the_mean_whatever_the_layout_in_memory() -> None:
    dropout, x = Dropout(0.3), torch.ones(64, 32, 13, 13, requires_grad=True)
    for laid in (x, x.contiguous(memory_format=torch.channels_last), x[:, :, ::2], x.bfloat16(), x[:1, :1, :1, :1]):
        torch.manual_seed(0)
        y = dropout(laid)
        torch.manual_seed(0)
        assert torch.equal(y, dropout(laid)) and y.dtype == laid.dtype and y.shape == laid.shape
    y = dropout(x)
    kept = y != 0
    assert kept.double().mean().item() == pytest.approx(0.7, abs=0.005) and y[kept].unique().item() == pytest.approx(1 / 0.7)
    assert torch.equal(torch.autograd.grad(y.sum(), x)[0], y.detach()), "the same units pass on the way back"
    neighbours = kept.flatten()[:-1] == kept.flatten()[1:]
    assert neighbours.double().mean().item() == pytest.approx(0.7**2 + 0.3**2, abs=0.005), "and each is drawn on its own"


def test_dropout_leaves_alone_what_it_should() -> None:
    x = torch.randn(8, 16)
    assert torch.equal(Dropout(0.5).eval()(x), x) and torch.equal(Dropout(0.0)(x), x)
    assert not Dropout(1.0)(x).any()
    assert torch.allclose(Dropout(1e-9)(x), x) and Dropout(1 - 1e-9)(x).count_nonzero() <= 1, "too near the ends for eight bits"


@pytest.mark.parametrize("rate", [1 / 256, 0.0099, 0.2, 0.5, 0.9, 255 / 256])
def test_dropout_meets_its_rate_on_average(rate: float) -> None:
    torch.manual_seed(0)
    dropout, x = Dropout(rate), torch.ones(400, 25)
    rates = torch.tensor([(dropout(x) == 0).double().mean().item() for _ in range(2000)], dtype=torch.float64)
    assert abs(rates.mean() - rate) < 4 * rates.std() / 2000**0.5


def test_pictures_are_halved_to_between_four_and_seven_pixels() -> None:
    assert sizes((1, 28, 28)) == [(28, 28), (14, 14), (7, 7)]
    assert sizes((3, 64, 64))[-1] == (4, 4) and sizes((1, 8, 8))[-1] == (4, 4)


def test_the_widths_of_a_body_express_the_articles_networks() -> None:
    assert Body(width=256, layers=2, widening=2.0).widths() == [256, 512]
    assert Body(layers=0).widths() == []
    vae = maker(2, (1, 28, 28), Body(network=Network.DENSE, width=256, layers=2, widening=2.0), nn.ReLU)
    assert [(m.in_features, m.out_features) for m in vae if isinstance(m, nn.Linear)] == [(2, 512), (512, 256), (256, 784)]
    gan = maker(100, (1, 28, 28), Body(network=Network.DENSE, width=128, layers=2), nn.ReLU)
    assert [(m.in_features, m.out_features) for m in gan if isinstance(m, nn.Linear)] == [(100, 128), (128, 128), (128, 784)]
    trunk, size = features((1, 28, 28), Body(network=Network.DENSE, layers=0), nn.ReLU)
    assert size == 784 and len(trunk) == 1
    pooled, size = pooled_features((1, 28, 28), 0.2, nn.ReLU)
    assert size == 64 * 5 * 5 and [m.out_channels for m in pooled if isinstance(m, nn.Conv2d)] == [32, 64]


@pytest.mark.parametrize("shape", [(2,), (1, 8, 8)], ids=str)
def test_a_spectrally_normalised_critic_is_lipschitz_layer_by_layer(shape: tuple[int, ...]) -> None:
    """Every layer's weight matrix keeps its largest singular value at 1, so a dense critic cannot be steeper than that."""
    critic = Critic(shape, replace(SMALL, network=Network.AUTOMATIC), Norm.SPECTRAL, 0.0, False, 0)
    with torch.no_grad():
        for p in critic.parameters():
            p.mul_(7)
        for _ in range(50):
            critic(torch.randn(2, *shape))  # power iterations happen in forward passes
    critic.eval()
    layers = [m for m in critic.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
    assert len(layers) >= 2
    for layer in layers:
        assert torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2) <= 1 + 1e-3
    if len(shape) == 1:
        a, b = torch.randn(200, 2), torch.randn(200, 2)
        assert ((critic(a) - critic(b)).abs() <= (a - b).norm(dim=1) * (1 + 1e-3)).all()


def test_a_critic_judges_the_class_too_and_has_no_class_without_classes() -> None:
    x, zero, one = torch.rand(4, 1, 8, 8), torch.zeros(4, dtype=torch.int64), torch.ones(4, dtype=torch.int64)
    told, untold = (Critic((1, 8, 8), SMALL, Norm.NONE, 0.0, False, k).eval() for k in (10, 0))
    assert told(x, zero).shape == (4,) and not torch.allclose(told(x, zero), told(x, one))
    assert torch.equal(untold(x, zero), untold(x, one))


def test_an_encoder_is_shifted_by_the_class() -> None:
    encoder = Encoder((1, 8, 8), SMALL, 6, nn.SiLU, classes=3)
    x = torch.rand(2, 1, 8, 8)
    assert encoder(x, torch.tensor([0, 2])).shape == (2, 6)
    assert not torch.allclose(encoder(x, torch.tensor([0, 0])), encoder(x, torch.tensor([1, 1])))


def test_one_hot_equals_torch_s_own() -> None:
    labels = torch.tensor([2, 0, 1])
    assert torch.equal(one_hot(labels, 4), nn.functional.one_hot(labels, 4).float())


def test_layer_normalisation_does_not_mix_examples_but_batch_normalisation_does() -> None:
    for norm, mixes in ((Norm.LAYER, False), (Norm.NONE, False), (Norm.BATCH, True)):
        net, _ = features((1, 28, 28), SMALL, LeakyReLU, norm)
        x = torch.rand(4, 1, 28, 28)
        alone = net(x)[:2]
        changed = net(torch.cat([x[:2], 5 * x[2:]]))[:2]
        assert torch.allclose(alone, changed, atol=1e-5) is not mixes


# the plane of latents
def test_the_plane_starts_as_the_priors_quantiles() -> None:
    plane = LatentPlane(2)
    z = plane(torch.tensor([[0.5, 0.5], [0.8413447, 0.1586553]]))
    assert torch.allclose(z, torch.tensor([[0.0, 0.0], [1.0, -1.0]]), atol=1e-5)
    assert plane(torch.tensor([[0.0, 1.0]])).isfinite().all()


def test_the_plane_finds_the_two_widest_directions_and_their_lengths() -> None:
    scales = torch.tensor([0.1, 3.0, 0.2, 2.0])
    rotation, _ = torch.linalg.qr(torch.randn(4, 4, generator=rng(1)))
    z = (torch.randn(20_000, 4, generator=rng()) * scales) @ rotation.T + 5
    plane = LatentPlane(4)
    plane.fit(z)
    assert torch.allclose(plane.axes.norm(dim=1), torch.tensor([3.0, 2.0]), rtol=0.03)
    for axis, direction in zip(plane.axes, (rotation[:, 1], rotation[:, 3]), strict=True):
        assert abs(torch.cosine_similarity(axis, direction, dim=0)) > 0.999
    corners = torch.tensor([[0.1, 0.9], [0.5, 0.5], [0.7, 0.2]])
    assert torch.allclose(plane.place(plane(corners)), corners, atol=1e-4)
    again = LatentPlane(4)
    again.fit(z)
    assert torch.equal(plane.axes, again.axes)


@pytest.mark.parametrize("size", [1, 2])
def test_with_two_latents_or_one_the_plane_is_those_themselves(size: int) -> None:
    z = torch.randn(500, size, generator=rng()) * 4 - 1
    plane = LatentPlane(size)
    plane.fit(z)
    at_centre = plane(torch.full((1, 2), 0.5))[0]
    assert torch.allclose(at_centre, z.mean(0), atol=1e-5)
    right = plane(torch.tensor([[0.8413447, 0.5]]))[0] - at_centre
    assert torch.allclose(right[0], z[:, 0].std(correction=0), rtol=1e-4) and (size == 1 or right[1] == 0)
    assert torch.allclose(plane.place(z[:5])[:, 0], torch.special.ndtr((z[:5, 0] - z[:, 0].mean()) / z[:, 0].std(correction=0)), atol=1e-4)


def test_quantiles_count_columns_to_the_right_and_rows_upwards() -> None:
    grid = quantile_grid(4, torch.device("cpu"))
    assert grid.shape == (4, 4, 2) and grid[0, 3].tolist() == [0.875, 0.125]


# the mixture over latents
def test_the_mixture_recovers_two_tilted_clusters() -> None:
    factor = torch.tensor([[1.0, 0.0], [0.9, 0.3]])
    z = torch.randn(4000, 2, generator=rng()) @ factor.T
    z[:1000] += torch.tensor([20.0, 0.0])
    mixture = LatentMixture(2)
    mixture.fit(z, seed=0)
    drawn = mixture.sample(20_000, rng(1))
    far = drawn[:, 0] > 10
    assert math.isclose(far.float().mean(), 0.25, abs_tol=0.02)
    assert torch.allclose(drawn[~far].mean(0), z[1000:].mean(0), atol=0.05)
    assert torch.allclose(drawn[~far].T.cov(), factor @ factor.T, atol=0.08)
    assert torch.equal(mixture.sample(5, rng(2)), mixture.sample(5, rng(2)))


def test_the_nearest_mean_is_that_of_the_likeliest_component() -> None:
    mixture = LatentMixture(2)
    mixture.weights[:2] = 0.5
    mixture.means[1] = torch.tensor([4.0, 0.0])
    mixture.factors[1] = torch.diag(torch.tensor([0.1, 0.1]))  # narrow: what lies between belongs to the wide one
    means = mixture.nearest_mean(torch.tensor([[3.0, 0.0], [4.05, 0.0], [-1.0, 2.0]]))
    assert means.tolist() == [[0.0, 0.0], [4.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize("n", [1, 3, 30, 500])
def test_a_mixture_fits_few_examples_and_codes_that_have_all_collapsed(n: int) -> None:
    for z in (torch.randn(n, 16, generator=rng()), torch.zeros(n, 16)):
        mixture = LatentMixture(16)
        mixture.fit(z, seed=0)
        assert mixture.sample(50, rng()).isfinite().all()
        assert torch.allclose(mixture.weights.sum(), torch.tensor(1.0)) and mixture.weights.shape == (COMPONENTS,)

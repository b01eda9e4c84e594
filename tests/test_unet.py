"""The denoising networks: shapes, silence at the start, and that they hear the level, the class and distant pixels."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from aigc.nets.denoiser_mlp import DenseDenoiser
from aigc.nets.embeddings import Conditioning, sinusoids
from aigc.nets.unet import Attention, UNet, fold_factor, halvings

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 64, 64), (3, 48, 48), (1, 25, 25), (1, 7, 7), (2, 12, 20)]


def awake(net: nn.Module) -> nn.Module:
    """Zero-initialised layers would hide what is tested."""
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.1 * torch.randn(p.shape, generator=rng))
    return net.eval()


def inputs(shape: tuple[int, ...], n: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(1)), torch.linspace(0.2, 0.9, n), torch.arange(n) % 3


@pytest.mark.parametrize("attention", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_unet_keeps_the_shape_and_every_weight_gets_a_gradient(shape: tuple[int, ...], attention: bool) -> None:
    net = awake(UNet(shape, 8, 2, classes=3, attention=attention))
    x, time, labels = inputs(shape, 3)
    out = net(x, time, labels)
    assert out.shape == x.shape
    out.square().mean().backward()
    assert [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


@pytest.mark.parametrize("net", [UNet((1, 8, 8), 8, 1, classes=3, attention=True), DenseDenoiser((1, 8, 8), 16, 2, classes=3)], ids=["unet", "dense"])
def test_a_new_network_predicts_zero(net: nn.Module) -> None:
    assert torch.equal(net(*inputs((1, 8, 8))), torch.zeros(2, 1, 8, 8))


@pytest.mark.parametrize("net", [UNet((1, 8, 8), 8, 1, classes=3), DenseDenoiser((1, 8, 8), 16, 2, classes=3)], ids=["unet", "dense"])
def test_it_hears_the_level_and_the_class_of_each_example_alone(net: nn.Module) -> None:
    awake(net)
    x, time, labels = inputs((1, 8, 8))
    out = net(x, time, labels)
    later, other = net(x, time + torch.tensor([0.05, 0.0]), labels), net(x, time, (labels + torch.tensor([1, 0])) % 3)
    for changed in (later, other):
        assert (changed[0] - out[0]).abs().max() > 1e-4
        assert torch.allclose(changed[1], out[1], atol=1e-6), "an example changed with another one's condition"


def test_no_label_is_a_class_of_its_own() -> None:
    condition = awake(Conditioning(16, classes=3))
    time = torch.tensor([0.5, 0.5])
    assert torch.equal(condition(time, None), condition(time, torch.tensor([3, 3])))
    assert not torch.allclose(condition(time, None), condition(time, torch.tensor([0, 0])))


def test_without_classes_labels_change_nothing() -> None:
    condition = awake(Conditioning(16))
    assert torch.equal(condition(torch.tensor([0.5]), torch.tensor([1])), condition(torch.tensor([0.5]), None))


def test_sinusoids_are_cosines_and_sines_and_tell_neighbouring_levels_apart() -> None:
    code = sinusoids(torch.linspace(0, 1, 1001), 64)
    assert code.shape == (1001, 64)
    assert torch.allclose(code[:, :32] ** 2 + code[:, 32:] ** 2, torch.ones(1001, 32), atol=1e-5)
    assert torch.allclose(code[500, 0], torch.tensor(0.5).cos()) and torch.allclose(code[1000, 63], torch.tensor(200.0).sin(), atol=1e-3)
    step = (code[1:] - code[:-1]).norm(dim=1)
    assert step.min() > 0.05, "a thousandth of the way must be visible"


@pytest.mark.parametrize(("side", "fold", "halved"), [(8, 1, 1), (28, 2, 1), (32, 2, 2), (64, 4, 2), (16, 1, 2), (7, 1, 0)])
def test_the_work_is_done_at_sixteen_pixels_and_below(side: int, fold: int, halved: int) -> None:
    assert fold_factor(side, side) == fold and halvings(side // fold, side // fold) == halved


def test_a_pixel_in_one_corner_reaches_the_opposite_one() -> None:
    for shape in ((1, 8, 8), (1, 28, 28)):
        net = awake(UNet(shape, 8, 1))
        x, time, _ = inputs(shape)
        x.requires_grad_(True)
        net(x, time)[0, 0, -1, -1].backward()
        assert x.grad is not None and x.grad[0, 0, 0, 0].abs() > 0 and x.grad[1].abs().max() == 0


def test_attention_is_softmax_of_scaled_products() -> None:
    layer = awake(Attention(64))
    assert isinstance(layer, Attention) and layer.heads == 2
    x = torch.randn(2, 64, 3, 3)
    q, k, v = layer.qkv(layer.norm(x)).flatten(2).chunk(3, dim=1)
    heads = []
    for i in range(2):
        of = slice(32 * i, 32 * i + 32)
        share = (torch.einsum("bcq,bck->bqk", q[:, of], k[:, of]) / 32**0.5).softmax(-1)
        heads.append(torch.einsum("bqk,bck->bcq", share, v[:, of]))
    assert torch.allclose(layer(x), x + layer.out(torch.cat(heads, 1).view_as(x)), atol=1e-5)


def test_dropout_only_while_training() -> None:
    net = awake(UNet((1, 8, 8), 8, 1, dropout=0.5))
    x, time, _ = inputs((1, 8, 8))
    assert torch.equal(net(x, time), net(x, time))
    net.train()
    assert not torch.equal(net(x, time), net(x, time))

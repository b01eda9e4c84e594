"""The GAN: every combination steps, each phase moves its own weights alone, penalties and clipping do what they say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toys import toy_data

from aigc.nets.kinds import Network, Norm
from aigc.options import Options
from aigc.techniques.base import Batch, Shown
from aigc.techniques.gan import TECHNIQUE
from aigc.techniques.gan.config import Config, CriticNetwork, Loss
from aigc.techniques.gan.model import GAN, OBJECTIVES
from aigc.train import optimise
from aigc.words import Refusal

SMALL = Config(width=8, channels=4, latent=4)
SHAPES = [(2,), (1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 64, 64)]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch_of(shape: tuple[int, ...], n: int = 6) -> Batch:
    data = toy_data(shape, n=n)
    return Batch(data.x if len(shape) == 1 else data.x.float() / 255, data.labels)


def built(shape: tuple[int, ...] = (2,), **changes: Any) -> GAN:
    torch.manual_seed(0)
    return GAN(replace(SMALL, **changes), toy_data(shape, n=20).spec)


def step(model: GAN, batch: Batch, options: Options | None = None) -> dict[str, dict[str, torch.Tensor]]:
    """One step of every phase, as the loop takes it."""
    options = options or Options()
    phases = model.phases()
    optimisers, moves = optimise.build(phases, options), optimise.Moves(model, phases)
    said = {}
    for name, phase in phases.items():
        with moves.only(name):
            said[name] = phase.loss(batch, rng())
        optimiser = optimisers[phase.optimiser or name]
        optimiser.zero_grad()
        said[name]["loss"].backward()
        optimise.set_learning_rate(optimiser, (phase.learning_rate or (lambda: options.learning_rate))())
        optimiser.step()
        if phase.after:
            phase.after()
    return said


def test_every_loss_has_its_objective() -> None:
    assert set(OBJECTIVES) == set(Loss)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("loss", Loss)
def test_every_loss_steps_on_every_shape(loss: Loss, shape: tuple[int, ...]) -> None:
    said = step(built(shape, loss=loss, r1_weight=0.5, conditional=True), batch_of(shape))
    assert all(v.isfinite().all() for terms in said.values() for v in terms.values())
    assert {k for terms in said.values() for k in terms} - {"loss"} <= set(TECHNIQUE.terms)


@pytest.mark.parametrize("shape", [(2,), (1, 8, 8)])
@pytest.mark.parametrize("loss", list(Loss))
def test_every_loss_steps_where_products_are_bfloat16(loss: Loss, shape: tuple[int, ...]) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        said = step(built(shape, loss=loss), batch_of(shape))
    assert all(torch.isfinite(value).all() for terms in said.values() for value in terms.values())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.sampled_from(SHAPES[:3]), loss=st.sampled_from(list(Loss)), network=st.sampled_from(list(Network)),
    critic_network=st.sampled_from(list(CriticNetwork)), critic_norm=st.sampled_from(list(Norm)), generator_norm=st.sampled_from(list(Norm)),
    dropout=st.sampled_from([0.0, 0.3]), r1_weight=st.sampled_from([0.0, 1.0]), r1_every=st.sampled_from([1, 4]),
    conditional=st.booleans(), layers=st.integers(0, 2), latent=st.integers(1, 3),
)  # fmt: skip
def test_every_combination_steps_or_is_refused_in_words(shape: tuple[int, ...], **changes: Any) -> None:
    impossible = len(shape) == 1 and (changes["network"] is Network.CONVOLUTIONAL or changes["critic_network"] is CriticNetwork.POOLED)
    if impossible:
        with pytest.raises(Refusal, match="Points"):
            built(shape, **changes)
        return
    model = built(shape, **changes)
    said = step(model, batch_of(shape))
    assert all(v.isfinite().all() for terms in said.values() for v in terms.values())
    model.eval()
    (x,) = model.sample(3, rng())
    assert x.shape == (3, *shape)


@pytest.mark.parametrize("loss", Loss)
def test_each_phase_gives_gradients_to_its_own_weights_alone(loss: Loss) -> None:
    model = built((1, 8, 8), loss=loss, r1_weight=1.0, r1_every=4, conditional=True)
    batch = batch_of((1, 8, 8))
    phases = model.phases()
    moves = optimise.Moves(model, phases)
    for name, phase in phases.items():
        model.zero_grad(set_to_none=True)
        with moves.only(name):
            terms = phase.loss(batch, rng())
        terms["loss"].backward()
        moved = {n for n, m in model.networks().items() if any(p.grad is not None for p in m.parameters())}
        assert moved == {n for n, m in model.networks().items() if m in phase.modules}
    assert not batch.x.requires_grad and batch.x.grad is None


def test_points_in_a_batch_are_left_as_they_were() -> None:
    batch = batch_of((2,))
    before = batch.x.clone()
    step(built((2,), r1_weight=1.0), batch)
    assert torch.equal(batch.x, before) and not batch.x.requires_grad


def test_the_phases_are_what_the_knobs_say() -> None:
    phases = built(critic_steps=3, r1_weight=1.0, r1_every=16).phases()
    assert list(phases) == ["critic", "r1", "generator"]
    assert (phases["critic"].repeats, phases["r1"].every, phases["r1"].optimiser) == (3, 16, "critic")
    assert not phases["generator"].fresh and phases["critic"].fresh
    assert "r1" not in built(r1_weight=1.0, r1_every=1).phases() and "r1" not in built(r1_weight=0.0, r1_every=16).phases()


def test_lazy_r1_is_worth_as_many_steps_as_it_waits() -> None:
    batch = batch_of((2,))
    lazy, eager = built(r1_weight=0.7, r1_every=8), built(r1_weight=0.7, r1_every=1)
    said, plain = eager.critic_loss(batch, rng()), built(r1_weight=0.0).critic_loss(batch, rng())
    alone = lazy.r1_loss(batch, rng())
    assert torch.allclose(alone["loss"], 8 * (said["loss"] - plain["loss"]), rtol=1e-3)
    assert torch.allclose(alone["loss"], 8 * 0.7 * (alone["r1"] + alone["r2"]))  # the relativistic loss takes both ends


def test_r2_belongs_to_the_relativistic_loss_and_gp_to_its_own() -> None:
    batch = batch_of((2,))
    for loss in Loss:
        terms = built(loss=loss, r1_weight=1.0).critic_loss(batch, rng())
        assert ("r2" in terms) is (loss is Loss.RELATIVISTIC) and ("gp" in terms) is (loss is Loss.WASSERSTEIN_GP) and "r1" in terms


def test_weights_are_clipped_after_a_critic_step_and_only_for_that_loss() -> None:
    for loss, clipped in ((Loss.WASSERSTEIN_CLIP, True), (Loss.WASSERSTEIN_GP, False)):
        model = built((1, 8, 8), loss=loss, clip=0.01)
        step(model, batch_of((1, 8, 8)))
        assert all(p.abs().max() <= 0.01 for p in model.critic.parameters()) is clipped
        assert max(p.abs().max() for p in model.generator.parameters()) > 0.01


def test_live_knobs_move_the_very_next_loss() -> None:
    model, batch = built(loss=Loss.WASSERSTEIN_GP, r1_weight=1.0), batch_of((2,))

    def loss() -> float:
        return model.critic_loss(batch, rng())["loss"].item()

    first = loss()
    for change in ({"gp_weight": 20.0}, {"r1_weight": 3.0}, {"loss": Loss.HINGE}):
        model.config = replace(model.config, **change)  # type: ignore[arg-type]
        assert loss() != first
        first = loss()
    rate = model.phases()["critic"].learning_rate
    assert rate is not None
    model.config = replace(model.config, critic_learning_rate=0.123)
    assert rate() == 0.123


def test_a_critic_learns_to_tell_a_frozen_generator_from_the_data() -> None:
    """With the generator still, the critic's loss is an ordinary one and must fall from log 4."""
    model, batch = built((2,), loss=Loss.NON_SATURATING, width=32), batch_of((2,), n=64)
    optimiser = torch.optim.Adam(model.critic.parameters(), 5e-3)
    losses = []
    for _ in range(150):
        terms = model.critic_loss(batch, rng())
        optimiser.zero_grad()
        terms["loss"].backward()
        optimiser.step()
        losses.append(terms["loss"].item())
    assert abs(losses[0] - 1.386) < 0.2 and losses[-1] < 0.5 * losses[0]
    assert terms["real_score"] > 0.7 > 0.3 > terms["fake_score"]


@pytest.mark.slow
def test_two_gaussian_clusters_are_both_found() -> None:
    torch.manual_seed(0)
    model = GAN(Config(network=Network.DENSE, width=32, latent=2, r1_weight=0.1), toy_data((2,), n=20).spec)
    phases, options = model.phases(), Options(learning_rate=2e-3)
    optimisers, moves, noise = optimise.build(phases, options), optimise.Moves(model, phases), rng(1)
    for _ in range(400):
        x = 0.1 * torch.randn(64, 2, generator=noise) + torch.randint(2, (64, 1), generator=noise) * 2.0 - 1.0
        for name, phase in phases.items():
            with moves.only(name):
                loss = phase.loss(Batch(x), noise)["loss"]
            optimisers[name].zero_grad()
            loss.backward()
            optimise.set_learning_rate(optimisers[name], 2e-3)
            optimisers[name].step()
    (x,) = model.sample(1000, rng())
    near = torch.stack([(x - c).norm(dim=1) < 0.6 for c in (-1.0, 1.0)])
    assert near.float().mean(1).min() > 0.2 and near.any(0).float().mean() > 0.7


def test_truncation_shrinks_the_latents_and_at_nought_leaves_one_picture() -> None:
    model = built((1, 8, 8)).eval()
    z = model.latents(4, rng())
    (x,), (half,), (none,) = (model.decode(z * s, rng=rng(), truncation=t) for s, t in ((0.5, 1.0), (1.0, 0.5), (1.0, 0.0)))
    assert torch.equal(x, half) and torch.allclose(none, none[:1].expand_as(none)) and not torch.allclose(x[0], x[1])


def test_calibration_gives_batch_normalisation_the_statistics_of_its_own_weights_and_leaves_it_evaluating() -> None:
    model = built((1, 8, 8), generator_norm=Norm.BATCH).eval()
    norm = next(m for m in model.generator.modules() if isinstance(m, torch.nn.BatchNorm1d))
    norm.running_mean.fill_(100.0)  # type: ignore[union-attr]
    with torch.no_grad():
        model.calibrate(torch.zeros(4, 1, 8, 8), None, rng())
        expected = model.generator[0](model.latents(20_000, rng(1))).mean(0)
    assert torch.allclose(norm.running_mean, expected, atol=0.1)  # type: ignore[arg-type]
    assert not norm.training and norm.momentum == 0.1


def test_critic_noise_does_not_leak_into_samples() -> None:
    """Samples of an evaluated model do not depend on their neighbours, nor on dropout or batch statistics."""
    model = built((1, 28, 28), generator_norm=Norm.BATCH, critic_norm=Norm.BATCH, dropout=0.5)
    step(model, batch_of((1, 28, 28)))
    model.eval()
    z = model.latents(6, rng())
    with torch.no_grad():
        (together,), (alone,) = model.decode(z, rng=rng()), model.decode(z[:1], rng=rng())
        assert torch.allclose(together[:1], alone, atol=1e-5)
        x = batch_of((1, 28, 28)).x
        assert torch.equal(model.critic(x), model.critic(x))


def test_points_show_their_field_and_grid() -> None:
    model = built((2,), latent=2, conditional=True).eval()
    with torch.no_grad():
        sheets, arrays = model.preview(Shown(30, torch.arange(30) % 10), rng())
        assert not sheets and arrays["points"].shape == (30, 2)
        side = arrays["field"].shape[0]
        low, high = arrays["extent"].tolist()
        corner = torch.tensor([[high, low]])  # the last column of the first row
        scores = [model.critic(corner, torch.tensor([k])) for k in range(10)]
        assert arrays["field"].shape == (side, side) and torch.allclose(arrays["field"][0, -1], torch.stack(scores).mean(), atol=1e-5)
        assert arrays["grid"].ndim == 3 and arrays["grid"].shape[2] == 2
        assert "grid" not in built((2,), latent=3).eval().preview(Shown(5), rng())[1]


def test_weights_survive_a_save_and_the_same_seed_gives_the_same_sample() -> None:
    """Perturbed first, so that a fresh twin cannot pass by being built from the same seed."""
    model = built((1, 8, 8), critic_norm=Norm.SPECTRAL, generator_norm=Norm.BATCH, conditional=True)
    step(model, batch_of((1, 8, 8)))
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.1)
    twin = built((1, 8, 8), critic_norm=Norm.SPECTRAL, generator_norm=Norm.BATCH, conditional=True)
    with torch.no_grad():
        assert not torch.equal(next(twin.eval().sample(3, rng())), next(model.eval().sample(3, rng())))
        twin.load_state_dict(model.state_dict())
        assert torch.equal(next(twin.sample(3, rng())), next(model.sample(3, rng())))
        x, labels = torch.rand(2, 1, 8, 8), torch.tensor([1, 2])
        assert torch.equal(twin.critic(x, labels), model.critic(x, labels))


def test_the_article_preset_is_the_articles_network() -> None:
    config, options = TECHNIQUE.read({}, toy_data((1, 28, 28), n=20).spec, "article")
    model = GAN(config, toy_data((1, 28, 28), n=20).spec)
    dense = [(m.in_features, m.out_features) for m in model.generator if isinstance(m, torch.nn.Linear)]
    assert dense == [(100, 128), (128, 128), (128, 784)] and isinstance(model.generator[-1], torch.nn.Tanh)
    kinds = [type(m).__name__ for m in model.critic.features]
    assert kinds == ["Conv2d", "MaxPool2d", "ReLU", "Dropout"] * 2 + ["Flatten"]
    assert (options.learning_rate, options.batch, config.beta1) == (2e-4, 64, 0.5)

"""What every technique promises, tested over the registry: a new one is tested the day its folder lands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from toys import toy_data

from aigc.data import specs
from aigc.events import Finished, Health, Preview, Saved, Step
from aigc.knobs import Choice, Knob, as_values, knobs, read, read_value
from aigc.options import Options
from aigc.techniques import techniques
from aigc.techniques.base import Batch, Technique
from aigc.train import train
from aigc.train.loop import Loop
from aigc.words import Refusal

SHAPES = sorted({s.shape for s in specs().values()} | {(3, 32, 32)})
PAIRS = [pytest.param(t, shape, id=f"{t}-{'x'.join(map(str, shape))}") for t in techniques() for shape in SHAPES]


def built(slug: str, shape: tuple[int, ...], **values: Any) -> tuple[Technique, Options]:
    info = techniques()[slug]
    data = toy_data(shape, n=40)
    config, options = info.read({"batch": 8, "seconds": 0, "images": 64, **values}, data.spec)
    torch.manual_seed(options.seed)
    return info.load()(config, data.spec), options


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def last(stream: Any) -> torch.Tensor:
    *_, x = stream
    return x


@pytest.mark.parametrize(("slug", "shape"), PAIRS)
def test_it_trains_shows_saves_and_samples_on_every_shape_of_data(slug: str, shape: tuple[int, ...]) -> None:
    info = techniques()[slug]
    model, options = built(slug, shape)
    events = []
    generator = train(model, toy_data(shape, n=40), options)
    while True:
        try:
            events.append(next(generator))
        except StopIteration as end:
            averaged = end.value
            break
    assert isinstance(events[-1], Finished)
    step = [e for e in events if isinstance(e, Step)][-1]
    assert all(v == v and abs(v) < 1e9 for v in step.terms.values()), step.terms
    said = set(step.terms) | {r for e in events if isinstance(e, Health) for r in e.rows}
    assert said <= set(info.terms), f"curves nobody explained: {said - set(info.terms)}"
    preview = [e for e in events if isinstance(e, Preview)][-1]
    if len(shape) == 1:
        points = preview.arrays["points"]
        assert points.ndim == 2 and points.shape[1] == 2 and points.isfinite().all()
    else:
        sheet = preview.sheets["samples"]
        assert sheet.shape[1:] == shape and sheet.min() >= 0 and sheet.max() <= 1
    saved = [e for e in events if isinstance(e, Saved)][-1]
    twin = info.load()(model.config, model.spec)
    with torch.no_grad():
        for p in twin.parameters():
            p.add_(0.1)  # else a twin built from the same seed would pass without loading
    twin.load_state_dict(saved.weights)
    twin.eval()
    with torch.no_grad():
        assert torch.equal(last(twin.sample(5, rng(3))), last(averaged.sample(5, rng(3))))


@pytest.mark.parametrize("slug", techniques())
def test_the_sampling_is_repeatable_in_data_space_and_ever_better_until_the_last(slug: str) -> None:
    model, _ = built(slug, (1, 8, 8))
    model.eval()
    with torch.no_grad():
        first, again, other = (list(model.sample(3, rng(s))) for s in (1, 1, 2))
    assert len(first) >= 1 and all(x.shape == (3, 1, 8, 8) and x.min() >= 0 and x.max() <= 1 for x in first)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True)) and not torch.equal(first[-1], other[-1])


@pytest.mark.parametrize("slug", techniques())
def test_a_fixed_batch_is_learnt(slug: str) -> None:
    if slug == "gan":
        pytest.skip("a game has no loss that must fall")
    model, _ = built(slug, (1, 8, 8), batch=32)
    data = toy_data(n=40)
    batch = Batch(data.x[:32].float() / 255, data.labels[:32] if data.labels is not None else None)
    (phase,) = model.phases().values()
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)
    losses = []
    for _ in range(60):
        loss = phase.loss(batch, rng(1))["loss"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss))
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])


@pytest.mark.parametrize("slug", techniques())
def test_a_step_of_the_real_thing_copies_nothing_to_the_host(slug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from test_train import _HostCopies

    monkeypatch.setattr("aigc.train.loop.REPORT_SECONDS", 1e9)
    model, options = built(slug, (1, 8, 8))
    loop = Loop(model, toy_data(n=40), options, watch=False)
    loop.step()
    with _HostCopies() as copies:
        for _ in range(17):  # more than a lazy regulariser's interval
            loop.step()
    assert copies.count == 0


@pytest.mark.parametrize("slug", techniques())
def test_its_light_half_is_complete_in_both_languages(slug: str) -> None:
    info = techniques()[slug]
    assert info.title.en and info.title.zh and info.summary.en.endswith(".") and info.summary.zh.endswith("。")
    for name, term in info.terms.items():
        assert term.label.en and term.label.zh and term.help.en and term.help.zh, name
    for spec in specs().values():
        table = info.presets(spec)
        assert list(table)[:3] == ["quick", "good", "long"]
        for preset in table:
            config, options = info.read({}, spec, preset)
            assert read(type(config), as_values(config)) == config
            assert options.seconds or options.images
    with pytest.raises(Refusal):
        info.read({}, next(iter(specs().values())), "no such preset")
    assert set(info.steps) <= set(built(slug, (1, 8, 8))[0].phases())


@pytest.mark.parametrize("slug", [t for t, i in techniques().items() if i.conditional])
def test_a_conditional_model_listens_to_its_labels(slug: str) -> None:
    model, _ = built(slug, (1, 8, 8), conditional=True)
    assert model.conditional
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.05 * torch.randn(p.shape, generator=rng(5)))  # zero-initialised layers must not hide the label
        model.eval()
        zero, one = (last(model.sample(4, rng(1), torch.full((4,), c))) for c in (0, 1))
    assert not torch.equal(zero, one)


@pytest.mark.parametrize("slug", [t for t, i in techniques().items() if i.can_encode])
def test_what_is_encoded_can_be_decoded(slug: str) -> None:
    model, _ = built(slug, (1, 8, 8))
    model.eval()
    x = toy_data(n=40).x[:4].float() / 255
    with torch.no_grad():
        z = last(model.encode(x, rng=rng()))
        back = last(model.decode(z, rng=rng()))
    assert back.shape == x.shape and len(z) == 4


def spoken(model: Technique, batch: Batch) -> list[float]:
    """Every number that says how the next step will move: losses, learning rates, and weights after what follows a step."""
    numbers = []
    torch.manual_seed(0)
    for phase in model.phases().values():
        numbers += [float(v.detach().nansum()) for v in phase.loss(batch, rng(1)).values()]
        numbers.append(phase.learning_rate() if phase.learning_rate else 0.0)
        if phase.after:
            phase.after()
            numbers += [float(p.detach().abs().sum()) for m in phase.modules for p in m.parameters()]
    return numbers


LIVE = [pytest.param(t, k, id=f"{t}-{k.name}") for t, i in techniques().items() for k in knobs(i.Config).values() if k.live]


@pytest.mark.parametrize(("slug", "k"), LIVE)
def test_a_live_knob_is_read_again_at_every_step(slug: str, k: Knob) -> None:
    """A live knob that training never looks at again would be a lie on the page."""
    needed = {k.when[0]: k.when[1][0]} if k.when else {}
    model, _ = built(slug, (1, 8, 8), **needed)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.05 * torch.randn(p.shape, generator=rng(5)))
    data = toy_data(n=40)
    batch = Batch(data.x[:8].float() / 255, data.labels[:8] if data.labels is not None else None)
    values = [m for m in k.kind] if issubclass(k.kind, Choice) else [k.low, k.high]  # type: ignore[var-annotated]
    heard = []
    for value in values:
        model.config = replace(model.config, **{k.name: read_value(k, value)})
        heard.append(spoken(model, batch))
    assert any(h != heard[0] for h in heard[1:]), f"{k.name} changes nothing"

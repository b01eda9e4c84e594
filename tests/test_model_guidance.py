"""Guidance that is learnt: where the loss comes to rest, what it costs, and that sampling then goes without."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from toys import toy_data, toy_spec

from aigc.data import spec
from aigc.data.batches import Batch
from aigc.knobs import ModelName, read
from aigc.maths.diffusion import guide
from aigc.options import Options
from aigc.registry import ModelCard, shell_command, spec_as_json
from aigc.techniques import technique
from aigc.techniques.diffusion import LEARNT, LEARNT_LONG, Config
from aigc.techniques.diffusion.model import Diffusion
from aigc.train import compiling
from aigc.train.loop import Loop
from aigc.words import Refusal

CLASSES = 3


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Table(nn.Module):
    """A prediction for each class and for none, whatever the point: least squares makes it the mean of the target."""

    def __init__(self) -> None:
        super().__init__()
        self.of_class = nn.Parameter(torch.zeros(CLASSES + 1, 2))
        self.rows: list[int] = []
        self.gradients: list[bool] = []

    def forward(self, x: Tensor, time: Tensor, labels: Tensor) -> Tensor:
        self.rows.append(len(x))
        self.gradients.append(torch.is_grad_enabled())
        return self.of_class[labels]


def model(**values: Any) -> tuple[Diffusion, Table]:
    made = Diffusion(read(Config, {"conditional": True, "width": 8, **values}), toy_spec((2,), classes=CLASSES))
    made.denoiser = table = Table()
    return made, table


def batch(n: int = 300) -> Batch:
    labels = torch.arange(n) % CLASSES
    return Batch(torch.stack([labels.float(), -1.0 * (labels == 2)], 1), labels)


@pytest.mark.parametrize("guidance", [1.0, 1.5, 3.0])
def test_the_loss_comes_to_rest_where_guidance_would_lead(guidance: float) -> None:
    made, table = model(model_guidance=guidance, label_dropout=0.3)
    draw, optimiser = rng(), torch.optim.SGD(table.parameters(), lr=1.0)
    for step in range(400):
        optimiser.param_groups[0]["lr"] = 3.0 / (1 + step / 20)
        optimiser.zero_grad()
        made.loss(batch(), draw)["loss"].backward()
        optimiser.step()
    means = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, -1.0]])  # of a class; the velocity is noise minus data
    expected = guide(-means.mean(0), -means, guidance)
    assert torch.allclose(table.of_class[:CLASSES], expected, atol=0.15)
    assert torch.allclose(table.of_class[CLASSES], -means.mean(0), atol=0.1), "the prediction without a class is no other than before"


def test_it_costs_one_look_without_gradients_and_none_where_it_is_not_asked_for() -> None:
    made, table = model(model_guidance=2.0, label_dropout=1e-9)
    made.loss(batch(), rng())["loss"].backward()
    assert table.gradients == [True, False] and table.of_class.grad is not None and not table.of_class.grad[CLASSES].any()
    plain, table = model()
    plain.loss(batch(), rng())
    assert table.gradients == [True]


def test_without_hidden_labels_there_is_nothing_to_compare_with() -> None:
    with pytest.raises(Refusal, match="hide a share of the labels"):
        Config(conditional=True, model_guidance=1.5, label_dropout=0.0)
    Config(model_guidance=1.5, label_dropout=0.0)  # told no classes: the knob is not shown and says nothing
    shortcut = Config(conditional=True, model_guidance=1.5, label_dropout=0.0, teacher=ModelName("mnist-diffusion"))
    assert not shortcut.learns_guidance


def test_sampling_goes_without_guidance_unless_it_is_asked_for() -> None:
    made, table = model(model_guidance=1.5)
    labels = torch.arange(6) % CLASSES
    assert technique("diffusion").sampling_of(made.config)["guidance"] == 1.0
    made.make(6, rng(), labels, sampler="euler", steps=2)
    assert table.rows == [6, 6]
    made.make(6, rng(), labels, sampler="euler", steps=2, guidance=1.3, guided_from=1.0)
    assert table.rows[2:] == [12, 12]
    made.make(6, rng(), labels, sampler="euler", steps=2, guidance=1.3)
    assert table.rows[4:] == [6, 12]


def test_the_presets_that_take_their_time_learn_guidance_where_there_are_classes() -> None:
    info = technique("diffusion")
    for name, learnt in (("quick", 1.0), ("good", LEARNT), ("long", LEARNT_LONG)):
        for data in ("mnist", "fashion-mnist", "digits"):
            config, _ = info.read({}, spec(data), name)
            assert config.learns_guidance is (learnt > 1) and config.model_guidance == learnt
        assert not info.read({}, spec("moons"), name)[0].learns_guidance


def test_the_recipe_of_a_model_older_than_the_knob_leaves_it_out() -> None:
    old = ModelCard("old", "diffusion", "mnist", spec_as_json(spec("mnist")), {"conditional": True, "width": 32}, {"images": 1000}, preset="good")
    assert "--set model_guidance=1 " in shell_command(old)


def test_both_ways_of_calling_the_network_are_compiled() -> None:
    data = toy_data((2,), n=64)
    made = Diffusion(Config(width=16, levels=50, conditional=True, model_guidance=1.5), data.spec)
    job = compiling._job(Loop(made, data, Options(seconds=0, images=512, batch=32), watch=False), threads=1)
    assert [call.gradients for call in job.calls] == [True, False] and job.calls[0].layouts == job.calls[1].layouts

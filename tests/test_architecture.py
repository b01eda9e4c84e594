"""The diagram shows what really runs: layers, skips, two inputs of a critic; and the code shown is the code that ran."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn
from toys import Toy, ToyConfig, toy_spec

from aigc import data
from aigc.data import DataSpec
from aigc.home import PROJECT
from aigc.techniques import TechniqueInfo, Term, techniques
from aigc.techniques.base import Batch, Phase, Technique
from aigc.ui import architecture, source
from aigc.ui.tracing import trace
from aigc.words import both

CASES = [(slug, name) for slug in techniques() for name in ("digits", "moons")]


def built(slug: str, name: str, **values: Any) -> tuple[Technique, TechniqueInfo]:
    info, spec = techniques()[slug], data.spec(name)
    config, _ = info.read(values, spec)
    return info.load()(config, spec), info


def test_a_critic_has_two_inputs() -> None:
    graph = trace(Toy(ToyConfig(), toy_spec()))
    assert set(graph.edges) == {
        ("normal (4,)", "maker.0"), ("maker.0", "maker.1"), ("maker.1", "maker.2"), ("maker.2", "maker.3"),
        ("maker.3", "judge"), ("real (1, 8, 8)", "judge"), ("judge", "loss judge"),
        ("maker.3", "loss maker"), ("real (1, 8, 8)", "loss maker"),
    }  # fmt: skip
    assert graph.nodes["maker.3"].shape == (64,) and graph.nodes["judge"].parameters == 65


class Block(nn.Module):
    def __init__(self, a: int, b: int):
        super().__init__()
        self.conv, self.told = nn.Conv2d(a, b, 3, padding=1), nn.Linear(1, b)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return torch.relu(self.conv(x) + self.told(t)[:, :, None, None])


class Hourglass(nn.Module):
    """Down once, up once, with a skip."""

    def __init__(self) -> None:
        super().__init__()
        self.time = nn.Sequential(nn.Linear(1, 1), nn.SiLU())
        self.down, self.middle, self.up = nn.ModuleList([Block(1, 4)]), Block(4, 4), nn.ModuleList([Block(8, 1)])

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        t = self.time(t[:, None].float())
        skip = self.down[0](x, t)
        h = self.middle(nn.functional.avg_pool2d(skip, 2), t)
        return self.up[0](torch.cat([nn.functional.interpolate(h, scale_factor=2), skip], 1), t)


TERMS = {"loss": Term(both("loss", "损失"), both("l", "l"))}


class Skipping(Technique):
    info = TechniqueInfo("skipping", both("s", "s"), both("s", "s"), ToyConfig, ToyConfig, "", TERMS, lambda d: {})

    def __init__(self, spec: DataSpec):
        super().__init__(None, spec)
        self.denoiser = Hourglass()

    def phases(self) -> dict[str, Phase]:
        return {"denoiser": Phase((self.denoiser,), self.loss)}

    def loss(self, batch: Batch, rng: Generator) -> dict[str, Tensor]:
        noise = torch.randn(batch.x.shape, generator=rng)
        level = torch.randint(1, 10, (len(batch),), generator=rng)
        share = (level / 10)[:, None, None, None]
        out = self.denoiser((1 - share) * batch.x + share * noise, level)
        return {"loss": (out - noise).square().mean()}


def test_skips_and_what_only_tells_are_found() -> None:
    model = Skipping(toy_spec(classes=0))
    graph = trace(model)
    assert ("denoiser.down.0", "denoiser.up.0") in graph.edges and ("denoiser.middle", "denoiser.up.0") in graph.edges
    assert ("real (1, 8, 8)", "denoiser.middle") not in graph.edges
    assert graph.nodes["denoiser.down.0"].then == ["AvgPool2d"] and graph.nodes["denoiser.middle"].then == ["Upsample"]
    drawn = architecture.describe(model, model.info, "en")
    keys = list(architecture.merged(graph)[0].nodes)
    told, down = keys.index("denoiser.time.0"), keys.index("denoiser.down.0")
    assert f"n{told} -.-> n{down}" in drawn and f"n{down} --> n{keys.index('denoiser.up.0')}" in drawn
    assert "random step t" in drawn


@pytest.mark.parametrize(("slug", "name"), CASES)
def test_the_diagram_of_every_technique_is_whole(slug: str, name: str) -> None:
    model, info = built(slug, name)
    graph = trace(model)
    for network, module in model.networks().items():  # type: ignore[operator]
        drawn = sum(n.parameters for n in graph.nodes.values() if n.network == network and n.kind == "layer")
        assert drawn == sum(p.numel() for p in module.parameters()), network
    for lang in ("en", "zh"):
        text = architecture.describe(model, info, lang)  # type: ignore[arg-type]
        named = set(re.findall(r"^(n\d+)[\[({]", text, re.M))
        used = set(re.findall(r"\bn\d+\b", "\n".join(line for line in text.splitlines() if ">" in line and "[" not in line and "{" not in line)))
        assert used and used <= named
        assert text.count("subgraph") == text.count("\nend") == len(model.networks())  # type: ignore[operator]
        assert all(line.count('"') % 2 == 0 for line in text.splitlines())
        assert architecture.times(model.spec.shape) in text
        assert ":::aigc-loss" in text and ":::aigc-real" in text
    assert all(not re.search(r"[\u4e00-\u9fff]", line) for line in architecture.describe(model, info, "en").splitlines())


def test_a_turned_knob_changes_the_drawing() -> None:
    drawings = {architecture.describe(*built("vae", "digits", network="dense", layers=n, latent=z), "en") for n, z in ((1, 2), (2, 2), (2, 3))}
    assert len(drawings) == 3


def test_drawing_leaves_no_hooks_behind() -> None:
    model, info = built("diffusion", "digits")
    architecture.describe(model, info, "en")
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


@pytest.mark.parametrize(("slug", "name"), CASES)
def test_the_code_is_read_from_its_files(slug: str, name: str) -> None:
    model, _ = built(slug, name)
    found = source.executed(model)
    assert next(iter(found)) == f"aigc/techniques/{slug}/model.py"
    for file, code in found.items():
        written = Path(PROJECT / file).read_text()
        for part in code.split("\n\n\n"):
            assert part.splitlines()[-1].strip() in written
    losses = {phase.loss.__name__ for phase in model.phases().values()}
    code = "\n".join(found.values())
    assert all(f"def {loss}(" in code for loss in losses)


def test_only_what_ran_is_shown() -> None:
    hinge = "\n".join(source.executed(built("gan", "digits", loss="hinge", r1_weight=0.0)[0]).values())
    squares = "\n".join(source.executed(built("gan", "digits", loss="least-squares", r1_weight=0.0)[0]).values())
    assert "def hinge_critic" in hinge and "def least_squares_critic" not in hinge
    assert "def least_squares_critic" in squares and "def hinge_critic" not in squares
    assert "aigc/maths/gan.py" in source.executed(built("gan", "digits")[0])

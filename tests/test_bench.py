"""The bench: every contender trains the same network for as long as it is told, and the table says who was how fast."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from aigc import cli
from aigc.bench import diffusion_race, measure
from aigc.bench.contenders import Ours, Pictures, Stretch, Usual, made
from aigc.bench.workloads import WORKLOADS, data
from aigc.words import Refusal


@pytest.fixture(scope="module")
def pictures() -> Any:
    return data()


def test_single_examples_are_what_the_resident_batches_hold(pictures: Any) -> None:
    x, label = Pictures(pictures)[3]
    assert torch.equal(x, pictures.x[3].float() / 255) and label == pictures.labels[3]


@pytest.mark.parametrize("name", WORKLOADS)
def test_both_loops_begin_with_the_same_network_and_learn(name: str, pictures: Any) -> None:
    ours, usual = Ours(WORKLOADS[name], pictures), Usual(WORKLOADS[name], pictures)
    theirs, mine = usual.model.state_dict(), ours.loop.model.state_dict()
    assert theirs.keys() == mine.keys() and all(torch.equal(theirs[k], mine[k]) for k in mine)
    before = {k: v.clone() for k, v in theirs.items()}
    assert usual.step() == ours.step() > 0
    for model in (usual.model, ours.loop.model):
        assert any(not torch.equal(before[k], v) for k, v in model.state_dict().items() if v.is_floating_point())


def test_the_ratio_is_ours_to_theirs_and_the_median_of_the_rounds() -> None:
    class Fixed:
        name = "usual loop"

        def go(self, seconds: float) -> Stretch:
            raise AssertionError

    turns = {"aigc": [Stretch(300, 1, 1), Stretch(400, 1, 2), Stretch(900, 1, 1)], "usual loop": [Stretch(100, 1, 1)] * 3}
    result = measure._result("vae", Fixed(), turns)
    assert result.ratio == 4 and result.cpu_ratio == 3 and result.spread == (3, 9) and result.images_per_second == 100


def test_the_share_of_the_kernels_is_a_share(pictures: Any) -> None:
    assert 0.02 < measure.kernel_share(Ours(WORKLOADS["vae"], pictures)) < 1


def test_a_short_race_prints_its_table_and_writes_its_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to = tmp_path / "bench.json"
    assert cli.main(["bench", "--only", "autoencoder", "--seconds", "0.1", "--rounds", "1", "--out", str(to)]) == 0
    written = json.loads(to.read_text())
    assert [r["contender"] for r in written["results"]] == ["aigc", "usual loop"] and written["machine"]["torch"] == torch.__version__
    assert "784-32-784" in capsys.readouterr().out


def test_the_race_of_diffusion_trainers_gives_each_the_same_time(pictures: Any) -> None:
    spent: dict[str, list[float]] = {}

    def told(name: str, share: float) -> None:
        spent.setdefault(name, []).append(share)

    class Nothing:
        name = "draws black"

        def __init__(self, *_: Any) -> None: ...

        def step(self) -> int:
            return 7

        def samples(self, n: int) -> torch.Tensor:
            return torch.zeros(n, 1, 28, 28)

    ours, nothing = diffusion_race.race(pictures, [0.5], 40, (diffusion_race.Ours, Nothing), told)
    assert ours.images > 0 and nothing.images % 7 == 0 and ours.n == 40 and nothing.fid > 0 and ours.fid != nothing.fid
    assert all(0 <= s < 1 for shares in spent.values() for s in shares) and set(spent) == {"aigc", "draws black"}


def test_a_peer_that_cannot_be_loaded_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "denoising_diffusion_pytorch", None)
    with pytest.raises(Refusal, match="not part of this race"):
        diffusion_race.check_peer()


@pytest.mark.parametrize("asked", [("--only", "nonsense"), ("--seconds", "0"), ("--rounds", "0"), ("--diffusion-race", "soon")])
def test_nonsense_is_refused(asked: tuple[str, str]) -> None:
    assert cli.main(["bench", *asked]) == 2


def test_the_presets_are_those_of_the_page(pictures: Any) -> None:
    _, options = made(WORKLOADS["vae"], pictures)
    assert options.batch == 256

"""Muon: what it does to a matrix, what it leaves to Adam, and that it goes on where it stopped."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from aigc.options import Optimiser, Options
from aigc.techniques.base import Phase
from aigc.train import optimise
from aigc.train.muon import RMS, Muon, orthogonal


@pytest.mark.parametrize("shape", [(3, 16, 40), (2, 40, 16), (1, 8, 8)])
def test_a_matrix_keeps_its_directions_and_loses_their_lengths(shape: tuple[int, int, int]):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    u, lengths, vh = torch.linalg.svd(x, full_matrices=False)
    seen = u.mT @ orthogonal(x) @ vh.mT
    kept = lengths > 0.02 * lengths.amax(1, keepdim=True)  # five rounds reach those that are not tiny beside the longest
    along = seen.diagonal(dim1=1, dim2=2)
    assert ((along > 0.6) & (along < 1.3))[kept].all()
    assert torch.allclose(seen, torch.diag_embed(along), atol=1e-4)


def test_how_far_a_matrix_moves_does_not_depend_on_its_gradient():
    far = []
    for scale in (1e-6, 1.0, 1e6):
        kernel = nn.Parameter(torch.zeros(8, 4, 3, 3))
        kernel.grad = scale * torch.randn(kernel.shape, generator=torch.Generator().manual_seed(1))
        Muon([kernel], lr=0.01).step()
        far.append(float(kernel.detach().square().mean().sqrt()))
    assert far == pytest.approx([far[0]] * 3, rel=0.02)
    assert far[0] == pytest.approx(0.01 * RMS, rel=0.3)


def test_no_gradient_moves_nothing():
    matrix, left_out = nn.Parameter(torch.ones(4, 4)), nn.Parameter(torch.ones(4, 4))
    matrix.grad = torch.zeros(4, 4)
    Muon([matrix, left_out], lr=0.1).step()
    assert torch.equal(matrix.detach(), torch.ones(4, 4)) and torch.equal(left_out.detach(), torch.ones(4, 4))


def test_vectors_move_as_adam_moves_them():
    ours, theirs = (nn.Parameter(torch.ones(5)) for _ in range(2))
    one, other = Muon([ours, nn.Parameter(torch.ones(2, 2))], lr=0.1, betas=(0.5, 0.9)), torch.optim.Adam([theirs], lr=0.1, betas=(0.5, 0.9))
    for step in range(3):
        ours.grad = theirs.grad = torch.linspace(-1, 1, 5) * (step + 1)
        one.step()
        other.step()
    assert torch.equal(ours, theirs)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(4 * 36, 3))


def steps(model: nn.Module, optimiser: torch.optim.Optimizer, n: int, first: int = 0) -> list[float]:
    said = []
    for step in range(first, first + n):
        rng = torch.Generator().manual_seed(step)
        x = torch.randn(8, 1, 8, 8, generator=rng)
        loss = (model(x) - x.mean((1, 2, 3))[:, None]).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimise.set_learning_rate(optimiser, 0.02)
        optimiser.step()
        said.append(float(loss.detach()))
    return said


def built(model: nn.Module) -> dict[str, torch.optim.Optimizer]:
    return optimise.build({"all": Phase((model,), lambda batch, rng: {})}, Options(optimiser=Optimiser.MUON))


def test_it_learns_and_goes_on_where_it_stopped():
    model = network()
    optimisers = built(model)
    early = steps(model, optimisers["all"], 20)
    kept, weights = {k: v.clone() for k, v in optimise.state(optimisers).items()}, {k: v.clone() for k, v in model.state_dict().items()}
    late = steps(model, optimisers["all"], 5, first=20)
    assert sum(late) < 0.5 * sum(early[:5])

    again = network()
    again.load_state_dict(weights)
    others = built(again)
    optimise.restore(others, kept)
    assert steps(again, others["all"], 5, first=20) == late


def test_decay_is_decoupled():
    matrix, vector = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(3))
    matrix.grad, vector.grad = torch.zeros(2, 2), torch.zeros(3)
    Muon([matrix, vector], lr=0.1, weight_decay=0.5).step()
    assert torch.allclose(matrix.detach(), torch.full((2, 2), 0.95)) and torch.allclose(vector.detach(), torch.full((3,), 0.95))

"""The network that judges: features, then one score for each example."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from aigc.nets.body import features
from aigc.nets.conv import pooled_features
from aigc.nets.kinds import Body, Norm
from aigc.nets.layers import LeakyReLU, last


class Critic(nn.Module):
    """(B, *shape), (B,) labels or None -> (B,) scores, unbounded.  A class is judged by a projection: Miyato & Koyama 2018, eq. 3"""

    def __init__(self, shape: tuple[int, ...], body: Body, norm: Norm, dropout: float, pooled: bool, classes: int):
        super().__init__()
        if pooled:
            self.features, size = pooled_features(cast(tuple[int, int, int], shape), dropout, nn.ReLU, norm)
        else:
            self.features, size = features(shape, body, LeakyReLU, norm, dropout)
        self.score = last(nn.Linear(size, 1), norm)
        self.class_score = nn.Embedding(classes, size) if classes else None
        if self.class_score is not None:
            nn.init.normal_(self.class_score.weight, std=size**-0.5)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        h = self.features(x)
        score = self.score(h).squeeze(1)
        if self.class_score is not None and labels is not None:
            score = score + (self.class_score(labels) * h).sum(1)
        return score.float()

"""The network that reads a picture: features, then the numbers asked for, shifted by its class where there are classes."""

from __future__ import annotations

from torch import Tensor, nn

from aigc.nets.body import features
from aigc.nets.kinds import Body
from aigc.nets.layers import with_label


class Encoder(nn.Module):
    """(B, *shape), (B,) labels or None -> (B, out)"""

    def __init__(self, shape: tuple[int, ...], body: Body, out: int, activation: type[nn.Module], classes: int = 0):
        super().__init__()
        self.classes = classes
        self.features, size = features(shape, body, activation)
        self.out = nn.Linear(size + classes, out)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.out(with_label(self.features(x), labels, self.classes))

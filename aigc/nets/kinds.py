"""What kind of network, and how large: the knobs that the dense and convolutional techniques share. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aigc.knobs import Choice, knob
from aigc.words import Refusal, both

if TYPE_CHECKING:
    from aigc.data import DataSpec


class Network(Choice):
    AUTOMATIC = "automatic", both("automatic: convolutional for images, dense for points", "自动：图像用卷积，点集用全连接")
    DENSE = "dense", both("dense", "全连接")
    CONVOLUTIONAL = "convolutional", both("convolutional", "卷积")

    def on(self, shape: tuple[int, ...]) -> Network:
        """Dense or convolutional, decided by the shape of the data.  Raises Refusal for a convolution over points."""
        if self is Network.AUTOMATIC:
            return Network.DENSE if len(shape) == 1 else Network.CONVOLUTIONAL
        if self is Network.CONVOLUTIONAL and len(shape) == 1:
            raise Refusal(both("Points have no neighbours to convolve over: choose a dense network.", "二维点没有可供卷积的邻域：请选择全连接网络。"))
        return self


class Norm(Choice):
    NONE = "none", both("none", "无")
    BATCH = "batch", both("batch", "批归一化")
    LAYER = "layer", both("layer", "层归一化")
    SPECTRAL = "spectral", both("spectral", "谱归一化")


COMPONENTS = 20  # Gaussians of the mixture that samples of an autoencoder start from
TINY, LARGE = 16, 40  # sides of pictures in pixels: dense layers are quicker up to the first; past the second there is more to learn
MAP_FACTOR = 4  # the picture's sides over those of its map of codes


def map_shape(shape: tuple[int, ...], channels: int) -> tuple[int, int, int]:
    """Of the map of codes of a picture: (C, H, W) -> (channels, H / 4, W / 4).  Raises Refusal where the sides do not allow one."""
    if len(shape) == 1 or any(side % MAP_FACTOR for side in shape[1:]):
        raise Refusal(both("A map of codes needs pictures whose sides can be divided by 4.", "编码图要求图像的边长能被 4 整除。"))
    return channels, shape[1] // MAP_FACTOR, shape[2] // MAP_FACTOR


DENSE = (Network.AUTOMATIC, Network.DENSE)
CONVOLUTIONAL = (Network.AUTOMATIC, Network.CONVOLUTIONAL)


@dataclass(frozen=True)
class Body:
    """Base of a technique's Config whose networks are dense or convolutional."""

    network: Network = knob(
        Network.AUTOMATIC, group="network", label=both("Network", "网络"),
        help=both("Dense layers see every pixel at once; convolutions reuse what they learn everywhere in the picture and make sharper images.",
                  "全连接层一次看到所有像素；卷积把学到的东西用在图像各处，画面更清晰。"),
    )  # fmt: skip
    width: int = knob(
        128, 4, 2048, group="network", log=True, when=("network", DENSE), label=both("Dense width", "全连接宽度"),
        help=both("Units of the first hidden layer. Wider learns more, and slower.", "第一个隐藏层的单元数。越宽学得越多，也越慢。"),
    )  # fmt: skip
    layers: int = knob(
        2, 0, 8, group="network", when=("network", DENSE), label=both("Hidden layers", "隐藏层数"),
        help=both("How many hidden layers a dense network has; 0 is a single linear map.", "全连接网络有几个隐藏层；0 表示只有一个线性映射。"),
    )  # fmt: skip
    widening: float = knob(
        1.0, 0.25, 4.0, group="network", when=("network", DENSE), label=both("Widening", "逐层加宽"),
        help=both("Each hidden layer is this many times as wide as the one before, counted from the data's side.",
                  "从数据一侧数起，每个隐藏层的宽度是前一层的多少倍。"),
    )  # fmt: skip
    channels: int = knob(
        32, 4, 256, group="network", log=True, when=("network", CONVOLUTIONAL), label=both("Channels", "通道数"),
        help=both("Feature maps after the first halving of the picture; they double at every further halving. Twice as many cost about four "
                  "times the time.",
                  "图像第一次减半后的特征图数，之后每减半一次就翻倍。加倍约需四倍时间。"),
    )  # fmt: skip

    def suits(self, spec: DataSpec) -> None:
        """Raises Refusal where these knobs make no sense for data of this kind."""
        self.network.on(spec.shape)

    def widths(self) -> list[int]:
        """The hidden layers of a dense network, from the data's side."""
        return [max(1, round(self.width * self.widening**i)) for i in range(self.layers)]

"""The knobs of an autoencoder and of sampling from one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aigc.knobs import Choice, knob
from aigc.nets.kinds import COMPONENTS, Body
from aigc.words import Refusal, both

if TYPE_CHECKING:
    from aigc.data import DataSpec


class Reconstruction(Choice):
    SQUARED = "squared-error", both("squared error", "平方误差")
    CROSS_ENTROPY = "cross-entropy", both("cross-entropy", "交叉熵")


class Code(Choice):
    LINEAR = "linear", both("linear", "线性")
    RELU = "relu", both("ReLU (never negative)", "ReLU（不为负）")


@dataclass(frozen=True)
class Config(Body):
    latent: int = knob(
        16, 1, 256, group="first", label=both("Latent size", "潜变量维数"),
        help=both("How many numbers a picture is squeezed into. Fewer: blurrier, but neighbours in the code look alike. With 2, the code is a map.",
                  "把一张图压成多少个数。少则模糊，但相邻的编码长得像；取 2 时编码就是一张地图。"),
    )  # fmt: skip
    reconstruction: Reconstruction = knob(
        Reconstruction.CROSS_ENTROPY, group="first", label=both("Reconstruction loss", "重建损失"),
        help=both("Cross-entropy suits pictures that are nearly black and white; squared error suits greys, colours and points.",
                  "接近黑白的图像宜用交叉熵；灰度、彩色与点集宜用平方误差。"),
    )  # fmt: skip
    noise: float = knob(
        0.0, 0.0, 2.0, live=True, label=both("Noise on the input", "输入加噪"),
        help=both("Standard deviation of Gaussian noise that the network must undo (Vincent et al. 2008). Codes become more robust, "
                  "pictures a little softer.",
                  "加在输入上、要网络还原的高斯噪声的标准差（Vincent 等 2008）。编码更稳健，画面略软。"),
    )  # fmt: skip
    mask: float = knob(
        0.0, 0.0, 0.95, live=True, label=both("Masked share of the input", "输入遮挡比例"),
        help=both("This share of the pixels is set to 0 and must be filled in.", "把这一比例的像素置零，由网络补全。"),
    )  # fmt: skip
    l1: float = knob(
        0.0, 0.0, 100.0, live=True, label=both("L1 penalty on the code (sparse)", "编码的 L1 惩罚（稀疏）"),
        help=both("Times the sum of absolute codes: most codes of a picture go to 0, the more so with a ReLU code. Too large: all of them.",
                  "乘以编码绝对值之和：一张图的大多数编码趋于零，配 ReLU 编码更明显。太大则全部为零。"),
    )  # fmt: skip
    l2: float = knob(
        0.0, 0.0, 100.0, live=True, label=both("L2 penalty on the code", "编码的 L2 惩罚"),
        help=both("Times half the squared length of the code: keeps codes together, which makes random ones decode better (Ghosh et al. 2020).",
                  "乘以编码长度平方的一半：编码聚在一起，随机编码解出的图更好（Ghosh 等 2020）。"),
    )  # fmt: skip
    components: int = knob(
        COMPONENTS, 1, 200, group="network", label=both("Clusters of codes", "编码的簇数"),
        help=both("Samples come from a mixture of so many Gaussians, fitted to the codes of real pictures. More follow the codes more closely, and "
                  "take longer to fit when training ends: 20 about two seconds, 100 half a minute.",
                  "样本取自一个高斯混合分布，由这么多个高斯拟合真实图像的编码而成。越多越贴合，但训练结束时拟合越久：20 个约两秒，100 个约半分钟。"),
    )  # fmt: skip
    code: Code = knob(
        Code.LINEAR, group="network", label=both("Code layer", "编码层"),
        help=both("What ends the encoder. Tutorials often use ReLU, which wastes the units that fall silent.",
                  "编码器以什么结尾。教程常用 ReLU，会浪费不再激活的单元。"),
    )  # fmt: skip

    def suits(self, spec: DataSpec) -> None:
        super().suits(spec)
        if spec.is_points and self.reconstruction is Reconstruction.CROSS_ENTROPY:
            raise Refusal(both("Cross-entropy is for pixels: choose squared error for points.", "交叉熵用于像素：点集请选平方误差。"))


@dataclass(frozen=True)
class Sampling:
    temperature: float = knob(
        1.0, 0.0, 1.5, label=both("Temperature", "温度"),
        help=both("How far codes stray from the centre of their cluster: below 1 more typical pictures, above 1 stranger ones.",
                  "编码离所属簇中心多远：小于 1 更典型，大于 1 更怪异。"),
    )  # fmt: skip

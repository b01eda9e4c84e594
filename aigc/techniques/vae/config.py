"""The knobs of a variational autoencoder and of sampling from one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aigc.knobs import Choice, knob
from aigc.nets.kinds import CONVOLUTIONAL, Body, Network, map_shape
from aigc.words import Refusal, both

if TYPE_CHECKING:
    from aigc.data import DataSpec


class Likelihood(Choice):
    BERNOULLI = "cross-entropy", both("cross-entropy (Bernoulli pixels)", "交叉熵（伯努利像素）")
    GAUSSIAN = "gaussian", both("Gaussian, fixed sigma", "高斯，sigma 固定")
    GAUSSIAN_LEARNED = "gaussian-learned", both("Gaussian, one learned sigma", "高斯，学习一个 sigma")


class Bottleneck(Choice):
    VECTOR = "vector", both("one vector", "一个向量")
    MAP = "map", both("a map of codes", "一张编码图")


@dataclass(frozen=True)
class Config(Body):
    latent: int = knob(
        16, 1, 256, group="first", label=both("Latent size", "潜变量维数"),
        help=both("How many numbers describe a picture, or every place of a map of codes. With 2 the whole latent plane can be drawn; more gives "
                  "sharper pictures.",
                  "用多少个数描述一张图（编码图则为每个位置的个数）。取 2 可以画出整个潜平面；更多则画面更清晰。"),
    )  # fmt: skip
    bottleneck: Bottleneck = knob(
        Bottleneck.VECTOR, group="network", when=("network", CONVOLUTIONAL), label=both("Latents are", "潜变量的形式"),
        help=both("A map holds a small code for every 4 × 4 pixels: it rebuilds pictures far better, but only a diffusion model can draw from it "
                  "(its knob “In the latents of”).",
                  "编码图为每 4 × 4 像素留一个小编码：重建好得多，但要靠扩散模型才能从中生成（见其选项“在谁的潜空间中”）。"),
    )  # fmt: skip
    beta: float = knob(
        1.0, 0.0, 100.0, group="first", live=True, label=both("Beta", "Beta"),
        help=both("Weight of the KL term: 1 is the evidence lower bound. Above, latents grow independent and pictures blur; below, "
                  "reconstructions sharpen and samples fall apart.",
                  "KL 项的权重：1 就是证据下界。更大则潜变量更独立、画面更糊；更小则重建更清晰、采样更散乱。"),
    )  # fmt: skip
    likelihood: Likelihood = knob(
        Likelihood.BERNOULLI, group="first", label=both("Likelihood", "似然"),
        help=both("What a pixel is thought to be drawn from. Cross-entropy suits near black and white; Gaussian suits greys, colours and points.",
                  "认为像素取自什么分布。接近黑白用交叉熵；灰度、彩色与点集用高斯。"),
    )  # fmt: skip
    binarise: bool = knob(
        False, when=("likelihood", (Likelihood.BERNOULLI,)), label=both("Black or white at random", "随机二值化"),
        help=both("Each pixel is drawn black or white anew at every step, by its grey: then the bound is a true likelihood, in nats, that can "
                  "be set beside published ones (Burda et al. 2016).",
                  "每一步按灰度重新把每个像素抽成黑或白：此时的下界才是真正的似然（nat），可与文献数值相比（Burda 等 2016）。"),
    )  # fmt: skip
    sigma: float = knob(
        0.1, 0.001, 10.0, log=True, live=True, when=("likelihood", (Likelihood.GAUSSIAN,)), label=both("Sigma", "Sigma"),
        help=both("Standard deviation of a pixel about the decoder's picture. Half as large weighs reconstruction four times as much.",
                  "像素围绕解码图像的标准差。减半，则重建的分量变为四倍。"),
    )  # fmt: skip
    warmup: int = knob(
        0, 0, 10**8, live=True, label=both("KL warm-up (images)", "KL 预热（图像数）"),
        help=both("The KL term's weight rises from 0 to beta over this many images, so that latents get used before they are taxed.",
                  "KL 项的权重在这么多张图像内从 0 升到 beta：让潜变量先派上用场，再对它收费。"),
    )  # fmt: skip
    free_bits: float = knob(
        0.0, 0.0, 5.0, live=True, label=both("Free bits (nats per latent)", "自由比特（每个潜变量的 nat 数）"),
        help=both("A latent may carry this much at no cost: prevents latents from dying, but the bound gets looser (Kingma et al. 2016).",
                  "每个潜变量可以免费携带这么多信息：防止潜变量失活，但界会变松（Kingma 等 2016）。"),
    )  # fmt: skip
    components: int = knob(
        0, 0, 200, group="network", label=both("Clusters of codes", "编码的簇数"),
        help=both("0: samples come from the standard normal that the loss pulls codes towards. Otherwise from a mixture of so many Gaussians, fitted "
                  "to where the codes of real pictures really lie, which closes the holes between them; for one vector of codes.",
                  "0：样本取自损失把编码拉向的标准正态分布。否则取自由这么多个高斯组成的混合分布，它拟合真实图像的编码实际所在之处，避开其间的空洞；"
                  "仅用于“一个向量”。"),
    )  # fmt: skip
    conditional: bool = knob(
        False, group="first", label=both("Class-conditional", "按类别生成"),
        help=both("Encoder and decoder are told the class, so that latents need only say how it is written. Needs data with labels.",
                  "把类别告诉编码器与解码器，潜变量只需描述写法。需要有标签的数据。"),
    )  # fmt: skip

    def code_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Of the latents of one picture: (Z,), or (channels, H / 4, W / 4).  Raises Refusal where pictures of this shape cannot have a map."""
        return map_shape(shape, self.latent) if self.bottleneck is Bottleneck.MAP else (self.latent,)

    def suits(self, spec: DataSpec) -> None:
        super().suits(spec)
        if spec.is_points and self.likelihood is Likelihood.BERNOULLI:
            raise Refusal(both("Cross-entropy is for pixels: choose a Gaussian likelihood for points.", "交叉熵用于像素：点集请选高斯似然。"))
        if self.bottleneck is Bottleneck.MAP:
            if self.network.on(spec.shape) is Network.DENSE or self.conditional:
                raise Refusal(both("A map of codes needs a convolutional network that is not told classes.", "编码图需要不告知类别的卷积网络。"))
            self.code_shape(spec.shape)


@dataclass(frozen=True)
class Sampling:
    fitted: bool = knob(
        True, label=both("From the mixture", "取自混合分布"),
        help=both("Off: from the standard normal, as the theory has it. A model without clusters of codes always draws from that.",
                  "关闭则按理论取自标准正态分布。没有“编码的簇”的模型总是如此。"),
    )  # fmt: skip
    temperature: float = knob(
        1.0, 0.0, 1.5, label=both("Temperature", "温度"),
        help=both("Latents are shrunk by this factor towards the centre of their cluster, or towards 0: below 1 more typical and less "
                  "varied, above 1 the reverse.",
                  "潜变量按此倍数向所属簇的中心（或 0）收缩：小于 1 更典型、更少变化，大于 1 相反。"),
    )  # fmt: skip

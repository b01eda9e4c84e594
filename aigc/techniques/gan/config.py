"""The knobs of a GAN and of sampling from one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aigc.knobs import Choice, knob
from aigc.nets.kinds import Body, Norm
from aigc.words import Refusal, both

if TYPE_CHECKING:
    from aigc.data import DataSpec


class Loss(Choice):
    MINIMAX = "minimax", both("minimax", "极小极大")
    NON_SATURATING = "non-saturating", both("non-saturating", "非饱和")
    LEAST_SQUARES = "least-squares", both("least squares", "最小二乘")
    HINGE = "hinge", both("hinge", "合页")
    WASSERSTEIN_CLIP = "wasserstein-clip", both("Wasserstein, weight clipping", "Wasserstein（权重裁剪）")
    WASSERSTEIN_GP = "wasserstein-gp", both("Wasserstein, gradient penalty", "Wasserstein（梯度惩罚）")
    RELATIVISTIC = "relativistic", both("relativistic, R1 + R2", "相对论式（R1 + R2）")


class CriticNetwork(Choice):
    MIRROR = "mirror", both("the generator's mirror image", "与生成器对称")
    POOLED = "pooled", both("small, with pooling (as in tutorials)", "带池化的小网络（教程常见）")


@dataclass(frozen=True)
class Config(Body):
    loss: Loss = knob(
        Loss.RELATIVISTIC, group="first", live=True, label=both("Loss", "损失"),
        help=both("What critic and generator play for. Minimax stalls when the critic wins; relativistic with R1 + R2 is the steadiest here.",
                  "判别器与生成器争的是什么。判别器太强时，极小极大会停滞；这里最稳的是带 R1 + R2 的相对论式损失。"),
    )  # fmt: skip
    critic_learning_rate: float = knob(
        1e-3, 1e-7, 1.0, group="first", log=True, live=True, label=both("Critic's learning rate", "判别器学习率"),
        help=both("Step size of the critic; the common learning rate is the generator's. A critic that always wins teaches nothing: lower this one.",
                  "判别器每步走多远；通用的学习率归生成器。判别器若总是赢，生成器便学不到东西：请调低它。"),
    )  # fmt: skip
    critic_steps: int = knob(
        1, 1, 20, label=both("Critic steps", "判别器步数"),
        help=both("Critic updates for each generator update. The Wasserstein losses want about 5, at a price in time.",
                  "生成器每更新一次，判别器更新几次。Wasserstein 损失约需 5 次，代价是时间。"),
    )  # fmt: skip
    r1_weight: float = knob(
        0.0, 0.0, 1000.0, live=True, label=both("R1 weight (gamma)", "R1 权重（gamma）"),
        help=both("Flattens the critic around real data, with any loss; the relativistic loss flattens it around generated data too (R2). "
                  "Too small: the game oscillates. Too large: the critic goes blind.",
                  "让判别器在真实数据附近变平，可配任何损失；相对论式损失在生成数据附近也变平（R2）。太小：博弈振荡；太大：判别器失明。"),
    )  # fmt: skip
    r1_every: int = knob(
        1, 1, 64, label=both("R1 every … steps", "每几步做一次 R1"),
        help=both("Lazy R1: a step of its own every so many steps, weighted as much higher; saves a third of the time. "
                  "Above 1, the weight must start above 0 to be turned while training.",
                  "惰性 R1：每隔这么多步单独做一次，权重相应放大，可省三分之一时间。大于 1 时，权重须从大于 0 起步，训练中才能调。"),
    )  # fmt: skip
    gp_weight: float = knob(
        10.0, 0.0, 1000.0, live=True, when=("loss", (Loss.WASSERSTEIN_GP,)), label=both("Gradient-penalty weight", "梯度惩罚权重"),
        help=both("How hard the critic's slope is drawn to 1 between real and generated data (Gulrajani et al. 2017).",
                  "在真实与生成数据之间，把判别器的斜率拉向 1 的力度（Gulrajani 等 2017）。"),
    )  # fmt: skip
    clip: float = knob(
        0.05, 1e-4, 1.0, live=True, log=True, when=("loss", (Loss.WASSERSTEIN_CLIP,)), label=both("Weight clipping", "权重裁剪"),
        help=both("The critic's weights are kept within ± this. Too small: its gradients vanish. Too large: they explode.",
                  "判别器的权重限制在正负这个值之内。太小：梯度消失；太大：梯度爆炸。"),
    )  # fmt: skip
    latent: int = knob(
        64, 1, 512, group="network", label=both("Latent size", "潜变量维数"),
        help=both("How many random numbers an image is made from. On 2-D points, 2 lets the page draw the generator's whole world as a grid.",
                  "一张图由多少个随机数生成。对二维点集，取 2 时网页会把生成器的整个世界画成网格。"),
    )  # fmt: skip
    critic_network: CriticNetwork = knob(
        CriticNetwork.MIRROR, group="network", label=both("Critic network", "判别器网络"),
        help=both("The pooled one is what tutorials draw; it is for images, and slower than it looks.",
                  "带池化的是教程里常见的网络；只用于图像，比看上去慢。"),
    )  # fmt: skip
    critic_norm: Norm = knob(
        Norm.NONE, group="network", label=both("Critic's normalisation", "判别器归一化"),
        help=both("Spectral bounds the critic's slope. Batch mixes the examples of a batch, so that the gradient penalties are no longer exact. "
                  "Batch and layer spare the first convolution of a mirror image, its only one below 16 pixels a side.",
                  "谱归一化限制判别器的斜率。批归一化会混合同批样本，使梯度惩罚不再精确。"
                  "对称的卷积判别器第一层不做批归一化或层归一化；边长不足 16 像素时它只有这一层。"),
    )  # fmt: skip
    generator_norm: Norm = knob(
        Norm.NONE, group="network", label=both("Generator's normalisation", "生成器归一化"),
        help=both("Batch normalisation speeds up the losses without R1; its statistics are taken again before every preview.",
                  "不用 R1 的损失配批归一化学得更快；每次预览前会重新统计。"),
    )  # fmt: skip
    dropout: float = knob(
        0.0, 0.0, 0.9, group="network", label=both("Critic's dropout", "判别器随机失活"),
        help=both("Share of the critic's units switched off at random: a weaker critic, useful with little data. "
                  "A dense critic without hidden layers has none.",
                  "随机关掉判别器单元的比例：判别器变弱，数据少时有用。没有隐藏层的全连接判别器无单元可关。"),
    )  # fmt: skip
    beta1: float = knob(
        0.0, 0.0, 0.99, group="optimiser", label=both("Adam's beta1", "Adam 的 beta1"),
        help=both("Momentum of both networks' Adam, which SGD does without. Games like it low: 0 with gradient penalties, 0.5 without.",
                  "两个网络 Adam 的动量，SGD 用不到。博弈宜低：有梯度惩罚取 0，没有取 0.5。"),
    )  # fmt: skip
    conditional: bool = knob(
        False, group="first", label=both("Class-conditional", "按类别生成"),
        help=both("Both networks are told the class, so that you can ask for one. Needs data with labels.",
                  "把类别告诉两个网络，之后可指定类别生成。需要有标签的数据。"),
    )  # fmt: skip

    def suits(self, spec: DataSpec) -> None:
        super().suits(spec)
        if spec.is_points and self.critic_network is CriticNetwork.POOLED:
            raise Refusal(
                both("Points cannot be pooled: choose the critic that mirrors the generator.", "二维点无法池化：请选择与生成器对称的判别器。")
            )


@dataclass(frozen=True)
class Sampling:
    truncation: float = knob(
        1.0, 0.0, 1.5, label=both("Truncation", "截断"),
        help=both("Latents are shrunk towards 0 by this factor: below 1 more typical and less varied, above 1 the reverse.",
                  "潜变量按此倍数向 0 收缩：小于 1 更典型、更少变化，大于 1 相反。"),
    )  # fmt: skip

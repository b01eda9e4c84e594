"""Autoencoders: what may be asked of them.   Hinton & Salakhutdinov 2006; Vincent et al. 2008; Ghosh et al. 2020"""

from __future__ import annotations

from aigc.techniques import Role, TechniqueInfo, Term
from aigc.techniques.autoencoder.config import Config, Sampling
from aigc.techniques.autoencoder.presets import presets
from aigc.words import both

TERMS = {
    "loss": Term(
        both("loss", "损失"), both("What is descended: the reconstruction and the penalties on the code.", "实际下降的目标：重建项加上对编码的惩罚。")
    ),
    "recon": Term(
        both("reconstruction", "重建"),
        both(
            "Summed over pixels: cross-entropy in nats, or squared error. Cross-entropy never reaches 0 on grey pixels.",
            "对像素求和：交叉熵（nat）或平方误差。像素有灰度时，交叉熵到不了 0。",
        ),
        unit="nats or squared error",
    ),
    "mse": Term(
        both("squared error per pixel", "每像素平方误差"),
        both(
            "Comparable across sizes and losses; on noisy input it is measured against the clean picture.",
            "可跨尺寸、跨损失比较；输入加噪时与干净图像相比。",
        ),
        unit="MSE",
        panel="error",
    ),
    "code_l1": Term(
        both("size of the code (L1)", "编码大小（L1）"),
        both("Sum of absolute codes of a picture.", "一张图编码绝对值之和。"),
        Role.NOISE,
        panel="health",
    ),
    "code_l2": Term(
        both("size of the code (L2)", "编码大小（L2）"),
        both("Half the squared length of a picture's code.", "一张图编码长度平方的一半。"),
        Role.NOISE,
        panel="health",
    ),
    "code_spread": Term(
        both("spread of each code", "各维编码的散布"),
        both(
            "Standard deviation of each latent over the batch; a latent at 0 carries nothing.",
            "每个潜变量在一批数据上的标准差；为 0 的潜变量不携带信息。",
        ),
        Role.NOISE,
        panel="latents",
        row=True,
    ),
    "gradient": Term(
        both("gradient", "梯度"), both("Length of the gradient; spikes foretell trouble.", "梯度的长度；尖峰预示麻烦。"), panel="gradient"
    ),
}

TECHNIQUE = TechniqueInfo(
    slug="autoencoder",
    title=both("Autoencoder", "自编码器"),
    summary=both(
        "One network squeezes a picture into a few numbers, another rebuilds it; new numbers make new pictures.",
        "一个网络把图像压成几个数，另一个把它还原；换一组数，就得到新图像。",
    ),
    Config=Config,
    Sampling=Sampling,
    model="aigc.techniques.autoencoder.model:Autoencoder",
    terms=TERMS,
    presets=presets,
    order=20,
    can_encode=True,
    latent_plane=True,
)

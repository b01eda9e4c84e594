"""Variational autoencoders: what may be asked of them.   Kingma & Welling 2014; Higgins et al. 2017"""

from __future__ import annotations

from aigc.techniques import Role, TechniqueInfo, Term
from aigc.techniques.vae.config import Config, Sampling
from aigc.techniques.vae.presets import presets
from aigc.words import both

TERMS = {
    "loss": Term(
        both("loss", "损失"),
        both(
            "Reconstruction plus the weighted KL; with beta 1, no extras and a true likelihood (Gaussian, or black-and-white pixels), "
            "minus the evidence lower bound.",
            "重建加上加权的 KL；beta 为 1、不加其他项、且似然名副其实（高斯，或非黑即白的像素）时，就是负的证据下界。",
        ),
        unit="nats",
    ),
    "recon": Term(
        both("reconstruction", "重建"),
        both(
            "Minus the log-likelihood of a picture given its latents, summed over pixels; a Gaussian's may be below 0.",
            "给定潜变量时图像的负对数似然，对像素求和；高斯似然可以低于 0。",
        ),
        unit="nats",
    ),
    "kl": Term(
        both("KL divergence", "KL 散度"),
        both(
            "What the latents tell about a picture beyond the prior; falling to 0 means that they are ignored.",
            "潜变量比先验多说出的信息；降到 0 说明它们被忽略了。",
        ),
        Role.NOISE,
        unit="nats",
        panel="kl",
    ),
    "kl_weight": Term(
        both("weight of the KL", "KL 的权重"),
        both("Beta as it stands now, while it warms up.", "预热过程中 beta 的当前值。"),
        Role.NOISE,
        panel="weight",
    ),
    "kl_per_dimension": Term(
        both("KL of each latent", "各潜变量的 KL"),
        both("How much each latent tells; those near 0 nats have died.", "每个潜变量说出多少信息；接近 0 nat 的已经失活。"),
        Role.NOISE,
        unit="nats",
        panel="latents",
        row=True,
    ),
    "active_units": Term(
        both("active latents", "活跃潜变量数"),
        both("Latents whose mean varies from picture to picture (variance above 0.01).", "均值随图像变化的潜变量个数（方差大于 0.01）。"),
        Role.NOISE,
        panel="health",
    ),
    "sigma": Term(
        both("sigma", "sigma"),
        both(
            "The Gaussian's standard deviation of a pixel; learned, it settles at the typical error.",
            "高斯似然中像素的标准差；若由学习得到，会停在典型误差处。",
        ),
        panel="sigma",
    ),
    "gradient": Term(
        both("gradient", "梯度"), both("Length of the gradient; spikes foretell trouble.", "梯度的长度；尖峰预示麻烦。"), panel="gradient"
    ),
}

TECHNIQUE = TechniqueInfo(
    slug="vae",
    title=both("VAE", "VAE 变分自编码器"),
    summary=both(
        "An autoencoder whose codes are kept close to a bell curve, so that any random code decodes to a picture.",
        "让编码贴近正态分布的自编码器：随机取一个编码，都能解出图像。",
    ),
    Config=Config,
    Sampling=Sampling,
    model="aigc.techniques.vae.model:VAE",
    terms=TERMS,
    presets=presets,
    order=30,
    can_encode=True,
    latent_plane=True,
    conditional=True,
)

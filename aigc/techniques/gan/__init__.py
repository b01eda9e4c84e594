"""Generative adversarial networks: what may be asked of them.   Goodfellow et al. 2014"""

from __future__ import annotations

from aigc.techniques import Role, TechniqueInfo, Term
from aigc.techniques.gan.config import Config, Sampling
from aigc.techniques.gan.presets import presets
from aigc.words import both

TERMS = {
    "critic_loss": Term(
        both("critic's loss", "判别器损失"),
        both(
            "What the critic descends, penalties included; it settles rather than falls.", "判别器最小化的目标，含惩罚项；它会稳住，而不是一路下降。"
        ),
        Role.JUDGE,
    ),
    "generator_loss": Term(
        both("generator's loss", "生成器损失"),
        both(
            "What the generator descends against a moving critic; its height says little, a steady climb says the critic is winning.",
            "生成器面对不断变化的判别器所最小化的目标；高低说明不了什么，持续上升说明判别器占了上风。",
        ),
        Role.MAKER,
    ),
    "r1_loss": Term(
        both("lazy R1 loss", "惰性 R1 损失"),
        both("The penalty as it is descended, weight and interval included.", "实际最小化的惩罚项，含权重与间隔。"),
        Role.JUDGE,
    ),
    "r1": Term(
        both("R1", "R1"),
        both(
            "Half the squared slope of the critic at real data; near 0 the critic is flat there.",
            "判别器在真实数据处斜率平方的一半；接近 0 说明那里是平的。",
        ),
        Role.REAL,
        panel="penalty",
    ),
    "r2": Term(
        both("R2", "R2"),
        both("The same at generated data.", "在生成数据处的同一个量。"),
        Role.GENERATED,
        panel="penalty",
    ),
    "gp": Term(
        both("gradient penalty", "梯度惩罚"),
        both("How far the critic's slope is from 1 between real and generated data, squared.", "真实与生成数据之间，判别器斜率与 1 之差的平方。"),
        Role.JUDGE,
        panel="penalty",
    ),
    "real_score": Term(
        both("D(x)", "D(x)"),
        both(
            "How real the critic finds real data; always near 1, the generator gets no hint. "
            "For Wasserstein and hinge it is a score squashed to 0–1; for the relativistic loss only its distance from D(G(z)) means anything.",
            "判别器认为真实数据有多真；一直接近 1，说明生成器得不到提示。对 Wasserstein 与合页损失，它是压到 0–1 的得分；"
            "对相对论式损失，只有它与 D(G(z)) 的差距才有意义。",
        ),
        Role.REAL,
        unit="probability",
        panel="health",
    ),
    "fake_score": Term(
        both("D(G(z))", "D(G(z))"),
        both(
            "How real the critic finds generated data; the two curves meet when it cannot tell them apart.",
            "判别器认为生成数据有多真；两条曲线相遇，说明它已分不清。",
        ),
        Role.GENERATED,
        unit="probability",
        panel="health",
    ),
    "critic_gradient": Term(
        both("critic's gradient", "判别器梯度"),
        both(
            "Length of the critic's gradient; growing without end, the game is about to break.", "判别器梯度的长度；无休止地变大，说明博弈即将失控。"
        ),
        Role.JUDGE,
        panel="gradient",
    ),
    "generator_gradient": Term(
        both("generator's gradient", "生成器梯度"),
        both("Length of the generator's gradient; near 0, it is no longer taught anything.", "生成器梯度的长度；接近 0，说明它已学不到东西。"),
        Role.MAKER,
        panel="gradient",
    ),
    "r1_gradient": Term(
        both("lazy R1's gradient", "惰性 R1 的梯度"),
        both("Length of the gradient of the lazy penalty.", "惰性惩罚项梯度的长度。"),
        Role.JUDGE,
        panel="gradient",
    ),
}

TECHNIQUE = TechniqueInfo(
    slug="gan",
    title=both("GAN", "GAN 生成对抗网络"),
    summary=both(
        "A generator makes pictures, a critic tells them from real ones, and each learns from the other.",
        "生成器造图，判别器分辨真假，二者在对抗中共同进步。",
    ),
    Config=Config,
    Sampling=Sampling,
    model="aigc.techniques.gan.model:GAN",
    terms=TERMS,
    presets=presets,
    order=10,
    conditional=True,
    steps=("critic", "generator"),
)

"""Diffusion and flow matching: what may be asked.  The work is in model.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aigc.knobs import Choice, ModelName, knob, knobs
from aigc.nets.kinds import CONVOLUTIONAL, Network
from aigc.options import Compiling, Optimiser, Schedule
from aigc.techniques import Role, TechniqueInfo, Term
from aigc.words import Refusal, both

if TYPE_CHECKING:
    from aigc.data import DataSpec


class Path(Choice):
    STRAIGHT = "straight", both("flow matching (straight line)", "流匹配（直线路径）")
    COSINE = "cosine", both("diffusion, cosine", "扩散，余弦调度")
    LINEAR = "linear", both("diffusion, linear betas", "扩散，线性 β")
    ZERO_SNR = "zero-snr", both("diffusion, zero terminal SNR", "扩散，末端零信噪比")


class Target(Choice):
    AUTOMATIC = "automatic", both("what suits the path", "与路径相配")
    NOISE = "noise", both("the noise ε", "噪声 ε")
    IMAGE = "image", both("the clean image x₀", "干净图像 x₀")
    V = "v", both("v, a turn between both", "v（两者的旋转）")
    VELOCITY = "velocity", both("the velocity u = ε − x₀", "速度 u = ε − x₀")


class Times(Choice):
    UNIFORM = "uniform", both("all levels alike", "各级均匀")
    LOGIT_NORMAL = "logit-normal", both("mostly the middle (logit-normal)", "多取中段（logit-normal）")


class Sampler(Choice):
    AUTOMATIC = "automatic", both("what suits the path", "与路径相配")
    DDIM = "ddim", both("DDIM", "DDIM")
    DDPM = "ddpm", both("DDPM (fresh noise at every step)", "DDPM（每步加新噪声）")
    EULER = "euler", both("Euler", "欧拉法")
    HEUN = "heun", both("Heun (two evaluations a step)", "Heun（每步两次求值）")
    ADAMS = "adams", both("Adams (remembers two steps)", "亚当斯法（记住前两步）")
    DPM_SOLVER = "dpm-solver++", both("DPM-Solver++ (2M)", "DPM-Solver++（2M）")
    UNIPC = "unipc", both("UniPC", "UniPC")


ALONE = ("teacher", (ModelName(),))  # what a model that learns from another takes over from it


@dataclass(frozen=True)
class Config:
    path: Path = knob(
        Path.STRAIGHT, group="first", when=ALONE, label=both("Path from data to noise", "从数据到噪声的路径"),
        help=both("How data fade while noise grows. The straight line needs the fewest sampling steps.",
                  "数据如何淡去、噪声如何增长。直线路径采样所需步数最少。"),
    )  # fmt: skip
    target: Target = knob(
        Target.AUTOMATIC, group="first", when=ALONE, label=both("The network predicts", "网络预测什么"),
        help=both("All of them say the same thing of x_t in other units. What suits: the velocity on the straight line, v on the others.",
                  "对 x_t 而言它们说的是同一件事，只是单位不同。相配的选择：直线路径用速度，其余用 v。"),
    )  # fmt: skip
    levels: int = knob(
        1000, 1, 4000, when=ALONE, log=True, label=both("Noise levels (diffusion steps T)", "噪声级数（扩散步数 T）"),
        help=both("Into how many levels the path is cut; sampling may skip most of them.", "把路径分成多少级；采样时可以跳过大多数。"),
    )  # fmt: skip
    times: Times = knob(
        Times.UNIFORM, live=True, when=ALONE, label=both("Levels trained on", "训练时取哪些级"),
        help=both("The middle of the path is the hardest; logit-normal looks there more often (Esser et al. 2024).",
                  "路径中段最难；logit-normal 更常取那里（Esser 等 2024）。"),
    )  # fmt: skip
    min_snr: float = knob(
        0.0, 0.0, 100.0, live=True, when=ALONE, label=both("Min-SNR γ", "Min-SNR 的 γ"),
        help=both("Weighs the error of x₀ by min(SNR, γ), 5 in the paper (Hang et al. 2023); 0 weighs what is predicted alike at all levels.",
                  "以 min(SNR, γ) 加权 x₀ 的误差，论文取 5（Hang 等 2023）；0 表示各级的预测误差同等看待。"),
    )  # fmt: skip
    conditional: bool = knob(
        False, group="first", when=ALONE, label=both("Told the class", "告知类别"),
        help=both("The network is told the label, so that you can ask for a class.", "网络得知标签，于是可以指定类别来生成。"),
    )  # fmt: skip
    label_dropout: float = knob(
        0.1, 0.0, 0.9, live=True, when=("conditional", (True,)), label=both("Labels hidden (share)", "隐去标签的比例"),
        help=both("This share of the labels is hidden, which teaches the class-free prediction that guidance needs.",
                  "隐去这一比例的标签，使网络也学会无类别的预测；引导采样需要它。"),
    )  # fmt: skip
    model_guidance: float = knob(
        1.0, 1.0, 5.0, live=True, when=("conditional", (True,)), label=both("Guidance learnt", "学进网络的引导"),
        help=both("Above 1 the network learns what guidance of this strength would make of its own predictions: samples are then as clear without "
                  "guidance, at half the evaluations. A step takes a quarter longer (model guidance, Tang et al. 2025). One that starts from a "
                  "finished model learns that one's guidance instead, within minutes (distillation, Meng et al. 2023).",
                  "大于 1 时，网络学会这一强度的引导会怎样改写它自己的预测：采样时不用引导也同样清晰，求值次数减半。"
                  "每步训练约慢四分之一（model guidance，Tang 等 2025）。若从已训练的模型开始，则学它的引导，几分钟即可（蒸馏，Meng 等 2023）。"),
    )  # fmt: skip
    teacher: ModelName = knob(
        ModelName(), label=both("Shortcut of", "为谁学捷径"),
        help=both("A flow-matching model of the same data: this one starts as its copy and learns to go straight from its noise to its samples, "
                  "so that one or two steps are enough (reflow, Liu et al. 2023). Empty: learns from the data alone.",
                  "同一数据上的流匹配模型：本模型从它的副本出发，学会由它的噪声直达它的样本，于是一两步就够（reflow，Liu 等 2023）。"
                  "留空则只从数据中学习。"),
    )  # fmt: skip
    latents: ModelName = knob(
        ModelName(), group="network", when=ALONE, label=both("In the latents of", "在谁的潜空间中"),
        help=both("A VAE trained on the same data with a map of codes: noise is taken away from its codes, which are far fewer than the pixels "
                  "(Rombach et al. 2022). Empty: the pixels themselves.",
                  "在同一数据上训练、以编码图为潜变量的 VAE：对它的编码去噪，数量远少于像素（Rombach 等 2022）。留空则直接对像素。"),
    )  # fmt: skip
    network: Network = knob(
        Network.AUTOMATIC, group="network", when=ALONE, label=both("Network", "网络"),
        help=both("A U-Net for images, a residual dense network for points; a dense one can also draw small images.",
                  "图像用 U-Net，点集用残差全连接网络；全连接网络也能画小图。"),
    )  # fmt: skip
    width: int = knob(
        32, 8, 1024, group="network", when=ALONE, log=True, label=both("Width", "宽度"),
        help=both("Channels at the finest resolution of the U-Net (twice as many below), or units a layer of the dense network.",
                  "U-Net 最高分辨率处的通道数（其下翻倍），或全连接网络每层的单元数。"),
    )  # fmt: skip
    depth: int = knob(
        1, 1, 12, group="network", when=ALONE, label=both("Depth", "深度"),
        help=both("Residual blocks at each resolution and side of the U-Net, or in the dense network.",
                  "U-Net 每个分辨率每一侧的残差块数，或全连接网络的残差块数。"),
    )  # fmt: skip
    attention: bool = knob(
        False, group="network", when=("network", CONVOLUTIONAL), label=both("Attention", "注意力"),
        help=both("Self-attention at the lowest resolution of the U-Net.", "在 U-Net 的最低分辨率处加自注意力。"),
    )  # fmt: skip
    dropout: float = knob(
        0.0, 0.0, 0.9, group="network", label=both("Dropout", "Dropout"),
        help=both("Share of activations silenced while training; against memorising small sets.", "训练时随机置零的激活比例，防止死记小数据集。"),
    )  # fmt: skip
    compiling: Compiling = knob(
        Compiling.AUTOMATIC, group="run", label=both("Compile the network", "编译网络"),
        help=both("The network is translated for this machine: up to a minute, then a tenth to a seventh more images a second on a CPU, a third or "
                  "more on an NVIDIA GPU. It pays with a time budget of five minutes or more; a C++ compiler, or triton on a GPU, has to be there.",
                  "为本机编译网络：最多一分钟，此后每秒的图像在 CPU 上约多一成到一成半，在 NVIDIA GPU 上多三分之一以上。"
                  "时间预算在五分钟以上才划算；本机须有 C++ 编译器（GPU 上须有 triton）。"),
    )  # fmt: skip

    def __post_init__(self) -> None:
        if self.target is Target.NOISE and self.path in (Path.STRAIGHT, Path.ZERO_SNR):
            raise Refusal(
                both("At the end of the path “{path}” no data are left, so predicting the noise says nothing of the image: choose x₀, v or “{auto}”.",
                     "路径“{path}”的末端已无数据，预测噪声说明不了图像：请改选 x₀、v 或“{auto}”。"),
                path=self.path.words, auto=Target.AUTOMATIC.words,
            )  # fmt: skip
        if self.target is Target.VELOCITY and self.path is not Path.STRAIGHT:
            raise Refusal(
                both("The velocity ε − x₀ belongs to flow matching; on the path “{path}” choose v, the noise or x₀.",
                     "速度 ε − x₀ 属于流匹配；在路径“{path}”上请选 v、噪声或 x₀。"),
                path=self.path.words,
            )  # fmt: skip
        if self.learns_guidance and not self.label_dropout:
            raise Refusal(
                both("Guidance is learnt beside a prediction that was told no class: hide a share of the labels, or set “Guidance learnt” to 1.",
                     "学习引导需要与无类别的预测对照：请隐去一部分标签，或把“学进网络的引导”设为 1。")
            )  # fmt: skip

    def suits(self, spec: DataSpec) -> None:
        """Raises Refusal where these knobs make no sense for data of this kind."""
        self.network.on(spec.shape)

    @property
    def guidable(self) -> bool:
        """Whether it also knows what a picture of no class in particular looks like.  A shortcut has its teacher's guidance learnt."""
        return self.conditional and self.label_dropout > 0 and not self.teacher

    @property
    def learns_guidance(self) -> bool:
        """Whether it predicts as if it were guided.  A shortcut learns the guidance of its teacher anyway."""
        return self.conditional and self.model_guidance > 1 and not self.teacher

    @property
    def predicts(self) -> Target:
        """The target with "what suits the path" worked out."""
        if self.target is not Target.AUTOMATIC:
            return self.target
        return Target.VELOCITY if self.path is Path.STRAIGHT else Target.V


# In its interval: on MNIST 1.3 comes to a FID of 0.02 and 99.1 % read right, 1.4 to 0.05 and 99.4 %; all the way 1.3 came to 0.07 and 99.4 %.
# Models that were not told classes go without.
GUIDANCE = 1.4


@dataclass(frozen=True)
class Sampling:
    """What `decode`, `encode` and `sample` accept as keywords."""

    sampler: Sampler = knob(
        Sampler.AUTOMATIC, group="first", label=both("Sampler", "采样器"),
        help=both("What suits: on the straight line Adams for pictures, Heun for points and Euler for a shortcut, DPM-Solver++ elsewhere. "
                  "Euler, Heun and Adams need the straight line.",
                  "相配的选择：直线路径上图像用亚当斯法、点集用 Heun、捷径用欧拉法，其余路径用 DPM-Solver++。"
                  "欧拉法、Heun 与亚当斯法只用于直线路径。"),
    )  # fmt: skip
    steps: int = knob(
        10, 1, 4000, group="first", label=both("Steps", "步数"),
        help=both("More steps follow the path more exactly and take longer; at most the levels trained on.",
                  "步数多则更准确地沿路径走，也更慢；不超过训练时的级数。"),
    )  # fmt: skip
    guidance: float = knob(
        GUIDANCE, 0.0, 20.0, group="first", label=both("Guidance", "引导强度"),
        help=both("Above 1 exaggerates what the class adds: clearer, less varied. Each step then costs two evaluations. Conditional models only.",
                  "大于 1 会夸大类别的作用：更清晰，但变化更少；每步需求值两次。仅用于告知类别的模型。"),
    )  # fmt: skip
    guided_from: float = knob(
        0.9, 0.0, 1.0, label=both("Guided from noise level", "引导始于噪声级"),
        help=both("1 is pure noise, 0 is data. Guided from the first step on, samples of a class become too much alike. Steps outside the interval "
                  "cost one evaluation instead of two (Kynkäänniemi et al. 2024).",
                  "1 为纯噪声，0 为数据。若从第一步就引导，同类样本会彼此太像。区间之外的步只需求值一次而非两次（Kynkäänniemi 等 2024）。"),
    )  # fmt: skip
    guided_to: float = knob(
        0.2, 0.0, 1.0, label=both("Guided down to noise level", "引导止于噪声级"),
        help=both("Below it there is no guidance either. What is left to draw there are details, which it changes little.",
                  "低于此级也不再引导：此时所剩只是细节，引导影响很小。"),
    )  # fmt: skip
    eta: float = knob(
        0.0, 0.0, 1.0, when=("sampler", (Sampler.DDIM,)), label=both("Fresh noise η", "新噪声 η"),
        help=both("DDIM only: 0 draws the same image every time from the same start, 1 is DDPM.",
                  "仅用于 DDIM：0 时同一起点总得同一图像，1 即 DDPM。"),
    )  # fmt: skip


SHORTCUT = 2  # steps: it goes almost straight
GUIDED = 8  # steps, five of which look twice; ten are no better
IN_LATENTS = 20  # steps: of codes of faces, ten with Adams leave 0.05 of their deviation undone, twenty less than 0.02


def default_steps(config: Config) -> int:
    usual = IN_LATENTS if config.latents else GUIDED if default_guidance(config) > 1 else knobs(Sampling)["steps"].default
    return min(SHORTCUT if config.teacher else usual, config.levels)


def default_guidance(config: Config) -> float:
    return GUIDANCE if config.guidable and not config.learns_guidance else 1.0


TERMS = {
    "loss": Term(
        both("Loss", "损失"), both("Squared error of the prediction, weighted: what is descended. It soon looks flat; the samples go on improving.",
                                  "预测的加权平方误差，即所下降的量。它很快变平，而样本仍在变好。"), unit="MSE",
    ),
    "mse": Term(
        both("Unweighted error", "未加权误差"), both("The same error without weights; equal to the loss while γ is 0.",
                                       "同一误差不加权；γ 为 0 时与损失相同。"),
        role=Role.MAKER, unit="MSE",
    ),
    "loss_by_noise_level": Term(
        both("Error by noise level", "各噪声级的误差"), both("From nearly clean (left) to pure noise (right): where the network still errs.",
                                                      "从几乎干净（左）到纯噪声（右）：网络还在哪里出错。"),
        role=Role.NOISE, unit="MSE", panel="noise", row=True,
    ),
    "gradient": Term(
        both("Gradient", "梯度"), both("Length of the gradient; spikes foretell trouble.", "梯度的长度；尖峰预示麻烦。"), panel="gradient",
    ),
}  # fmt: skip


# Model guidance: a network that has seen little wants more of it.  On MNIST, of the yardstick (README, "How fast"): 1.4 comes to 0.24 after
# 150,000 images and to 0.44 after 270,000, 1.3 to 0.48 after 150,000 and to 0.25 from 260,000 to 1.1 million, 1.25 to 0.18 after 1.3 million.
LEARNT, LEARNT_LONG = 1.3, 1.25
TEACHERS = {"mnist": "mnist-diffusion", "fashion-mnist": "fashion-diffusion", "moons": "moons-diffusion", "ring": "ring-diffusion"}


def presets(data: DataSpec) -> dict[str, dict[str, Any]]:
    """ "quick" (45 s) was tuned on digits, MNIST and the checkerboard on two CPU cores; "good" (10 minutes) and "long" (an hour)
    take wider networks at smaller steps on the same reasoning.  Muon was chosen for "good" on MNIST: after 60,000 images its FID
    is 0.43 where Adam's is 2.6."""
    network: dict[str, dict[str, Any]]
    common: dict[str, Any] = {"optimiser": Optimiser.ADAM, "schedule": Schedule.COSINE, "times": Times.LOGIT_NORMAL}
    if data.is_points:
        network = {"quick": {"width": 128, "depth": 3}, "good": {"width": 192, "depth": 4}, "long": {"width": 256, "depth": 5}}
        common |= {"batch": 512, "learning_rate": 3e-3, "ema_halflife": 20_000, "warmup_images": 20_000}
    else:
        guided, guided_long = ({"model_guidance": w} if data.classes else {} for w in (LEARNT, LEARNT_LONG))
        network = {
            "quick": {"width": 16},
            "good": {"width": 32, "optimiser": Optimiser.MUON, **guided},
            "long": {"width": 48, "depth": 2, "attention": True, **guided_long},
        }
        common |= {"conditional": bool(data.classes), "flip": data.flips, "warmup_images": 2_000}
        common |= {"batch": 64, "learning_rate": 4e-3, "ema_halflife": 5_000} if max(data.shape[1:]) <= 16 else {"batch": 32, "ema_halflife": 5_000}
    rates = {"quick": 8e-3, "good": 4e-3, "long": 2e-3}  # of images above 16 pixels: a wider network wants smaller steps
    seconds = {"quick": 45.0, "good": 600.0, "long": 3600.0}
    table = {name: {"learning_rate": rates[name], **common, **network[name], "seconds": seconds[name]} for name in seconds}
    return table | _from_another(data)


def _from_another(data: DataSpec) -> dict[str, dict[str, Any]]:
    """With the model that came along as the teacher, or as the start; on MNIST nothing is gained after five minutes."""
    if data.name not in TEACHERS:
        return {}
    common: dict[str, Any] = {"schedule": Schedule.COSINE, "ema_halflife": 5_000, "seconds": 300.0}
    straight = common | {"teacher": TEACHERS[data.name]}
    if data.is_points:
        return {"shortcut": straight | {"batch": 512, "learning_rate": 1e-3}}
    as_it_is = {"start": TEACHERS[data.name], "conditional": True, "times": Times.LOGIT_NORMAL, "width": 32, "attention": True}
    guided = {"model_guidance": LEARNT, "optimiser": Optimiser.MUON, "batch": 64, "learning_rate": 1e-3, "warmup_images": 5_000}
    return {"shortcut": straight | {"batch": 64, "learning_rate": 5e-4}, "guided": {**common, **as_it_is, **guided}}


TECHNIQUE = TechniqueInfo(
    slug="diffusion",
    title=both("Diffusion", "扩散模型"),
    summary=both("Learns to remove a little noise at a time, then makes images from nothing but noise.",
                 "学会每次去掉一点噪声，然后从纯噪声一步步生成图像。"),
    Config=Config,
    Sampling=Sampling,
    model="aigc.techniques.diffusion.model:Diffusion",
    terms=TERMS,
    presets=presets,
    order=40,
    can_encode=True,
    conditional=True,
    sampling_of=lambda config: {"steps": default_steps(config), "guidance": default_guidance(config)},
)  # fmt: skip

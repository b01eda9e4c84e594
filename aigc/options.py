"""The knobs that every training run has, whatever the technique: optimiser, augmentation, budget, seed."""

from __future__ import annotations

from dataclasses import dataclass

from aigc.knobs import Choice, ModelName, knob
from aigc.words import both


class Optimiser(Choice):
    ADAM = "adam", both("Adam", "Adam")
    ADAMW = "adamw", both("AdamW", "AdamW")
    MUON = "muon", both("Muon", "Muon")
    SGD = "sgd", both("SGD with momentum", "带动量的 SGD")


class Schedule(Choice):
    CONSTANT = "constant", both("constant", "恒定")
    WARMUP = "warmup", both("warm-up, then constant", "先预热，后恒定")
    COSINE = "cosine", both("warm-up, then cosine to zero", "先预热，后按余弦降到零")


class Precision(Choice):
    AUTOMATIC = "auto", both("whatever is fastest here", "本机最快的方式")
    SINGLE = "float32", both("float32 throughout", "全程 float32")


class Compiling(Choice):
    """Of a technique's own knob `compiling`, where torch.compile makes its training quicker."""

    AUTOMATIC = "auto", both("where it pays", "划算时")
    ON = "on", both("always", "总是")
    OFF = "off", both("never", "从不")


@dataclass(frozen=True)
class Options:
    seconds: float = knob(
        45.0, 0.0, 1e6, group="first", label=both("Time budget (s)", "时间预算（秒）"),
        help=both("Training stops after this many seconds of work; 0 means no limit in time.", "训练满这么多秒就停；0 表示不限时间。"),
    )  # fmt: skip
    images: int = knob(
        0, 0, 10**10, group="run", label=both("Image budget", "图像预算"),
        help=both("Training stops after drawing this many images; 0 means no limit. A run with only an image budget repeats bit for bit.",
                  "抽满这么多张训练图像就停；0 表示不限。只设图像预算时，同一次训练可以逐位复现。"),
    )  # fmt: skip
    batch: int = knob(
        128, 1, 4096, group="optimiser", log=True, label=both("Batch size", "批大小"),
        help=both("Images per step. Larger is steadier, smaller learns more per image.", "每步用多少张图像。大则平稳，小则每张学得更多。"),
    )  # fmt: skip
    optimiser: Optimiser = knob(
        Optimiser.ADAM, group="optimiser", label=both("Optimiser", "优化器"),
        help=both("The rule that turns gradients into steps. Muon moves every direction of a matrix equally far (Jordan et al. 2024): a step "
                  "takes longer, and diffusion learns far more from each image.",
                  "把梯度变成一步更新的规则。Muon 让矩阵的每个方向移动同样远（Jordan 等 2024）：每步稍慢，但扩散模型从每张图像学到的多得多。"),
    )  # fmt: skip
    learning_rate: float = knob(
        1e-3, 1e-7, 1.0, group="first", log=True, live=True, label=both("Learning rate", "学习率"),
        help=both("Step size. Too large: the loss jumps or becomes infinite. Too small: nothing happens.",
                  "每步走多远。太大：损失乱跳甚至变为无穷；太小：几乎不动。"),
    )  # fmt: skip
    schedule: Schedule = knob(
        Schedule.WARMUP, group="optimiser", label=both("Learning-rate schedule", "学习率调度"),
        help=both("How the learning rate changes over the budget.", "学习率在整个预算内怎样变化。"),
    )  # fmt: skip
    warmup_images: int = knob(
        2000, 0, 10**7, group="optimiser", when=("schedule", (Schedule.WARMUP, Schedule.COSINE)), label=both("Warm-up (images)", "预热（图像数）"),
        help=both("The learning rate rises from zero over this many images.", "学习率在这么多张图像内从零升起。"),
    )  # fmt: skip
    weight_decay: float = knob(
        0.0, 0.0, 1.0, group="optimiser", label=both("Weight decay", "权重衰减"),
        help=both("Pulls weights towards zero (decoupled with AdamW and Muon, an L2 penalty otherwise).",
                  "把权重拉向零（AdamW 与 Muon 为解耦形式，其余为 L2 惩罚）。"),
    )  # fmt: skip
    momentum: float = knob(
        0.9, 0.0, 0.999, group="optimiser", when=("optimiser", (Optimiser.SGD,)), label=both("Momentum", "动量"),
        help=both("How much of the last step SGD keeps.", "SGD 保留上一步的多少。"),
    )  # fmt: skip
    clip_gradient: float = knob(
        0.0, 0.0, 1e4, group="optimiser", live=True, label=both("Clip gradient norm", "梯度范数裁剪"),
        help=both("Gradients longer than this are shortened to it; 0 leaves them alone.", "比它长的梯度缩短到它；0 表示不裁剪。"),
    )  # fmt: skip
    ema_halflife: int = knob(
        10_000, 0, 10**8, group="optimiser", label=both("Averaging half-life (images)", "平均的半衰期（图像数）"),
        help=both("Samples come from an exponential average of the weights with this half-life (Karras et al. 2022), "
                  "at most a tenth of the images seen; 0 takes the last weights.",
                  "采样用的是权重的指数平均，半衰期如上（Karras 等 2022），但不超过已看图像数的十分之一；0 表示用最后一步的权重。"),
    )  # fmt: skip
    shift: float = knob(
        0.0, 0.0, 0.5, group="augmentation", label=both("Shift / crop (share of side)", "平移／裁剪（占边长）"),
        help=both("Each picture is moved by up to this share of its side.", "每张图像随机平移，最多为边长的这一比例。"),
    )  # fmt: skip
    rotation: float = knob(
        0.0, 0.0, 180.0, group="augmentation", label=both("Rotation (degrees)", "旋转（度）"),
        help=both("Each picture is turned by up to this angle. Models then make turned pictures too.",
                  "每张图像随机旋转，最多这么多度。模型也会生成转过的图。"),
    )  # fmt: skip
    scale: float = knob(
        0.0, 0.0, 0.5, group="augmentation", label=both("Scale (share)", "缩放（比例）"),
        help=both("Each picture is made larger or smaller by up to this share.", "每张图像随机放大或缩小，最多这一比例。"),
    )  # fmt: skip
    flip: bool = knob(
        False, group="augmentation", label=both("Flip left-right", "左右翻转"),
        help=both("Half of the pictures are mirrored. Right for faces, wrong for digits.", "一半图像左右镜像。适合人脸，不适合数字。"),
    )  # fmt: skip
    start: ModelName = knob(
        ModelName(), group="run", label=both("Start from", "从哪个模型开始"),
        help=both("A finished model of this technique whose weights this one starts with; what is fixed while training, and the shape of the "
                  "data, must be the same. Empty: starts from chance.",
                  "以该技术的某个已训练模型的权重为起点；训练中不能改的设置和数据的尺寸须与它相同。留空则从随机权重开始。"),
    )  # fmt: skip
    measures: int = knob(
        6, 0, 100, group="run", label=both("Measurements on the way", "途中测量次数"),
        help=both("How often a few samples are measured against real data, more often at the beginning. What would cost more than a "
                  "thirtieth of the time is left out; nothing that is learnt depends on it.",
                  "训练途中用少量样本与真实数据对照测量的次数，开头较密。会占用超过三十分之一时间的测量会跳过；它不影响所学的内容。"),
    )  # fmt: skip
    precision: Precision = knob(
        Precision.AUTOMATIC, group="run", label=both("Arithmetic", "运算精度"),
        help=both("Where the hardware multiplies bfloat16 faster, as GPUs and CPUs with instructions for it do, products are computed in it; "
                  "weights and sums stay in float32. Choose float32 to compare with a machine that has no such hardware.",
                  "若硬件计算 bfloat16 更快（GPU、有相应指令的 CPU），乘积用它计算，权重与累加仍为 float32。"
                  "要与没有这种硬件的机器比较，请选 float32。"),
    )  # fmt: skip
    seed: int = knob(
        0, 0, 2**31 - 1, group="run", label=both("Seed", "随机种子"),
        help=both("The same seed, with a budget in images alone, gives the same run on the same device; "
                  "a time budget depends on the machine's speed.",
                  "种子相同且只设图像预算时，在同一设备上训练就相同；时间预算则取决于机器快慢。"),
    )  # fmt: skip

"""What can be asked of a picture pipeline: each verb's knobs, declared once for the form, the command line and the card."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aigc.knobs import Choice, knob
from aigc.pretrained import clean
from aigc.pretrained.catalogue import Task
from aigc.words import Refusal, both

if TYPE_CHECKING:
    from PIL.Image import Image

SEEDS = 2**31 - 1
LONGEST_PROMPT = 2000  # characters; a text encoder reads some 77 tokens of it
MOST_ROOM = 2048  # pixels that a picture is extended by, on each side


class Scheduler(Choice):
    """How the noise is taken away; a model admits some of these (schedulers.admitted)."""

    OWN = "own", both("the model's own", "模型自带")
    DPM = "dpm++", both("DPM-Solver++ 2M", "DPM-Solver++ 2M")
    DPM_KARRAS = "dpm++-karras", both("DPM-Solver++ 2M, Karras spacing", "DPM-Solver++ 2M（Karras 间距）")
    DPM_SDE = "dpm++-sde", both("DPM-Solver++ 2M SDE (adds noise)", "DPM-Solver++ 2M SDE（会加噪）")
    UNIPC = "unipc", both("UniPC", "UniPC")
    DDIM = "ddim", both("DDIM", "DDIM")
    EULER = "euler", both("Euler", "Euler")
    ANCESTRAL = "euler-a", both("Euler ancestral (adds noise)", "Euler 祖先采样（会加噪）")
    HEUN = "heun", both("Heun (two evaluations a step)", "Heun（每步两次求值）")
    DDPM = "ddpm", both("DDPM (adds noise, wants many steps)", "DDPM（会加噪，需要很多步）")
    LCM = "lcm", both("LCM (for models distilled for it)", "LCM（用于为它蒸馏的模型）")
    FLOW = "flow-euler", both("Euler for flow matching", "流匹配 Euler")


class Method(Choice):
    ADAIN = "adain", both("AdaIN: one pass", "AdaIN：一次完成")
    GATYS = "gatys", both("Gatys: optimises the picture", "Gatys：逐步优化图像")


def _seed() -> Any:
    return knob(0, 0, SEEDS, group="first", label=both("Seed", "随机种子"),
                help=both("The same seed and settings give the same picture.", "种子与设置相同，图像就相同。"))  # fmt: skip


def _count() -> Any:
    return knob(1, 1, 16, group="first", label=both("How many", "多少张"),
                help=both("Made together; each has a seed of its own, one after the other.", "一次生成；种子依次加一。"))  # fmt: skip


def _steps(default: int = 25, group: str = "sampling") -> Any:
    return knob(default, 1, 200, group=group, label=both("Steps", "步数"),
                help=both("Evaluations of the network on the way from noise. More is slower and, past some point, no better.",
                          "从噪声走到图像要做多少步。步数多则慢，超过一定程度不会更好。"))  # fmt: skip


def _guidance(default: float = 7.0) -> Any:
    return knob(default, 0.0, 20.0, group="first", label=both("Guidance", "引导强度"),
                help=both("How strongly the prompt pulls. 1 and less: not at all beyond what was learnt; too much: harsh colours.",
                          "提示词的拉力。1 及以下：不额外拉；太大：颜色生硬。"))  # fmt: skip


def _scheduler() -> Any:
    return knob(Scheduler.OWN, group="sampling", label=both("Scheduler", "调度器"),
                help=both("The rule that takes the noise away step by step. Only those that the model admits work.",
                          "逐步去噪的规则。只有模型支持的才能用。"))  # fmt: skip


def _strength(default: float) -> Any:
    return knob(default, 0.02, 1.0, group="first", label=both("Strength", "重绘强度"),
                help=both("How much noise the picture gets before it is cleaned: 0 keeps it, 1 forgets it.",
                          "重绘前加多少噪声：0 保留原图，1 完全忘掉。"))  # fmt: skip


def _soften(default: int) -> Any:
    return knob(default, 0, 64, group="sampling", label=both("Soft edge (pixels)", "边缘羽化（像素）"),
                help=both("The new part fades into the old over this many pixels.", "新旧部分在这么多像素内过渡。"))  # fmt: skip


@dataclass(frozen=True)
class Generate:
    count: int = _count()
    guidance: float = _guidance()
    seed: int = _seed()
    steps: int = _steps()
    scheduler: Scheduler = _scheduler()
    width: int = knob(0, 0, 2048, group="sampling", label=both("Width (pixels)", "宽（像素）"),
                      help=both("0 is the size the model learnt with; it is best there.", "0 表示模型训练时的尺寸，那里效果最好。"))  # fmt: skip
    height: int = knob(0, 0, 2048, group="sampling", label=both("Height (pixels)", "高（像素）"),
                       help=both("0 is the size the model learnt with.", "0 表示模型训练时的尺寸。"))  # fmt: skip


@dataclass(frozen=True)
class Edit:
    strength: float = _strength(0.6)
    count: int = _count()
    guidance: float = _guidance()
    seed: int = _seed()
    steps: int = _steps()
    scheduler: Scheduler = _scheduler()


@dataclass(frozen=True)
class Inpaint:
    strength: float = _strength(1.0)
    count: int = _count()
    guidance: float = _guidance()
    seed: int = _seed()
    steps: int = _steps()
    scheduler: Scheduler = _scheduler()
    grow: int = knob(0, 0, 64, group="sampling", label=both("Widen the mask (pixels)", "扩大蒙版（像素）"),
                     help=both("Repaints a little more than was marked, so that nothing of the old shape shows.",
                               "比标出的多重绘一圈，免得露出旧轮廓。"))  # fmt: skip
    soften: int = _soften(2)


def _room(side: str, zh: str) -> Any:
    return knob(16, 0, MOST_ROOM, group="first", label=both(f"Extend {side} (pixels)", f"向{zh}扩展（像素）"),
                help=both("New canvas on this side; rounded up to what the model admits where it works at the picture's size.",
                          "这一侧的新画布；模型按图像原尺寸工作时，会向上取到它支持的尺寸。"))  # fmt: skip


@dataclass(frozen=True)
class Outpaint:
    left: int = _room("left", "左")
    right: int = _room("right", "右")
    top: int = _room("up", "上")
    bottom: int = _room("down", "下")
    strength: float = _strength(1.0)
    count: int = _count()
    guidance: float = _guidance()
    seed: int = _seed()
    steps: int = _steps()
    scheduler: Scheduler = _scheduler()
    soften: int = _soften(4)


@dataclass(frozen=True)
class Upscale:
    """Networks only need to know how large; diffusion models want the rest, and can be given a prompt (habits.silent)."""

    times: int = knob(0, 0, 16, group="first", label=both("Times as large", "放大倍数"),
                      help=both("0 is what the model does at once. More is reached by enlarging again.",
                                "0 表示模型一次放大的倍数；更大则再次放大。"))  # fmt: skip
    steps: int = _steps(20, "first")
    guidance: float = knob(4.0, 0.0, 20.0, group="first", label=both("Guidance", "引导强度"),
                           help=both("Of diffusion models: how strongly the prompt pulls.", "仅扩散模型：提示词的拉力。"))  # fmt: skip
    seed: int = knob(0, 0, SEEDS, group="first", label=both("Seed", "随机种子"), help=both("Of diffusion models.", "仅扩散模型。"))


@dataclass(frozen=True)
class Style:
    method: Method = knob(Method.GATYS, group="first", label=both("Method", "方法"),
                          help=both("AdaIN matches means and spreads of features in one pass; Gatys changes pixels until their correlations match.",
                                    "AdaIN 一次对齐特征的均值与方差；Gatys 反复改动像素，直到特征相关性一致。"))  # fmt: skip
    amount: float = knob(0.8, 0.0, 1.0, group="first", label=both("How much style", "风格多少"),
                         help=both("0 keeps the picture, 1 gives the style all its say.", "0 保留原图，1 完全按风格。"))  # fmt: skip
    colours: bool = knob(False, group="first", label=both("Keep the colours", "保留颜色"),
                         help=both("Only the style's light and shade are taken over.", "只借用风格的明暗。"))  # fmt: skip
    side: int = knob(256, 64, 1024, group="sampling", label=both("Longer side (pixels)", "长边（像素）"),
                     help=both("The size it is worked at; larger takes longer, and makes strokes finer.",
                               "处理时的尺寸；越大越慢，笔触越细。"))  # fmt: skip
    iterations: int = knob(60, 5, 500, group="first", when=("method", (Method.GATYS,)), label=both("Steps of optimisation", "优化步数"),
                      help=both("More follow the style more closely and take longer.", "越多越像，也越慢。"))  # fmt: skip


@dataclass(frozen=True)
class Sample:
    count: int = knob(16, 1, 64, group="first", label=both("How many", "多少张"), help=both("At most 64 at a time.", "一次最多 64 张。"))
    seed: int = _seed()
    steps: int = _steps(20)
    scheduler: Scheduler = knob(Scheduler.DPM_SDE, group="sampling", label=both("Scheduler", "调度器"),
                                help=both("The rule that takes the noise away step by step.", "逐步去噪的规则。"))  # fmt: skip


class Verb(Choice):
    GENERATE = "generate", both("Text to image", "文生图")
    EDIT = "edit", both("Edit", "图生图")
    INPAINT = "inpaint", both("Inpaint", "局部重绘")
    OUTPAINT = "outpaint", both("Outpaint", "扩图")
    UPSCALE = "upscale", both("Upscale", "超分辨率")
    STYLE = "style", both("Style transfer", "风格迁移")
    SAMPLE = "sample", both("Unconditional", "无条件生成")


Settings = Generate | Edit | Inpaint | Outpaint | Upscale | Style | Sample
SETTINGS: dict[Verb, type[Any]] = {
    Verb.GENERATE: Generate, Verb.EDIT: Edit, Verb.INPAINT: Inpaint, Verb.OUTPAINT: Outpaint,
    Verb.UPSCALE: Upscale, Verb.STYLE: Style, Verb.SAMPLE: Sample,
}  # fmt: skip
TASKS: dict[Verb, Task] = {
    Verb.GENERATE: Task.TEXT_TO_IMAGE, Verb.EDIT: Task.IMAGE_TO_IMAGE, Verb.INPAINT: Task.INPAINT, Verb.OUTPAINT: Task.INPAINT,
    Verb.UPSCALE: Task.UPSCALE, Verb.STYLE: Task.STYLE, Verb.SAMPLE: Task.UNCONDITIONAL,
}  # fmt: skip
NEED_PROMPT = (Verb.GENERATE, Verb.EDIT, Verb.INPAINT, Verb.OUTPAINT)
TAKE_PROMPT = (*NEED_PROMPT, Verb.UPSCALE)
NEED_IMAGE = (Verb.EDIT, Verb.INPAINT, Verb.OUTPAINT, Verb.UPSCALE, Verb.STYLE)
NO_PROMPT = both("No prompt is read here: leave it empty.", "这里不读提示词：请留空。")


@dataclass(frozen=True)
class Asked:
    """One request, whoever makes it.  `style` is the picture whose look is taken."""

    verb: Verb
    settings: Settings
    prompt: str = ""
    negative: str = ""
    image: Image | None = field(default=None, compare=False)
    mask: Image | None = field(default=None, compare=False)
    style: Image | None = field(default=None, compare=False)
    texture: str = ""  # of pretrained.textures, where that picture is one of them

    def __post_init__(self) -> None:
        """Raises Refusal for what can be seen without a model."""
        for name in ("prompt", "negative"):
            object.__setattr__(self, name, clean(getattr(self, name)))
        if self.verb in NEED_PROMPT and not self.prompt.strip():
            raise Refusal(both("Write what the picture should show.", "请写下图像要画什么。"))
        if max(len(self.prompt), len(self.negative)) > LONGEST_PROMPT:
            raise Refusal(both("A prompt has at most {n} characters.", "提示词最多 {n} 个字符。"), n=LONGEST_PROMPT)
        if self.verb in NEED_IMAGE and self.image is None:
            raise Refusal(both("Choose a picture first.", "请先选一张图像。"))
        if self.verb is Verb.INPAINT and self.mask is None:
            raise Refusal(both("Paint over what should change first.", "请先涂出要重绘的地方。"))
        if self.verb is Verb.STYLE and self.style is None:
            raise Refusal(both("Choose a picture whose style to take first.", "请先选一张提供风格的图像。"))
        if self.verb not in TAKE_PROMPT and (self.prompt + self.negative).strip():
            raise Refusal(NO_PROMPT)

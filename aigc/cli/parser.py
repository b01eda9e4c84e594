"""What can be typed after `python -m aigc`, and argparse speaking the language of the shell."""

from __future__ import annotations

import argparse
import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from aigc import __version__
from aigc.words import Lang, Refusal, Words, both

EXIT_CODES = both(
    """exit codes:
  0    done; a training that you stopped is done, too: what it learnt is kept
  1    the run failed, or something unexpected happened
  2    refused: what was asked for makes no sense or is not there
  3    interrupted; go on with: python -m aigc train --resume RUN
  130  Ctrl-C, twice for a training: its last checkpoint is kept""",
    """退出码：
  0    完成；由你停止的训练也算完成：学到的都保留
  1    训练失败，或发生意外
  2    拒绝：要求不合理，或所指的东西不存在
  3    被中断；继续训练：python -m aigc train --resume RUN
  130  Ctrl-C；训练中需按两次，保留最后一个检查点""",
)
ABOUT = both(
    "Train, watch, explore and compare generative models. Results go to standard output, progress to standard error.",
    "训练、观察、探索和比较生成模型。结果写到标准输出，进度写到标准错误。",
)

TEXTURES = "strokes, wash, mosaic, marble, hatching, dots, scales, shapes, stripes, checks"  # named here, so that help needs no numpy
ANY_OF_BOTH = both("any setting, and of its loading dtype, offload, slicing and compile; may be repeated",
                   "任一设置，以及加载设置 dtype、offload、slicing、compile；可重复")  # fmt: skip

# argparse's own sentences; what is caught is put into the Chinese ones
COMPLAINTS = (
    (r"unrecognized arguments: (.*)", "无法识别的参数：{}"),
    (r"the following arguments are required: (.*)", "缺少参数：{}"),
    (r"argument (.*?): expected (?:one|at least one) argument", "{} 后面要有一个值"),
    (r"argument (.*?): not allowed with argument (.*)", "{} 不能与 {} 同用"),
    (r"argument (.*?): invalid choice: (.*?) \(choose from (.*)\)", "{}：没有 {}；可选 {}"),
    (r"argument (.*?): invalid \w+ value: (.*)", "{}：{} 不是合适的数"),
    (r"argument (.*?): (.*) is no whole number from (.*) on", "{}：{} 不是从 {} 起的整数"),
    (r"ambiguous option: (.*?) could match (.*)", "{} 有歧义，可能是 {}"),
)


class Parser(argparse.ArgumentParser):
    """Refuses instead of exiting, and says so in one sentence."""

    lang: Lang = "en"

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **{"add_help": False, "formatter_class": argparse.RawDescriptionHelpFormatter, **kwargs})
        self.option("-h", "--help", action="help", help=both("show this help and leave", "显示帮助后退出"))
        self._positionals.title, self._optionals.title = both("what", "对象")[self.lang], both("options", "选项")[self.lang]

    def option(self, *names: str, help: Words, **kwargs: Any) -> None:
        self.add_argument(*names, help=help[self.lang].replace("%", "%%"), **kwargs)

    def verbs(self, dest: str, required: bool) -> argparse._SubParsersAction[Parser]:
        title = both("verbs", "动词")[self.lang]
        return self.add_subparsers(dest=dest, required=required, metavar=both("VERB", "动词")[self.lang], title=title)

    def error(self, message: str) -> NoReturn:
        english = message[:1].upper() + message[1:]
        raise Refusal(both("{m}; see {p} --help.", "{zh}；参见 {p} --help。"), m=english, zh=_in_chinese(message), p=self.prog)


def _in_chinese(message: str) -> str:
    for pattern, sentence in COMPLAINTS:
        if found := re.fullmatch(pattern, message, re.DOTALL):
            return sentence.format(*found.groups())
    return message


def parser(lang: Lang) -> Parser:
    kind = type("Parser", (Parser,), {"lang": lang})
    top: Parser = kind(prog="python -m aigc", description=ABOUT[lang], epilog=EXIT_CODES[lang])
    top.add_argument("--version", action="version", version=f"AIGC Lab {__version__}", help=both("show the version", "显示版本")[lang])
    verbs = top.verbs("verb", required=True)
    for name, about, declare in _verbs():
        verb = verbs.add_parser(name, help=about[lang], description=about[lang], epilog=EXIT_CODES[lang])
        declare(verb)
        _json(verb, default=False)
    return top


def _verbs() -> Iterator[tuple[str, Words, Any]]:
    yield "train", both("train a model; Ctrl-C stops and keeps what was learnt", "训练模型；Ctrl-C 停止并保留学到的内容"), _train
    yield "knobs", both("list the knobs of a technique, for --set", "列出一种技术的选项，供 --set 使用"), _knobs
    yield "arena", both("train several techniques on the same data and budget, and compare", "用同样的数据与预算训练几种技术并比较"), _arena
    yield "runs", both("list trainings, or show, script or delete one", "列出训练；显示、导出脚本或删除其中一次"), _runs
    yield "sample", both("make new samples with a model", "用模型生成新样本"), _sample
    yield "evaluate", both("measure what a model's samples are worth", "衡量模型样本的质量"), _evaluate
    yield "features", both("teach the network that evaluation sees with", "训练评估所用的特征网络"), _features
    yield "teach", both("make a pretrained model that comes along anew", "重新训练一个随附的预训练模型"), _teach
    yield "pretrained", both("list pretrained models, fetch or delete one", "列出预训练模型，下载或删除其中一个"), _pretrained
    yield "text", both("write on, chat or summarise with a language model", "用语言模型续写、对话或摘要"), _text
    yield "image", both("make, edit, fill in, enlarge or restyle pictures", "生成、重绘、填补、放大图像或换风格"), _image
    yield "bench", both("time our training loop beside the usual ones", "与常见写法对比训练速度"), _bench
    yield "models", both("list models, or work on one", "列出模型，或处理其中一个"), _models
    yield "data", both("list datasets, or fetch one", "列出数据集，或下载其中一个"), _data


def _json(verb: Parser, default: Any) -> None:
    verb.option("--json", action="store_true", default=default, help=both("one line of JSON on standard output", "在标准输出上写一行 JSON"))


def _actions(verb: Parser, about: Mapping[str, Words], required: bool = False) -> Iterator[tuple[str, Parser]]:
    """A parser of its own for each action, which answers in JSON, too."""
    what = verb.verbs("action", required=required)
    for name, words in about.items():
        one = what.add_parser(name, help=words[verb.lang], description=words[verb.lang])
        yield name, one
        _json(one, default=argparse.SUPPRESS)


def _from(least: int) -> Callable[[str], int]:
    """A whole number that is at least this."""

    def read(typed: str) -> int:
        with contextlib.suppress(ValueError):
            if least <= (number := int(typed)) < 1 << 63:
                return number
        raise argparse.ArgumentTypeError(f"{typed[:40]!r} is no whole number from {least} on")

    return read


def _device(verb: Parser, default: str | None = "auto") -> None:
    verb.option("--device", default=default, help=both("auto, cpu, cuda or mps", "auto、cpu、cuda 或 mps"))


def _settings(verb: Parser, help: Words) -> None:
    verb.option("--set", action="append", default=[], metavar="KNOB=VALUE", help=help)


def _seed(verb: Parser, help: Words, default: int | None = None) -> None:
    verb.option("--seed", type=_from(0), default=default, metavar="K", help=help)


def _train(verb: Parser) -> None:
    verb.option("technique", nargs="?", help=both("gan, autoencoder, vae or diffusion", "gan、autoencoder、vae 或 diffusion"))
    verb.option("--data", metavar="NAME", help=both("dataset (default: digits)", "数据集（默认 digits）"))
    budget = verb.add_mutually_exclusive_group()
    budget.add_argument("--images", type=int, metavar="N", help=both("stop after N images", "训练 N 张图像后停止")[verb.lang])
    budget.add_argument("--seconds", type=float, metavar="S", help=both("stop after S seconds", "训练 S 秒后停止")[verb.lang])
    presets = both(
        "quick, good or long; article (not for diffusion); codes (VAE of large pictures); shortcut, guided (diffusion) (default: quick)",
        "quick、good 或 long；article（扩散模型没有）；codes（大图的 VAE）；shortcut、guided（扩散模型）（默认 quick）",
    )
    verb.option("--preset", metavar="NAME", help=presets)
    _settings(verb, both("any knob; may be repeated", "任一选项；可重复"))
    _seed(verb, both("with --images, the same seed gives the same run", "与 --images 同用时，种子相同，训练就相同"))
    verb.option("--name", metavar="SLUG", help=both("name of the model", "模型的名称"))
    _device(verb, None)
    verb.option("--resume", metavar="RUN", help=both("go on with a run (its id, or the beginning of it); with --seconds or --images for so much more",
                                                          "继续一次训练（其编号或编号开头）；加 --seconds 或 --images 表示再训练这么多"))  # fmt: skip


def _arena(verb: Parser) -> None:
    which = both("gan, autoencoder, vae, diffusion (default: all of them)", "gan、autoencoder、vae、diffusion（默认全部）")
    verb.option("techniques", nargs="*", help=which)
    verb.option("--data", default="digits", metavar="NAME", help=both("dataset (default: digits)", "数据集（默认 digits）"))
    budget = verb.add_mutually_exclusive_group()
    seconds = both("each trains so long (default: 30)", "各训练多少秒（默认 30）")
    budget.add_argument("--seconds", type=float, default=30.0, metavar="S", help=seconds[verb.lang])
    budget.add_argument("--images", type=_from(1), metavar="N", help=both("each draws so many images", "各抽取多少张图像")[verb.lang])
    verb.option("--preset", metavar="NAME", help=both("quick, good or long (default: quick)", "quick、good 或 long（默认 quick）"))
    verb.option("--sweep", action="append", default=[], metavar="KNOB=A,B,C",
                help=both("one technique at each of these values instead; twice for a grid", "改为让一种技术取这些值；写两次即成网格"))  # fmt: skip
    verb.option("--name", metavar="NAME", help=both("what the page calls it", "网页上的名称"))
    _device(verb)
    verb.option("--out", metavar="FILE.csv", help=both("write the table there too", "同时把表格写入该文件"))


def _knobs(verb: Parser) -> None:
    verb.option("technique", help=both("gan, autoencoder, vae or diffusion", "gan、autoencoder、vae 或 diffusion"))


def _runs(verb: Parser) -> None:
    verb.option("-n", type=_from(1), metavar="N", help=both("only the newest N", "只列最新的 N 次"))
    about = {
        "show": both("all that is known of one", "一次训练的全部信息"),
        "script": both("print a Python program that repeats it", "打印可重复该训练的 Python 程序"),
        "delete": both("delete it; its model stays", "删除训练；模型保留"),
    }
    for _, one in _actions(verb, about):
        one.option("run", help=both("its id, or the beginning of it", "编号或编号开头"))


def _sample(verb: Parser) -> None:
    verb.option("slug", help=both("a model, as listed by: python -m aigc models", "模型名，见 python -m aigc models"))
    verb.option("-n", type=int, default=64, metavar="N", help=both("how many (default: 64, at most 100,000)", "数量（默认 64，最多 100,000）"))
    _seed(verb, both("the same seed gives the same samples", "种子相同，样本就相同"), 0)
    verb.option("--label", metavar="L", help=both("class: its number or its name", "类别：编号或名称"))
    verb.option("--steps", metavar="S", help=both("sampling steps", "采样步数"))
    verb.option("--sampler", metavar="NAME", help=both("sampler", "采样器"))
    verb.option("--guidance", metavar="W", help=both("above 1: clearer classes, less variety", "大于 1：类别更清晰，变化更少"))
    _settings(verb, both("any sampling knob", "任一采样选项"))
    _device(verb)
    verb.option("--out", metavar="FILE.png", help=both("write a grid of them", "写出拼图"))
    verb.option(
        "--npz", metavar="FILE.npz", help=both("write them as numbers: images (N, C, H, W) and labels", "写成数组：images (N, C, H, W) 与 labels")
    )


def _bench(verb: Parser) -> None:
    verb.option("--only", metavar="A,B", help=both("only these workloads", "只测这些项目"))
    verb.option("--seconds", type=float, default=4.0, metavar="S", help=both("how long a turn lasts (default: 4)", "每轮多少秒（默认 4）"))
    verb.option("--rounds", type=int, default=5, metavar="N", help=both("turns of each (default: 5)", "各跑几轮（默认 5）"))
    verb.option("--diffusion-race", nargs="?", const="300,1200", metavar="S,S",
                help=both("instead: FID on MNIST after so many seconds, beside denoising-diffusion-pytorch (300,1200)",
                          "改为：与 denoising-diffusion-pytorch 比较训练若干秒后在 MNIST 上的 FID（300,1200）"))  # fmt: skip
    _device(verb)
    verb.option(
        "--threads", type=_from(1), default=0, metavar="N", help=both("threads (default: as PyTorch chooses)", "线程数（默认由 PyTorch 决定）")
    )
    verb.option("--out", metavar="FILE.json", help=both("write the figures there too", "同时写入该文件"))


def _evaluate(verb: Parser) -> None:
    verb.option("slug", help=both("a model, as listed by: python -m aigc models", "模型名，见 python -m aigc models"))
    verb.option(
        "--data", metavar="NAME", help=both("real data to compare with (default: what it was trained on)", "对照的真实数据（默认为其训练数据）")
    )
    verb.option("-n", "--n", type=int, default=10_000, metavar="N", help=both("samples (default: 10,000)", "样本数（默认 10,000）"))
    _seed(verb, both("the same seed gives the same samples", "种子相同，样本就相同"), 0)
    verb.option("--parts", metavar="A,B", help=both("only these: fidelity, likelihood, reconstruction, usefulness, memorisation, tradeoff or points",
                "只做这些：fidelity、likelihood、reconstruction、usefulness、memorisation、tradeoff 或 points"))  # fmt: skip
    _settings(verb, both("any sampling knob", "任一采样选项"))
    _device(verb)


def _features(verb: Parser) -> None:
    verb.option("data", help=both("a labelled dataset of pictures", "有标签的图像数据集"))
    verb.option(
        "--images", type=_from(1), default=0, metavar="N", help=both("pictures seen (default: what suits the data)", "训练图像数（默认按数据而定）")
    )
    _seed(verb, both("the same seed gives the same network", "种子相同，网络就相同"), 0)
    _device(verb)
    verb.option("--to", metavar="FOLDER", help=both("where to keep it", "保存到哪个文件夹"))


def _teach(verb: Parser) -> None:
    verb.option("lesson", nargs="?", help=both("which; without it, all that there are", "哪一个；不写则列出全部"))
    verb.option(
        "--budget",
        type=_from(1),
        default=0,
        metavar="N",
        help=both("tokens or images seen (default: as shipped)", "训练的词元数或图像数（默认与随附模型相同）"),
    )
    _seed(verb, both("the same seed gives the same model", "种子相同，模型就相同"), 0)
    _device(verb)
    verb.option(
        "--to",
        metavar="FOLDER",
        help=both("where to keep it (default: checkpoints/local/pretrained)", "保存到哪个文件夹（默认 checkpoints/local/pretrained）"),
    )


def _pretrained(verb: Parser) -> None:
    task = both("only for this task: chat, continue, summarise, text-to-image …", "只限此任务：chat、continue、summarise、text-to-image ……")
    verb.option("--task", metavar="TASK", help=task)
    about = {
        "list": both("all of them (the default)", "列出全部（默认）"),
        "download": both("bring it here; what has arrived is kept, and continued next time", "下载到本机；已到的部分会保留，下次继续"),
        "delete": both("delete what was fetched of it", "删除已下载的文件"),
    }
    for name, one in _actions(verb, about):
        if name != "list":
            one.option("model", help=both("its name in the list, or owner/name on the Hub", "列表中的名称，或 Hub 上的 owner/name"))
        if name == "download":
            one.option(
                "--mirror",
                metavar="ADDRESS",
                help=both("fetch from there, for example https://hf-mirror.com", "从该镜像下载，例如 https://hf-mirror.com"),
            )
        one.option("--task", metavar="TASK", default=argparse.SUPPRESS, help=task)


def _text(verb: Parser) -> None:
    about = {
        "continue": both("write on from a prompt", "接着提示往下写"),
        "chat": both("answer a message", "回答一条消息"),
        "summarise": both("put a text in fewer words", "概括一段文字"),
    }
    for name, one in _actions(verb, about, required=True):
        one.option("--prompt", metavar="P", help=both("what is given; - reads standard input", "给出的文字；- 表示读标准输入"))
        one.option("--file", metavar="FILE", help=both("read it from a text, Markdown or PDF file", "从文本、Markdown 或 PDF 文件读取"))
        one.option("--model", metavar="M", help=both("see: python -m aigc pretrained", "见 python -m aigc pretrained"))
        if name == "continue":
            one.option("--stop", action="append", default=[], metavar="WORD", help=both("end before this; may be repeated", "在此之前结束；可重复"))
        if name == "chat":
            one.option("--system", metavar="P", default="", help=both("who the model is to be", "希望模型扮演谁"))
        if name == "summarise":
            one.option("--reference", metavar="P", default="", help=both("a summary to compare with, by ROUGE", "用 ROUGE 对照的参考摘要"))
            one.option("--extract", action="store_true", help=both("only sentences of the text: no model", "只取原文句子：不用模型"))
        _seed(one, both("the same seed gives the same text", "种子相同，文字就相同"))
        _settings(one, ANY_OF_BOTH)
        _device(one)
        one.option("--out", metavar="FILE.md", help=both("write it there too, labelled as generated", "同时写入该文件，并标明由 AI 生成"))


def _image(verb: Parser) -> None:
    about = {
        "generate": both("a picture from a prompt", "由提示词生成图像"),
        "edit": both("a picture painted anew towards a prompt", "朝提示词重绘一张图像"),
        "inpaint": both("what a mask covers, filled in anew", "重绘蒙版盖住的部分"),
        "outpaint": both("a picture on a larger canvas", "把图像扩展到更大的画布"),
        "upscale": both("a larger picture with sharper edges", "放大图像，边缘更清晰"),
        "style": both("a picture in the style of another", "让一张图像采用另一张的风格"),
        "sample": both("pictures without a prompt", "不用提示词生成图像"),
    }
    for _, one in _actions(verb, about, required=True):
        one.option("--prompt", metavar="P", help=both("what the picture should show", "图像要画什么"))
        one.option("--negative", metavar="P", help=both("what it should not", "不要画什么"))
        one.option("--image", metavar="FILE", help=both("the picture to work on", "要处理的图像"))
        one.option("--mask", metavar="FILE", help=both("white where it should change", "白色处要重绘"))
        one.option("--style", metavar="FILE", help=both(f"the picture whose style to take, or a texture: {TEXTURES}",
                                                        f"提供风格的图像，或纹理名：{TEXTURES}"))  # fmt: skip
        one.option("--model", metavar="M", help=both("see: python -m aigc pretrained", "见 python -m aigc pretrained"))
        _seed(one, both("the same seed gives the same picture", "种子相同，图像就相同"))
        one.option("--count", type=int, metavar="N", help=both("how many (default: 1)", "数量（默认 1）"))
        _settings(one, ANY_OF_BOTH)
        _device(one)
        one.option("--out", required=True, metavar="FILE.png", help=both("where to write it", "写到哪里"))


def _models(verb: Parser) -> None:
    verb.option("-n", type=_from(1), metavar="N", help=both("only the first N", "只列前 N 个"))
    what = verb.verbs("action", required=False)
    slug = ("slug", both("a model", "模型"))
    for name, about, *arguments in (
        ("show", both("its card", "模型卡片"), slug),
        ("verify", both("check its files", "校验文件"), slug),
        ("script", both("print a Python program that makes it again", "打印可重新训练它的 Python 程序"), slug),
        ("rename", both("give it another name", "改名"), slug, ("new", both("its new name", "新名称"))),
        ("delete", both("delete it", "删除"), slug),
        ("export", both("write it as a folder, or as FILE.zip", "导出为文件夹或 FILE.zip"), slug,
                   ("to", both("folder or FILE.zip", "文件夹或 FILE.zip"))),
        ("import", both("take in a folder or zip", "导入文件夹或压缩包"), ("source", both("folder or zip", "文件夹或压缩包"))),
        ("push", both("publish it on the Hugging Face Hub; the token is read from HF_TOKEN or typed in, and never stored",
                      "发布到 Hugging Face Hub；令牌取自 HF_TOKEN 或当场输入，绝不保存"), slug, ("repo", both("owner/name", "owner/name"))),
    ):  # fmt: skip
        one = what.add_parser(name, help=about[verb.lang], description=about[verb.lang])
        for argument, meaning in arguments:
            one.option(argument, help=meaning)
        if name == "push":
            one.option("--public", action="store_true", help=both("for everybody to see (default: private)", "公开（默认私有）"))
        _json(one, default=argparse.SUPPRESS)


def _data(verb: Parser) -> None:
    verb.option("name", nargs="?", help=both("one dataset", "某个数据集"))
    verb.option("--download", action="store_true", help=both("fetch it now", "立即下载"))

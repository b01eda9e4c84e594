"""The table of pretrained models: what each is for, where it is from, what it weighs, and what to expect of it.

A row of the Hub names its repository and the commit that was checked here.  A row without a repository is a
model that comes along; it is in the table only while its folder is on this disk.  Sizes are of the files that are really fetched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aigc import home
from aigc.data.sources import downloads_folder
from aigc.data.table import LIMITS
from aigc.knobs import Choice
from aigc.pretrained import shipped_folder, taught_folder
from aigc.pretrained.layout import read_json
from aigc.words import Refusal, Words, both

GB, MB = 10**9, 10**6
COMPLETE = "complete.json"  # of a fetched model: {"files": {name: bytes}, "licence": by its card}
REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
UNCONDITIONAL = ("DDPMPipeline", "DDIMPipeline")  # of diffusers; what such a pipeline calls itself
FIRST_EXPORTED = "ddpm-mnist"  # digits are told from noise at a glance
OF_THE_LAB = "lab"  # family of models of the registry that come along

NO_MODEL = both(
    "There is no model called {model} for this task; there are {known}. A Hub repository is written owner/name.",
    "此任务没有名为 {model} 的模型；可选 {known}。Hub 上的仓库写作 owner/name。",
)
NOTHING = both("There is no model for this task on this machine.", "本机没有可用于此任务的模型。")
ONLY_LISTED = both(
    "This page is open to everyone, so it runs only the models of its list. Run AIGC Lab on your own machine for {model}.",
    "本页对所有人开放，只运行列表中的模型。要用 {model}，请在自己的机器上运行 AIGC Lab。",
)


UNKNOWN, AS_HERE = "unknown", "as AIGC Lab"  # licences that are not the name of one
LICENCES = {UNKNOWN: both("see its page", "见其页面"), AS_HERE: both("as AIGC Lab", "与 AIGC 实验室相同")}


class Task(Choice):
    """What a pretrained model can be asked to do."""

    CONTINUE = "continue", both("Continue a text", "续写")
    CHAT = "chat", both("Chat", "对话")
    SUMMARISE = "summarise", both("Summarise", "摘要")
    TEXT_TO_IMAGE = "text-to-image", both("Text to image", "文生图")
    IMAGE_TO_IMAGE = "image-to-image", both("Image to image", "图生图")
    INPAINT = "inpaint", both("Edit and inpaint", "局部重绘")
    UPSCALE = "upscale", both("Super-resolution", "超分辨率")
    UNCONDITIONAL = "unconditional", both("Without a prompt", "无提示生成")
    STYLE = "style", both("Style transfer", "风格迁移")


@dataclass(frozen=True)
class Entry:
    """One model.  `family` says which code loads it."""

    slug: str
    title: Words
    tasks: tuple[Task, ...]
    family: str
    expect: Words
    repo: str = ""  # owner/name on the Hub; "": it comes along
    revision: str = "main"
    variant: str = ""  # "fp16": the files of that name are fetched, half the bytes
    licence: str = UNKNOWN
    languages: tuple[str, ...] = ()  # of its prompts and texts; none: it reads no words
    download_bytes: int = 0
    cpu_bytes: int = 0  # memory on a CPU while it runs; 0: not meant for one
    gpu_bytes: int = 0  # memory of the GPU while it runs

    @property
    def shipped(self) -> bool:
        return self.repo == ""

    @property
    def licensed(self) -> Words:
        """The licence for people; a name stays as it is."""
        return LICENCES.get(self.licence, both(self.licence, self.licence))

    @property
    def own(self) -> bool:
        """Named by the user, not by this table."""
        return self.slug == self.repo != ""


# A family says which loader an entry needs; what exactly is loaded is written in its config.json or model_index.json.
# causal: transformers.AutoModelForCausalLM; seq2seq: transformers.AutoModelForSeq2SeqLM; diffusers: its DiffusionPipeline, or the
# AutoPipeline of the task; swin2sr: transformers.Swin2SRForImageSuperResolution; upscaler, style: networks of this project; lab: its models.
PICTURE_TASKS = (Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINT)

SHIPPED = (
    Entry(
        "verse",
        both("Verse: taught here", "诗句：本项目训练"),
        (Task.CONTINUE,),
        "causal",
        both(
            "A small model that knows only classical Chinese quatrains and Shakespeare. It keeps the form; the sense comes and goes.",
            "只读过古典绝句和莎士比亚的小模型。体式像样，意思时有时无。",
        ),
        languages=("zh", "en"),
        cpu_bytes=500 * MB,
        gpu_bytes=500 * MB,
    ),
    Entry(
        "pictures",
        both("Pictures: a miniature Stable Diffusion", "小画：微型 Stable Diffusion"),
        PICTURE_TASKS,
        "diffusers",
        both(
            "64 pixels of digits and garments in colours, on coloured grounds: “a red seven on blue”. It knows no other words.",
            "64 像素的彩色数字与服饰：例如“蓝底上的红色七”。它不认识别的词。",
        ),
        languages=("zh", "en"),
        cpu_bytes=700 * MB,
        gpu_bytes=700 * MB,
    ),
    Entry(
        "upscaler",
        both("Upscaler: taught here", "放大器：本项目训练"),
        (Task.UPSCALE,),
        "upscaler",
        both("Small pictures get sharper edges; it does not invent faces or text.", "让小图边缘更清晰；不会凭空补出人脸或文字。"),
        cpu_bytes=500 * MB,
        gpu_bytes=500 * MB,
    ),
    Entry(
        "style",
        both("Style: the classic method", "风格：经典方法"),
        (Task.STYLE,),
        "style",
        both(
            "Takes over colours and textures by optimising the pixels; it does not know what is drawn.",
            "通过优化像素借来色彩与质感；它不懂画的是什么。",
        ),
        cpu_bytes=800 * MB,
        gpu_bytes=800 * MB,
    ),
)

FACES = Entry(
    "faces-diffusion",
    both("Faces: the lab's own latent diffusion", "人脸：本项目自己的潜空间扩散模型"),
    (Task.UNCONDITIONAL,),
    OF_THE_LAB,
    both("64 pixels, trained here from scratch on FairFace. {limits}", "64 像素，在本项目中用 FairFace 从零训练。{limits}").fill(
        limits=LIMITS["fairface64"]
    ),
    licence="CC BY 4.0",
    cpu_bytes=600 * MB,
    gpu_bytes=600 * MB,
)

ON_A_CPU = (
    Entry(
        "qwen3-0.6b-base",
        both("Qwen3 0.6B Base", "Qwen3 0.6B Base"),
        (Task.CONTINUE,),
        "causal",
        both("Fluent in both languages, light on facts. A few tokens a second on two cores.", "中英文都通顺，知识不多。双核上每秒几个词元。"),
        repo="Qwen/Qwen3-0.6B-Base",
        revision="da87bfb608c14b7cf20ba1ce41287e8de496c0cd",
        licence="Apache-2.0",
        languages=("zh", "en"),
        download_bytes=1_200 * MB,
        cpu_bytes=3_200 * MB,
        gpu_bytes=2_000 * MB,
    ),
    Entry(
        "qwen3-0.6b",
        both("Qwen3 0.6B", "Qwen3 0.6B"),
        (Task.CHAT, Task.SUMMARISE, Task.CONTINUE),
        "causal",
        both(
            "Chats and summarises in both languages; check what it claims. A few tokens a second on two cores.",
            "可用中英文对话和摘要；它的说法请自行核对。双核上每秒几个词元。",
        ),
        repo="Qwen/Qwen3-0.6B",
        revision="c1899de289a04d12100db370d81485cdf75e47ca",
        licence="Apache-2.0",
        languages=("zh", "en"),
        download_bytes=1_520 * MB,
        cpu_bytes=3_600 * MB,
        gpu_bytes=2_200 * MB,
    ),
    Entry(
        "smollm2-135m",
        both("SmolLM2 135M Instruct", "SmolLM2 135M Instruct"),
        (Task.CHAT, Task.CONTINUE),
        "causal",
        both(
            "The smallest that holds a conversation: quick on any machine, often wrong. English only.", "能对话的最小模型：哪里都快，常出错。仅英文。"
        ),
        repo="HuggingFaceTB/SmolLM2-135M-Instruct",
        revision="12fd25f77366fa6b3b4b768ec3050bf629380bac",
        licence="Apache-2.0",
        languages=("en",),
        download_bytes=272 * MB,
        cpu_bytes=900 * MB,
        gpu_bytes=800 * MB,
    ),
    Entry(
        "gpt2",
        both("GPT-2", "GPT-2"),
        (Task.CONTINUE,),
        "causal",
        both(
            "The classic of 2019: fluent English that wanders. Good for looking at probabilities.",
            "2019 年的经典：英文流畅但容易跑题。适合观察概率。",
        ),
        repo="openai-community/gpt2",
        revision="607a30d783dfa663caf39e06633721c8d4cfcd7e",
        licence="MIT",
        languages=("en",),
        download_bytes=550 * MB,
        cpu_bytes=1_000 * MB,
        gpu_bytes=900 * MB,
    ),
    Entry(
        "bart-large-cnn",
        both("BART large CNN", "BART large CNN"),
        (Task.SUMMARISE,),
        "seq2seq",
        both("Summaries of English news in three sentences, close to the words of the text.", "把英文新闻概括成三句话，措辞贴近原文。"),
        repo="facebook/bart-large-cnn",
        revision="37f520fa929c961707657b28798b30c003dd100b",
        licence="MIT",
        languages=("en",),
        download_bytes=1_630 * MB,
        cpu_bytes=2_400 * MB,
        gpu_bytes=2_000 * MB,
    ),
    Entry(
        "lcm-dreamshaper",
        both("LCM Dreamshaper v7", "LCM Dreamshaper v7"),
        (Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE),
        "diffusers",
        both(
            "Four steps instead of fifty: 512 pixels in a minute or a few on two cores. English prompts.",
            "四步代替五十步：双核上一至几分钟画出 512 像素。提示词用英文。",
        ),
        repo="SimianLuo/LCM_Dreamshaper_v7",
        revision="a85df6a8bd976cdd08b4fd8f3b73f229c9e54df5",
        licence="MIT (card); OpenRAIL-M of its origin may apply",
        languages=("en",),
        download_bytes=5_500 * MB,
        cpu_bytes=7_500 * MB,
        gpu_bytes=4_000 * MB,
    ),
    Entry(
        "sd-1.5",
        both("Stable Diffusion 1.5", "Stable Diffusion 1.5"),
        (Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE),
        "diffusers",
        both(
            "The classic at 512 pixels and 20 to 50 steps: seconds on a GPU, many minutes on two cores. English prompts.",
            "512 像素、20 到 50 步的经典模型：GPU 上几秒，双核上要许多分钟。提示词用英文。",
        ),
        repo="stable-diffusion-v1-5/stable-diffusion-v1-5",
        revision="451f4fe16113bff5a5d2269ed5ad43b0592e9a14",
        variant="fp16",
        licence="CreativeML OpenRAIL-M",
        languages=("en",),
        download_bytes=2_750 * MB,
        cpu_bytes=6_500 * MB,
        gpu_bytes=4_000 * MB,
    ),
    Entry(
        "sd-1.5-inpainting",
        both("Stable Diffusion 1.5 Inpainting", "Stable Diffusion 1.5 局部重绘"),
        (Task.INPAINT,),
        "diffusers",
        both(
            "Fills what you paint over, at 512 pixels: seconds on a GPU, many minutes on two cores. English prompts.",
            "补画你涂抹的部分，512 像素：GPU 上几秒，双核上要许多分钟。提示词用英文。",
        ),
        repo="stable-diffusion-v1-5/stable-diffusion-inpainting",
        revision="8a4288a76071f7280aedbdb3253bdb9e9d5d84bb",
        variant="fp16",
        licence="CreativeML OpenRAIL-M",
        languages=("en",),
        download_bytes=2_750 * MB,
        cpu_bytes=6_500 * MB,
        gpu_bytes=4_000 * MB,
    ),
    Entry(
        "swin2sr-x2",
        both("Swin2SR, twice the size", "Swin2SR，放大两倍"),
        (Task.UPSCALE,),
        "swin2sr",
        both(
            "Photographs at twice their size, faithful rather than inventive. A minute for 256 pixels on two cores.",
            "把照片放大两倍，忠实而不臆造。双核上 256 像素约一分钟。",
        ),
        repo="caidas/swin2SR-classical-sr-x2-64",
        revision="cee1c923c6a37361c6e5650b65dcf4be821e5d52",
        licence="Apache-2.0",
        download_bytes=48 * MB,
        cpu_bytes=1_500 * MB,
        gpu_bytes=1_500 * MB,
    ),
    Entry(
        "ddpm-cifar10",
        both("DDPM on CIFAR-10", "DDPM（CIFAR-10）"),
        (Task.UNCONDITIONAL,),
        "diffusers",
        both("The model of the 2020 paper: 32 pixels of ten kinds of things.", "2020 年论文中的模型：十类物体，32 像素。"),
        repo="google/ddpm-cifar10-32",
        revision="267b167dc01f0e4e61923ea244e8b988f84deb80",
        licence="Apache-2.0",
        download_bytes=143 * MB,
        cpu_bytes=800 * MB,
        gpu_bytes=800 * MB,
    ),
)

ON_A_GPU = (
    Entry(
        "qwen3-4b-base",
        both("Qwen3 4B Base", "Qwen3 4B Base"),
        (Task.CONTINUE,),
        "causal",
        both("Knows much more and keeps the thread; wants a GPU with 10 GB.", "知识多得多，也更连贯；需要 10 GB 显存。"),
        repo="Qwen/Qwen3-4B-Base",
        revision="906bfd4b4dc7f14ee4320094d8b41684abff8539",
        licence="Apache-2.0",
        languages=("zh", "en"),
        download_bytes=8_060 * MB,
        cpu_bytes=18 * GB,
        gpu_bytes=10 * GB,
    ),
    Entry(
        "qwen3-4b",
        both("Qwen3 4B", "Qwen3 4B"),
        (Task.CHAT, Task.SUMMARISE),
        "causal",
        both("Chats and summarises well in both languages; wants a GPU with 10 GB.", "中英文对话与摘要都好；需要 10 GB 显存。"),
        repo="Qwen/Qwen3-4B",
        revision="1cfa9a7208912126459214e8b04321603b3df60c",
        licence="Apache-2.0",
        languages=("zh", "en"),
        download_bytes=8_060 * MB,
        cpu_bytes=18 * GB,
        gpu_bytes=10 * GB,
    ),
    Entry(
        "z-image-turbo",
        both("Z-Image Turbo", "Z-Image Turbo（造相）"),
        PICTURE_TASKS,
        "diffusers",
        both(
            "Photographs and lettering from zh and en prompts in 8 steps at 1024 pixels; wants a GPU with 24 GB, or offloading.",
            "8 步画出 1024 像素的照片与文字，提示词可用中英文；需要 24 GB 显存，或开启卸载。",
        ),
        repo="Tongyi-MAI/Z-Image-Turbo",
        revision="f332072aa78be7aecdf3ee76d5c247082da564a6",
        licence="Apache-2.0",
        languages=("zh", "en"),
        download_bytes=32_900 * MB,
        gpu_bytes=23 * GB,
    ),
    Entry(
        "flux2-klein-4b",
        both("FLUX.2 klein 4B", "FLUX.2 klein 4B"),
        PICTURE_TASKS,
        "diffusers",
        both(
            "Four steps at 1024 pixels, and edits a picture as you tell it; wants a GPU with 20 GB, or offloading.",
            "4 步出 1024 像素，还能按描述修改图片；需要 20 GB 显存，或开启卸载。",
        ),
        repo="black-forest-labs/FLUX.2-klein-4B",
        revision="e7b7dc27f91deacad38e78976d1f2b499d76a294",
        licence="Apache-2.0",
        languages=("en",),
        download_bytes=16 * GB,
        gpu_bytes=18 * GB,
    ),
    Entry(
        "sdxl",
        both("Stable Diffusion XL", "Stable Diffusion XL"),
        PICTURE_TASKS,
        "diffusers",
        both("1024 pixels in 30 steps; wants a GPU with 8 GB. English prompts.", "30 步出 1024 像素；需要 8 GB 显存。提示词用英文。"),
        repo="stabilityai/stable-diffusion-xl-base-1.0",
        revision="462165984030d82259a11f4367a4eed129e94a7b",
        variant="fp16",
        licence="CreativeML OpenRAIL++-M",
        languages=("en",),
        download_bytes=7 * GB,
        gpu_bytes=8 * GB,
    ),
    Entry(
        "sd-x4-upscaler",
        both("Stable Diffusion x4 Upscaler", "Stable Diffusion 四倍放大"),
        (Task.UPSCALE,),
        "diffusers",
        both(
            "Four times the size, with invented detail that a prompt can steer: seconds on a GPU with 8 GB, many minutes on two cores.",
            "放大四倍，细节是画出来的，可用提示词引导：8 GB 显存的 GPU 上几秒，双核上要许多分钟。",
        ),
        repo="stabilityai/stable-diffusion-x4-upscaler",
        revision="572c99286543a273bfd17fac263db5a77be12c4c",
        variant="fp16",
        licence="CreativeML OpenRAIL++-M",
        languages=("en",),
        download_bytes=1_750 * MB,
        cpu_bytes=6 * GB,
        gpu_bytes=8 * GB,
    ),
)


def entries() -> list[Entry]:
    """Every model there is: those that come along (and are here), then those a CPU can run, then those that want a GPU."""
    shipped = [_described(e, folder) for e in SHIPPED if (folder := shipped_at(e.slug))]
    return [*shipped, *_exported(), *([FACES] if shipped_at(FACES.slug) else []), *ON_A_CPU, *ON_A_GPU]


def rows(task: Task) -> list[Entry]:
    """The models for `task`, best first for a machine with nothing downloaded."""
    return [e for e in entries() if task in e.tasks]


def find(task: Task, model: str = "", public: bool = False) -> Entry:
    """The model called `model` (a slug, or a repository of the Hub) for `task`; "" is the first there is.

    A repository that is not in the table is the user's own wish: refused when the page is public.  Raises Refusal.
    """
    model, known = model.strip(), rows(task)
    if not model:
        if not known:
            raise Refusal(NOTHING)
        return known[0]
    if entry := next((e for e in known if model in (e.slug, e.repo)), None):
        return entry
    if not REPO.fullmatch(model) or ".." in model or "--" in model:
        raise Refusal(NO_MODEL, model=repr(model)[:80], known=", ".join(e.slug for e in known))
    if public:
        raise Refusal(ONLY_LISTED, model=model)
    elsewhere = next((e for e in entries() if e.repo == model), None)
    return replace(elsewhere, slug=model, tasks=(task,)) if elsewhere else _own(task, model)


def slug(task: Task, model: str) -> str:
    """What the table calls a model, also where its repository was typed; what is not in it keeps its name."""
    name = model.strip()
    return next((e.slug for e in rows(task) if name and name in (e.slug, e.repo)), name)


def shipped_at(slug: str) -> Path | None:
    """The folder of a model that comes along, or was taught here; complete once its card is written."""
    if slug == FACES.slug:
        folder = home.SHIPPED / slug
        return folder if (folder / "config.json").is_file() else None
    folders = (base / slug for base in (shipped_folder(), taught_folder()))
    return next((f for f in folders if (f / "card.json").is_file()), None)


def _own(task: Task, repo: str) -> Entry:
    family = "causal" if task in (Task.CONTINUE, Task.CHAT) else "" if task is Task.SUMMARISE else "" if task is Task.UPSCALE else "diffusers"
    expect = both("Your own choice; see its page for what to expect.", "你自选的模型；效果请看其页面。")
    return Entry(repo, both(repo, repo), (task,), family, expect, repo=repo, licence=_licence(repo))


def _licence(repo: str) -> str:
    """What the Hub said of a repository when it was fetched last."""
    sealed = [path for path in (downloads_folder() / "models" / repo).glob(f"*/{COMPLETE}") if path.is_file()]
    told = read_json(max(sealed, key=lambda path: path.stat().st_mtime)).get("licence") if sealed else None
    return told if isinstance(told, str) and told else UNKNOWN


def _exported() -> list[Entry]:
    """Unconditional pipelines that come along: every folder with a card whose pipeline asks for no prompt."""
    found: dict[str, Entry] = {}
    for base in (shipped_folder(), taught_folder()):
        for index in sorted(base.glob("*/model_index.json"), key=lambda i: (i.parent.name != FIRST_EXPORTED, i)):
            folder = index.parent
            if folder.name in found or not (folder / "card.json").is_file() or read_json(index).get("_class_name") not in UNCONDITIONAL:
                continue
            title = both(folder.name, folder.name)
            expect = both("A generator trained in this project, as a pipeline of diffusers.", "本项目训练的生成器，存成 diffusers 的管线。")
            entry = Entry(folder.name, title, (Task.UNCONDITIONAL,), "diffusers", expect, cpu_bytes=600 * MB, gpu_bytes=600 * MB)
            found[folder.name] = _described(entry, folder)
    return list(found.values())


def _described(entry: Entry, folder: Path) -> Entry:
    """The entry with what the card in its folder says of it; a card may leave out anything."""
    card = read_json(folder / "card.json")
    said: dict[str, Any] = {}
    for name in ("title", "expect"):
        if isinstance(words := card.get(name), dict) and {"en", "zh"} <= words.keys():
            said[name] = both(str(words["en"]), str(words["zh"]))
    if isinstance(card.get("licence"), str):
        said["licence"] = card["licence"]
    return replace(entry, **{"licence": AS_HERE, **said})

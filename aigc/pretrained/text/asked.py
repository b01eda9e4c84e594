"""What can be asked of a language model: the knobs of each verb, declared once for the form, the command line and the card."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aigc.knobs import Choice, knob
from aigc.pretrained import clean
from aigc.pretrained.catalogue import Task
from aigc.words import Refusal, both

SEEDS = 2**31 - 1
LONGEST = {"prompt": 20_000, "text": 400_000, "message": 20_000}  # characters
MOST_STOPS, LONGEST_STOP, MOST_MESSAGES = 8, 80, 200
ROLES = ("system", "user", "assistant")

NOTHING = both("Write something first.", "请先写点什么。")
TOO_LONG = both("This is {have} characters long; at most {most} can be read here.", "共 {have} 个字符；这里最多读 {most} 个。")
BAD_STOPS = both("At most {n} stop words, of at most {m} characters each, one a line.", "停止词最多 {n} 个，每个不超过 {m} 个字符，一行一个。")
BAD_MESSAGES = both(
    "A conversation is a list of role and content, the roles being system, user and assistant, the last one user.",
    "对话应是 role 与 content 的列表，role 为 system、user 或 assistant，最后一条是 user。",
)


class Verb(Choice):
    CONTINUE = "continue", both("Continue", "续写")
    CHAT = "chat", both("Chat", "对话")
    SUMMARISE = "summarise", both("Summarise", "摘要")


class Method(Choice):
    SAMPLE = "sample", both("Sample", "采样")
    GREEDY = "greedy", both("Greedy", "贪心")
    BEAM = "beam", both("Beam search", "束搜索")


class Shape(Choice):
    """What a prompt is to the model of verse."""

    AUTO = "auto", both("by its look", "自动判断")
    TITLE_5 = "title-5", both("a title, five characters a line", "题目，写五言")
    TITLE_7 = "title-7", both("a title, seven characters a line", "题目，写七言")
    FIRST_LINE = "first-line", both("a first line of five or seven", "首句（五或七字）")
    PLAY = "play", both("the beginning of English verse", "英文诗剧的开头")
    PLAIN = "plain", both("text to go on from as it is", "原样接着写")


def _temperature(default: float = 0.8) -> Any:
    return knob(default, 0.0, 2.0, group="first", label=both("Temperature", "温度"),
                help=both("Below 1 the likely becomes likelier, above 1 the unlikely gets a chance; 0 always takes the likeliest.",
                          "低于 1：更偏向可能的词；高于 1：给少见的词机会；0：总取最可能的。"))  # fmt: skip


def _length(default: int = 96) -> Any:
    return knob(default, 1, 2048, group="first", label=both("Length (tokens)", "长度（词元）"),
                help=both("It ends after so many tokens at the latest; a Chinese character is about one, an English word one or two.",
                          "最多写这么多词元；一个汉字约一个，一个英文词一到两个。"))  # fmt: skip


def _seed() -> Any:
    return knob(0, 0, SEEDS, group="first", label=both("Seed", "随机种子"),
                help=both("The same seed and settings give the same text.", "种子与设置相同，文字就相同。"))  # fmt: skip


def _top_k(default: int = 0) -> Any:
    return knob(default, 0, 200, group="sampling", label=both("Top k", "Top-k"),
                help=both("Only the k likeliest tokens are drawn from; 0: no limit.", "只从最可能的 k 个词元里抽；0 表示不限。"))  # fmt: skip


def _top_p(default: float = 0.95) -> Any:
    return knob(default, 0.05, 1.0, group="sampling", label=both("Top p", "Top-p"),
                help=both("Only the likeliest tokens that together have this probability; 1: no limit.",
                          "只保留累计概率达到此值的最可能的词元；1 表示不限。"))  # fmt: skip


def _min_p() -> Any:
    return knob(0.0, 0.0, 0.5, group="sampling", label=both("Min p", "Min-p"),
                help=both("Leaves out tokens less likely than this share of the likeliest; 0: none.",
                          "去掉概率低于“最高概率 × 此值”的词元；0 表示不去。"))  # fmt: skip


def _repetition(default: float = 1.0) -> Any:
    return knob(default, 1.0, 2.0, group="sampling", label=both("Repetition penalty", "重复惩罚"),
                help=both("Above 1, tokens that are there already become less likely. 1.1 is much.",
                          "大于 1 时，出现过的词元变得不易再出现。1.1 已不小。"))  # fmt: skip


@dataclass(frozen=True)
class Continue:
    temperature: float = _temperature()
    length: int = _length()
    seed: int = _seed()
    shape: Shape = knob(Shape.AUTO, group="first", label=both("What you give", "给出的是"),
                        help=both("Only the model of verse asks for this.", "仅诗句模型需要。"))  # fmt: skip
    method: Method = knob(Method.SAMPLE, group="sampling", label=both("Method", "方法"),
                          help=both("Sample draws each token; greedy takes the likeliest; beam search looks for the likeliest whole text.",
                                    "采样：逐个抽取；贪心：总取最可能的；束搜索：找整体最可能的文字。"))  # fmt: skip
    beams: int = knob(4, 2, 8, group="sampling", label=both("Beams", "束宽"),
                      help=both("Texts that beam search keeps side by side.", "束搜索同时保留的候选数。"))  # fmt: skip
    top_k: int = _top_k()
    top_p: float = _top_p()
    min_p: float = _min_p()
    repetition: float = _repetition()


@dataclass(frozen=True)
class Chat:
    temperature: float = _temperature(0.7)
    length: int = _length(512)
    seed: int = _seed()
    think: bool = knob(False, group="sampling", label=both("Think first", "先思考"),
                       help=both("Models that can, write down their reasoning before they answer: better and much slower.",
                                 "支持的模型会先写出推理再回答：更好，也慢得多。"))  # fmt: skip
    top_k: int = _top_k(20)
    top_p: float = _top_p(0.8)
    min_p: float = _min_p()
    repetition: float = _repetition()


@dataclass(frozen=True)
class Summarise:
    words: int = knob(80, 20, 600, group="first", label=both("Length (words or characters)", "长度（字或词）"),
                      help=both("About so many English words or Chinese characters.", "大约这么多个汉字或英文词。"))  # fmt: skip
    window: int = knob(1024, 128, 8192, group="sampling", label=both("Window (tokens)", "窗口（词元）"),
                       help=both("Longer texts are cut at sentences into windows of at most this size; each is summarised, then the summaries are.",
                                 "更长的文字在句子处切成不超过此大小的窗口，逐窗摘要，再把摘要汇总。"))  # fmt: skip
    temperature: float = knob(0.0, 0.0, 2.0, group="sampling", label=both("Temperature", "温度"),
                              help=both("0 takes the likeliest words, which stay closest to the text.", "0：取最可能的词，最贴近原文。"))  # fmt: skip
    repetition: float = _repetition(1.05)
    seed: int = knob(0, 0, SEEDS, group="sampling", label=both("Seed", "随机种子"),
                     help=both("Matters only above temperature 0.", "温度高于 0 时才有影响。"))  # fmt: skip


Settings = Continue | Chat | Summarise
SETTINGS: dict[Verb, type[Any]] = {Verb.CONTINUE: Continue, Verb.CHAT: Chat, Verb.SUMMARISE: Summarise}
TASKS: dict[Verb, Task] = {Verb.CONTINUE: Task.CONTINUE, Verb.CHAT: Task.CHAT, Verb.SUMMARISE: Task.SUMMARISE}
Message = dict[str, str]  # {"role": ..., "content": ...}


def is_drawn(settings: Settings) -> bool:
    """Whether lots decide: neither the likeliest token each time nor beam search needs a seed."""
    return settings.temperature > 0 and getattr(settings, "method", Method.SAMPLE) is Method.SAMPLE


def given(text: Any, kind: str = "prompt") -> str:
    """A text that somebody typed or pasted.  Raises Refusal."""
    if not (found := short(text, kind)).strip():
        raise Refusal(NOTHING)
    return found


def short(text: Any, kind: str = "prompt") -> str:
    """The same, where nothing is fine too."""
    text = text if isinstance(text, str) else ""
    if len(text) > LONGEST[kind]:
        raise Refusal(TOO_LONG, have=len(text), most=LONGEST[kind])
    return clean(text)


def stop_words(lines: Any) -> tuple[str, ...]:
    """One a line; "\\n" means the end of a line.  Raises Refusal."""
    found = [line.replace("\\n", "\n") for line in clean(str(lines or "")).splitlines() if line]
    if len(found) > MOST_STOPS or any(len(word) > LONGEST_STOP for word in found):
        raise Refusal(BAD_STOPS, n=MOST_STOPS, m=LONGEST_STOP)
    return tuple(found)


def as_lines(words: Iterable[Any]) -> str:
    """Stop words that came one by one, for `stop_words`."""
    return "\n".join(str(word).replace("\n", "\\n") for word in words)


def conversation(messages: Any, system: str = "") -> list[Message]:
    """Messages of any origin, checked; what the assistant thought aloud is not told again.  Raises Refusal."""
    from aigc.pretrained.text.thought import parted

    if not isinstance(messages, list) or not messages:
        raise Refusal(BAD_MESSAGES)
    told: list[Message] = [{"role": "system", "content": short(system, "message").strip()}] if isinstance(system, str) and system.strip() else []
    for m in messages[-MOST_MESSAGES:]:
        role, content = (m.get("role"), m.get("content")) if isinstance(m, dict) else (None, None)
        if role not in ROLES or not isinstance(content, str) or (role == "system" and told):
            raise Refusal(BAD_MESSAGES)
        told.append({"role": role, "content": clean(parted(content)[1]) if role == "assistant" else short(content, "message")})
    if told[-1]["role"] != "user" or not told[-1]["content"].strip():
        raise Refusal(NOTHING if told[-1]["role"] == "user" else BAD_MESSAGES)
    return told


def habits(verb: Verb, model: str) -> dict[str, Any]:
    """The values at which a model is best, where they are not the usual ones."""
    if verb is Verb.CONTINUE and model == "gpt2":
        return {"top_p": 0.9, "repetition": 1.1}
    return {}

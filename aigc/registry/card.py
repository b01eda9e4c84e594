"""The card of a model: everything that must be known to rebuild it, to credit its data and to make it again.

The card is `config.json` in the model's folder.  It may come from a stranger, so reading it trusts nothing.
"""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from dataclasses import dataclass, field
from typing import Any, NoReturn

from aigc.data import NAME, DataSpec
from aigc.words import Lang, Refusal, Words, both

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")
NO_SLUG = both("A model's name is made of small letters, digits and hyphens, at most 63 of them, and starts with a letter or digit.",
               "模型名只能由小写字母、数字和连字符组成，最多 63 个字符，且以字母或数字开头。")  # fmt: skip
LIBRARY = "aigc-lab"
FORMAT = 1
CARD_BYTES = 1 << 20
TEXT_LENGTH = 2000
SIDE = 256  # the largest picture a card may speak of
CLASSES = 1000
MOST = 1 << 63

BROKEN = both("The card of this model cannot be read: {why}.", "无法读取这个模型的卡片：{why}。")


@dataclass(frozen=True)
class ModelCard:
    slug: str  # the name of its folder and what is typed in a shell
    technique: str
    data: str
    spec: dict[str, Any]  # `spec_as_json`: enough to rebuild the networks without the dataset
    config: dict[str, Any]
    options: dict[str, Any]
    title: str = ""  # free text; empty: the slug
    images: int = 0  # real examples seen
    steps: int = 0
    seconds: float = 0.0
    device: str = ""
    seed: int = 0
    preset: str = ""
    licence: str = ""  # of the data, and therefore of this model
    credit: str = ""
    created: str = ""  # ISO 8601, UTC
    parent: str = ""  # slug of the model it was continued from, in whose latents it works, or whose shortcut it learnt
    inside: dict[str, Any] = field(default_factory=dict)  # technique and config of the autoencoder whose weights are among its own
    run: str = ""  # id of the run that made it
    owner: str = ""  # whoever started that run; never leaves this machine
    kind: str = "trained"  # or "shipped"
    code_version: str = ""
    quality: dict[str, float] = field(default_factory=dict)  # measured figures by name
    quality_zh: dict[str, str] = field(default_factory=dict)  # those names in Chinese
    hashes: dict[str, str] = field(default_factory=dict)  # file name -> sha256, hexadecimal

    def as_json(self) -> dict[str, Any]:
        return {"library_name": LIBRARY, "format": FORMAT, **dataclasses.asdict(self)}

    def as_bytes(self) -> bytes:
        """The content of config.json."""
        return json.dumps(self.as_json(), ensure_ascii=False, indent=2, allow_nan=False).encode()

    def public(self) -> ModelCard:
        """Without what concerns only this machine: what is exported."""
        return dataclasses.replace(self, owner="", run="")

    @property
    def name(self) -> str:
        return self.title or self.slug

    def figures(self, lang: Lang) -> dict[str, float]:
        """What was measured, by its names in a language."""
        return {self.quality_zh.get(name, name) if lang == "zh" else name: value for name, value in self.quality.items()}


def read_card(raw: bytes) -> ModelCard:
    """The card in `raw`, which may come from anywhere.  Raises Refusal, saying what is wrong with it."""
    if len(raw) > CARD_BYTES:
        _broken(both("it is larger than 1 MB", "它大于 1 MB"))
    try:
        values = json.loads(raw, parse_constant=lambda _: _broken(both("it holds a number that is not finite", "其中有非有限的数")))
        json.dumps(values, ensure_ascii=False).encode()  # half a character, which no file could hold again
    except (ValueError, RecursionError):
        _broken(both("it is not JSON", "它不是 JSON"))
    if not isinstance(values, dict) or values.get("library_name") != LIBRARY:
        _broken(both("it was not written by AIGC Lab", "它不是 AIGC Lab 写的"))
    if values.get("format") != FORMAT:
        _broken(both("it was written by another version of AIGC Lab", "它由另一版本的 AIGC Lab 写成"))
    fields = {f.name: f for f in dataclasses.fields(ModelCard)}
    missing = [n for n, f in fields.items() if n not in values and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING]
    if missing:
        _broken(both(f"{missing[0]} is missing", f"缺少 {missing[0]}"))
    card = ModelCard(**{n: _value(n, str(f.type), values[n]) for n, f in fields.items() if n in values})
    if not SLUG.match(card.slug):
        _broken(both("its name is not a model's name", "其中的名称不是合法的模型名"))
    if not NAME.fullmatch(card.data):
        _broken(both("the name of its data is not a dataset's name", "其中的数据名不是合法的数据集名"))
    spec_from_json(card.spec)
    return card


def _value(name: str, kind: str, value: Any) -> Any:
    """`value` if it is what the field called `name` holds."""
    if kind == "str" and isinstance(value, str) and len(value) <= TEXT_LENGTH:
        return _printable(value)
    if kind == "int" and type(value) is int and 0 <= value < MOST:
        return value
    if kind == "float" and type(value) in (int, float) and abs(value) <= sys.float_info.max:
        return float(value)
    if kind.startswith("dict") and isinstance(value, dict) and len(value) <= CLASSES:
        inner = kind[len("dict[str, ") : -1]
        return value if inner == "Any" else {k: _value(f"{name}.{k}", inner, v) for k, v in value.items()}
    _broken(both(f"{name[:40]} is not what it should be", f"{name[:40]} 的内容不对"))


def _broken(why: Words) -> NoReturn:
    raise Refusal(BROKEN, why=why)


def spec_as_json(spec: DataSpec) -> dict[str, Any]:
    """A dataset's description as JSON; `spec_from_json` takes it back."""
    values = dataclasses.asdict(spec)
    return {**values, "shape": list(spec.shape), "classes": [c.as_json() for c in spec.classes], "class_counts": list(spec.class_counts)}


def spec_from_json(values: Any) -> DataSpec:
    """Raises Refusal unless `values` describes a dataset that a network here could have been built for."""
    wrong = both("its description of the data makes no sense", "其中对数据的描述不合理")
    if not isinstance(values, dict):
        _broken(wrong)
    shape, classes, count, flips = values.get("shape"), values.get("classes", []), values.get("count", 0), values.get("flips", False)
    texts = {k: values.get(k, "") for k in ("name", "licence", "credit")}
    if not isinstance(shape, list) or not all(type(n) is int for n in shape) or not isinstance(classes, list) or len(classes) > CLASSES:
        _broken(wrong)
    if shape != [2] and not (len(shape) == 3 and shape[0] in (1, 3) and all(1 <= side <= SIDE for side in shape[1:])):
        _broken(wrong)
    if (
        type(count) is not int
        or not 0 <= count < MOST
        or type(flips) is not bool
        or not all(isinstance(t, str) and len(t) <= TEXT_LENGTH for t in texts.values())
    ):
        _broken(wrong)
    counts = values.get("class_counts", [])
    if not isinstance(counts, list) or len(counts) not in (0, len(classes)) or not all(type(n) is int and 0 < n < MOST for n in counts):
        _broken(wrong)
    names = tuple(_words(c) for c in classes)
    title = _words(values.get("title"))
    return DataSpec(title=title, shape=tuple(shape), classes=names, count=count, flips=flips, class_counts=tuple(counts), **texts)


def _words(value: Any) -> Words:
    if not isinstance(value, dict) or not all(isinstance(value.get(k), str) and len(value[k]) <= 200 for k in ("en", "zh")):
        _broken(both("a name in it is not in both languages", "其中有名称缺少双语"))
    return both(_printable(value["en"]), _printable(value["zh"]))


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)

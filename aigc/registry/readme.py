"""README.md of a model, as the Hub and people read it: front matter, then English and Chinese side by side."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from aigc.data.table import LIMITS, SOURCES
from aigc.registry.card import LIBRARY, ModelCard, spec_from_json
from aigc.registry.entries import SAMPLES
from aigc.registry.recipe import shell_commands
from aigc.techniques import techniques
from aigc.words import LANGS, Lang, Words, both

# What the Hub calls the licences that our data come under.
HUB_LICENCES = ("mit", "apache-2.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc0-1.0", "bsd-3-clause")


def readme(card: ModelCard) -> str:
    body = "\n\n---\n\n".join("\n\n".join(_sections(card, lang)) for lang in LANGS)
    return f"{front_matter(_fields(card))}\n{body}\n"


def front_matter(fields: dict[str, Any]) -> str:
    lines = "".join(f"{k}: {json.dumps(v, ensure_ascii=False)}\n" for k, v in fields.items())  # JSON is YAML
    return f"---\n{lines}---\n"


def licence_fields(licence: str) -> dict[str, str]:
    """How front matter names the licence of our data."""
    name = re.sub(r"[^a-z0-9.]+", "-", licence.lower()).strip("-")
    return {"license": name} if name in HUB_LICENCES else {"license": "other", "license_name": name or "unknown"}


def _fields(card: ModelCard) -> dict[str, Any]:
    values: dict[str, Any] = {"language": list(LANGS), **licence_fields(card.licence)}
    values |= {"library_name": LIBRARY, "tags": [LIBRARY, card.technique, "generative", *([] if _has_teacher(card) else ["from-scratch"])]}
    values |= hub_datasets(card.data)
    if not spec_from_json(card.spec).is_points:
        values["pipeline_tag"] = "unconditional-image-generation"
    return values


def hub_datasets(data: str) -> dict[str, list[str]]:
    """How front matter names the data, where the Hub has them."""
    return {"datasets": [SOURCES[data][-1].repo]} if data in SOURCES else {}  # the last one is on the Hub


def _sections(card: ModelCard, lang: Lang) -> Iterator[str]:
    def t(words: Words, **values: object) -> str:
        return words.fill(**values)[lang]

    spec = spec_from_json(card.spec)
    info = techniques().get(card.technique)
    kind = info.title if info else both(card.technique, card.technique)
    yield f"# {_plain(card.name)}"
    trained = (
        both("{kind} that learnt from `{p}` on *{data}* with AIGC Lab.", "用 AIGC Lab 在“{data}”上向 `{p}` 学成的{kind}。")
        if _has_teacher(card)
        else both("{kind} trained from scratch on *{data}* with AIGC Lab.", "用 AIGC Lab 在“{data}”上从零训练的{kind}。")
    )
    yield t(trained, kind=kind, data=_plain(spec.title[lang]), p=_plain(card.parent)) + t(
        both(" What it makes is made by AI, and says so in every file.", "它生成的一切都是 AI 生成内容，每个文件都带有标识。")
    )
    if SAMPLES in card.hashes:
        yield f"![samples]({SAMPLES})"
    yield "## " + t(both("Data and licence", "数据与许可"))
    yield t(
        both("{credit} Licence: {licence}.", "{credit}许可：{licence}。"), credit=_sentence(card.credit, lang), licence=_plain(card.licence) or "?"
    ).strip()
    if card.data in LIMITS:
        yield "## " + t(both("Limits", "局限"))
        yield LIMITS[card.data][lang]
    yield "## " + t(both("Training", "训练"))
    yield t(
        both(
            "{images} images, {steps} steps, {seconds} s on {device}, seed {seed}.",
            "{images} 张图像，{steps} 步，{seconds} 秒，设备 {device}，种子 {seed}。",
        ),
        images=f"{card.images:,}", steps=f"{card.steps:,}", seconds=f"{card.seconds:.0f}", device=_plain(card.device) or "?", seed=card.seed,
    )  # fmt: skip
    if card.inside:
        yield t(both("It works in the latents of `{p}`, which is inside.", "它在 `{p}` 的潜空间中工作，后者已包含在内。"), p=_plain(card.parent))
    if card.config.get("teacher"):
        yield t(
            both("It learnt the shortcut of `{p}`: from its noise straight to its samples.", "它学的是 `{p}` 的捷径：由它的噪声直达它的样本。"),
            p=_plain(card.parent),
        )
    elif _has_teacher(card):
        yield t(both("Started from `{p}`.", "从 `{p}` 开始训练。"), p=_plain(card.parent))
        if card.config.get("model_guidance", 1) > 1:
            yield t(both("It learnt the guidance of that model: its samples are as clear with half the evaluations.",
                         "它学会了那个模型的引导：样本同样清晰，求值次数减半。"))  # fmt: skip
    if card.quality:
        yield "## " + t(both("Measured quality", "实测质量"))
        yield "\n".join(f"- {_plain(name)}: {value:.4g}" for name, value in card.figures(lang).items())
    yield "## " + t(both("How to use it", "怎样使用"))
    yield _code(f"python -m aigc models import {card.slug}/\npython -m aigc sample {card.slug} -n 64 --out grid.png")
    yield "## " + t(both("How it was made", "怎样训练出来的"))
    yield _code("\n".join(shell_commands(card)))


def _has_teacher(card: ModelCard) -> bool:
    """Whether its weights come from another model's, or learnt from that one's samples."""
    return bool(card.parent) and not card.inside


def _sentence(credit: str, lang: Lang) -> str:
    """With its full stop."""
    plain = _plain(credit)
    return plain if not plain or plain[-1] in ".。" else plain + both(".", "。")[lang]


def _code(text: str) -> str:
    return f"```bash\n{text}\n```"


def _plain(text: str) -> str:
    """Free text that may come from a stranger, without what Markdown or HTML would act on."""
    return re.sub(r"([\\`*_\[\]<>|#!])", r"\\\1", text.strip())

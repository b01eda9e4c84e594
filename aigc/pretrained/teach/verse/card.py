"""Keeps the language model of verse as transformers does, and writes its card."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2LMHeadModel, PreTrainedTokenizerFast

from aigc.pretrained.teach.cards import Card, Credit, Figure, write
from aigc.pretrained.teach.verse.examples import Texts
from aigc.pretrained.teach.verse.measure import HOW, LONGEST, figures
from aigc.words import Words, both

MEASURING = both("Kept; now it is measured.", "已保存；正在测量。")
USE = """from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
prompt = tokenizer("<verse7>江上<poem>", return_tensors="pt")  # <verse5>; a first line behind <poem>; <play> for English
print(tokenizer.decode(model.generate(**prompt)[0]))"""


def keep(
    model: GPT2LMHeadModel, tok: PreTrainedTokenizerFast, to: Path, given: Texts, examples: int, seed: int, seconds: float
) -> Iterator[Words | dict[str, Any]]:
    """Saves in bfloat16, loads what was saved and measures that."""
    device = model.device
    model.generation_config.update(**HOW, max_new_tokens=LONGEST)
    model.to("cpu", torch.bfloat16).save_pretrained(to)
    tok.save_pretrained(to)
    yield MEASURING
    yield measured(to, given, examples, seed, seconds, device)


def measured(to: Path, given: Texts, examples: int, seed: int, seconds: float, device: torch.device) -> dict[str, Any]:
    model = AutoModelForCausalLM.from_pretrained(to, dtype=torch.float32).to(device).eval()
    return write(described(figures(model, AutoTokenizer.from_pretrained(to), given, seed), examples, seed, seconds, str(device)), to)


def described(told: list[Figure], examples: int, seed: int, seconds: float, device: str) -> Card:
    return Card(
        title=both("Verse: quatrains and Shakespeare", "诗句：绝句与莎士比亚"),
        about=both(
            "A GPT-2 of 5.5 million weights that writes Chinese quatrains to a title or from a first line, and English verse in the manner of "
            "Shakespeare's plays. A Chinese character is one token; English is spelt in 1,024 byte-pair merges; anything else in bytes. "
            "`<verse5>` or `<verse7>`, a title (or none), `<poem>` and perhaps a first line ask for a quatrain of five or seven characters a line; "
            "`<verse>` for another old form; `<play>` for English. Without any mark it goes on in the language that it is given.",
            "一个 550 万参数的 GPT-2：按题目或首句写绝句，也能仿莎士比亚写英文诗剧。一个汉字一个词元，英文用 1,024 次字节对合并，其余按字节拼写。"
            "`<verse5>` 或 `<verse7>`、题目（可空）、`<poem>`，再加（可选的）首句，求五言或七言绝句；`<verse>` 求其他古体；`<play>` 求英文。"
            "不带标记时，它按所给语言往下写。",
        ),
        limits=both(
            "It learnt from 13 thousand Tang quatrains and one million characters of plays, which is little: it keeps form and tone, but the sense "
            "wanders, allusions are accidental, tonal patterns are not taught, and rhymes are those of the Tang, not all of which rhyme today. "
            "It sees 256 tokens. It knows nothing of the world after 1623.",
            "它只读过一万三千首唐人绝句和一百万字符的剧本：体式与语气相近，但意思游移，用典多属偶然；没有教过平仄；"
            "押的是唐韵，今音不一定都押。它只能看到 256 个词元，对 1623 年以后的世界一无所知。",
        ),
        figures=told,
        data=[
            Credit("Tang quatrains and three hundred Tang poems, chinese-poetry/chinese-poetry on GitHub", "MIT"),
            Credit("William Shakespeare's plays, the selection of karpathy/char-rnn (tinyshakespeare)", "public domain"),
        ],
        lesson="verse", unit=both("poems and passages", "首诗和段落"), examples=examples, seed=seed, seconds=seconds, device=device,
        tags=("text-generation", "poetry"), use=USE, languages=("zh", "en"),
    )  # fmt: skip

"""What the language model of verse is worth: how much unseen texts surprise it, and whether its quatrains keep the form, rhyme, and are its own."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

import torch
from torch.nn.functional import cross_entropy
from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast

from aigc.data.texts import Quatrain, is_quatrain, lines_of
from aigc.pretrained.teach.cards import Figure
from aigc.pretrained.teach.verse.examples import PASSAGE, Texts, padded, tidy
from aigc.pretrained.text.verse_form import rhymes
from aigc.pretrained.verse import PLAY, from_first_line, from_title
from aigc.train.devices import precision
from aigc.words import both

HOW = {"do_sample": True, "temperature": 0.8, "top_p": 0.95}  # how verse is written unless asked otherwise
LONGEST = 48  # tokens of a quatrain's lines, with room to spare


@torch.inference_mode()
def nats_per_character(model: GPT2LMHeadModel, tok: PreTrainedTokenizerFast, quatrains: list[Quatrain], plays: str) -> tuple[float, float]:
    """(of quatrains given their title: the four lines and the end; of plays: every character, passage by passage with half in view)."""
    model.eval()
    heads = [tok(from_title(tidy(q.title), len(q.lines[0]))).input_ids for q in quatrains]
    whole = [head + tok(q.text, add_special_tokens=False).input_ids + [tok.eos_token_id] for head, q in zip(heads, quatrains, strict=True)]
    verse = total(model, tok, whole, [len(head) for head in heads]) / sum(len(q.text) for q in quatrains)
    head, spelt, view = tok(PLAY).input_ids, tok(plays, add_special_tokens=False).input_ids, PASSAGE // 2
    rows = [head + spelt[:view]] + [head + spelt[i - view + len(head) : i + view] for i in range(view, len(spelt), view)]
    return verse, total(model, tok, rows, [len(head)] + [view] * (len(rows) - 1)) / len(plays)


def total(model: GPT2LMHeadModel, tok: PreTrainedTokenizerFast, rows: list[list[int]], skip: list[int]) -> float:
    """-log p of the rows' tokens behind the first `skip` of each, in nats."""
    nats = 0.0
    for i in range(0, len(rows), 64):
        tokens = padded(rows[i : i + 64], tok.pad_token_id).to(model.device)
        seen = tokens[:, :-1]
        places = torch.arange(1, tokens.shape[1], device=model.device)
        counted = (tokens[:, 1:] != tok.pad_token_id) & (places >= torch.tensor(skip[i : i + 64], device=model.device)[:, None])
        with precision(model.device):
            hidden = model.transformer(input_ids=seen, attention_mask=(seen != tok.pad_token_id).long(), use_cache=False).last_hidden_state[counted]
            logits = model.lm_head(hidden)
        nats += float(cross_entropy(logits.float(), tokens[:, 1:][counted], reduction="sum"))
    return nats


def figures(model: GPT2LMHeadModel, tok: PreTrainedTokenizerFast, given: Texts, seed: int) -> list[Figure]:
    """On texts that were never learnt from, and on quatrains written to their titles and first lines."""
    verse, plays = nats_per_character(model, tok, given.test_quatrains, given.test_plays)
    learnt = {line for q in given.quatrains for line in q.lines} | {line for _, poem in given.poems for line in lines_of(poem)}
    titled = written(model, tok, [from_title(tidy(q.title), len(q.lines[0])) for q in given.test_quatrains], seed)
    begun = written(model, tok, [from_first_line(q.lines[0]) for q in given.test_quatrains], seed)
    poems = [lines_of(text) for text in (*titled, *begun)]
    whole = [lines for lines in poems if is_quatrain(lines)]
    own = [line for text in titled for line in lines_of(text)] + [line for text in begun for line in lines_of(text)[1:]]
    per_line = zip((len(q.lines[0]) for q in given.test_quatrains * 2), poems, strict=True)
    return [
        _figure("perplexity_quatrains", math.exp(verse),
                "perplexity per character of held-out quatrains, given their titles", "留出绝句（给定题目）每字困惑度"),
        _figure("perplexity_plays", math.exp(plays), "perplexity per character of held-out plays", "留出剧本每字符困惑度"),
        _figure("form", 100 * mean(is_quatrain(lines) and len(lines[0]) == n for n, lines in per_line),
                "written quatrains that keep the form asked for, %", "所写绝句合乎所求体式的比例（%）", "{:.1f}"),
        _figure("rhyme", 100 * mean(map(rhymes, whole)), "of these, the second and fourth line rhyme in today's Mandarin, %",
                "其中二、四句按今音押韵的比例（%）", "{:.1f}"),
        _figure("rhyme_of_poets", 100 * mean(rhymes(list(q.lines)) for q in given.test_quatrains),
                "the same of the poets' own held-out quatrains, %", "留出的古人绝句的同一比例（%）", "{:.1f}"),
        _figure("copied_lines", 100 * mean(line in learnt for line in own), "lines it wrote that stand in a poem it learnt from, %",
                "所写诗句与训练诗句完全相同的比例（%）", "{:.1f}"),
        _figure("copied_poems", 100 * mean(sum(line in learnt for line in lines) > 2 for lines in poems), "poems with three such lines or more, %",
                "有三句以上相同的诗的比例（%）", "{:.1f}"),
    ]  # fmt: skip


def _figure(name: str, value: float, en: str, zh: str, form: str = "{:.2f}") -> Figure:
    return Figure(name, value, both(en, zh), form)


def mean(values: Iterable[float]) -> float:
    told = list(values)
    return sum(told) / max(1, len(told))


@torch.inference_mode()
def written(model: GPT2LMHeadModel, tok: PreTrainedTokenizerFast, prompts: list[str], seed: int) -> list[str]:
    """What the model makes of each prompt, from the poem's first line to its end; the marks are gone."""
    torch.manual_seed(seed)
    ids, found = [tok(prompt).input_ids for prompt in prompts], [""] * len(prompts)
    by_length: dict[int, list[int]] = {}
    for i, row in enumerate(ids):
        by_length.setdefault(len(row), []).append(i)
    for rows in by_length.values():  # those of one length together, so that nothing has to be padded
        tokens = torch.tensor([ids[i] for i in rows], device=model.device)
        with precision(model.device):
            made = model.generate(tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=LONGEST, pad_token_id=tok.pad_token_id, **HOW)
        for i, row in zip(rows, made.tolist(), strict=True):
            found[i] = re.sub(r"</s>.*|<pad>", "", tok.decode(row), flags=re.S).rpartition("<poem>")[2]
    return found

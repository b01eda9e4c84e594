"""Teaches the language model of verse: a GPT-2 of 5 million weights, on quatrains and plays in turn, kept where held-out texts surprise it least."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from aigc.pretrained.teach.loop import Lesson, teach
from aigc.pretrained.teach.verse.card import keep
from aigc.pretrained.teach.verse.examples import PASSAGE, Reading, Texts, texts, tidy
from aigc.pretrained.teach.verse.measure import nats_per_character
from aigc.pretrained.teach.verse.tokens import tokenizer
from aigc.train.devices import best_device
from aigc.words import Words, both

QUATRAINS_A_STEP, PASSAGES_A_STEP = 64, 8
EXAMPLES = 2000 * (QUATRAINS_A_STEP + PASSAGES_A_STEP)
MERGES = 1024
RHYME = 3  # weight of a character that ends a sentence, where the rhyme stands
LOOKS = 12  # times that the held-out texts are read during the lesson
PROGRESS = both(
    "{seen} of {examples} poems and passages, loss {loss:.3f} nats a token, {rate:.0f} a second",
    "已学 {seen} / {examples} 首诗和段落，损失 {loss:.3f} 奈特/词元，每秒 {rate:.0f} 个",
)
LOOKED = both(
    "held out: {zh:.3f} nats a character of quatrains, {en:.3f} of plays{best}", "留出集：绝句 {zh:.3f} 奈特/字，剧本 {en:.3f} 奈特/字符{best}"
)
BEST = both(" (the best so far)", "（目前最好）")


def network(tok: PreTrainedTokenizerFast, width: int = 256, layers: int = 5, heads: int = 4, dropout: float = 0.1) -> GPT2LMHeadModel:
    """The products of attention one by one: on CPUs the fused kernel's way back takes five times as long in bfloat16."""
    config = GPT2Config(
        vocab_size=len(tok), n_positions=PASSAGE, n_embd=width, n_layer=layers, n_head=heads,
        activation_function="gelu_pytorch_tanh", embd_pdrop=dropout, resid_pdrop=dropout, attn_pdrop=0.0,
        bos_token_id=tok.bos_token_id, eos_token_id=tok.eos_token_id, pad_token_id=tok.pad_token_id, tie_word_embeddings=True,
    )  # fmt: skip
    model = GPT2LMHeadModel(config)
    model.set_attn_implementation("eager")
    return model


def surprise(model: GPT2LMHeadModel, tokens: Tensor, pad: int) -> tuple[Tensor, Tensor]:
    """(-log p in nats of every token but the first and the padding, those tokens).  (B, T) -> (N,), (N,)"""
    seen, told = tokens[:, :-1], tokens[:, 1:]
    real = told != pad
    hidden = model.transformer(input_ids=seen, attention_mask=(seen != pad).long(), use_cache=False).last_hidden_state[real]
    return cross_entropy(model.lm_head(hidden).float(), told[real], reduction="none"), told[real]


def make(to: Path, seed: int, budget: int, device: str) -> Iterator[Words | dict[str, Any]]:
    torch.manual_seed(seed)
    given = texts()
    tok = tokenizer((tidy(q.title) + q.text for q in given.quatrains), given.plays, MERGES)
    model = network(tok).to(best_device(device))
    lesson = Lesson(budget or EXAMPLES, QUATRAINS_A_STEP + PASSAGES_A_STEP, learning_rate=2e-3, weight_decay=0.1, betas=(0.9, 0.98))
    started = time.perf_counter()
    yield from taught(model, tok, given, lesson, seed)
    yield from keep(model, tok, to, given, lesson.examples, seed, time.perf_counter() - started)


def taught(model: GPT2LMHeadModel, tok: PreTrainedTokenizerFast, given: Texts, lesson: Lesson, seed: int) -> Iterator[Words]:
    """Teaches `model`; at the end it has the averaged weights that held-out texts surprised least."""
    reading, device, pad, stop = Reading(given, tok, seed), model.device, tok.pad_token_id, tok.convert_tokens_to_ids("。")

    def loss(step: int) -> Tensor:
        model.train()
        verse, told = surprise(model, reading.quatrains(QUATRAINS_A_STEP).to(device), pad)
        rhymes = (told.roll(-1) == stop) * (RHYME - 1) + 1
        prose, _ = surprise(model, reading.passages(PASSAGES_A_STEP).to(device), pad)
        return (verse @ rhymes.float() + prose.sum()) / (len(verse) + len(prose))

    best, kept, looks, started = float("inf"), copy.deepcopy(model.state_dict()), 0, time.perf_counter()
    for seen, mean, averaged in teach(model, loss, lesson):
        yield PROGRESS.fill(seen=seen, examples=lesson.examples, loss=mean, rate=seen / (time.perf_counter() - started))
        if seen * LOOKS >= (looks + 1) * lesson.examples:
            looks = seen * LOOKS // lesson.examples
            zh, en = nats_per_character(averaged, tok, given.valid_quatrains, given.valid_plays)
            if zh + en < best:
                best, kept = zh + en, copy.deepcopy(averaged.state_dict())
            yield LOOKED.fill(zh=zh, en=en, best=BEST if zh + en == best else "")
    model.load_state_dict(kept)
    model.eval()

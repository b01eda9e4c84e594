"""The tokenizer: CLIP's own class with a small vocabulary, our English words whole and Chinese character by character, bytes for the rest."""

from __future__ import annotations

import json
from random import Random

from tokenizers import Tokenizer as Trainee
from tokenizers import models, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from aigc.pretrained.teach.pictures.captions import chinese, english
from aigc.pretrained.teach.pictures.scenes import some_scene

LENGTH = 24  # tokens of a prompt, the first and the last among them
CAPTIONS = 20_000  # that the vocabulary is learnt from
FIRST, LAST = "<|startoftext|>", "<|endoftext|>"
END = "</w>"


def tokenizer() -> CLIPTokenizer:
    """The same every time."""
    lot = Random(0)
    scenes = [some_scene(lot) for _ in range(CAPTIONS)]
    merges = [*_english_merges([english(s, lot) for s in scenes]), *_chinese_merges("".join(chinese(s, lot) for s in scenes))]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = list(dict.fromkeys([*alphabet, *(a + END for a in alphabet), *(a + b for a, b in merges)]))
    vocabulary = {piece: i for i, piece in enumerate([*pieces, FIRST, LAST])}
    return CLIPTokenizer(vocab=vocabulary, merges=list(merges), model_max_length=LENGTH)


def _english_merges(captions: list[str]) -> list[tuple[str, str]]:
    """Merges that make one token of every word in the captions."""
    trainee = Trainee(models.BPE(end_of_word_suffix=END))
    trainee.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    trainer = trainers.BpeTrainer(vocab_size=2000, end_of_word_suffix=END, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    trainee.train_from_iterator((c.lower() for c in captions), trainer)
    return [(first, second) for first, second in json.loads(trainee.to_str())["model"]["merges"]]


def _chinese_merges(text: str) -> list[tuple[str, str]]:
    """Merges that make one token of every character, at the end of a run and within."""
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    merges: dict[tuple[str, str], None] = {}
    for character in sorted(set(text)):
        if ord(character) < 128:
            continue
        first, second, third = list(level.pre_tokenize_str(character)[0][0])
        merges |= {(first, second): None, (first + second, third): None, (first + second, third + END): None}
    return list(merges)

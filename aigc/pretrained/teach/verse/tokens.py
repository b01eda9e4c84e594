"""One tokenizer for both languages: a Chinese character is a token; English is spelt by byte-pair merges learnt from the plays.

What neither has is spelt in bytes, so that every text can be asked and comes back as it was.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from aigc.pretrained.verse import MARKS

PAD, START, END, UNKNOWN = "<pad>", "<s>", "</s>", "<unk>"
PIECES = Regex(r" ?[A-Za-z]+|[^A-Za-z]")  # no merge reaches over the edge of a word
BYTES = [f"<0x{i:02X}>" for i in range(256)]


def tokenizer(chinese: Iterable[str], english: str, merges: int) -> PreTrainedTokenizerFast:
    """Of the characters that the Chinese texts have twice or more, and the merges that shorten the English most."""
    learnt = Tokenizer(models.BPE())
    learnt.pre_tokenizer = pre_tokenizers.Split(PIECES, "isolated")
    letters = sorted(set(english))
    trainer = trainers.BpeTrainer(vocab_size=len(letters) + merges, initial_alphabet=letters, show_progress=False)
    learnt.train_from_iterator(english.splitlines(), trainer)
    bpe = json.loads(learnt.to_str())["model"]

    counts = Counter(character for text in chinese for character in text)
    characters = sorted(c for c, n in counts.items() if n > 1 and c not in bpe["vocab"])
    special = [PAD, START, END, UNKNOWN, *MARKS]
    names = [*special, *BYTES, *sorted(bpe["vocab"], key=bpe["vocab"].get), *characters]
    vocabulary = {name: i for i, name in enumerate(names)}
    both = Tokenizer(models.BPE(vocabulary, [tuple(pair) for pair in bpe["merges"]], unk_token=UNKNOWN, byte_fallback=True))
    both.pre_tokenizer = learnt.pre_tokenizer
    both.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    both.post_processor = processors.TemplateProcessing(single=f"{START} $A", special_tokens=[(START, vocabulary[START])])
    return PreTrainedTokenizerFast(
        tokenizer_object=both, pad_token=PAD, bos_token=START, eos_token=END, unk_token=UNKNOWN, extra_special_tokens=list(MARKS)
    )  # fmt: skip


def slurred(tok: PreTrainedTokenizerFast, dropout: float | None) -> None:
    """Let a share of the merges fail (BPE-dropout, Provilkov et al. 2020), so that each reading spells words otherwise; None: none fails."""
    tok.backend_tokenizer.model.dropout = dropout

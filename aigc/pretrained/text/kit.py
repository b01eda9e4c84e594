"""A language model with its tokenizer: loaded, fed, and asked for the next token."""

from __future__ import annotations

import inspect
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from aigc.pretrained import Stopped
from aigc.pretrained.verse import MARKS
from aigc.pretrained.weights import whole
from aigc.words import Refusal, Words, both

if TYPE_CHECKING:
    from aigc.pretrained.text.recall import Recall

CHUNK = 256  # tokens read between two looks at the stop event
WINDOWS = ("max_position_embeddings", "n_positions", "max_seq_len", "max_sequence_length")  # what families call it in their settings
NO_WINDOW = 4096  # tokens, where a model does not say how many it can see

NO_TOKENIZER = both("This model comes without a tokenizer that can be loaded: {why}", "这个模型没有可加载的分词器：{why}")
CUT = both("The model sees {n} tokens: the beginning of what it was given was left out.", "模型只能看到 {n} 个词元：给它的开头部分已略去。")
NOT_ITS_WORDS = both(
    "The tokenizer does not belong to this model: it gives token number {id}, and the model knows only {n} tokens; choose another repository.",
    "分词器与这个模型不符：它给出第 {id} 号词元，而模型只认识 {n} 个；请换一个仓库。",
)
NO_NUMBERS = both(
    "The model's probabilities are not numbers any more (infinite or undefined): set Numbers to 32 bits, and if that does not help, "
    "choose another model.",
    "模型算出的概率已不是数（无穷大或无定义）：请把“数值类型”设为 32 位；若仍如此，请换一个模型。",
)
NO_ROOM = both("The model sees {n} tokens in all: ask for fewer.", "模型总共只能看到 {n} 个词元：请减少长度。")


@dataclass
class Kit:
    model: Any
    tokenizer: Any
    recall: Recall | None = field(default=None, repr=False)  # of the latest conversation; only for who has the model

    @property
    def spare_bytes(self) -> int:
        """Memory taken beside the parameters while nobody asks."""
        return recall.bytes if (recall := self.recall) else 0

    @property
    def device(self) -> torch.device:
        return self.model.device

    @property
    def writes_on(self) -> bool:
        """Goes on from what it reads; other models read a text and write another."""
        return not self.model.config.is_encoder_decoder

    @property
    def window(self) -> int:
        """Tokens that it can see at once."""
        config = self.model.config.get_text_config()
        told = (getattr(config, name, None) for name in WINDOWS)  # some say -1 for no limit
        return next((n for n in told if isinstance(n, int) and n > 0), NO_WINDOW)

    @property
    def is_of_verse(self) -> bool:
        return set(MARKS) <= set(self.tokenizer.get_vocab())

    @property
    def ends(self) -> set[int]:
        """Tokens that end a text."""
        told = self.model.generation_config.eos_token_id
        return {int(t) for t in (told if isinstance(told, list) else [told, self.tokenizer.eos_token_id]) if t is not None}

    @property
    def filler(self) -> int:
        """A token for places where there is none."""
        pad = self.tokenizer.pad_token_id  # some are added to a tokenizer and not to the model
        return pad if pad is not None and pad < self.known else min(self.ends, default=0)

    @property
    def known(self) -> int:
        """Tokens that it has an embedding of."""
        return len(self.model.get_input_embeddings().weight)

    def check(self, ids: list[int]) -> None:
        """Raises Refusal where the model would look beyond its embeddings, which on a GPU breaks it for every later run."""
        if ids and max(ids) >= (known := self.known):
            raise Refusal(NOT_ITS_WORDS, id=max(ids), n=known)

    def ids(self, text: str, marks: bool = True) -> list[int]:
        """`marks`: with what the tokenizer puts round a text, such as a start mark."""
        return self.tokenizer(text, add_special_tokens=marks, verbose=False).input_ids

    def begun(self, text: str) -> list[int]:
        """A text that is to go on: with its start mark, without an end mark."""
        ids = self.ids(text)
        while len(ids) > 1 and ids[-1] in self.ends:
            ids = ids[:-1]
        return ids or [self.start]

    @property
    def start(self) -> int:
        """The token that stands before a text of nothing."""
        return self.tokenizer.bos_token_id if self.tokenizer.bos_token_id is not None else min(self.ends, default=0)

    def fitted(self, ids: list[int], length: int) -> tuple[list[int], list[Words]]:
        """The last tokens of a prompt that leave room for `length` more, and what to say of those left out."""
        if length >= self.window:
            raise Refusal(NO_ROOM, n=self.window)
        room = self.window - length
        return (ids, []) if len(ids) <= room else (ids[-room:], [CUT.fill(n=self.window)])


class Reading:
    """A model that reads on: what it has read is kept, so that each token is read once."""

    def __init__(self, kit: Kit, stop: threading.Event):
        from transformers import DynamicCache

        self.kit, self.stop, self.ids = kit, stop, list[int]()
        self.chunked = 0  # tokens at the beginning that were read in whole chunks
        self.is_sound = True  # what is kept is of `ids`, and of numbers
        takes = inspect.signature(type(kit.model).forward).parameters
        name = next((n for n in ("cache", "past_key_values") if n in takes), None)  # renamed in transformers 5.24
        self.cache = DynamicCache(config=kit.model.config) if name else None
        self.kept = name
        self.last_only = {"logits_to_keep": 1} if "logits_to_keep" in takes else {}

    @torch.inference_mode()
    def on(self, ids: list[int], every: bool = False) -> Tensor:
        """Reads `ids` and gives the logits behind the last of them, (V,), or behind each, (T, V).  float32"""
        self.kit.check(ids)
        told = []
        for i in range(0, len(ids), CHUNK):
            if self.stop.is_set():
                raise Stopped
            part = ids[i : i + CHUNK]
            self.is_sound = False
            if len(part) == CHUNK and self.chunked == len(self.ids):
                self.chunked += CHUNK
            self.ids += part
            fed = part if self.kept else self.ids  # state-space models keep nothing here: they read all of it again
            how = {**({self.kept: self.cache, "use_cache": True} if self.kept else {}), **({} if every else self.last_only)}
            logits = self.kit.model(input_ids=torch.tensor([fed], device=self.kit.device), **how).logits[0].float()
            told.append(sound(logits[-len(part) :] if every else logits[-1]))
            self.is_sound = True
        return torch.cat(told) if every else told[-1]


def sound(logits: Tensor) -> Tensor:
    """Logits that something can be drawn by, (..., V); some may be -inf.  Raises Refusal."""
    if not logits.amax(-1).isfinite().all():  # the largest is NaN if any is
        raise Refusal(NO_NUMBERS)
    return logits


def load(folder: Path, device: torch.device, dtype: torch.dtype) -> Kit:
    """A folder in transformers' format: safetensors only, no code from it.  Raises Refusal."""
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

    _hushed()
    safe: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    config = AutoConfig.from_pretrained(folder, **safe)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **safe)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise Refusal(NO_TOKENIZER, why=(str(error).splitlines() or ["?"])[0][:200]) from error
    kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    model = whole(kind, folder, dtype=dtype, trust_remote_code=False)
    return Kit(model.to(device).eval(), tokenizer)


def _hushed() -> None:
    """The library tells the terminal of each part it loads; the page and the command line have their own words for that."""
    import transformers.utils.logging as logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()

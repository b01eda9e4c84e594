"""What was read of a conversation is kept for its next turn: the words stay the same, nobody else profits, and the memory is counted."""

from __future__ import annotations

import copy
import functools
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_pretrained import BUILDERS, TEMPLATE, byte_tokenizer, written

from aigc.pretrained import Stopped, catalogue, hub, shelf
from aigc.pretrained.fit import AUTOMATIC
from aigc.pretrained.text import recall, run
from aigc.pretrained.text.asked import Chat, Message
from aigc.pretrained.text.chat import chatted, fitting
from aigc.pretrained.text.kit import CHUNK, Kit, Reading, load
from aigc.pretrained.text.recall import Recall, resumed
from aigc.pretrained.text.writing import Draft
from aigc.words import Refusal

NEVER = threading.Event()
GREEDY, DRAWN = Chat(length=24, temperature=0.0), Chat(length=24, temperature=1.0, seed=3, top_k=0, top_p=1.0)


@functools.cache
def files(name: str) -> str:
    folder = tempfile.mkdtemp()
    torch.manual_seed(1)
    BUILDERS[name](Path(folder), None)
    return folder


def kit(name: str = "qwen3-0.6b", dtype: torch.dtype = torch.float32) -> Kit:
    it = load(Path(files(name)), torch.device("cpu"), dtype)
    it.tokenizer.chat_template = TEMPLATE
    return it


@pytest.fixture
def fed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Tokens that each reading is given, one number a call."""
    found: list[int] = []
    real = Reading.on

    def on(self: Reading, ids: list[int], every: bool = False) -> Any:
        found.append(len(ids))
        return real(self, ids, every)

    monkeypatch.setattr(Reading, "on", on)
    return found


def asked(it: Kit, talk: list[Message], settings: Chat, whose: str = "") -> Draft:
    *_, final = chatted(it, talk, settings, NEVER, whose)
    return final


def user(words: str) -> Message:
    return {"role": "user", "content": words}


def likelihoods(draft: Draft) -> list[float]:
    return [t.p or 0.0 for t in draft.tokens]


def same(a: Draft, b: Draft) -> None:
    """The same words, of the same probabilities but for the last digits."""
    assert a.text == b.text and [t.text for t in a.tokens] == [t.text for t in b.tokens] and len(a.tokens) > 4
    assert likelihoods(a) == pytest.approx(likelihoods(b), rel=1e-3)


def turns(it: Kit, settings: Chat, whose: str, n: int = 3) -> Iterator[tuple[list[Message], Draft]]:
    """A conversation, turn by turn: what was asked, and the answer."""
    talk: list[Message] = [{"role": "system", "content": "be brief"}]
    for i in range(n):
        talk = [*talk, user(f"question {i}: 床前明月光")]
        draft = asked(it, talk, replace(settings, seed=settings.seed + i), whose)
        yield talk, draft
        talk = [*talk, {"role": "assistant", "content": draft.text}]


@pytest.mark.parametrize("name", ["qwen3-0.6b", "smollm2-135m", "gpt2"])
@pytest.mark.parametrize("settings", [GREEDY, DRAWN, replace(DRAWN, repetition=1.3)], ids=["greedy", "drawn", "penalty"])
def test_every_turn_has_the_words_it_has_when_all_is_read_anew(name: str, settings: Chat, fed: list[int]) -> None:
    if name == "gpt2":
        settings = replace(settings, length=8)
    it, n, before = kit(name), 3 if name == "qwen3-0.6b" else 2, 0  # the others' windows are small
    for i, (talk, draft) in enumerate(turns(it, settings, "ann", n)):
        prompt, first = len(fitting(it, talk, settings)[1]), fed[0]
        fed.clear()
        same(draft, asked(it, talk, replace(settings, seed=settings.seed + i)))
        assert fed[0] == prompt
        assert first <= prompt - before + 2 and (i or first == prompt), "the last answer, where its text has other tokens, and the new question"
        before = prompt
        fed.clear()


def test_an_answer_asked_anew_and_a_question_edited_are_read_from_where_they_differ(fed: list[int]) -> None:
    it = kit()
    *_, (talk, _) = turns(it, DRAWN, "ann")
    fed.clear()
    again = asked(it, talk, replace(DRAWN, seed=99), "ann")
    assert fed[0] == 1, "all is read already: the last token is read for what comes after it"
    fed.clear()
    edited = [*talk[:3], user("question 1: hello world")]
    changed = asked(it, edited, DRAWN, "ann")
    assert 1 < fed[0] < 60 < len(fitting(it, edited, DRAWN)[1])
    same(again, asked(it, talk, replace(DRAWN, seed=99)))
    same(changed, asked(it, edited, DRAWN))


def test_nobody_goes_on_from_what_another_said(fed: list[int]) -> None:
    it, talk = kit(), [user("a secret: 床前明月光")]
    prompt = len(fitting(it, talk, GREEDY)[1])
    asked(it, talk, GREEDY, "ann")
    for whose in ("bob", "", "ann"):  # at the end ann's own is gone: one is kept, and bob's was later
        fed.clear()
        asked(it, talk, GREEDY, whose)
        assert fed[0] == prompt
    fed.clear()
    asked(it, talk, GREEDY, "")
    assert fed[0] == prompt and it.recall is not None and it.recall.whose == "ann"


def test_a_run_that_was_stopped_or_left_leaves_what_it_read() -> None:
    it, talk = kit(), [user("hello " * 300)]
    settings, stop = replace(GREEDY, length=200), threading.Event()
    drafts = chatted(it, talk, settings, stop, "ann")
    next(drafts)
    stop.set()
    with pytest.raises(Stopped):
        list(drafts)
    assert it.recall is not None and len(it.recall.ids) == len(fitting(it, talk, settings)[1]) == it.recall.cache.get_seq_length()
    same(asked(it, talk, GREEDY, "ann"), asked(it, talk, GREEDY))
    drafts = chatted(it, talk, settings, NEVER, "ann")
    next(drafts)
    drafts.close()  # type: ignore[attr-defined]
    same(asked(it, talk, GREEDY, "ann"), asked(it, talk, GREEDY))


@pytest.mark.parametrize("at", [0, 1])
def test_what_a_failure_left_half_read_is_not_kept(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    it = kit()
    asked(it, [user("hi")], GREEDY, "ann")

    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(it.model.model.layers[at].mlp, "forward", fails)
    with pytest.raises(RuntimeError):
        asked(it, [user("hi"), {"role": "assistant", "content": "a"}, user("there")], GREEDY, "ann")
    assert it.recall is None


def test_what_is_no_number_is_not_kept() -> None:
    it = kit()
    it.model.lm_head.weight.data.fill_(float("nan"))
    with pytest.raises(Refusal):
        asked(it, [user("hi")], GREEDY, "ann")
    assert it.recall is None


def test_in_16_bits_only_what_is_computed_alike_is_taken_over(fed: list[int]) -> None:
    it = kit(dtype=torch.bfloat16)
    ids = [3 + i % 200 for i in range(2 * CHUNK + 40)]
    with resumed(it, ids, "ann", NEVER) as reading:
        reading.on(ids)
        for token in (7, 8, 9):
            reading.on([token])
    longer = [*ids, 7, 8, 9, *range(20, 60)]
    with resumed(it, longer, "ann", NEVER) as reading:
        assert len(reading.ids) == 2 * CHUNK
        told = reading.on(longer[2 * CHUNK :])
    assert torch.equal(told, Reading(it, NEVER).on(longer)), "to the last bit"
    other = [*ids[: CHUNK + 9], 1, 2, 3]
    with resumed(it, other, "ann", NEVER) as reading:
        assert len(reading.ids) == CHUNK
        told = reading.on(other[CHUNK:])
    assert torch.equal(told, Reading(it, NEVER).on(other))
    with resumed(it, other[:CHUNK], "ann", NEVER) as reading:
        assert not reading.ids, "one token at least is read, and a chunk is read as a whole"


def odd(kind: str) -> Any:
    """Models that forget, mix, or turn what they read."""
    import transformers as of

    size = len(byte_tokenizer())
    torch.manual_seed(0)
    small = {"vocab_size": size, "hidden_size": 16, "num_hidden_layers": 2}
    heads = {"intermediate_size": 32, "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 512}
    if kind == "sliding":
        return of.MistralForCausalLM(of.MistralConfig(**small, **heads, sliding_window=8))
    if kind == "recurrent":
        return of.MambaForCausalLM(of.MambaConfig(**small, state_size=4))
    rope = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}
    return of.LlamaForCausalLM(of.LlamaConfig(**small, **heads, rope_parameters=rope))


@pytest.mark.parametrize("kind", ["sliding", "recurrent", "dynamic"])
def test_models_whose_reading_cannot_be_cut_read_anew(kind: str, fed: list[int]) -> None:
    it = Kit(odd(kind).eval(), byte_tokenizer())
    it.tokenizer.chat_template = TEMPLATE
    for i, (talk, draft) in enumerate(turns(it, replace(DRAWN, length=8), "ann", 3)):
        assert it.recall is None and fed[0] == len(fitting(it, talk, DRAWN)[1])
        assert draft.text == asked(it, talk, replace(DRAWN, length=8, seed=DRAWN.seed + i)).text
        fed.clear()


def test_the_memory_is_bounded_and_what_is_cut_off_is_let_go(monkeypatch: pytest.MonkeyPatch, fed: list[int]) -> None:
    it, talk = kit(), [user("hello " * 60)]
    asked(it, talk, GREEDY, "ann")
    whole = it.recall
    assert whole is not None
    each = whole.bytes // len(whole.ids)
    assert each == 2 * 2 * 1 * 8 * 4 and it.spare_bytes == whole.bytes, "2 layers, keys and values, 1 head of 8 numbers of 4 bytes"
    monkeypatch.setattr(recall, "MOST", 50 * each)
    asked(it, talk, GREEDY, "ann")
    assert it.recall is not None and len(it.recall.ids) == 50 and it.recall.bytes == 50 * each
    fed.clear()
    same(asked(it, talk, GREEDY, "ann"), asked(it, talk, GREEDY))
    assert fed[0] == len(fitting(it, talk, GREEDY)[1]) - 50
    monkeypatch.setattr(recall, "free_memory", lambda device: 20 * recall.SHARE * each)
    asked(it, talk, GREEDY, "ann")
    assert it.spare_bytes == 20 * each
    monkeypatch.setattr(recall, "free_memory", lambda device: 0)
    asked(it, talk, GREEDY, "ann")
    assert it.recall is None and it.spare_bytes == 0


def test_the_kept_part_is_no_view_of_a_longer_one() -> None:
    it = kit()
    asked(it, [user("hello " * 60)], GREEDY, "ann")
    before, stop = it.spare_bytes, threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        list(chatted(it, [user("hello")], GREEDY, stop, "ann"))
    assert it.recall is not None and it.spare_bytes == len(it.recall.ids) * 128 < before / 4


# the shelf
@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[catalogue.Entry]:
    it = next(e for e in catalogue.entries() if e.slug == "qwen3-0.6b")
    written(it, tmp_path / "model")
    monkeypatch.setattr(hub, "here", lambda entry: tmp_path / "model")
    shelf.unload()
    yield it
    shelf.unload()


def held() -> int:
    (one,) = shelf.held()
    assert shelf.idle_bytes(one.device) == one.bytes
    return one.bytes


def told(entry: catalogue.Entry, whose: str) -> None:
    list(run.chats([user("hello")], GREEDY, entry, threading.Event(), AUTOMATIC, whose))


def test_the_shelf_counts_what_is_kept_and_lets_it_go_with_the_model(entry: catalogue.Entry) -> None:
    told(entry, "")
    alone = held()
    told(entry, "ann")
    with shelf.lent(entry, load, NEVER) as it:
        kept = it.recall
        assert isinstance(kept, Recall) and kept.bytes > 0
    assert held() == alone + kept.bytes
    shelf.unload()
    assert not shelf.held()
    told(entry, "")
    assert held() == alone


def test_memory_that_runs_out_takes_it_along(entry: catalogue.Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    told(entry, "ann")
    real = Reading.on

    def full(self: Reading, ids: list[int], every: bool = False) -> Any:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(Reading, "on", full)
    with pytest.raises(Refusal):
        told(entry, "ann")
    assert not shelf.held()
    monkeypatch.setattr(Reading, "on", real)
    with shelf.lent(entry, load, NEVER) as it:
        assert it.recall is None


def test_a_copy_of_a_kit_shows_nothing_of_what_was_said() -> None:
    it = kit()
    asked(it, [user("hello")], GREEDY, "ann")
    assert "recall" not in repr(it) and copy.copy(it).model is it.model

"""Text from language models: token by token, beams, perplexity, chat templates, summaries, verse; every path on tiny real models."""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
import random
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from conftest import PROJECT
from tiny_pretrained import BUILDERS, byte_tokenizer
from torch.nn.functional import cross_entropy

from aigc import outputs
from aigc.pretrained import Stopped
from aigc.pretrained.grid import axis
from aigc.pretrained.text import chat, summarise
from aigc.pretrained.text import given as files
from aigc.pretrained.text.asked import Chat, Continue, Method, Shape, Summarise, conversation, given, stop_words
from aigc.pretrained.text.beams import drawing
from aigc.pretrained.text.chat import chatted, fitting, templated
from aigc.pretrained.text.continuing import compared, continued
from aigc.pretrained.text.extract import extract, measured, sentences
from aigc.pretrained.text.grid import crossed
from aigc.pretrained.text.kit import NO_WINDOW, Kit, Reading, load, sound
from aigc.pretrained.text.look import MOST_TOKENS, surprised
from aigc.pretrained.text.markdown import prose
from aigc.pretrained.text.pieces import Pieces, is_text, named, split
from aigc.pretrained.text.prompts import looks_like, onward, prompt
from aigc.pretrained.text.rouge import rouge
from aigc.pretrained.text.summarise import MOST_WINDOWS, cut, summarised
from aigc.pretrained.text.thought import parted
from aigc.pretrained.text.verse_form import judged
from aigc.pretrained.text.writing import AT_LENGTH, AT_STOP, BY_ITSELF, Draft, Token
from aigc.words import LANGS, Refusal

NEVER = threading.Event()
MIXED = "白日依山尽，hello 🌸 naïve\n黄河入海流。"


@cache
def kit(name: str) -> Kit:
    """The miniature of a model in the catalogue, loaded as it would be."""
    with tempfile.TemporaryDirectory() as folder:
        BUILDERS[name](Path(folder), None)
        return load(Path(folder), torch.device("cpu"), torch.float32)


@pytest.fixture
def gpt2() -> Kit:
    return kit("gpt2")


@pytest.fixture
def qwen() -> Kit:
    return kit("qwen3-0.6b")


def last(told) -> Draft:
    *_, final = told
    assert final.is_final
    return final


def wrote(it: Kit, text: str = "hello", stops: tuple[str, ...] = (), **knobs) -> Draft:
    return last(continued(it, text, replace(Continue(length=12), **knobs), stops, NEVER))


# characters that take several tokens
def test_half_a_character_is_never_shown():
    tok = byte_tokenizer()
    pieces, shown = Pieces(tok, []), ""
    for token in tok(MIXED).input_ids:
        shown += pieces.push(token)
        assert MIXED.startswith(shown) and "\ufffd" not in shown
    assert shown == MIXED


def test_every_token_has_the_text_that_it_completes():
    tok = byte_tokenizer()
    ids = tok(MIXED).input_ids
    told = split(tok, ids)
    assert len(told) == len(ids) and "".join(told) == MIXED and told.count("") > 8


def test_bytes_that_are_no_character_are_left_out():
    tok = byte_tokenizer()
    lone = tok("山").input_ids[:1]
    pieces = Pieces(tok, [])
    told = [pieces.push(token) for token in [*lone * 6, *tok("ab").input_ids]]
    assert "".join(told) == "ab"
    assert named(tok, lone[0]) and "\ufffd" not in named(tok, lone[0]) and named(tok, 2) == "</s>"


# one token after the other
def test_reading_on_is_reading_at_once(qwen: Kit):
    ids = qwen.ids(MIXED * 9)
    piecewise, whole = Reading(qwen, NEVER), Reading(qwen, NEVER).on(ids, every=True)
    parts = [piecewise.on(ids[:300], every=True), piecewise.on(ids[300:301], every=True), piecewise.on(ids[301:], every=True)]
    assert len(ids) > 302 and torch.allclose(torch.cat(parts), whole, atol=1e-4)
    assert torch.allclose(Reading(qwen, NEVER).on(ids), whole[-1], atol=1e-4)


@pytest.mark.parametrize("name", ["gpt2", "qwen3-0.6b", "smollm2-135m"])
def test_greedy_and_beams_are_those_of_transformers(name: str):
    it = kit(name)
    ids = torch.tensor([it.ids("hello world")])
    for method, how in ((Method.GREEDY, {}), (Method.BEAM, {"num_beams": 3, "early_stopping": True})):
        theirs = it.model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=12, pad_token_id=0, **how)
        ours = wrote(it, "hello world", method=method, beams=3)
        assert ours.text == "".join(split(it.tokenizer, theirs[0, ids.shape[1] :].tolist(), ids[0].tolist()))
        assert all(t.p is not None and len(t.others) == 10 for t in ours.tokens)


def test_the_seed_decides_and_no_other_run_does(qwen: Kit):
    first = wrote(qwen, seed=7)
    torch.manual_seed(123)
    torch.rand(5)
    assert wrote(qwen, seed=7).text == first.text != wrote(qwen, seed=8).text


def test_the_settings_cut_what_can_be_drawn(qwen: Kit):
    assert wrote(qwen, top_k=1, seed=5).text == wrote(qwen, method=Method.GREEDY).text == wrote(qwen, temperature=0, seed=9).text
    for cuts in ({"top_k": 3, "top_p": 1.0}, {"top_p": 0.05}, {"min_p": 0.5, "top_p": 1.0, "temperature": 0.02}):
        for token in wrote(qwen, **cuts).tokens:
            assert token.shaped and token.shaped > 0
            if "top_k" in cuts:
                assert sum(o.shaped > 0 for o in token.others) == 3 and token.rank <= 3
    penalised = wrote(qwen, method=Method.GREEDY, repetition=2.0, length=30)
    assert len({t.others[0].text for t in penalised.tokens}) > 1 and penalised.text != wrote(qwen, method=Method.GREEDY, length=30).text


def test_greedy_leaves_nothing_to_chance(qwen: Kit):
    for token in wrote(qwen, method=Method.GREEDY, length=8).tokens:
        assert token.shaped == 1 and [o.shaped for o in token.others if o.shaped] == [1]


def test_alternatives_are_the_models_own_probabilities(gpt2: Kit):
    draft = wrote(gpt2, "hello")
    with torch.no_grad():
        p = gpt2.model(torch.tensor([gpt2.ids("hello")])).logits[0, -1].softmax(-1)
    assert [o.p for o in draft.tokens[0].others] == pytest.approx(p.topk(10).values.tolist(), rel=1e-4)
    assert draft.tokens[0].rank == int((p > draft.tokens[0].p).sum()) + 1


def test_drafts_grow_by_a_token_and_say_how_fast(qwen: Kit):
    told = list(continued(qwen, "hello", Continue(length=8), (), NEVER))
    assert [len(d.tokens) for d in told] == list(range(1, 9)) and all(b.text.startswith(a.text) for a, b in itertools.pairwise(told))
    assert told[-1].ended is AT_LENGTH and 0 < told[-1].first <= told[-1].seconds and told[-1].pace > 0
    assert not any(d.is_final for d in told[:-1])


def test_a_stop_ends_within_a_token(qwen: Kit):
    stop = threading.Event()
    told = continued(qwen, "hello", Continue(length=500), (), stop)
    assert len([next(told) for _ in range(3)]) == 3
    stop.set()
    with pytest.raises(Stopped):
        next(told)
    beams = continued(qwen, "hello", Continue(length=500, method=Method.BEAM), (), (stop := threading.Event()))
    next(beams)
    stop.set()
    with pytest.raises(Stopped):
        [next(beams) for _ in range(3)]


def test_what_is_left_early_does_not_go_on(qwen: Kit):
    threads = threading.active_count()
    beams = continued(qwen, "hello", Continue(length=500, method=Method.BEAM), (), (stop := threading.Event()))
    next(beams)
    beams.close()
    assert threading.active_count() == threads and not stop.is_set()


def test_a_stop_word_is_where_the_text_ends(qwen: Kit):
    free = wrote(qwen, length=40, method=Method.GREEDY)
    word = free.text[6:8]
    draft = wrote(qwen, length=40, method=Method.GREEDY, stops=("never there", word))
    assert draft.ended is AT_STOP and draft.text == free.text[: free.text.index(word)] and len(draft.tokens) < 40
    beams = wrote(qwen, method=Method.BEAM, length=20)
    assert wrote(qwen, method=Method.BEAM, length=20, stops=(beams.text[3:5],)).ended is AT_STOP


def test_the_end_mark_ends_it(qwen: Kit, monkeypatch: pytest.MonkeyPatch):
    likeliest = int(Reading(qwen, NEVER).on(qwen.ids("hello")).argmax())
    monkeypatch.setattr(qwen.model.generation_config, "eos_token_id", [2, likeliest])
    draft = wrote(qwen, method=Method.GREEDY)
    assert draft.ended is BY_ITSELF and draft.text == "" and len(draft.tokens) == 1


def test_a_window_that_is_too_small_is_said(gpt2: Kit):
    draft = wrote(gpt2, "hello " * 300, length=20)
    assert len(draft.tokens) == 20 and "256" in draft.notes[0].en
    with pytest.raises(Refusal, match="256"):
        wrote(gpt2, length=256)


def test_three_ways_stand_side_by_side(qwen: Kit):
    *_, three = compared(qwen, "hello", Continue(length=6, seed=3), (), NEVER)
    assert [d.text for d in three] == [wrote(qwen, method=m, length=6, seed=3).text for m in (Method.GREEDY, Method.SAMPLE, Method.BEAM)]


# grids
def test_a_grid_has_a_text_for_every_pair(qwen: Kit):
    x, y = axis(Continue, "temperature", "0, 1.5"), axis(Continue, "method", "sample、beam")
    told = list(crossed(qwen, "hello", Continue(length=6, seed=3), (), x, y, NEVER))
    assert told[-1].done == 4 and [g.at for g in told if g.is_final] == [0, 1, 2, 3]
    alone = wrote(qwen, length=6, seed=3, temperature=1.5)
    assert told[-1].cells[1].whole == alone.whole and told[-1].cells[1].count == len(alone.tokens)
    assert y.shown == ("sample", "beam") and y.words("zh") == ("采样", "束搜索") and told[-1].noted["across"] == ["temperature", "0", "1.5"]


def test_a_grid_is_stopped_within_a_token(qwen: Kit):
    x, y, stop = axis(Continue, "seed", "1, 2"), axis(Continue, "top_k", "3"), threading.Event()
    told = crossed(qwen, "hello", Continue(length=4), (), x, y, stop)
    *_, grid = itertools.islice(told, 5)
    assert grid.at == 1 and len(grid.now.tokens) == 1 and not grid.is_final
    stop.set()
    with pytest.raises(Stopped):
        next(told)


def test_nonsense_in_any_cell_is_refused_before_the_first_token(qwen: Kit, gpt2: Kit):
    seeds = axis(Continue, "seed", "1")
    for it, other, says in ((gpt2, axis(Continue, "length", "5, 256"), "256"), (qwen, axis(Continue, "shape", "auto, title-5"), "model of verse")):
        with pytest.raises(Refusal, match=says):
            next(crossed(it, "hello", Continue(), (), other, seeds, NEVER))
    with pytest.raises(Refusal, match="go on"):
        next(crossed(kit("bart-large-cnn"), "hello", Continue(), (), seeds, axis(Continue, "length", "5"), NEVER))


# perplexity
def test_perplexity_is_the_exponential_of_cross_entropy(qwen: Kit):
    ids = torch.tensor([[qwen.tokenizer.bos_token_id, *qwen.ids(MIXED)]])
    with torch.no_grad():
        logits = qwen.model(ids).logits[0]
    *_, found = surprised(qwen, MIXED, NEVER)
    nats = cross_entropy(logits[:-1], ids[0, 1:])
    assert found.perplexity == pytest.approx(float(nats.exp()), rel=1e-3)
    assert found.bits_per_character == pytest.approx(float(nats) * (ids.shape[1] - 1) / 0.693147 / len(MIXED), rel=1e-3)
    assert "".join(t.text for t in found.tokens) == MIXED and found.is_final and found.judged == found.count


def test_a_text_longer_than_the_window_is_read_in_overlaps(gpt2: Kit):
    text = "one word and 你好 " * 40
    told = list(surprised(gpt2, text, NEVER))
    assert len(told) > 2 and [len(s.tokens) for s in told] == sorted({len(s.tokens) for s in told})
    assert told[-1].judged == len(gpt2.ids(text)) > gpt2.window
    with pytest.raises(Refusal, match=str(MOST_TOKENS)):
        next(surprised(gpt2, "q!" * MOST_TOKENS, NEVER))


def test_where_nothing_stands_before_the_first_token_it_has_no_probability(qwen: Kit, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(type(qwen.tokenizer), "bos_token_id", None, raising=False)
    *_, found = surprised(qwen, "hello world", NEVER)
    assert found.tokens[0].p is None and found.judged == found.count - 1
    *_, single = surprised(qwen, "h", NEVER)
    assert single.judged == 0 and single.perplexity == 1


# conversation
TALK = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "你好"}]


def test_a_conversation_follows_the_template(qwen: Kit):
    asked, ids, forgotten = fitting(qwen, TALK, Chat(length=20))
    assert asked == "<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\n你好<|im_end|>\n<|im_start|>assistant\n" and not forgotten
    assert ids == qwen.ids(asked, marks=False)
    draft = last(chatted(qwen, TALK, Chat(length=20, seed=1), NEVER))
    assert len(draft.tokens) <= 20 and last(chatted(qwen, TALK, Chat(length=20, seed=1), NEVER)).text == draft.text


def test_models_without_a_template_do_not_converse(gpt2: Kit):
    for refuse in (lambda: next(chatted(gpt2, TALK, Chat(), NEVER)), lambda: next(summarised(gpt2, "a. b. c.", Summarise(), NEVER))):
        with pytest.raises(Refusal) as refused:
            refuse()
        assert "chat template" in refused.value.words.en and "对话模板" in refused.value.words.zh


def test_the_oldest_messages_go_when_the_window_is_full(qwen: Kit):
    long = [TALK[0], *({"role": r, "content": f"{i} " + "word " * 60} for i in range(9) for r in ("user", "assistant")), TALK[1]]
    asked, ids, forgotten = fitting(qwen, long, Chat(length=200))
    assert forgotten >= 2 and len(ids) <= qwen.window - 200 and "be brief" in asked and "你好" in asked and "0 word" not in asked
    assert "not read" in last(chatted(qwen, long, Chat(length=4), NEVER)).notes[0].en or forgotten


def _with(it: Kit, template: str) -> Kit:
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = template
    return Kit(it.model, tokenizer)


def test_a_template_without_system_prompts_gets_it_in_the_question(qwen: Kit):
    strict = _with(
        qwen, "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}[{{ m.content }}]{% endfor %}"
    )
    assert templated(strict, TALK) == "[be brief\n\n你好]"
    with pytest.raises(Refusal, match="no system"):
        templated(strict, TALK[:1])


def test_thinking_is_asked_for_and_told_apart(qwen: Kit):
    thinker = _with(qwen, "{{ messages[-1].content }}{% if enable_thinking %}<think>\n{% else %}<think></think>{% endif %}")
    assert templated(thinker, TALK, think=True).endswith("<think>\n") and templated(thinker, TALK).endswith("</think>")
    assert last(chatted(thinker, TALK, Chat(length=5, think=True), NEVER)).text.startswith("<think>")
    assert parted("<think>\nhm\n</think>\n\nyes") == ("hm", "yes") and parted("<think>hm") == ("hm", "")
    assert parted("hm</think>yes") == ("hm", "yes") and parted("I <think> so") == ("", "I <think> so") and parted("hm", is_open=True) == ("hm", "")


def test_a_model_that_cannot_but_think_is_not_taken_at_its_thoughts(qwen: Kit):
    """Its thoughts are no summary: they are left out, and where nothing else came that is said."""
    opens = _with(qwen, "{{ messages[-1].content }}<think>\n")
    with pytest.raises(Refusal, match="thinks aloud"):
        list(summarised(opens, "Hello world.", Summarise(words=10, window=64), NEVER))


def test_a_long_answer_leaves_the_question_its_room(qwen: Kit):
    seen: list[int] = []
    real = chat.written

    def written(kit: Kit, ids: list[int], *more: Any, **how: Any) -> Any:
        seen.extend((len(ids), more[-1]))
        return real(kit, ids, *more, **how)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(chat, "written", written)
        next(chatted(qwen, TALK, Chat(length=2048), NEVER))
    assert seen[0] + seen[1] <= qwen.window


def test_a_full_window_is_not_called_the_length(qwen: Kit, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Kit, "ends", property(lambda self: set()))
    asked = len(qwen.ids(templated(qwen, TALK), marks=False))
    assert last(chatted(qwen, TALK, Chat(length=8), NEVER)).ended == AT_LENGTH
    monkeypatch.setattr(Kit, "window", property(lambda self: asked + 5))
    full = last(chatted(qwen, TALK[-1:], Chat(length=asked + 4), NEVER))
    assert full.ended and len(full.tokens) < asked + 4 and "window is full" in full.ended.en and str(asked + 5) in full.ended.zh


def test_a_conversation_is_checked():
    told = conversation(
        [{"role": "user", "content": "a"}, {"role": "assistant", "content": "<think>x</think>b"}, {"role": "user", "content": "c"}], " s "
    )
    assert [m["content"] for m in told] == ["s", "a", "b", "c"]
    nonsense = [None, [], "hi", [1], [{"role": "root", "content": "x"}], [{"role": "user", "content": 3}], [{"role": "user", "content": " "}],
                [{"role": "assistant", "content": "x"}], [{"role": "user"}], [TALK[1], TALK[0]]]  # fmt: skip
    for bad in nonsense:
        with pytest.raises(Refusal):
            conversation(bad)


# summaries
ENGLISH = "The cat sat on the mat. Dogs bark at night. The cat likes the mat very much. Mr. Smith paid $3.50 for a mat. It rained."
CHINESE = "公园今天有音乐会。猫在睡觉！音乐会在公园的湖边举行。“好听吗？”他问。很多人来公园听音乐会。"


def test_sentences_end_where_they_do():
    assert sentences(ENGLISH)[3] == "Mr. Smith paid $3.50 for a mat." and len(sentences(ENGLISH)) == 5
    assert sentences(CHINESE)[3:] == ["“好听吗？”", "他问。", "很多人来公园听音乐会。"] and sentences("") == [] and sentences("no end") == ["no end"]


def test_the_baseline_takes_central_sentences_in_their_order():
    found = extract(ENGLISH, 13)
    assert "The cat sat on the mat." in found.sentences and "It rained." not in found.sentences and measured(found.text) <= 13
    chinese = extract(CHINESE, 20)
    assert chinese.text and "猫" not in chinese.text and CHINESE.replace("”他", "”他").find(chinese.sentences[0]) >= 0
    places = [CHINESE.index(s) for s in extract(CHINESE, 40).sentences]
    assert places == sorted(places)
    for odd in ("one", "a. b. c. d.", "the. the. the. of.", "。。。", "!!! ???"):
        assert extract(odd, 20).text is not None


@pytest.mark.parametrize("rule", ["***", "………………", "——", "---", "|---|---|", "* * *", "！！！"])
def test_lines_without_words_are_no_sentences(rule: str):
    found = extract(f"春天来了。\n{rule}\n夏天也快来了。\n{rule}", 20)
    assert found.text == "春天来了。夏天也快来了。" and found.of == 2


MARKDOWN = """---
title: Trains
---

# The first trains

The first trains ran **between** the mines
and the [river](https://example.org/r), and `horses` drew them. ![a picture](x.png)

Put the engine in:

```bash
python train.py. It runs. Here.
```

| year | horses |
|---|---|
| 1820 | 3. |

- *Farmers* sold milk in the city.
"""


def test_markdown_is_summarised_by_its_sentences_alone():
    told = extract(MARKDOWN, 600).text
    assert told == "The first trains ran between the mines and the river, and horses drew them. Farmers sold milk in the city."
    chinese = "# 火车\n\n最早的列车\n由马拉着，**很慢**。\n\n[网站](x)\n\n[铁路](x)不短，\\\n3 里。"
    assert prose(chinese) == "最早的列车由马拉着，很慢。\n\n铁路不短，\n3 里。"
    assert extract("没有句号\n后来有了机车。", 90).text == "没有句号 后来有了机车。"
    assert extract("# 只有题目", 90).text == "# 只有题目"


@pytest.mark.parametrize("text", ["床前明月光，\n疑是地上霜。", "2 * 3 * 4 is __init__, a_b_c & [1](", "- a\n- b\n\n    indented\n", "---", ""])
def test_what_is_no_markdown_stays_as_it_is(text: str):
    assert prose(text) == text


def test_the_readme_is_summarised_in_sentences():
    for name in ("README.md", "README.zh-CN.md"):
        told = extract((PROJECT / name).read_text("utf-8"), 120).text
        assert len(told) > 60 and not re.search(r"```|\|-|---|\*\*|\]\(|^#", told)


def test_rouge_is_that_of_torchmetrics():
    theirs = pytest.importorskip("torchmetrics.functional.text.rouge").rouge_score
    draws = random.Random(0)
    for _ in range(20):
        a, b = (" ".join(draws.choices(["the", "cat", "sat", "on", "a", "mat", "and", "slept"], k=draws.randint(1, 15))) for _ in range(2))
        wanted = theirs(a, b, rouge_keys=("rouge1", "rouge2", "rougeL"))
        assert rouge(a, b) == pytest.approx({k: float(wanted[f"{k}_fmeasure"]) for k in ("rouge1", "rouge2", "rougeL")}, abs=1e-6)


@pytest.mark.timeout(20)
def test_texts_that_are_no_prose_are_cut_and_scored_in_no_time():
    assert len(sentences("." * 200_000 + "x")) == 1
    assert "".join(sentences("A. " * 100_000)).count("A.") == 100_000
    words = [f"w{i % 997}" for i in range(50_000)]
    assert rouge(" ".join(words), " ".join(words[1:]))["rougeL"] == pytest.approx(2 * 49_999 / 99_999)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("odd", ["[", "![", "**a ", "[a](", "a\n", "|a", "---\n"])
def test_odd_markdown_takes_no_longer_than_its_length_asks(odd: str):
    prose(f"# x\n{odd * (200_000 // len(odd))}")


def test_chinese_rouge_counts_characters():
    assert rouge("今天天气好", "今天天气好")["rouge2"] == 1 and rouge("天气", "气天") == pytest.approx({"rouge1": 1, "rouge2": 0, "rougeL": 0.5})
    assert rouge("", "x") == {"rouge1": 0, "rouge2": 0, "rougeL": 0}


def test_a_long_text_is_summarised_window_by_window(qwen: Kit):
    text = "Hello world, a red seven. 你好，世界。 " * 60
    settings = Summarise(words=20, window=128)
    told = list(summarised(qwen, text, settings, NEVER))
    first = told[0]
    assert first.windows > 4 and [s.window for s in told if s.windows == first.windows and s.draft.is_final][:3] == [1, 2, 3]
    assert told[-1].is_final and told[-1].window == 0 and len([s for s in told if s.is_final]) == 1 and told[-1].parts
    windows = cut(qwen, text, 128)
    assert all(len(qwen.ids(w, marks=False)) <= 128 + 8 for w in windows) and re.sub(r"\s", "", "".join(windows)) == re.sub(r"\s", "", text)
    with pytest.raises(Refusal, match=str(MOST_WINDOWS)):
        next(summarised(qwen, "一" * 9000, settings, NEVER))


PIECES = (
    "The cat sat. ",
    "你好，世界。",
    "Mr. Smith paid $3.50!\n",
    "\n\n \n",
    "x" * 90,
    "一" * 40,
    "no stop at all ",
    "🙂",
    "“好吗？”",
    "... ",
    "a\n",
)


@pytest.mark.parametrize("name", ["qwen3-0.6b", "bart-large-cnn", "smollm2-135m"])
@pytest.mark.parametrize("seed", range(6))
def test_the_windows_of_a_text_are_all_of_it_once_and_fit(name: str, seed: int, monkeypatch: pytest.MonkeyPatch):
    rng, it = random.Random(seed), kit(name)
    text = "".join(rng.choices(PIECES, k=60)) + "." * (seed == 0)
    whole, cuts, prompts, read = re.sub(r"\s", "", text), list[tuple[str, list[str]]](), list[tuple[int, int]](), summarise.cut
    monkeypatch.setattr(Kit, "window", property(lambda self: 400))

    def cut_(*given: Any) -> list[str]:
        cuts.append((given[1], read(*given)))
        return cuts[-1][1]

    def model(kit: Kit, ids: list[int], settings: Any, stop: Any, length: int) -> Iterator[Draft]:
        prompts.append((len(ids), length))
        yield Draft("short.", (Token("short.", 1.0),), length, 1.0, 1.0, BY_ITSELF)

    monkeypatch.setattr(summarise, "cut", cut_)
    monkeypatch.setattr(summarise, "written", model)
    monkeypatch.setattr(summarise, "rewritten", lambda kit, part, *more: model(kit, kit.ids(part), *more))
    *_, final = summarised(it, text, Summarise(words=40, window=rng.choice((128, 256, 8192))), NEVER)
    assert final.windows == len(cuts[0][1]) > 3
    for before, windows in cuts:
        assert re.sub(r"\s", "", "".join(windows)) == re.sub(r"\s", "", before)
    assert re.sub(r"\s", "", cuts[0][0]) == whole and len(prompts) == sum(len(w) for _, w in cuts)
    assert all(n <= 400 - (length if it.writes_on else 0) for n, length in prompts), "nothing is cut off what the model reads"


def test_windows_are_those_of_the_text_however_often_their_summaries_are_summarised(qwen: Kit, monkeypatch: pytest.MonkeyPatch):
    def long(kit: Kit, window: str, *more: Any) -> Iterator[Draft]:
        yield Draft(window[: len(window) // 2] + f"{len(window)}.", (Token("a", 1.0),), 5, 9.0, 1.0, BY_ITSELF)

    monkeypatch.setattr(summarise, "once", long)
    told = list(summarised(qwen, "Hello world, a red seven. " * 60, Summarise(words=20, window=128), NEVER))
    assert len({s.windows for s in told if s.window}) > 1, "their summaries needed windows, too"
    assert told[-1].windows == told[0].windows, "and still the text was read in as many"


def test_no_window_falls_away_where_a_model_writes_more_than_it_reads(qwen: Kit, monkeypatch: pytest.MonkeyPatch):
    def longer(kit: Kit, window: str, *more: Any) -> Iterator[Draft]:
        yield Draft(window * 2, (Token("a", 1.0),), 5, 9.0, 1.0, BY_ITSELF)

    monkeypatch.setattr(summarise, "once", longer)
    every = list(summarised(qwen, "".join(f"Here is number {i}. " for i in range(100)), Summarise(words=20, window=128), NEVER))
    second = next(s for s in every if s.window == 1 and s.windows < every[0].windows)
    assert len(second.parts) == every[0].windows and all("number" in part for part in second.parts)


def test_a_window_without_room_for_a_text_is_refused(qwen: Kit, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Kit, "window", property(lambda self: 64))
    with pytest.raises(Refusal, match="64"):
        next(summarised(qwen, ENGLISH, Summarise(), NEVER))


def test_the_pace_of_a_summary_is_that_of_its_own_tokens(qwen: Kit, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(summarise, "once", lambda *given: iter([Draft("a", (Token("a", 1.0),) * 5, 5, 9.0, 1.0, BY_ITSELF)]))
    *_, final = summarised(qwen, "Hello world, a red seven. " * 60, Summarise(words=20, window=128), NEVER)
    assert final.parts and final.draft.seconds == 9.0 * (len(final.parts) + 1) and final.draft.pace == 2.0


def test_a_short_text_is_read_at_once_and_a_stop_ends_it(qwen: Kit):
    stop = threading.Event()
    told = summarised(qwen, ENGLISH, Summarise(), stop)
    assert next(told).windows == 1
    stop.set()
    with pytest.raises(Stopped):
        next(told)


def test_models_that_rewrite_summarise_too_and_do_not_write_on():
    bart = kit("bart-large-cnn")
    *_, final = summarised(bart, "hello world. " * 200, Summarise(words=20), NEVER)
    assert final.is_final and final.draft.tokens and final.windows > 1
    for refuse in (continued(bart, "a", Continue(), (), NEVER), chatted(bart, TALK, Chat(), NEVER), surprised(bart, "a", NEVER)):
        with pytest.raises(Refusal):
            next(refuse)  # type: ignore[call-overload]


@pytest.fixture
def bart() -> Kit:
    """One whose parts may be changed."""
    return kit.__wrapped__("bart-large-cnn")


def rewritten(it: Kit, **settings) -> Draft:
    *_, final = summarised(it, ENGLISH, Summarise(words=20, **settings), NEVER)
    return final.draft


@pytest.mark.parametrize("how", [{}, {"temperature": 1.0}])
def test_why_a_rewriting_model_ended_is_true(bart: Kit, how: dict[str, float]):
    bart.model.final_logits_bias[0, [0, 2]] = -1e4  # neither the filler nor the end
    cut_off = rewritten(bart, **how)
    assert cut_off.ended is AT_LENGTH and len(cut_off.tokens) == cut_off.count
    bart.model.final_logits_bias[0, 2] = 1e4
    done = rewritten(bart, **how)
    assert done.ended is BY_ITSELF and len(done.tokens) == done.count // 3 + 1, "as soon as it may"


def test_a_rewriting_model_heeds_temperature_seed_and_repetition(bart: Kit):
    plain, first, same, other = (rewritten(bart, temperature=t, seed=s).text for t, s in ((0.0, 1), (1.0, 1), (1.0, 1), (1.0, 2)))
    assert plain != first == same != other and plain == rewritten(bart, temperature=0.0, seed=2).text
    assert rewritten(bart, temperature=0.01, repetition=1.0).text != first
    assert rewritten(bart, repetition=1.0).text != rewritten(bart, repetition=2.0).text


def test_what_is_drawn_has_the_models_probabilities():
    logits = torch.tensor([[2.0, 1.0, 0.0, float("-inf")]])
    draw = drawing(0.7, torch.Generator().manual_seed(0))
    found = torch.bincount(draw(torch.zeros(40_000, 1, dtype=torch.long), logits.repeat(40_000, 1)).argmax(-1), minlength=4) / 40_000
    assert torch.allclose(found, (logits[0] / 0.7).softmax(-1), atol=0.01)


# verse
def test_the_form_of_a_quatrain_is_checked():
    verdict = judged("床前明月光，疑是地上霜。\n举头望明月，低头思故乡。")
    assert verdict and verdict.kept and len(verdict.rules) == 4 and "霜 shuāng" in verdict.rules[2].words.en
    failing = judged("床前明月光，疑是地上霜。\n举头望明月，低头思人家。")
    assert failing and [r.kept for r in failing.rules] == [True, True, False]
    short = judged("床前明月光，疑是地上霜。")
    assert short and [r.kept for r in short.rules] == [False, True]
    uneven = judged("床前明月光，疑是霜。\n举头望明月，低头思故乡。")
    assert uneven and not uneven.rules[1].kept
    same = judged("床前明月光，疑是地上乡。\n举头望明月，低头思故乡。")
    assert same and not same.kept and "no rhyme" in same.rules[2].words.en
    assert judged("Shall I compare thee") is None and judged("") is None and judged("今天是 2024 年，天气好。") is None


@pytest.mark.parametrize(
    ("second", "fourth", "told"),
    [
        ("白日照青山", "何日客当还", "还 huán"),
        ("孤云入九重", "夜半一声钟", "重 chóng"),
        ("流水响泠泠", "江上数峰青", "青 qīng"),
        ("落日故人长", "疑是地上霜", "长 "),
        ("江上一双鱼", "门外有高车", "车 jū"),
        ("人间一首诗", "落日几人知", "知 zhī"),
        ("清露湿人衣", "江上几人归", ""),
        ("人间一首诗", "清露湿人衣", ""),
        ("人间一小儿", "清露湿人衣", "儿 ér"),
        ("落日故人年", "江上数峰青", ""),
    ],
)
def test_a_character_rhymes_by_any_reading_of_today_and_the_two_sounds_of_i_are_two_rhymes(second: str, fourth: str, told: str):
    verdict = judged(f"床前明月光，{second}。\n举头望明月，{fourth}。")
    assert verdict and verdict.rules[2].kept == bool(told) and told in verdict.rules[2].words.en


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("春望", Shape.TITLE_5),
        ("床前明月光，", Shape.FIRST_LINE),
        ("独在异乡为异客", Shape.FIRST_LINE),
        ("ROMEO:\n", Shape.PLAY),
        ("白日依山尽，黄河", Shape.PLAIN),
    ],
)
def test_what_is_given_is_seen_by_its_look(text: str, shape: Shape):
    assert looks_like(text) is shape


def test_verse_is_asked_with_its_marks():
    assert prompt("春望", Shape.AUTO, True).asked == "<verse5>春望<poem>" and prompt("春望", Shape.TITLE_7, True).title == "春望"
    line = prompt("床前明月光", Shape.AUTO, True)
    assert line.asked.endswith("床前明月光，") and line.shown == "床前明月光，"
    assert prompt("ROMEO:", Shape.AUTO, True).asked == "<play>ROMEO:" and prompt("春望", Shape.AUTO, False).asked == "春望"
    for text, shape, of_verse in (("太短", Shape.FIRST_LINE, True), ("长" * 40, Shape.TITLE_5, True), ("春望", Shape.TITLE_5, False)):
        with pytest.raises(Refusal):
            prompt(text, shape, of_verse)


MARKED = [
    ("<verse5>春雨<poem>", "春雨", ""),
    ("<verse7> 春雨 <poem>朝辞白帝彩云间，", "春雨", "朝辞白帝彩云间，"),
    ("<verse5><poem>床前明月光，", "", "床前明月光，"),
    ("<play>ROMEO:\n", "", "ROMEO:\n"),
    ("<verse5>春雨", "", "春雨"),
    ("a <poem> b <play> c", "a", " b  c"),
]


@pytest.mark.parametrize(("text", "title", "shown"), MARKED)
@pytest.mark.parametrize("shape", [Shape.AUTO, Shape.PLAIN])
def test_marks_in_a_prompt_are_read_and_never_shown(text: str, title: str, shown: str, shape: Shape):
    found = prompt(text, shape, True)
    assert (found.asked, found.title, found.shown) == (text, title, shown)
    assert prompt(text, shape, False).shown == text, "to any other model they are words"


def test_marks_that_another_choice_contradicts_are_refused():
    for text, shape in (("<verse5>春雨<poem>", Shape.TITLE_7), ("<play>床前明月光", Shape.FIRST_LINE), (f"<verse5>{'长' * 40}<poem>", Shape.AUTO)):
        with pytest.raises(Refusal):
            prompt(text, shape, True)


# what comes in and goes out
def pdf(content: bytes) -> bytes:
    """A page with this content stream."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, places = b"%PDF-1.4\n", []
    for i, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (i, one)
    table = b"".join(b"%010d 00000 n \n" % at for at in places)
    return out + b"xref\n0 6\n0000000000 65535 f \n%strailer\n<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (table, len(out))


def test_files_of_text_are_read(tmp_path: Path):
    says = b"BT /F 12 Tf 20 100 Td (Hello from a PDF) Tj ET"
    for name, data, text in (
        ("a.txt", "你好".encode(), "你好"), ("b.md", "﻿# 你好".encode(), "# 你好"), ("c.TXT", "你好".encode("gb18030"), "你好"),
        ("d.txt", "你好".encode("utf-16"), "你好"), ("e.pdf", pdf(says), "Hello from a PDF"),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(data)
        assert files.text_of(tmp_path / name) == text


def test_other_files_are_refused_in_words(tmp_path: Path):
    empty = pdf(b"")
    for name, data in (("a.exe", b"MZ"), ("b.pdf", b"%PDF-1.4 rubbish"), ("c.pdf", empty), ("d.txt", b"\x00\xff\x00\xff" * 9), ("f.pdf", b"")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(Refusal) as refused:
            files.text_of(tmp_path / name)
        assert all(refused.value.words[lang] for lang in LANGS)
    with pytest.raises(Refusal):
        files.text_of(tmp_path / "nowhere.txt")
    (tmp_path / "long.txt").write_text("a" * 500_000)
    with pytest.raises(Refusal, match="400000"):
        files.text_of(tmp_path / "long.txt")


@pytest.mark.parametrize(
    ("text", "shape", "written", "asked", "then"),
    [
        ("ROMEO:\n", Shape.AUTO, "But soft", "ROMEO:\nBut soft", Shape.AUTO),
        ("春江", Shape.AUTO, "白日", "<verse5>春江<poem>白日", Shape.AUTO),
        ("春江", Shape.TITLE_7, "白日", "<verse7>春江<poem>白日", Shape.AUTO),
        ("床前明月光", Shape.FIRST_LINE, "疑", "<verse5><poem>床前明月光，疑", Shape.AUTO),
        ("<verse7>春江<poem>白", Shape.PLAIN, "日", "<verse7>春江<poem>白日", Shape.AUTO),
        ("Once", Shape.PLAIN, " upon", "Once upon", Shape.PLAIN),
    ],
)
def test_what_goes_on_is_read_as_it_was_written(text: str, shape: Shape, written: str, asked: str, then: Shape):
    assert onward(text, shape, True, written) == (asked, then)
    begun, going = prompt(text, shape, True), prompt(asked, then, True)
    assert (going.asked, going.shown, going.title) == (begun.asked + written, begun.shown + written, begun.title)
    again = onward(asked, then, True, "!")  # and once more
    assert prompt(*again, True).asked == begun.asked + written + "!"


def test_another_model_goes_on_from_the_text_itself():
    assert onward("春江", Shape.AUTO, False, "花") == ("春江花", Shape.AUTO)


def test_a_word_that_is_decoded_alone_keeps_its_space():
    class Pieced:
        def decode(self, ids: list[int], **_: Any) -> str:
            return {0: "the", 1: "ing", 2: "", 3: "\ufffd"}[ids[0]]

        def convert_ids_to_tokens(self, token: int) -> str:
            return ["▁the", "ing", "</s>", "<0xE6>"][token]

    assert [named(Pieced(), i) for i in range(4)] == [" the", "ing", "</s>", "<0xE6>"]
    assert [is_text(Pieced(), i) for i in range(4)] == [True, True, False, False]


def test_stop_words_and_prompts_are_bounded():
    assert stop_words("a\n\\n\n\nb ") == ("a", "\n", "b ") and stop_words(None) == ()
    bad: list[Callable[[], object]] = [
        lambda: stop_words("x\n" * 9),
        lambda: stop_words("x" * 99),
        lambda: given(""),
        lambda: given(None),
        lambda: given("a" * 30_000),
    ]
    for ask in bad:
        with pytest.raises(Refusal):
            ask()


def test_a_saved_text_says_that_it_was_generated():
    path = outputs.writing("春风\n---\nAIGC: no", note={"prompt": "a: b\n---\nLabel: '0'", "model": "x"}, name="poem.md")
    _, front, body = path.read_text("utf-8").split("---\n", 2)
    label = yaml.safe_load(front)
    assert label["AIGC"]["Label"] == "1" and label["made"]["prompt"].startswith("a: b") and "AI-generated" in body and "春风" in body
    assert label["AIGC"]["ReservedCode1"] == "sha256:" + hashlib.sha256(body.encode()).hexdigest()


def test_no_character_of_a_prompt_breaks_the_label():
    odd = "a\x7f\x85\x9f\u2028\u2029\ufeff\ufffe\uffff\U0001f600\x00\t春"
    _, front, _ = outputs.writing("x", note={"prompt": odd}).read_text("utf-8").split("---\n", 2)
    assert yaml.safe_load(front)["made"]["prompt"] == odd and "春" in front
    assert outputs.writing("x", note={"prompt": "half a character: \ud800"}).is_file()


def test_an_exported_conversation_marks_only_what_was_generated():
    talk = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    told = json.loads(outputs.conversation(talk, note={"model": "x"}, name="c.json").read_text("utf-8"))
    assert told["messages"] == talk and told["AIGC"]["Label"] == "1" and told["made"]["model"] == "x"
    markdown = outputs.conversation(talk, note={}, name="c.md").read_text("utf-8")
    assert "**User**\n" in markdown and "**Assistant** (AI生成 / AI-generated)" in markdown


# models that are not in order
@pytest.fixture
def broken(request: pytest.FixtureRequest) -> Kit:
    """A miniature of its own, to be broken."""
    return copy.deepcopy(kit(request.param))


WRITERS = pytest.mark.parametrize("broken", ["gpt2", "qwen3-0.6b"], indirect=True)
REWRITERS = pytest.mark.parametrize("broken", ["bart-large-cnn"], indirect=True)


def refused(run: Callable[[], Any], told: str) -> None:
    with pytest.raises(Refusal, match=told):
        run()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@WRITERS
def test_probabilities_that_are_no_numbers_are_told(broken: Kit, value: float):
    with torch.no_grad():
        broken.model.get_output_embeddings().weight[7] = value
    for knobs in ({}, {"temperature": 0.0}, {"method": Method.BEAM}):
        refused(lambda knobs=knobs: wrote(broken, **knobs), "32 bits")
    refused(lambda: list(surprised(broken, "hello world", NEVER)), "32 bits")


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@REWRITERS
def test_a_summary_by_no_numbers_is_told(broken: Kit, temperature: float):
    with torch.no_grad():
        broken.model.get_output_embeddings().weight[7] = float("nan")
    refused(lambda: list(summarised(broken, "hello world. " * 9, Summarise(temperature=temperature), NEVER)), "32 bits")


def test_a_token_that_cannot_be_drawn_is_no_fault(qwen: Kit):
    assert len(sound(torch.tensor([0.5, -torch.inf]))) == 2


@WRITERS
def test_tokens_that_the_model_does_not_know_are_told(broken: Kit):
    known = broken.known
    broken.tokenizer.add_tokens(["dragonfruit"])
    broken.tokenizer.pad_token = "dragonfruit"
    assert broken.known == known and broken.filler < known
    for method in (Method.SAMPLE, Method.BEAM):
        assert wrote(broken, "hello", method=method).is_final
        refused(lambda method=method: wrote(broken, "a dragonfruit", method=method), f"token number {known}.* only {known} tokens")
    refused(lambda: list(surprised(broken, "a dragonfruit", NEVER)), "tokenizer does not belong")


@REWRITERS
def test_words_that_a_summariser_does_not_know_are_told(broken: Kit):
    broken.tokenizer.add_tokens(["dragonfruit"])
    refused(lambda: list(summarised(broken, "a dragonfruit. " * 9, Summarise(), NEVER)), "tokenizer does not belong")


@pytest.mark.parametrize(
    ("told", "window"),
    [
        ({"max_position_embeddings": -1}, NO_WINDOW),
        ({"max_position_embeddings": None}, NO_WINDOW),
        ({"max_position_embeddings": 0, "n_positions": 512}, 512),
        ({"max_position_embeddings": -1, "max_seq_len": 640}, 640),
        ({"max_position_embeddings": 256}, 256),
    ],
)
@pytest.mark.parametrize("broken", ["qwen3-0.6b"], indirect=True)
def test_a_window_is_what_a_model_says_if_that_can_be(broken: Kit, told: dict[str, Any], window: int):
    for name, value in told.items():
        object.__setattr__(broken.model.config, name, value)
    assert broken.window == window
    assert wrote(broken, length=3).is_final


def test_a_model_without_a_window_writes():
    """XLNet says -1: it reads on for ever."""
    from transformers import XLNetConfig, XLNetLMHeadModel

    config = XLNetConfig(vocab_size=320, d_model=16, n_layer=1, n_head=2, d_inner=16)
    assert config.max_position_embeddings == -1
    assert wrote(Kit(XLNetLMHeadModel(config).eval(), byte_tokenizer()), length=3).is_final


LOOPS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"


@pytest.mark.parametrize("template", [LOOPS, "{{ range(10**9)|list }}"])
@pytest.mark.parametrize("roles", [["user"], ["system", "user"]])
@pytest.mark.parametrize("broken", ["qwen3-0.6b"], indirect=True)
def test_a_chat_template_that_does_not_end_is_ended(broken: Kit, template: str, roles: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(chat, "SECONDS", 0.5)
    broken.tokenizer.chat_template = template
    begun, traced = time.monotonic(), sys.gettrace()
    refused(lambda: templated(broken, [{"role": role, "content": "hello"} for role in roles]), "does not end|Range too big")
    assert time.monotonic() - begun < 10 and sys.gettrace() is traced

"""The language model of verse: its tokenizer, what it reads and what is held out, its lesson in small, and the one that comes along."""

from __future__ import annotations

import functools
import json
import time
from pathlib import Path

import pytest
import tiny_sources
import torch
from conftest import PROJECT
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer

from aigc import home
from aigc.cli import main
from aigc.data.texts import is_quatrain, lines_of, quatrains
from aigc.pretrained.teach import make
from aigc.pretrained.teach.verse import lesson, measure
from aigc.pretrained.teach.verse.examples import PASSAGE, Reading, texts, tidy
from aigc.pretrained.teach.verse.tokens import slurred, tokenizer
from aigc.pretrained.verse import from_beginning, from_first_line, from_title
from aigc.words import Refusal

SHIPPED = PROJECT / "checkpoints" / "shipped" / "pretrained" / "verse"
small = functools.partial(lesson.network, width=32, layers=2, heads=2)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tiny_sources.texts(tmp_path / "data")
    monkeypatch.setenv("AIGC_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def tok(data: Path):
    given = texts()
    return tokenizer((q.title + q.text for q in given.quatrains), given.plays, merges=40)


def test_without_the_texts_one_sentence_says_what_is_needed(tmp_path: Path):
    with pytest.raises(Refusal) as refused:
        next(make("verse", tmp_path))
    assert all("AIGC_DATA_DIR" in refused.value.words[lang] and "tang_jueju_zh_hans.tsv" in refused.value.words[lang] for lang in ("en", "zh"))


def test_quatrains_of_another_form_are_left_out(data: Path):
    before = quatrains()
    with (data / "local/text/tang_jueju_zh_hans.tsv").open("a", encoding="utf-8") as f:
        f.write("残\t无名\t5\t一二三四五，一二三四五。一二三四五，一二三□五。\n长短\t无名\t5\t一二三四五，一二三四五六。一二三四五，一二三四五。\n")
    assert quatrains() == before
    assert all(is_quatrain(list(q.lines)) and lines_of(q.text) == list(q.lines) for q in before)


def test_no_line_that_is_held_out_is_learnt_from(data: Path):
    given = texts()
    held = {line for q in given.valid_quatrains + given.test_quatrains for line in q.lines}
    assert given.valid_quatrains and given.test_quatrains and len(given.quatrains) > 300
    assert not held & {line for q in given.quatrains for line in q.lines}
    assert not held & {line for _, poem in given.poems for line in lines_of(poem)}
    assert len(given.poems) < 60, "the poems that quote a held-out quatrain had to go"
    assert given.plays + given.valid_plays + given.test_plays == (data / "local/text/tinyshakespeare.txt").read_text()


def test_a_title_loses_its_editors_remarks():
    assert tidy("秋思（一作秋夜）") == "秋思" and len(tidy("长" * 90)) == 16


@pytest.mark.parametrize("text", ["床前明月光，\n疑是地上霜。", "Shall I compare thee?\n\n", "龘 ½ 🌸 naïve\tend", ""])
def test_every_text_comes_back_as_it_was(tok, text: str):
    assert tok.decode(tok(text, add_special_tokens=False).input_ids) == text


def test_a_character_is_a_token_and_english_takes_fewer(tok):
    character = texts().quatrains[0].lines[0]
    assert tok.tokenize(character) == list(character)
    assert len(tok.tokenize("Juliet is the sun")) < len("Juliet is the sun")
    assert tok("").input_ids == [tok.bos_token_id], "every text begins with the start mark"
    assert len(tok(from_title("题", 5), add_special_tokens=False).input_ids) == 3, "marks are tokens of their own"


def test_slurring_spells_otherwise_and_can_be_turned_off(tok):
    exact = tok(tiny_sources.SCRIPT).input_ids
    slurred(tok, 0.5)
    assert any(tok(tiny_sources.SCRIPT).input_ids != exact for _ in range(5))
    assert tok.decode(tok(tiny_sources.SCRIPT, add_special_tokens=False).input_ids) == tiny_sources.SCRIPT
    slurred(tok, None)
    assert tok(tiny_sources.SCRIPT).input_ids == exact


def test_prompts_name_the_form():
    assert from_title(" 静夜思 ", 5) == "<verse5>静夜思<poem>"
    assert from_first_line("床前明月光，") == "<verse5><poem>床前明月光，"
    assert from_first_line("朝辞白帝彩云间", "早发") == "<verse7>早发<poem>朝辞白帝彩云间，"
    assert from_beginning("ROMEO:\n") == "<play>ROMEO:\n"
    with pytest.raises(KeyError):
        from_first_line("太短")


def test_readings_are_whole_quatrains_and_passages_that_fit(tok):
    reading = Reading(texts(), tok, seed=0)
    batch, passages = reading.quatrains(200), reading.passages(16)
    assert passages.shape == (16, PASSAGE)
    rows = [tok.decode([i for i in row if i != tok.pad_token_id]) for row in batch.tolist()]
    assert all(row.startswith("<s>") and row.endswith("</s>") for row in rows)
    assert 0.05 < sum("<poem>" not in row for row in rows) / 200 < 0.2 and 0.2 < sum("><poem>" in row for row in rows) / 200 < 0.5
    again = Reading(texts(), tok, seed=0)
    assert torch.equal(again.quatrains(200), batch) and torch.equal(again.passages(16)[:, 0], passages[:, 0])


def test_nats_per_character_are_those_of_one_text_after_another(tok):
    torch.manual_seed(0)
    given, model = texts(), small(tok).eval()
    found, nats = given.test_quatrains[:5], 0.0
    for q in found:
        head = tok(from_title(tidy(q.title), len(q.lines[0])), return_tensors="pt").input_ids
        whole = torch.cat([head, tok(q.text + "</s>", add_special_tokens=False, return_tensors="pt").input_ids], 1)
        with torch.no_grad():
            logits = model(whole).logits[0]
        nats += float(cross_entropy(logits[head.shape[1] - 1 : -1], whole[0, head.shape[1] :], reduction="sum"))
    verse, plays = measure.nats_per_character(model, tok, found, given.test_plays)
    assert verse == pytest.approx(nats / sum(len(q.text) for q in found), rel=0.01)
    spelt = len(tok(given.test_plays, add_special_tokens=False).input_ids)
    assert plays == pytest.approx(spelt * torch.tensor(float(len(tok))).log().item() / len(given.test_plays), rel=0.1), "it knows nothing yet"


def test_rhymes_are_heard():
    pytest.importorskip("pypinyin")
    assert measure.rhymes(["", "花落知春", "", "一片新"]) and measure.rhymes(["", "人家", "", "桃花"])
    assert not measure.rhymes(["", "花落知春", "", "桃花"]) and not measure.rhymes(["", "桃花", "", "桃花"]), "a word does not rhyme with itself"


def test_the_lesson_in_small_saves_what_transformers_loads(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("pypinyin")
    monkeypatch.setattr(lesson, "network", small)
    monkeypatch.setattr(lesson, "MERGES", 40)
    monkeypatch.setattr(measure, "LONGEST", 12)
    *told, facts = make("verse", tmp_path / "verse", seed=1, budget=72 * 12)
    losses = [float(words.en.split("loss ")[1].split()[0]) for words in told if "loss " in words.en]
    assert losses[-1] < losses[0] and any("the best so far" in words.en for words in told)
    model, tok = AutoModelForCausalLM.from_pretrained(tmp_path / "verse"), AutoTokenizer.from_pretrained(tmp_path / "verse")
    assert model.dtype == torch.bfloat16 and model.generation_config.do_sample
    prompt = tok(from_title("题", 5), return_tensors="pt")
    assert model.generate(**prompt, max_new_tokens=4, do_sample=False).shape[1] > prompt.input_ids.shape[1]
    assert facts == json.loads((tmp_path / "verse/card.json").read_text("utf-8"))
    assert set(facts["figures"]) >= {"perplexity_quatrains", "perplexity_plays", "form", "rhyme", "copied_lines"}
    assert f"--budget {72 * 12} --seed 1" in (tmp_path / "verse/README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def shipped():
    if not SHIPPED.is_dir():
        pytest.skip("the language model of verse does not come along")
    return AutoModelForCausalLM.from_pretrained(SHIPPED, dtype=torch.float32).eval(), AutoTokenizer.from_pretrained(SHIPPED)


def test_the_shipped_model_is_small_and_begins_at_once():
    if not SHIPPED.is_dir():
        pytest.skip("the language model of verse does not come along")
    assert sum(f.stat().st_size for f in SHIPPED.iterdir()) < 12_000_000
    begun = time.process_time()
    model, tok = AutoModelForCausalLM.from_pretrained(SHIPPED, dtype=torch.float32).eval(), AutoTokenizer.from_pretrained(SHIPPED)
    model.generate(**tok(from_title("江上", 7), return_tensors="pt"), max_new_tokens=8)
    assert time.process_time() - begun < 3


def test_the_shipped_model_keeps_the_form_and_its_language(shipped):
    titles = ["春望", "送友人", "江上", "秋夜", "山中", "听琴", "梅花", "寄远"] * 2
    for n in (5, 7):
        poems = [lines_of(text) for text in measure.written(*shipped, [from_title(title, n) for title in titles], seed=1)]
        assert sum(is_quatrain(p) and len(p[0]) == n for p in poems) >= len(poems) - 1
    model, tok = shipped
    torch.manual_seed(0)
    made = tok.decode(model.generate(**tok(from_beginning("ROMEO:\n"), return_tensors="pt"), max_new_tokens=60)[0], skip_special_tokens=True)
    assert made.isascii() and sum(c.isalpha() or c.isspace() for c in made) > 0.8 * len(made)


def test_a_prompt_with_marks_gives_a_titled_quatrain_whose_form_is_checked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    if not SHIPPED.is_dir():
        pytest.skip("the language model of verse does not come along")
    monkeypatch.setattr(home, "SHIPPED", SHIPPED.parents[1])
    told = []
    for prompt in ("<verse5>春雨<poem>", "春雨"):
        assert main(["text", "continue", "--prompt", prompt, "--json"]) == 0
        told.append(json.loads(capsys.readouterr().out))
    assert told[0]["text"] == told[1]["text"] and "<" not in told[0]["text"]
    assert all(made["title"] == "春雨" and len(made["form"]) >= 3 for made in told)


@pytest.mark.slow
def test_the_shipped_model_is_worth_what_its_card_says(shipped, datasets_dir: Path):
    given, card = texts(), json.loads((SHIPPED / "card.json").read_text("utf-8"))["figures"]
    verse, plays = measure.nats_per_character(*shipped, given.test_quatrains, given.test_plays)
    assert 2.718281828**verse == pytest.approx(card["perplexity_quatrains"], rel=0.02)
    assert 2.718281828**plays == pytest.approx(card["perplexity_plays"], rel=0.02)
    assert card["form"] >= 95 and card["copied_lines"] < 5

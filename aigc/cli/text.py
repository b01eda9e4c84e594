"""`python -m aigc text VERB`: a language model at work, by the same calls as the page; the text streams to standard output."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Iterator
from typing import Any

from aigc.cli.out import OK, Out
from aigc.cli.pretrained import check_here, chosen
from aigc.cli.values import assignments, file_at, setup_of, target
from aigc.knobs import as_values, read
from aigc.pretrained import hub
from aigc.pretrained.catalogue import Entry, rows
from aigc.pretrained.fit import Setup
from aigc.pretrained.lending import Waiting
from aigc.pretrained.text import run
from aigc.pretrained.text.asked import SETTINGS, TASKS, Settings, Verb, as_lines, conversation, given, habits, is_drawn, short, stop_words
from aigc.words import Refusal, both

OPENING = both("Opening {model} …", "正在打开 {model}……")
READING = both("{model} is open and reads …", "{model} 已打开，正在阅读……")
WINDOW = both("window {i} of {n}", "窗口 {i} / {n}")
FORM = both("{rule}: {kept}", "{rule}：{kept}")
KEPT, BROKEN = both("kept", "符合"), both("not kept", "不符")
FACTS = both("{n} tokens in {s:.1f} s, {ms:.1f} ms a token, {drawn}. {why}", "{n} 个词元，{s:.1f} 秒，每词元 {ms:.1f} 毫秒，{drawn}。{why}")
SEEDED, UNSEEDED = both("seed {seed}", "种子 {seed}"), both("no lots drawn, any seed writes this", "未抽签，任何种子都写出同样的文字")
ROUGE = both(
    "{name}: ROUGE-1 {rouge1:.0%}, ROUGE-2 {rouge2:.0%}, ROUGE-L {rougeL:.0%}",
    "{name}：ROUGE-1 {rouge1:.0%}，ROUGE-2 {rouge2:.0%}，ROUGE-L {rougeL:.0%}",
)
NO_MODEL = both(
    "No model that summarises is on this machine, so these are sentences of the text itself. To fetch one: python -m aigc pretrained download {name}",
    "本机还没有摘要模型，所以这里只取原文句子。下载一个：python -m aigc pretrained download {name}",
)
NOT_MADE = both("--out keeps what a model wrote; sentences of the text itself go to standard output: leave it out.",
                "--out 保存模型写的文字；原文句子写到标准输出：请去掉 --out。")  # fmt: skip
MOST_NOTED = 2000  # characters of a prompt that its file repeats


def act(args: argparse.Namespace, out: Out) -> int:
    verb = Verb(args.action)  # type: ignore[call-arg]
    to = target(args.out, ".md") if args.out else None
    words = _given(args, verb)
    if verb is Verb.SUMMARISE and (args.extract or _has_none(args, out)):
        return _extracted(args, out, words)
    typed, entry = assignments(args.set), chosen(TASKS[verb], args.model)
    setup = setup_of(typed, args.device)
    settings = _settings(args, typed, verb, entry)
    check_here(entry, TASKS[verb])
    last = _streamed(_started(args, verb, words, settings, entry, setup), entry, out)
    draft = getattr(last, "draft", last)
    values = as_values(settings)
    facts = {"task": verb.value, "model": entry.slug, "settings": values, "setup": as_values(setup), "text": draft.whole, "tokens": len(draft.tokens)}
    facts |= {"seconds": round(draft.seconds, 3), "seconds_a_token": round(draft.pace, 5), "ended": draft.ended, "notes": list(draft.notes)}
    facts |= _more(args, verb, words, settings, last, out)
    if to:
        from aigc import outputs

        note = {"task": verb.value, "model": entry.slug, "prompt": words[:MOST_NOTED], "settings": values}
        facts["file"] = str(outputs.writing(facts["text"], note=note, to=to))
    for words_ in draft.notes:
        out.say(words_)
    drawn = SEEDED.fill(seed=settings.seed) if is_drawn(settings) else UNSEEDED
    out.say(FACTS, n=len(draft.tokens), s=draft.seconds, ms=1000 * draft.pace, drawn=drawn, why=draft.ended or "")
    if out.as_json:
        out.result(facts, [])
    return OK


def _given(args: argparse.Namespace, verb: Verb) -> str:
    """Raises Refusal."""
    from aigc.pretrained.text.given import UNREADABLE, text_of

    try:
        words = text_of(file_at(args.file)) if args.file else sys.stdin.read() if args.prompt == "-" else args.prompt
    except UnicodeDecodeError:  # of the standard input
        raise Refusal(UNREADABLE, kind="text") from None
    return given(words, {Verb.SUMMARISE: "text", Verb.CHAT: "message"}.get(verb, "prompt"))


def _has_none(args: argparse.Namespace, out: Out) -> bool:
    """Whether no model is here for a summary that asks for none in particular; it is told which could be fetched."""
    known = rows(TASKS[Verb.SUMMARISE])
    if args.model or args.out or any(hub.here(entry) for entry in known):
        return False
    out.say(NO_MODEL, name=known[0].slug)
    return True


def _settings(args: argparse.Namespace, typed: dict[str, Any], verb: Verb, entry: Entry) -> Any:
    if args.seed is not None:
        typed["seed"] = args.seed
    return read(SETTINGS[verb], {**habits(verb, entry.slug), **typed})


def _started(args: argparse.Namespace, verb: Verb, words: str, settings: Any, entry: Entry, setup: Setup) -> Iterator[Any]:
    stop = threading.Event()
    if verb is Verb.CONTINUE:
        return run.continuations(words, settings, stop_words(as_lines(args.stop)), entry, stop, setup)
    if verb is Verb.CHAT:
        return run.chats(conversation([{"role": "user", "content": words}], args.system), settings, entry, stop, setup)
    return run.summaries(words, settings, entry, stop, setup)


def _streamed(results: Iterator[Any], entry: Entry, out: Out) -> Any:
    """Writes what is new to standard output as it comes; gives the last result."""
    written, result = "", None
    for result in results:
        if isinstance(result, Waiting):
            out.progress((READING if result.is_open else OPENING).fill(model=entry.title)[out.lang])
            continue
        draft = getattr(result, "draft", result)
        if getattr(result, "window", 0):
            out.progress(WINDOW.fill(i=result.window, n=result.windows)[out.lang])
        elif draft.is_final or not _may_change(draft):
            out.stream(draft.whole[len(written) :])
            written = draft.whole
    out.stream("\n")
    return result


def _may_change(draft: Any) -> bool:
    """Beam search changes its mind on the way, and tells no probabilities before it ends."""
    return bool(draft.tokens) and draft.tokens[-1].p is None


def _more(args: argparse.Namespace, verb: Verb, words: str, settings: Settings, last: Any, out: Out) -> dict[str, Any]:
    """What only this verb tells."""
    if verb is Verb.CONTINUE:
        from aigc.pretrained.text.verse_form import judged

        verdict = judged(last.whole)
        rules = verdict.rules if verdict else ()
        for rule in rules:
            out.say(FORM, rule=rule.words, kept=KEPT if rule.kept else BROKEN)
        return {"title": last.title, "form": [{"rule": rule.words, "kept": rule.kept} for rule in rules]}
    if verb is Verb.CHAT:
        from aigc.pretrained.text.thought import parted

        thought, answer = parted(last.text)
        return {"text": answer, "thought": thought}
    from aigc.pretrained.text.extract import extract

    beside = extract(words, settings.words).text  # type: ignore[union-attr]
    return {"windows": last.windows, "extract": beside, **_scored(args, out, model=last.draft.text, extract=beside)}


def _extracted(args: argparse.Namespace, out: Out, words: str) -> int:
    """A summary without a model."""
    from aigc.pretrained.text.extract import extract

    if args.out:
        raise Refusal(NOT_MADE)
    typed = assignments(args.set)
    setup_of(typed, args.device)
    settings = read(SETTINGS[Verb.SUMMARISE], typed)
    found = extract(words, settings.words)
    facts = {"task": Verb.SUMMARISE.value, "model": None, "text": found.text, "sentences": len(found.sentences), "of": found.of}
    out.result(facts | _scored(args, out, extract=found.text), [found.text])
    return OK


def _scored(args: argparse.Namespace, out: Out, **summaries: str) -> dict[str, Any]:
    """ROUGE of each against the reference, where there is one."""
    from aigc.pretrained.text.rouge import rouge

    wanted = short(args.reference, "text")
    if not wanted.strip():
        return {}
    scores = {name: rouge(summary, wanted) for name, summary in summaries.items()}
    for name, score in scores.items():
        out.say(ROUGE, name=name, **score)
    return {"rouge": scores}

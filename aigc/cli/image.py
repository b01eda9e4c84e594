"""`python -m aigc image VERB`: pictures from a pretrained pipeline, by the same calls as the page."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aigc.cli.out import OK, Out
from aigc.cli.pretrained import check_here, chosen
from aigc.cli.values import assignments, file_at, setup_of, target
from aigc.knobs import as_values, knobs, read
from aigc.pretrained.image.asked import NEED_IMAGE, SETTINGS, TASKS, Asked, Verb
from aigc.words import Refusal, both

if TYPE_CHECKING:
    from aigc.pretrained.catalogue import Entry
    from aigc.pretrained.fit import Setup
    from aigc.pretrained.image.make import Shot

IN_LINE = both("Opening {model} …", "正在打开 {model}……")
FIRST_STEP = both("step 1 is on its way …", "第 1 步进行中……")
STEP = both("step {i} of {n}, {pace:.2f} s a step", "第 {i} 步，共 {n} 步，每步 {pace:.2f} 秒")
USED = {"image": NEED_IMAGE, "mask": (Verb.INPAINT,), "style": (Verb.STYLE,)}  # files, and the verbs that read them
NO_MEANING = both("--{n} means nothing to {verb}: leave it out.", "--{n} 对 {verb} 没有意义：请去掉。")


def act(args: argparse.Namespace, out: Out) -> int:
    verb = Verb(args.action)  # type: ignore[call-arg]
    to = target(args.out, ".png")
    typed, entry = assignments(args.set), chosen(TASKS[verb], args.model)
    setup = setup_of(typed, args.device)
    asked = Asked(verb, _settings(args, typed, verb, entry.slug), args.prompt or "", args.negative or "", **_given(args, verb))
    check_here(entry, TASKS[verb])
    shot = _made(asked, entry, setup, out)
    files = _write(asked, entry.slug, shot, to)
    values = {name: value for name, value in as_values(asked.settings).items() if name not in shot.silent}
    told: dict[str, Any] = {"task": verb.value, "model": entry.slug, "prompt": asked.prompt, "settings": values, "seeds": list(shot.seeds)}
    told |= {"setup": as_values(setup), "files": files, "seconds": round(shot.seconds, 3), "seconds_a_step": round(shot.pace, 4)}
    for words in shot.notes:
        out.say(words)
    out.result({**told, "notes": list(shot.notes)}, files)
    return OK


def _settings(args: argparse.Namespace, typed: dict[str, Any], verb: Verb, model: str) -> Any:
    from aigc.pretrained.image.habits import check_heeded, habits

    for name in ("seed", "count"):
        if (value := getattr(args, name)) is not None:
            if name not in knobs(SETTINGS[verb]):
                raise Refusal(NO_MEANING, n=name, verb=verb.value)
            typed[name] = value
    check_heeded(verb, model, typed)
    usual = habits(verb, model)
    return read(SETTINGS[verb], ({**usual, "count": 1} if "count" in usual else usual) | typed)


def _given(args: argparse.Namespace, verb: Verb) -> dict[str, Any]:
    from aigc.pretrained.image import given
    from aigc.pretrained.textures import TEXTURES, texture

    if unused := next((name for name, verbs in USED.items() if getattr(args, name) and verb not in verbs), None):
        raise Refusal(NO_MEANING, n=unused, verb=verb.value)
    found: dict[str, Any] = {"texture": args.style if args.style in TEXTURES else ""}
    if args.image:
        found["image"] = given.picture(file_at(args.image))
    if args.style:
        found["style"] = texture(args.style) if args.style in TEXTURES else given.picture(file_at(args.style))
    if args.mask:
        found["mask"] = given.mask(file_at(args.mask))
    return found


def _made(asked: Asked, entry: Entry, setup: Setup, out: Out) -> Shot:
    from aigc.pretrained.image.run import Waiting, pictures

    shot: Shot | None = None
    for told in pictures(asked, entry, threading.Event(), setup):
        if isinstance(told, Waiting):
            out.progress(IN_LINE.fill(model=entry.title)[out.lang])
        else:
            shot = told
            if not shot.is_final and not shot.index:
                out.progress(FIRST_STEP[out.lang])
            elif not shot.is_final:
                out.progress(STEP.fill(i=shot.index, n=shot.count, pace=shot.pace)[out.lang])
    assert shot is not None
    return shot


def _write(asked: Asked, model: str, shot: Shot, to: Path) -> list[str]:
    """One file for each picture; several carry their seed in the name."""
    from aigc import outputs
    from aigc.pretrained.image.make import note

    files = []
    for i, image in enumerate(shot.images):
        path = to if len(shot.images) == 1 else to.with_name(f"{to.stem}-{shot.seeds[i]}{to.suffix}")
        files.append(str(outputs.picture(image, made=True, note=note(asked, model, shot, i), to=path, partly=asked.verb in NEED_IMAGE)))
    return files

"""Examples that come along: labelled, made by what the form says, given out, and handed on; and where there is none, what to press."""

from __future__ import annotations

import base64
import io
import json
import types
from pathlib import Path
from typing import Any, cast

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from aigc import home
from aigc.knobs import in_words
from aigc.outputs.labels import MADE_BY_AI, PARTLY_BY_AI
from aigc.pretrained.image.asked import NEED_IMAGE, SETTINGS, Verb
from aigc.pretrained.image.habits import habits, silent
from aigc.ui.page import Page
from aigc.ui.tabs import examples
from aigc.ui.tabs.image_inside import PARTS, Inside
from aigc.ui.tabs.image_view import View
from aigc.ui.text import picture, writing
from aigc.words import LANGS, Lang, Refusal

MODELS = {Verb.UPSCALE: "upscaler", Verb.STYLE: "style", Verb.SAMPLE: "ddpm-mnist"}
TEXTS = ("continue", "perplexity", "summarise")


@pytest.fixture(autouse=True)
def come_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "SHIPPED", home.PROJECT / "checkpoints" / "shipped")


def stored(name: str, lang: Lang) -> dict[str, Any]:
    return cast(dict[str, Any], json.loads((home.examples_folder() / f"{name}.{lang}.json").read_bytes()))


def view(verb: Verb, lang: Lang = "en") -> View:
    with gr.Blocks():
        return View(Page(lang, cast(Any, None), cast(Any, None), ()), verb, gr.State(None))


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("verb", Verb)
def test_every_verb_of_image_has_one_that_the_form_as_it_opens_gives(verb: Verb, lang: Lang) -> None:
    told = stored(f"image-{verb.value}", lang)
    model = MODELS.get(verb, "pictures")
    other = {name: value for (of, name), value in examples.OTHERWISE.items() if of == verb.value}
    settings = SETTINGS[verb](**habits(verb, model) | other)
    assert told["kind"] == "pictures" and told["made"] and f"{picture.MODEL[lang]} {model}" in told["facts"]
    unheard = ("count", "width", "height", "times", *silent(verb, model))
    assert all(said in told["facts"] for said in in_words(settings, lang, unheard))
    assert verb.value not in picture.EXAMPLES or picture.EXAMPLES[verb.value][lang] in told["facts"]


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("verb", Verb)
def test_every_picture_in_one_carries_its_label(verb: Verb, lang: Lang) -> None:
    told = stored(f"image-{verb.value}", lang)
    for item in told["items"]:
        with Image.open(io.BytesIO(base64.b64decode(item["src"].partition(",")[2]))) as image:
            packet = image.info.get("xmp") or image.info["XML:com.adobe.xmp"].encode()
            assert image.size == (item["width"], item["height"])
        assert b"TC260:AIGC" in packet and (PARTLY_BY_AI if verb in NEED_IMAGE else MADE_BY_AI).encode() in packet


@pytest.mark.parametrize("lang", LANGS)
def test_a_text_has_its_label_and_what_else_each_token_could_have_been(lang: Lang) -> None:
    told = stored("text-continue", lang)
    (column,) = told["columns"]
    assert told["AIGC"]["Label"] == "1" and column["before"].startswith(writing.EXAMPLE[lang].strip())
    assert all(len(others) == 10 for *_, others in column["tokens"]) and "Model verse" in column["facts"].replace("模型", "Model")
    assert not stored("text-perplexity", lang).get("made") and not stored("text-summarise", lang).get("made")


@pytest.mark.parametrize("lang", LANGS)
def test_the_inside_that_is_shown_is_of_the_prompt_in_the_form(lang: Lang) -> None:
    words, latent, guidance = (stored(f"inside-{part}", lang) for part in PARTS)
    assert words["states"] == latent["states"] == guidance["states"] == len(words["captions"]) == 8
    assert picture.EXAMPLES["inside"][lang] in words["facts"] and words["curve"].count("<circle") == 16
    for film in words["films"] + latent["films"] + guidance["films"]:
        with Image.open(io.BytesIO(base64.b64decode(film["src"].partition(",")[2]))) as image:
            assert b"TC260:AIGC" in image.info["xmp"]
    with gr.Blocks():
        inside = Inside(Page(lang, cast(Any, None), cast(Any, None), ()))
    assert inside.curve.value == words["curve"] and json.loads(inside.stages["words"].value)["example"]["name"] == f"inside-words.{lang}"


def test_they_are_small() -> None:
    assert sum(file.stat().st_size for file in home.examples_folder().iterdir()) < 300_000


@pytest.mark.parametrize("lang", LANGS)
def test_each_is_given_out_by_its_name_and_nothing_else_is(lang: Lang) -> None:
    app = FastAPI()
    app.include_router(examples.router())
    client = TestClient(app)
    for name in [f"image-{verb.value}" for verb in Verb] + [f"text-{name}" for name in TEXTS] + [f"inside-{part}" for part in PARTS]:
        assert client.get(f"/aigc/examples/{name}.{lang}").json() == stored(name, lang)
    for name in ("image-nothing.en", "..%2Frecordings.en", "image-generate", "image-generate.en.json"):
        assert client.get(f"/aigc/examples/{name}").status_code == 404


def test_an_empty_panel_names_its_example_or_says_what_to_press(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = picture.GO["generate"]
    named = json.loads(examples.empty("image-generate", "zh", picture.PRESS, go))
    assert named["example"]["name"] == "image-generate.zh" and go.zh in named["example"]["says"] and go.zh in named["text"]
    assert json.loads(view(Verb.GENERATE).easel.value)["example"]["name"] == "image-generate.en"
    monkeypatch.setattr(home, "SHIPPED", tmp_path)
    assert json.loads(examples.empty("image-generate", "en", picture.PRESS, go)) == {"kind": "empty", "text": "Press “Generate”."}


def handed(v: View, **told: Any) -> dict[Any, Any]:
    return v.handed_on(None, cast(gr.EventData, types.SimpleNamespace(_data={"to": "edit", **told})))


def test_the_one_of_an_example_that_is_looked_at_can_be_gone_on_with() -> None:
    with gr.Blocks():
        at, newest = Page("en", cast(Any, None), cast(Any, None), ()), gr.State(None)
        first, other = (View(at, verb, newest) for verb in (Verb.GENERATE, Verb.EDIT))
        first.leads_on({"edit": other})
    sent = handed(first, example="image-generate.en", chosen=2)
    assert other.given is not None and sent[other.given.picture] == examples.picture("image-generate.en", 2)
    assert sent[other.given.picture] != examples.picture("image-generate.en", 0)
    for told in ({}, {"example": "image-generate.en"}, {"example": "image-generate.en", "chosen": 4}, {"chosen": 0}):
        with pytest.raises((gr.Error, Refusal)):
            handed(first, **told)

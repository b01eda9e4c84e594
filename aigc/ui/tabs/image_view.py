"""One verb of the Image tab: what is asked on the left, the easel on the right, and everything made on this visit below it."""

from __future__ import annotations

import html
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from aigc import outputs
from aigc.knobs import as_values, in_words, read
from aigc.pretrained import catalogue
from aigc.pretrained.image.asked import NEED_IMAGE, SETTINGS, TAKE_PROMPT, TASKS, Asked, Verb
from aigc.pretrained.image.habits import MINIATURE, OF_DIFFUSION, habits, silent
from aigc.ui import forms, stops, visits
from aigc.ui.chooser import Chooser, first_of
from aigc.ui.markup import esc
from aigc.ui.page import Page
from aigc.ui.studio import easel
from aigc.ui.tabs import examples, explore_files
from aigc.ui.tabs.explore_room import MODULE, QUIET, buttons
from aigc.ui.tabs.image_given import Given
from aigc.ui.tabs.image_schedulers import follow, offered
from aigc.ui.tabs.image_way import Way
from aigc.ui.telling import complaint, guarded, in_line, newest, said
from aigc.ui.text import picture as text
from aigc.ui.text.telling import RETURNED
from aigc.ui.zero_gpu import on_gpu
from aigc.words import Lang, Refusal, Words

if TYPE_CHECKING:
    from PIL.Image import Image

    from aigc.pretrained.fit import Setup
    from aigc.pretrained.image.make import Shot

MOST_KEPT = 16  # results of a visit
MOST_BYTES = 256 << 20  # of their pictures
QUOTED = 120  # letters of a prompt that the line under a picture quotes
LONG = 20.0  # seconds that are worth telling that they are still to come
SHOW_EVERY = 0.06  # seconds between two previews
BEAT = 2.0  # seconds between two previews that come through Gradio, which hears by them that nobody looks any more

EASEL_JS = f"""
{MODULE.format(file="easel.js")}.then(({{ Easel }}) => {{
  const place = element.querySelector(".aigc-easel");
  const easel = new Easel(place, JSON.parse(place.dataset.words), (index) => trigger('choose', {{ index }}));
  const show = () => props.value && easel.show(JSON.parse(props.value));
  watch("value", show);
  show();
}});
"""
HISTORY_JS = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-kept]");
  if (button) trigger('pick', { i: Number(button.dataset.kept) });
});
"""

SEND_JS = """
element.addEventListener("click", (event) => {
  const to = event.target.closest("[data-send]")?.dataset.send;
  if (!to) return;
  const { example, chosen } = element.closest(".aigc-result").querySelector(".aigc-easel").dataset;
  trigger('send', { to: window.aigc.sending = to, example, chosen: Number(chosen) });
});
"""
SENT_JS = "() => { window.aigc.open('image', window.aigc.sending); scrollTo({ top: 0 }); }"

PICTURES = on_gpu("aigc.pretrained.image.run:pictures", seconds=120)


@dataclass
class Kept:
    """One result, as it is kept while the page is open."""

    verb: Verb
    model: str
    setup: dict[str, Any]
    prompt: str
    negative: str
    values: dict[str, Any]  # of the form
    images: list[bytes]
    captions: list[str]
    notes: list[dict[str, Any]]  # how each was made, for its file
    facts: str
    inputs: dict[str, Any] = field(default_factory=dict)  # what it was made of; see Given.kept
    before: bytes | None = None
    chosen: int = 0
    cells: list[dict[str, Any]] = field(default_factory=list)  # of a grid: the values of each
    thumb: str = field(default="", repr=False)

    @property
    def place(self) -> int:
        """Of the picture that is looked at."""
        return min(self.chosen, len(self.images) - 1)


Outcome = tuple[Any, Any]  # what the easel shows, and what is kept of it


class View:
    def __init__(self, page: Page, verb: Verb, newest: gr.State):
        self.page, self.verb, self.newest = page, verb, newest
        self.history = visits.state(page)
        self.takers: dict[str, Given] = {}  # views that a picture can be handed on to
        t, name = page.t, verb.value
        with gr.Row(elem_classes=["aigc-train"], equal_height=False):
            with gr.Column(scale=0, min_width=300, elem_classes=["aigc-form"]):
                gr.HTML(f"<p>{t(text.SAYS[name])}</p>", elem_classes=["aigc-x-says"], padding=False)
                self._draw_form()
            with gr.Column(scale=1, min_width=300, elem_classes=["aigc-result"]):
                self._draw_result()
        self._wire()

    def _draw_form(self) -> None:
        t, name = self.page.t, self.verb.value
        self.given = Given(self.page, self.verb) if self.verb in NEED_IMAGE else None
        self.prompt = self.negative = None
        if self.verb in TAKE_PROMPT:
            self.prompt = prompt_box(self.page, name)
        first = first_model(self.verb)
        self.examples: gr.Row | None = None
        self.some: list[gr.Button] = []
        if self.verb is Verb.GENERATE:
            with gr.Row(elem_classes=["aigc-w-examples"], visible=first == MINIATURE) as self.examples:
                self.some = [gr.Button(some, size="sm", elem_classes=["aigc-begins"]) for some in text.SOME[self.page.lang]]
        offers = {"times": forms.Offer(text.TIMES_HELP, text.TIMES)}
        self.form = forms.draw(self.page.lang, SETTINGS[self.verb], values=habits(self.verb, first), after=self._more(), offers=offers)
        self.go, self.stop = buttons(self.page, text.GO[name], f"image-{name}-go-{self.page.lang}")
        self.another = (
            gr.Button(t(text.ANOTHER), size="sm", elem_classes=["aigc-begins"])
            if "seed" in self.form.widgets and self.verb is not Verb.UPSCALE
            else None
        )
        from aigc.ui.tabs.image_grid import GridFold

        self.grid = GridFold(self)
        for part, is_heard in self._heard(first).items():
            part.visible = is_heard
        self.chooser = Chooser(self.page, TASKS[self.verb], f"image-{name}")

    def _more(self) -> dict[str, Callable[[], None]]:
        """The negative prompt stands with how it is sampled."""

        def negative() -> None:
            t = self.page.t
            self.negative = gr.Textbox("", label=t(text.NEGATIVE), info=t(text.NEGATIVE_HELP), lines=1, max_length=2000)

        return {"first" if self.verb is Verb.UPSCALE else "sampling": negative} if self.verb in TAKE_PROMPT else {}

    def _heard(self, model: str) -> dict[Any, bool]:
        """Whether the model heeds them, of the parts of the form that not every model of this verb does."""
        if self.verb is not Verb.UPSCALE:
            return {}
        widgets, unheard = {**self.form.widgets, "prompt": self.prompt, "negative": self.negative}, silent(self.verb, model)
        return {**{widgets[name]: name not in unheard for name in OF_DIFFUSION}, self.grid.axes.fold: not unheard}

    def _draw_result(self) -> None:
        t = self.page.t
        self.easel = an_easel(self.page, self.verb.value)
        self.last = gr.State(None, time_to_live=visits.lasting(self.page))
        with gr.Row(elem_classes=["aigc-x-saves", "aigc-x-waits"]):
            explore_files.button(self.page, t(text.DOWNLOAD), saved, [self.last])
            self.sends = gr.HTML(ways_on(self.page.lang), js_on_load=SEND_JS, padding=False, elem_classes=["aigc-e-send"])
        gr.HTML(f'<p class="aigc-history-title">{esc(t(text.HISTORY))}</p>', padding=False)
        self.strip = gr.HTML(strip([], self.page.lang), js_on_load=HISTORY_JS, padding=False, elem_classes=["aigc-history-strip"])

    def _wire(self) -> None:
        inputs: set[Component] = {self.newest, self.history, *self.chooser.inputs, *self.form.inputs}
        words = {c for c in (self.prompt, self.negative) if c is not None}
        inputs |= words | (self.given.inputs if self.given else set())
        self.inputs = inputs
        made: list[Component] = [self.easel, self.last, self.newest, self.history, self.strip]
        pressed = [self.go.click, *([] if self.prompt is None else [self.prompt.submit])]
        # a press during a run ends it and begins another
        self.chooser.follows(gr.on(pressed, self.run, inputs, made, trigger_mode="multiple", **QUIET))
        if self.another is not None:
            seed = self.form.widgets["seed"]
            self.another.click(lambda: secrets.randbelow(2**31), None, seed, **QUIET).then(self.run, inputs, made, **QUIET)
        for button, some in zip(self.some, text.SOME[self.page.lang], strict=False):
            button.click(lambda some=some: some, None, self.prompt, **QUIET).then(self.run, inputs, made, trigger_mode="multiple", **QUIET)
        self.stop.click(self.stopped, None, None, **QUIET)
        following = {*self.form.inputs, *words, *self._heard(""), *([] if self.examples is None else [self.examples])}
        back = {self.easel, self.last, self.newest, *self.chooser.outputs, *following}
        back |= self.given.outputs if self.given else set()
        self.strip.pick(self.again, self.history, back, **QUIET)
        self.easel.choose(self.chosen, self.last, back, **QUIET)
        self.chooser.model.input(self.other_model, self.chooser.model, following, **QUIET)
        follow(self.form, self.chooser)
        if self.given:
            self.given.wire(self.newest, self.easel)
        self.grid.wire()
        visits.returns(self.page, f"image-{self.verb.value}", self.history, [self.easel, self.last, self.strip], self.returned)

    def leads_on(self, views: Mapping[str, View]) -> None:
        """The picture that stands here can be handed to every view that takes one, which then opens."""
        self.takers = {name: view.given for name, view in views.items() if view.given is not None}
        taken = {part for given in self.takers.values() for part in (given.picture, given.paint, given.painted) if part is not None}
        self.sends.send(self.handed_on, self.last, taken, **QUIET).success(None, None, None, js=SENT_JS, **QUIET)

    # the events
    def handed_on(self, kept: Kept | None, event: gr.EventData) -> dict[Any, Any]:
        to = self.takers.get(str(event._data.get("to"))) if isinstance(event._data, dict) else None
        shown = self._example(event) if kept is None else picked(kept)
        with forms.in_words(self.page.lang):
            if to is None or shown is None:
                raise Refusal(text.NOTHING_TO_SEND)
        return to.sent(shown)

    def _example(self, event: gr.EventData) -> Image | None:
        """The picture of the example that stands there, as long as nothing else does."""
        told = event._data if isinstance(event._data, dict) else {}
        return examples.picture(f"image-{self.verb.value}.{self.page.lang}", told.get("chosen")) if told.get("example") else None

    def run(self, given: dict[Component, Any], request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """One press of the button: the wait, every step, and the result, which joins the history.  The next press ends it."""
        stop = self.begun(request)
        kept: Kept | None = None
        for shown, kept in streamed(self.page.lang, lambda: self._made(given, stop), stop):
            if kept is None:
                yield gr.skip() if stop.unwanted else shown, *[gr.skip()] * 4
        if kept is not None:
            now = (gr.skip(), gr.skip()) if stop.unwanted else (shown, kept)
            yield *now, kept, *joined(kept, given[self.history], self.page.lang)

    def _made(self, given: dict[Component, Any], stop: threading.Event) -> Iterator[Outcome]:
        asked, (entry, setup) = self.asked(given), self.chooser.chosen(given)
        size = None
        for told in newest(PICTURES(asked, entry, stop=stop, setup=setup), SHOW_EVERY):
            if (waiting := waited(told, self.page.lang)) is not None:
                yield waiting, None
                continue
            shot: Shot = told  # type: ignore[assignment]
            size = shot.before.size if shot.before is not None and self.verb is not Verb.UPSCALE else size
            kept = kept_of(asked, entry.slug, setup, shot, self.page.lang, self.handed_in(given)) if shot.is_final else None
            yield shown(shot, kept, self.page.lang, size, self.verb in NEED_IMAGE), kept

    def asked(self, given: Mapping[Component, Any]) -> Asked:
        """What the form says.  Raises Refusal."""
        unheard = silent(self.verb, str(given[self.chooser.model] or ""))
        boxes = {"prompt": self.prompt, "negative": self.negative}
        words = {name: str(given[box] or "") for name, box in boxes.items() if box is not None and name not in unheard}
        pictures, texture = (self.given.pictures(given), self.given.textured(given)) if self.given else ({}, "")
        return Asked(self.verb, read(SETTINGS[self.verb], forms.values(self.form, given)), **words, **pictures, texture=texture)  # type: ignore[arg-type]

    def handed_in(self, given: Mapping[Component, Any]) -> dict[str, Any]:
        return self.given.kept(given) if self.given else {}

    def begun(self, request: gr.Request) -> stops.Stop:
        return stops.begun(self.verb.value, request)

    def stopped(self, request: gr.Request) -> None:
        stops.stopped(self.verb.value, request)

    def again(self, kept: list[Kept], evt: gr.EventData) -> dict[Any, Any]:
        """An older result: shown, and its settings in the form again."""
        i = evt._data.get("i") if isinstance(evt._data, dict) else None
        if not isinstance(i, int) or not 0 <= i < len(kept):
            return {self.last: gr.skip()}
        one = kept[i]
        back: dict[Any, Any] = {self.easel: reshown(one, self.page.lang), self.last: one, self.newest: one}
        return back | self._brought_back(one, one.values)

    def returned(self, kept: list[Kept]) -> dict[Any, Any]:
        """What stood there before the page was loaded again."""
        lang = self.page.lang
        return {self.easel: reshown(kept[0], lang, RETURNED), self.last: kept[0], self.strip: strip(kept, lang)}

    def chosen(self, kept: Kept | None, evt: gr.EventData) -> dict[Any, Any]:
        """One of several pictures, to be saved or worked on; of a grid the cell whose settings are wanted."""
        i = evt._data.get("index") if isinstance(evt._data, dict) else None
        if kept is None or not isinstance(i, int) or not 0 <= i < len(kept.cells or kept.images):
            return {self.last: gr.skip()}
        if kept.cells:
            return {self.easel: said(text.AGAIN, self.page.lang, chosen=i), **self._brought_back(kept, kept.cells[i])}
        kept.chosen = i
        return {self.last: kept}

    def _brought_back(self, one: Kept, values: Mapping[str, Any]) -> dict[Any, Any]:
        """The form as it was for a result, with these settings."""
        words = {self.prompt: one.prompt, self.negative: one.negative} if self.prompt is not None else {}
        back = self.given.back(one.inputs) if self.given else {}
        with forms.in_words(self.page.lang):
            return back | self.chooser.fill(one.model, one.setup) | self._filled(one.model, values, words)

    def other_model(self, model: Any) -> dict[Any, Any]:
        """The form follows the model: what it is best at, and the schedulers it admits."""
        slug = catalogue.slug(TASKS[self.verb], str(model or ""))
        return self._filled(slug, habits(self.verb, slug))

    def _filled(self, model: str, values: Mapping[str, Any], words: Mapping[Any, str] | None = None) -> dict[Any, Any]:
        """The form with these settings and prompts, and of them those that the model heeds."""
        updates: dict[Any, Any] = forms.fill(self.form, values) | {widget: gr.update(value=said) for widget, said in (words or {}).items()}
        updates |= offered(self.form, TASKS[self.verb], model, values.get("scheduler"))
        for part, is_heard in self._heard(model).items():
            updates[part] = {**updates.get(part, gr.update()), "visible": is_heard}
        return updates | ({} if self.examples is None else {self.examples: gr.update(visible=model == MINIATURE)})


# what the views share
def first_model(verb: Verb) -> str:
    first = first_of(TASKS[verb])
    return first.slug if first else ""


def prompt_box(page: Page, name: str) -> gr.Textbox:
    info = page.t(text.PROMPT_HELP[name]) if name in text.PROMPT_HELP else None
    return gr.Textbox(
        page.t(text.EXAMPLES[name]), label=page.t(text.PROMPT), info=info, lines=2, max_lines=6, max_length=2000, elem_classes=["aigc-prompt"],
        elem_id=f"image-{name}-prompt-{page.lang}",
    )  # fmt: skip


def an_easel(page: Page, name: str) -> gr.HTML:
    """An empty easel.  `.choose(...)` hears which of several pictures is chosen."""
    return gr.HTML(
        examples.empty(f"image-{name}", page.lang, text.PRESS, text.GO[name]),
        html_template=template("aigc-easel", text.EASEL, page.lang), js_on_load=EASEL_JS, padding=False, apply_default_css=False,
        elem_classes=["aigc-x-large", f"aigc-image-{name}"],
    )  # fmt: skip


def template(kind: str, words: Mapping[str, Words], lang: Lang) -> str:
    """An empty place for a script, with its words."""
    told = json.dumps({name: w[lang] for name, w in words.items()}, ensure_ascii=False)
    return f'<div class="aigc-panel aigc-x {kind}" data-words="{html.escape(told)}"></div>'


def streamed(lang: Lang, make: Callable[[], Iterator[Outcome]], stop: threading.Event, beat: float = BEAT) -> Iterator[Outcome]:
    """What `make` yields, as JSON for one press of the button; refusals and mistakes become a sentence above the picture.

    The page asks for its previews by itself (image_way.py); the first of them, the cells of a grid and one now and then
    come through Gradio.
    """
    way = Way(stop)

    def run() -> Iterator[Outcome]:
        due = 0.0
        for payload, kept in make():
            told = way.tell(payload) if payload else gr.skip()
            is_step = kept is None and payload is not None and payload["kind"] != "grid" and "progress" in payload
            if is_step and time.monotonic() < due:
                continue
            due = time.monotonic() + beat if is_step else due
            yield told, kept

    yield way.tell({"kind": "same", "busy": True, "status": text.STARTING[lang]}), None
    yield from guarded(run, lambda words: (complaint(words, lang, go=way.go), None))


def waited(told: Any, lang: Lang) -> easel.Payload | None:
    words = in_line(told)
    return {"kind": "same", "busy": True, "status": words[lang]} if words else None


def shown(shot: Shot, kept: Kept | None, lang: Lang, size: tuple[int, int] | None, partly: bool) -> easel.Payload:
    """A shot for the easel; a finished one with its facts."""
    captions = [text.SEED.fill(seed=seed)[lang] for seed in shot.seeds]
    if not shot.index and not shot.images:  # the first step is on its way: what stands there stays
        return {"kind": "same", "busy": True, "status": status_of(shot)[lang]}
    if kept is None:
        items, share = easel.pictures(shot.images, captions, size, partly), shot.index / max(1, shot.count)
        return {"kind": "pictures", "items": items, "index": shot.index, "busy": True, "status": status_of(shot)[lang], "progress": share}
    items = easel.pictures(shot.images, captions, partly=partly)
    before = easel.address(shot.before) if shot.before is not None else None
    about = {"status": status_of(shot)[lang], "made": True, "facts": kept.facts, "notes": [words[lang] for words in shot.notes]}
    return {"kind": "pictures", "items": items, "before": before, "busy": False, **about}


def status_of(shot: Shot) -> Words:
    if shot.is_final:
        return text.DONE.fill(what=text.pictures(len(shot.images)), seconds=text.seconds(shot.seconds))
    if not shot.index:
        return text.FIRST_STEP
    line = text.BUSY.fill(i=shot.index, n=max(shot.index, shot.count), pace=text.seconds(shot.pace))
    left = shot.pace * (shot.count - shot.index)
    return text.LEFT.fill(line=line, left=text.long(left)) if left >= LONG else line


def kept_of(asked: Asked, model: str, setup: Setup, shot: Shot, lang: Lang, inputs: dict[str, Any]) -> Kept:
    from aigc.pretrained.image.make import note

    return Kept(
        asked.verb, model, as_values(setup), asked.prompt, asked.negative, as_values(asked.settings),
        images=[easel.png(image) for image in shot.images],
        captions=[text.SEED.fill(seed=seed)[lang] for seed in shot.seeds],
        notes=[note(asked, model, shot, i) for i in range(len(shot.images))],
        facts=facts_of(asked, model, shot, lang),
        inputs=inputs,
        before=easel.png(easel.shrunk(shot.before)) if shot.before is not None else None,
        thumb=easel.thumb(shot.images[0], asked.verb in NEED_IMAGE),
    )  # fmt: skip


def reshown(kept: Kept, lang: Lang, status: Words = text.AGAIN) -> str:
    images = [easel.opened(data) for data in kept.images]
    before = easel.address(easel.opened(kept.before)) if kept.before else None
    items = easel.pictures(images, kept.captions, partly=kept.verb in NEED_IMAGE)
    payload = {"kind": "pictures", "items": items, "before": before, "made": True, "facts": kept.facts}
    return json.dumps({**payload, "busy": False, "status": status[lang]}, ensure_ascii=False)


def facts_of(asked: Asked, model: str, shot: Shot, lang: Lang, without: tuple[str, ...] = ()) -> str:
    """Everything that was set, in a line; of several pictures each has its own seed, which the easel tells beside it."""
    parts = made_with(asked, model, shot.images[0].size, lang, (*without, *shot.silent))
    return " · ".join([*parts, *([text.A_STEP.fill(pace=text.seconds(shot.pace))[lang]] if shot.count else [])])


def made_with(asked: Asked, model: str, size: tuple[int, int], lang: Lang, without: tuple[str, ...] = ()) -> list[str]:
    """Words, model, settings, and where it is loaded, as long as this process knows."""
    from aigc.pretrained import shelf

    told_anyway = ("width", "height", "times", "count")
    words = [quoted(asked.prompt)] * bool(asked.prompt.strip())
    words += [f"{text.NEGATIVE[lang]} {quoted(asked.negative)}"] * bool(asked.negative.strip())
    words += [f"{text.STYLE_PICTURE[lang]} {style_of(asked)[lang]}"] * (asked.style is not None)
    loaded = [f"{held.device.upper()} {held.dtype}" for held in shelf.held() if held.slug == model]
    settings = in_words(asked.settings, lang, (*told_anyway, *without))
    return [*words, f"{text.MODEL[lang]} {model}", f"{size[0]} × {size[1]}", *settings, *loaded]


def style_of(asked: Asked) -> Words:
    from aigc.pretrained.textures import TEXTURES

    return TEXTURES[asked.texture][0] if asked.texture else text.OWN_STYLE


def quoted(words: str) -> str:
    """The beginning of a prompt: the whole is in the form, in what is saved and under "use these again"."""
    whole = " ".join(words.split())
    return f"“{whole if len(whole) <= QUOTED else whole[: QUOTED - 1].rstrip() + '…'}”"


def picked(kept: Kept) -> Image:
    """The one of its pictures that is looked at."""
    return easel.opened(kept.images[kept.place])


def ways_on(lang: Lang) -> str:
    """A button for every view that takes a picture."""
    buttons = "".join(f'<button type="button" data-send="{verb.value}">{esc(text.VIEWS[verb.value][lang])}</button>' for verb in NEED_IMAGE)
    heads = ((text.GO_ON, "aigc-e-own"), (text.GO_ON_EXAMPLE, "aigc-e-others"))
    return "".join(f'<span class="{whose}">{esc(words[lang])}</span>' for words, whose in heads) + buttons


def joined(kept: Kept, history: list[Kept], lang: Lang) -> tuple[list[Kept], str]:
    """The history with one more, and its strip.  The list itself grows: another result may be on its way into it."""
    history.insert(0, kept)
    del history[MOST_KEPT:]
    while len(history) > 1 and sum(len(image) for one in history for image in one.images) > MOST_BYTES:
        history.pop()
    return history, strip(history, lang)


def strip(kept: list[Kept], lang: Lang) -> str:
    """Thumbnails of what was made in a view, newest first."""
    buttons = "".join(
        f'<button type="button" data-kept="{i}" title="{esc(one.facts)}"><img src="{one.thumb}" alt="{esc(one.prompt or one.facts)}"></button>'
        for i, one in enumerate(kept)
    )
    return f'<div class="aigc-history">{buttons or f"<p>{esc(text.HISTORY_EMPTY[lang])}</p>"}</div>'


def saved(kept: Kept | None) -> Any:
    """The chosen picture as a file, which says that it was generated and how.  Raises Refusal."""
    if kept is None:
        raise Refusal(text.NOTHING_YET)
    note = kept.notes[min(kept.place, len(kept.notes) - 1)]
    name = f"{kept.verb.value}-{note.get('seed') or 0}.png"
    return outputs.picture(picked(kept), made=True, note=note, name=name, partly=kept.verb in NEED_IMAGE)

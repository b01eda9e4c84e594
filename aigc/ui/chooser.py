"""Which pretrained model a tab runs: a list with sizes, what each is and needs, its download, and how it is to be loaded.

    chooser = Chooser(page, Task.CHAT)                          # draws itself where the caller's layout stands
    run.click(answer, chooser.inputs | {prompt}, output)        # a set: the handler gets one dict

    def answer(given):
        with forms.in_words(page.lang):
            entry, setup = chooser.chosen(given)                # raises Refusal: no such model, or not on a public page
            ... shelf.lent(entry, load, stop, waiting, setup)   # raises Refusal "download it first" where it is not here

`chooser.model.change(...)` hears of another choice.  `chooser.fill(model, setup)` gives the updates for "use these again"; its
keys are in `chooser.outputs`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import gradio as gr
from gradio.components import Component

from aigc.data.remote import endpoint, mirror, set_mirror
from aigc.data.sources import in_bytes
from aigc.knobs import Switch, read
from aigc.pretrained import hub
from aigc.pretrained.catalogue import Entry, Task, find, rows
from aigc.pretrained.fit import AUTOMATIC, OF_PIPELINES, Setup, impossible
from aigc.ui import forms, gallery
from aigc.ui.arrivals import Arrival, Arrivals, Looks
from aigc.ui.markup import esc
from aigc.ui.page import QUIET, Page
from aigc.ui.text import chooser as text
from aigc.words import Refusal, Words

SHOWN_JS = "trigger('click'); import(new URL('aigc/static/fold.js', document.baseURI).href).then(({ fold }) => fold(element, %s))"
FACTS_JS = """
let isOpen = false; // by hand: it stays so when the facts change
element.addEventListener("click", ({ target }) => {
  const fold = target.closest("summary")?.parentNode;
  if (fold) isOpen = !fold.open;
});
new MutationObserver(() => {
  const fold = element.querySelector("details");
  if (isOpen && fold?.open === false) fold.open = true;
}).observe(element, { childList: true, subtree: true, attributes: true, attributeFilter: ["open"] });
"""
PUBLIC_DOWNLOAD = 2 * 10**9  # bytes that a stranger may have fetched here

ARRIVALS, LOOKS = Arrivals(), Looks()


class Chooser:
    """The models for one task."""

    def __init__(self, page: Page, task: Task, name: str = "", anew: bool = False):
        """`name`: of this one on the page, where several choose for the same task.

        `anew`: a page that is opened starts with the first model that is here by then; its form follows `opened` where it has to.
        """
        self.page, self.task, self.anew, t = page, task, anew, page.t
        name = name or task.value
        self.first = first = first_of(task)
        self.model = gr.Dropdown(
            self.choices(),
            value=first.slug if first else None,
            label=t(text.MODEL),
            info=t(text.MODEL_INFO_PUBLIC if page.public else text.MODEL_INFO),
            allow_custom_value=not page.public,
            filterable=not page.public,
            elem_id=f"model-{name}",
            elem_classes=["aigc-model"],
        )
        # Tells the server that somebody looks: what fits is asked of the machine only then.
        self.shown = gr.HTML("", js_on_load=SHOWN_JS % json.dumps(t(text.SETTINGS)), elem_classes=["aigc-opener"])
        facts = self._facts(first) if first else self._nothing()
        self.facts = gr.HTML(facts, js_on_load=FACTS_JS, elem_id=f"model-facts-{name}", elem_classes=["aigc-model-facts"])
        with gr.Row(elem_classes=["aigc-buttons"]):
            self.get = gr.Button(visible=False, variant="primary", size="sm", elem_id=f"model-download-{name}")
            self.cancel = gr.Button(t(text.CANCEL), visible=False, size="sm", elem_id=f"model-cancel-{name}")
            self.unload = gr.Button(visible=False, size="sm", elem_id=f"model-unload-{name}")
        self.form = forms.Form(page.lang, {})
        self.mirror: gr.Textbox | None = None
        if not page.public:
            with gr.Accordion(t(text.MORE), open=False, elem_classes=["aigc-fold"]):
                self.mirror = gr.Textbox(mirror(), label=t(text.MIRROR), info=t(text.MIRROR_INFO), placeholder=endpoint(), max_lines=1)
                self.form = forms.draw(page.lang, Setup, fold=False, skip=_for_none(task))
                for widget, update in self._possible(first.slug if first else "").items():
                    widget.visible = update["visible"]
        self.timer = gr.Timer(0.6, active=False)
        self._wire()

    @property
    def inputs(self) -> set[Component]:
        return {self.model} | self.form.inputs

    @property
    def outputs(self) -> set[Component]:
        return {self.model, self.facts, self.get, self.cancel, self.unload, self.timer} | self.form.inputs

    def chosen(self, given: Mapping[Any, Any]) -> tuple[Entry, Setup]:
        """What an event's dict says.  Raises Refusal."""
        return find(self.task, str(given[self.model] or ""), self.page.public), self._setup(given)

    def fill(self, model: str, setup: Mapping[str, Any] | None = None) -> dict[Any, Any]:
        """The updates that make the chooser show a model and a setup.  Raises Refusal."""
        entry = find(self.task, model, self.page.public)
        filled: dict[Any, Any] = forms.fill(self.form, dict(setup or {}))
        for widget, update in self._possible(entry.slug).items():
            filled[widget]["visible"] = update["visible"]
        return {**self._shown(entry, read(Setup, dict(setup or {}))), self.model: entry.slug, **filled}

    def choices(self) -> list[tuple[str, str]]:
        """Titles, with the size of what is not here."""
        return [(self.page.t(e.title) + ("" if hub.here(e) else f" · {in_bytes(e.download_bytes)}"), e.slug) for e in rows(self.task)]

    def _wire(self) -> None:
        self.opened = self.shown.click(self._opened, self.inputs, self.outputs, **QUIET)  # type: ignore[attr-defined]
        self.model.focus(lambda: gr.update(choices=self.choices()), None, self.model, **QUIET)  # the list as it is when it is opened
        for event in (self.model.input, self.timer.tick):
            event(self._turned_to, self.inputs, self.outputs, **QUIET)
        if settings := self._possible(""):
            self.model.input(self._possible, self.model, set(settings), **QUIET)
        for widget in self.form.inputs:
            widget.input(self._turned_to, self.inputs, self.outputs, **QUIET)  # type: ignore[attr-defined]
        self.get.click(self._fetched, self.inputs, self.outputs, **QUIET)
        self.cancel.click(self._cancelled, self.inputs, self.outputs, **QUIET)
        self.unload.click(self._unloaded, self.inputs, self.outputs, **QUIET)
        if self.mirror is not None:
            self.mirror.submit(self._mirrored, self.mirror, None, **QUIET)
            self.mirror.blur(self._mirrored, self.mirror, None, **QUIET)

    def follows(self, run: Any) -> None:
        """Once `run` is over, what it loaded is shown as loaded."""
        run.then(self._turned_to, self.inputs, self.outputs, **QUIET)

    # the events
    def _opened(self, given: dict[Component, Any]) -> dict[Any, Any]:
        """The page was drawn when the server began: another model may have come since."""
        first = first_of(self.task)
        if not self.anew or not self.first or not first or given[self.model] != self.first.slug or hub.here(self.first):
            return self._turned_to(given)
        with forms.in_words(self.page.lang):
            filled = self.fill(first.slug)
        return filled | {self.model: gr.update(choices=self.choices(), value=first.slug)}

    def _turned_to(self, given: dict[Component, Any]) -> dict[Any, Any]:
        with forms.in_words(self.page.lang):
            return self._shown(*self.chosen(given))

    def _fetched(self, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        with forms.in_words(self.page.lang):
            entry, setup = self.chosen(given)
            if self.page.public and entry.download_bytes > PUBLIC_DOWNLOAD:
                raise Refusal(text.TOO_LARGE_HERE, size=in_bytes(PUBLIC_DOWNLOAD))
            ARRIVALS.ask(entry, self.page.owner(request))
            return self._shown(entry, setup)

    def _cancelled(self, given: dict[Component, Any], request: gr.Request) -> dict[Any, Any]:
        with forms.in_words(self.page.lang):
            entry, setup = self.chosen(given)
            ARRIVALS.cancel(entry.slug, self.page.owner(request))
            return self._shown(entry, setup)

    def _unloaded(self, given: dict[Component, Any]) -> dict[Any, Any]:
        from aigc.pretrained import shelf

        with forms.in_words(self.page.lang):
            entry, setup = self.chosen(given)
            if not self.page.public:
                shelf.unload(entry.slug)
            return self._shown(entry, setup)

    def _mirrored(self, address: str) -> None:
        with forms.in_words(self.page.lang):
            if not self.page.public and address.strip().rstrip("/") != mirror():
                set_mirror(address)
                gr.Info(esc(self.page.t(text.MIRRORED.fill(host=endpoint()))))

    def _possible(self, model: Any) -> dict[Any, Any]:
        """Settings that not every model takes vanish with one that does not, and are left to the machine then."""
        try:
            unfit = impossible(find(self.task, str(model or ""), self.page.public))
        except Refusal:
            unfit = ()
        widgets = {name: self.form.widgets[name] for name in OF_PIPELINES if name in self.form.widgets}
        hidden = gr.update(visible=False, value=Switch.AUTO.value)
        return {widget: hidden if name in unfit else gr.update(visible=True) for name, widget in widgets.items()}

    # what they show
    def _shown(self, entry: Entry, setup: Setup) -> dict[Any, Any]:
        from aigc.pretrained import shelf

        arrival, is_here = ARRIVALS.of(entry.slug), hub.here(entry) is not None
        arriving = arrival is not None and not arrival.over and not is_here
        looked = LOOKS.at(entry) if entry.own and not is_here and not arriving and not hub.is_off() else entry
        entry = looked if isinstance(looked, Entry) else entry
        loaded = next((held for held in shelf.held() if held.slug == entry.slug), None)
        return {
            self.model: gr.update(choices=self.choices()),
            self.facts: self._progress(arrival) if arrival and arriving else self._card(entry, looked, setup, arrival),
            self.get: gr.update(
                value=self.page.t(_to_fetch(entry)), visible=not is_here and not arriving and isinstance(looked, Entry) and not hub.is_off()
            ),
            self.cancel: gr.update(visible=arriving),
            self.unload: gr.update(
                value=self.page.t(text.UNLOAD.fill(size=in_bytes(loaded.bytes))) if loaded else "",
                visible=loaded is not None and not self.page.public,
            ),
            self.timer: gr.Timer(active=arriving or looked is None),
        }

    def _card(self, entry: Entry, looked: Entry | Words | None, setup: Setup, arrival: Arrival | None) -> str:
        if looked is None:
            return f'<div class="aigc-model-state"><p>{esc(self.page.t(text.STARTING.fill(host=_host())))}</p><progress></progress></div>'
        refused = looked if isinstance(looked, Words) else arrival.failed if arrival else None
        return self._facts(entry, setup, refused)

    def _progress(self, arrival: Arrival) -> str:
        t, told = self.page.t, arrival.progress
        if told is None or not told.total:
            return f'<div class="aigc-model-state"><p>{esc(t(text.STARTING.fill(host=_host())))}</p><progress></progress></div>'
        words = t(text.FETCHING.fill(title=arrival.entry.title, done=in_bytes(told.done), total=in_bytes(told.total)))
        if (left := arrival.seconds_left) is not None:
            words += " · " + t(text.LEFT.fill(left=_duration(left)))
        return f'<div class="aigc-model-state"><p>{esc(words)}</p><progress max="{told.total}" value="{told.done}"></progress></div>'

    def _facts(self, entry: Entry, setup: Setup | None = None, refused: Words | None = None) -> str:
        """All there is to know of a model; where nothing stands in its way in one line, the rest a click away.

        `setup` None: the machine is not asked yet.
        """
        t = self.page.t
        pairs: list[tuple[Words, str]] = [
            (text.EXPECT, t(entry.expect)),
            (text.LICENCE, t(entry.licensed)),
            (text.LANGUAGES, (", " if self.page.lang == "en" else "、").join(t(text.LANGUAGE[x]) for x in entry.languages)),
            (text.SIZE, t(_size(entry))),
            (text.MEMORY, t(_memory(entry))),
        ]
        bad, is_plain = "", True
        short = [text.WITH_US if entry.shipped else text.HERE]
        if setup is not None:
            words, disk, fits, takes = self._fit(entry, setup)
            pairs += [(text.DISK, disk), (text.FITS, t(words))] if fits else [(text.DISK, disk)]
            bad = "" if fits else f'<p class="aigc-bad">{esc(t(words))}</p>'
            is_plain, short = not warns(words), [text.FITS_HERE, *takes, *short]
        if refused:
            bad += f'<p class="aigc-bad">{esc(t(refused))}</p>'
        if not hub.here(entry) and hub.is_off():
            bad += f'<p class="aigc-bad">{esc(t(text.OFF))}</p>'
        whole = gallery.facts(pairs, self.page.lang) + self._from(entry) + bad
        if bad or not is_plain or not hub.here(entry):
            return whole
        return f"<details><summary>{esc(' · '.join(t(words) for words in short))}</summary>{whole}</details>"

    def _fit(self, entry: Entry, setup: Setup) -> tuple[Words, str, bool, list[Words]]:
        """What is said of it, the free disk, whether it fits, and what it takes, in short, if that is known."""
        from aigc.pretrained import shelf
        from aigc.pretrained.fit import explained, fit

        held = next((h for h in shelf.held() if h.slug == entry.slug and h.setup == setup), None)
        found = fit(entry, setup, spare=shelf.idle_bytes)
        words, takes = found.words, [text.TAKES.fill(size=in_bytes(found.need))] if found.need else []
        if held:
            takes = [text.LOADED.fill(size=in_bytes(held.bytes))]
            loaded = text.IN_MEMORY.fill(size=in_bytes(held.bytes), device=held.device.upper(), dtype=held.dtype)
            words = explained(entry, setup, held.how, loaded)
        return words, in_bytes(found.disk_free), found.fits or held is not None, takes

    def _from(self, entry: Entry) -> str:
        if entry.shipped:
            return f'<p class="aigc-note">{esc(self.page.t(text.COMES_ALONG))}</p>'
        page = f"https://huggingface.co/{entry.repo}"
        return f'<p class="aigc-note"><a href="{esc(page)}" target="_blank" rel="noopener">{esc(entry.repo)}</a></p>'

    def _nothing(self) -> str:
        return f'<p class="aigc-note">{esc(self.page.t(text.NO_MODEL))}</p>'

    def _setup(self, given: Mapping[Any, Any]) -> Setup:
        return AUTOMATIC if self.page.public else read(Setup, forms.values(self.form, given))


def _for_none(task: Task) -> list[str]:
    """Settings that no model for this task can take."""
    known = rows(task)
    return [name for name in OF_PIPELINES if all(name in impossible(entry) for entry in known)]


def first_of(task: Task) -> Entry | None:
    """Which model a chooser starts with: the first that is here, else the first there is."""
    known = rows(task)
    return next((e for e in known if hub.here(e)), known[0] if known else None)


def warns(words: Words) -> bool:
    """Whether what is said of a model that fits is a warning too."""
    from aigc.pretrained.fit import NARROW, SLOW

    return any(warning.en.removeprefix("{fit} ") in words.en for warning in (SLOW, NARROW))


def _memory(entry: Entry) -> Words:
    if not entry.cpu_bytes and not entry.gpu_bytes:
        return Words("", "")
    told = {"cpu": in_bytes(entry.cpu_bytes), "gpu": in_bytes(entry.gpu_bytes)}
    return (text.NEEDS if entry.cpu_bytes else text.NEEDS_GPU).fill(**told)


def _size(entry: Entry) -> Words:
    """What a download brings, and what of it is here."""
    if hub.here(entry):
        return text.IS_HERE
    size = in_bytes(entry.download_bytes) if entry.download_bytes else ""
    left = _rest(entry)
    return text.PARTLY_HERE.fill(size=size, here=in_bytes(entry.download_bytes - left)) if left else Words(size, size)


def _to_fetch(entry: Entry) -> Words:
    """What the button says: one that was cut goes on where it was."""
    if not entry.download_bytes:
        return text.DOWNLOAD_UNKNOWN
    left = _rest(entry)
    return text.DOWNLOAD_REST.fill(left=in_bytes(left)) if left else text.DOWNLOAD.fill(size=in_bytes(entry.download_bytes))


def _rest(entry: Entry) -> int:
    """Bytes still to come of a download that was cut; 0 where none was begun, or none is needed."""
    left = hub.to_come(entry)
    return left if left < entry.download_bytes else 0


def _duration(seconds: float) -> Words:
    return text.MINUTES.fill(n=round(seconds / 60)) if seconds >= 90 else text.SECONDS.fill(n=max(1, round(seconds)))


def _host() -> str:
    return urlsplit(endpoint()).netloc

"""What the views of the Text tab share: the panel that shows a text token by token, and the way a run streams into it."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

import gradio as gr

from aigc.knobs import in_words
from aigc.pretrained import catalogue, hub
from aigc.pretrained.catalogue import Task
from aigc.pretrained.text.asked import Method, Settings
from aigc.ui.chooser import Chooser
from aigc.ui.forms import Form
from aigc.ui.page import Page
from aigc.ui.tabs import examples
from aigc.ui.tabs.explore_room import MODULE, QUIET
from aigc.ui.telling import in_line, said
from aigc.ui.text import writing as text
from aigc.words import Lang, Refusal

if TYPE_CHECKING:
    from aigc.pretrained.text.writing import Draft, Token

SHOW_EVERY = 0.08  # seconds between two looks at a text on its way
OF_LOTS = ("seed", "top_k", "top_p", "min_p")  # settings without a say at temperature 0, where no lots are drawn
Payload = dict[str, Any]  # what static/writing.js understands; see its head

PANEL_JS = f"""
{MODULE.format(file="writing.js")}.then(({{ Writing }}) => {{
  const place = element.querySelector(".aigc-writing");
  const writing = new Writing(place, JSON.parse(place.dataset.words), {{
    chosen: (i) => trigger('choose', {{ i }}),
    onward: (from) => trigger('onward', from),
  }});
  const show = () => props.value && writing.show(JSON.parse(props.value));
  watch("value", show);
  show();
}});
"""


def panel(page: Page, name: str) -> gr.HTML:
    """An empty panel of the view `name`.  `.choose(...)` hears which cell of a grid is chosen."""
    words = json.dumps({key: w[page.lang] for key, w in text.PANEL.items()}, ensure_ascii=False)
    template = f'<div class="aigc-panel aigc-x aigc-writing aigc-writing-{name}" data-words="{html.escape(words)}"></div>'
    return gr.HTML(
        examples.empty(f"text-{name}", page.lang, text.PRESS, text.GO[name]),
        html_template=template, js_on_load=PANEL_JS, padding=False, apply_default_css=False,
        elem_classes=["aigc-x-large"],
    )  # fmt: skip


def follow_window(form: Form, chooser: Chooser, task: Task) -> None:
    """The help of the length tells how much the chosen model can see, once its files are here; its facts change by then."""
    knob, lang = form.knobs["length"], form.lang

    def told(model: Any) -> Any:
        n = window_of(task, str(model or ""))
        is_small = n is not None and knob.high is not None and n <= knob.high
        return gr.update(info=text.LIMIT.fill(help=knob.help, n=f"{n:,}")[lang] if is_small else knob.help[lang])

    chooser.facts.change(told, chooser.model, form.widgets["length"], **QUIET)


def window_of(task: Task, model: str) -> int | None:
    """Tokens that a model sees at once, by the settings among its files; None where these are not here, or do not say."""
    try:
        folder = hub.here(catalogue.find(task, model))
        settings = json.loads((folder / "config.json").read_text(encoding="utf-8")) if folder else {}
    except (Refusal, OSError, ValueError):
        return None
    from aigc.pretrained.text.kit import WINDOWS

    found = (settings.get("text_config", settings).get(name) for name in WINDOWS)
    return next((n for n in found if isinstance(n, int) and n > 0), None)


def shown(payload: Payload) -> str:
    return json.dumps(payload, ensure_ascii=False)


def waited(result: Any, lang: Lang) -> str | None:
    """The line above the text while a run is in line; None once there is something to show."""
    words = in_line(result)
    return said(words, lang, busy=True) if words else None


def column(draft: Draft, lang: Lang, head: str = "", facts: str = "") -> Payload:
    """A draft as a column of the panel; alternatives go along once it has ended."""
    tokens = [_token(t, draft.is_final) for t in draft.tokens]
    by_itself = bool(draft.tokens) and draft.is_final and not draft.tokens[-1].text
    whole = {"head": head, "title": draft.title, "before": draft.before, "tokens": tokens, "ended": by_itself, "facts": facts}
    return whole | ({"form": form(draft.whole, lang)} if draft.is_final else {})


def tokens_of(tokens: tuple[Token, ...]) -> list[Any]:
    return [_token(t, True) for t in tokens]


def _token(t: Token, whole: bool) -> list[Any]:
    rounded = None if t.p is None else float(f"{t.p:.4g}")
    if not whole:
        return [t.text, rounded, t.rank, None]
    others = [
        [o.text, float(f"{o.p:.4g}"), None if t.shaped is None else float(f"{o.shaped:.4g}"), *([] if o.is_text else [False])] for o in t.others
    ]
    return [t.text, rounded, t.rank, t.shaped, others]


def form(whole: str, lang: Lang) -> Payload | None:
    """The rules of a quatrain, where this is Chinese verse."""
    from aigc.pretrained.text.verse_form import NOTE, judged

    verdict = judged(whole)
    if verdict is None:
        return None
    says = text.FORM_KEPT if verdict.kept else text.FORM_BROKEN
    rules = [[rule.words[lang], rule.kept] for rule in verdict.rules]
    return {"kept": verdict.kept, "says": f"{text.FORM[lang]}{': ' if lang == 'en' else '：'}{says[lang]}", "rules": rules, "note": NOTE[lang]}


def pace_of(draft: Draft, lang: Lang) -> str:
    pace = max(draft.pace, 1e-6)
    rate = f"{1 / pace:.0f}" if pace <= 0.1 else f"{1 / pace:.1f}"
    return text.PACE.fill(ms=1000 * pace, rate=rate, first=draft.first)[lang]


def facts_of(draft: Draft, settings: Settings, model: str, lang: Lang, without: tuple[str, ...] = ()) -> str:
    """Everything that was set, and how fast it went, in a line."""
    return " · ".join([*settings_of(settings, model, lang, without), pace_of(draft, lang)])


def settings_of(settings: Settings, model: str, lang: Lang, without: tuple[str, ...] = ()) -> list[str]:
    unheard = OF_LOTS if settings.temperature == 0 and "temperature" not in without else ()  # where it is, a grid has others
    return [f"{text.MODEL[lang]} {model}", *in_words(settings, lang, (*without, *unheard))]


def silent(*methods: Method) -> tuple[str, ...]:
    """Settings of Continue that none of these methods listens to."""
    drawn = {"temperature", *OF_LOTS}
    deaf = {Method.BEAM: drawn, Method.GREEDY: {"beams", *drawn}, Method.SAMPLE: {"beams"}}
    return tuple(set.intersection(*(deaf[method] for method in methods)))


def status_of(draft: Draft, lang: Lang) -> str:
    if draft.ended is not None:
        return text.DONE.fill(n=len(draft.tokens), seconds=draft.seconds, why=draft.ended)[lang]
    if len(draft.tokens) == 1:  # its time is that of the reading
        return text.FIRST.fill(n=draft.count)[lang]
    return text.WRITING.fill(i=len(draft.tokens), n=draft.count, pace=1000 * draft.pace)[lang]

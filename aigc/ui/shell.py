"""The page: its frame and its list of tabs, once in each language."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import gradio as gr

from aigc.techniques import techniques
from aigc.ui import fair, quick
from aigc.ui.document import ADDRESS
from aigc.ui.machine import Watch
from aigc.ui.page import Page
from aigc.ui.tabs import arena, data, evaluate, home, image, models, technique
from aigc.ui.tabs import text as text_tab
from aigc.ui.text import shell as text
from aigc.words import Lang

if TYPE_CHECKING:
    from aigc.jobs.supervisor import Supervisor

DRAWN = {"home": home, "data": data, "text": text_tab, "image": image, "models": models, "evaluate": evaluate, "arena": arena}
HANDLERS = 160  # at a time; a pretrained run keeps one while it waits for its model, and its Stop must find another
SESSIONS = 1000  # whose States are kept; beyond, those of whoever pressed something longest ago go
TEMPORARY = (3600, 24 * 3600)  # seconds: how often Gradio looks for old files it made, and how old they must be


def build(supervisor: Supervisor, *, watch: Watch | None = None, public: bool = False, single_user: bool = True) -> gr.Blocks:
    """The English page at "/", the Chinese one at "/zh"; they share nothing but the supervisor."""
    watch = watch or Watch()
    quick.light_sessions()
    quick.brief_log()
    names = ("home", "data", *techniques(), "text", "image", "models", "evaluate", "arena")
    with quick.drawing():
        with gr.Blocks(title=text.NAME.en, analytics_enabled=False, delete_cache=TEMPORARY) as demo:
            _draw(Page("en", supervisor, watch, names, public=public, single_user=single_user))
        with demo.route(text.OTHER_LANGUAGE.en, "/zh", show_in_navbar=False):
            _draw(Page("zh", supervisor, watch, names, public=public, single_user=single_user))
        demo.max_threads = HANDLERS
        demo.state_session_capacity = SESSIONS
        demo.queue()
    fair.take_turns(demo, public)
    return demo


def _draw(page: Page) -> None:
    gr.Navbar(visible=False)
    gr.HTML(_header(page), elem_id="aigc-header", padding=False)
    with gr.Tabs(elem_id="tabs", selected="home"):
        for name in page.tabs:
            info = techniques().get(name)
            with gr.Tab((info.title if info else text.TABS[name])[page.lang], id=name, elem_id=f"tab-{name}") as tab:
                if info:
                    technique.draw(page, info)
                else:
                    DRAWN[name].draw(page)
            tab.select(None, js=f"() => aigc.went('{name}')", api_visibility="private", queue=False)


def _header(page: Page) -> str:
    other: Lang = "en" if page.lang == "zh" else "zh"
    told = " ".join(f'data-{name}="{html.escape(words[page.lang])}"' for name, words in text.THEMES.items())
    theme = html.escape(text.THEME[page.lang])
    refusals = {"no-picture": text.NO_PICTURE, "wrong-file": text.WRONG_FILE, "refused": text.REFUSED, "note": text.NOTE}
    refused = " ".join(f'data-{name}="{html.escape(words[page.lang])}"' for name, words in refusals.items())
    return f"""<header class="aigc-header" {refused}>
<a class="aigc-skip" href="#tabs">{html.escape(text.SKIP[page.lang])}</a>
<a class="aigc-name" href="{page.home}?tab=home">{_mark()}<span>{html.escape(text.NAME[page.lang])}</span></a>
<p class="aigc-sentence">{html.escape(text.SENTENCE[page.lang])}</p>
<span class="aigc-brief" data-aigc-now="brief"><span>{html.escape(page.watch.machine.brief[page.lang])}</span></span>
<button id="aigc-theme" type="button" {told} title="{theme}" aria-label="{theme}">{SUN}</button>
<a id="aigc-lang" href="{ADDRESS[other]}?lang={other}" data-lang="{other}" hreflang="{other}" lang="{other}"
 title="{html.escape(text.SWITCH[page.lang])}">{text.OTHER_LANGUAGE[page.lang]}</a>
</header>"""


def _mark() -> str:
    """Noise on the left, an image on the right."""

    def squares(role: str, *places: tuple[int, int]) -> str:
        return f'<g fill="var(--aigc-{role})">' + "".join(f'<rect x="{x}" y="{y}" width="4" height="4"/>' for x, y in places) + "</g>"

    noise = squares("noise", (1, 1), (1, 12), (6, 7), (6, 18))
    image = squares("generated", (13, 1), (18, 1), (18, 7), (13, 12), (13, 18), (18, 18))
    return f'<svg class="aigc-mark" viewBox="0 0 24 24" aria-hidden="true">{noise}{image}</svg>'


SUN = """<svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><circle cx="12" cy="12" r="8.5" fill="none" stroke="currentColor"
 stroke-width="1.75"/><path d="M12 3.5a8.5 8.5 0 0 1 0 17z" fill="currentColor"/></svg>"""

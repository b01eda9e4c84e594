"""Home: what models make, what this is, four ways in, the loop, the machine, and what is going on.  Drawn once; `aigc/now` keeps it fresh."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import gradio as gr

from aigc import registry
from aigc.registry import Entry
from aigc.techniques import TechniqueInfo, techniques
from aigc.ui import drawings, model_card
from aigc.ui.machine import Machine
from aigc.ui.markup import esc
from aigc.ui.page import Page
from aigc.ui.text import home as text
from aigc.words import Lang, Words

NEWEST = 6
# Models that come along, those that open the page: how many pictures wide their sheets are.
SHOWCASE = {"faces-diffusion": 6, "fashion-gan": 10, "mnist-guided": 10, "mnist-gan": 8, "mnist-vae": 8, "fashion-autoencoder": 8}
# Where the boxes of the loop lead, and the colour of what happens there.
STEPS = {
    "data": ("data", {}, "real"),
    "preprocess": ("data", {"view": "look"}, "real"),
    "train": ("{first}", {"view": "train"}, "maker"),
    "generate": ("{first}", {"view": "explore"}, "generated"),
    "evaluate": ("evaluate", {}, "judge"),
    "feedback": ("models", {}, "loss"),
}


def draw(page: Page) -> None:
    gr.HTML(_opening(page), elem_classes=["aigc-home"])
    with gr.Row(elem_classes=["aigc-home-below"]):
        gr.HTML(_section(page, text.RUNS, '<div data-aigc-now="runs" class="aigc-runs"></div>'))
        gr.HTML(_section(page, text.MACHINE, f'<div data-aigc-now="machine">{machine_now(page.watch.machine, {}, page.lang)}</div>'))
    gr.HTML(_section(page, text.NEWEST, '<div data-aigc-now="models" class="aigc-newest"></div>'))


def _opening(page: Page) -> str:
    cards = "".join(_card(page, info) for info in techniques().values())
    return f"""<h1>{esc(page.t(text.HEADLINE))}</h1>{_showcase(page)}<p class="aigc-lead">{esc(page.t(text.WHAT))}</p>
<div class="aigc-cards">{cards}</div>
<h2>{esc(page.t(text.LOOP))}</h2><p class="aigc-note">{esc(page.t(text.LOOP_TEXT))}</p>{_loop(page)}"""


def _showcase(page: Page) -> str:
    """A corner of the sheet of each, which leads to where it draws more."""
    shipped = {e.slug: e for e in registry.entries() if e.shipped and e.samples}
    shown = "".join(_corner(page, shipped[slug], columns) for slug, columns in SHOWCASE.items() if slug in shipped)
    note = f'<p class="aigc-note">{esc(page.t(text.SHOWCASE))}</p>'
    return f'{note}<nav class="aigc-showcase" aria-label="{esc(page.t(text.SHOWCASE))}">{shown}</nav>' if shown else ""


def _corner(page: Page, e: Entry, columns: int) -> str:
    href, info = esc(page.link(e.card.technique, view="explore", model=e.slug)), techniques()[e.card.technique]
    return f"""<a href="{href}" title="{esc(page.t(text.EXPLORE.fill(name=e.card.name)))}"><span class="aigc-corner-of">
<img src="{model_card.samples(e)}" alt="{esc(page.t(text.MADE_BY_AI))}" style="--columns:{columns}"></span>
<b>{esc(page.t(info.title))}</b><span>{esc(page.t(model_card.data_title(e.card.spec, e.card.data)))}</span></a>"""


def _card(page: Page, info: TechniqueInfo) -> str:
    train, how = esc(page.link(info.slug, view="train")), esc(page.link(info.slug, view="how"))
    return f"""<article class="aigc-card"><a class="aigc-card-way" href="{train}" tabindex="-1" aria-hidden="true">{drawings.technique(info.slug)}</a>
<h3><a href="{train}">{esc(page.t(info.title))}</a></h3><p>{esc(page.t(info.summary))}</p>
<p class="aigc-ways"><a class="aigc-way" href="{train}">{esc(page.t(text.WATCH))}</a>
<a href="{how}">{esc(page.t(text.HOW))}</a></p></article>"""


def _loop(page: Page) -> str:
    first = next(iter(techniques()))
    boxes = []
    for name, (tab, query, role) in STEPS.items():
        title, note = text.STEPS[name]
        href = esc(page.link(tab.format(first=first), **query))
        boxes.append(f'<li style="--role:var(--aigc-{role})"><a href="{href}"><b>{esc(page.t(title))}</b><span>{esc(page.t(note))}</span></a></li>')
    return f'<nav class="aigc-loop" aria-label="{esc(page.t(text.LOOP))}"><ol>{"".join(boxes)}</ol><p>{esc(page.t(text.BACK))}</p></nav>'


def _section(page: Page, title: Words, inner: str) -> str:
    return f'<section class="aigc-section"><h2>{esc(page.t(title))}</h2>{inner}</section>'


# The pieces that aigc/now sends.
def brief(machine: Machine, counts: Mapping[str, int], lang: Lang) -> str:
    """`counts`: how many runs are "live" and how many are "queued"."""
    told = [words.fill(n=counts[name])[lang] for name, words in text.LIVE_NOW.items() if counts.get(name)]
    running = f'<b class="aigc-live-count">{esc("，".join(told) if lang == "zh" else ", ".join(told))}</b>' if told else ""
    return f"{running}<span>{esc(machine.brief[lang])}</span>"


def machine_now(machine: Machine, load: Mapping[str, float], lang: Lang) -> str:
    meters = "".join(
        f'<dt>{esc(words[lang])}</dt><dd><i style="--share:{load.get(name, 0):.0%}"></i>'
        f"<span>{f'{load[name]:.0%}' if name in load else '–'}</span></dd>"
        for name, words in (("cpu", text.CPU), ("memory", text.MEMORY), ("disk", text.DISK))
    )
    speed = text.SPEED.fill(n=f"{machine.gflops:,.0f}") if machine.gflops else text.MEASURING
    outlook = "".join(f"<li><b>{esc(text.OUTLOOK[pace][lang])}</b><span>{esc(words[lang])}</span></li>" for pace, words in machine.outlook.items())
    return f"""<p class="aigc-machine">{esc(machine.brief[lang])}<span title="{esc(text.SPEED_HELP[lang])}">{esc(speed[lang])}</span></p>
<dl class="aigc-meters">{meters}</dl><ul class="aigc-outlook">{outlook}</ul>"""


def run_list(lines: Sequence[Mapping[str, Any]], lang: Lang) -> str:
    """Lines as `live.summary` gives them, with the technique and the model that came of it."""
    if not lines:
        return f'<p class="aigc-empty">{esc(text.NO_RUNS[lang])}</p>'
    home = "./zh" if lang == "zh" else "./"
    return f"<ul>{''.join(_run(line, home, lang) for line in lines)}</ul>"


def _run(line: Mapping[str, Any], home: str, lang: Lang) -> str:
    mine = f'<i class="aigc-tag">{esc(text.YOURS[lang])}</i>' if line["mine"] and line["live"] else ""
    return f"""<li><a href="{home}?tab={esc(line["technique"])}&amp;run={esc(line["id"])}" data-state="{esc(line["state"])}">
<b>{esc(line["title"])}</b>{mine}<span>{esc(line["says"])}</span><span class="aigc-number">{esc(line["trained"])}</span></a></li>"""


def newest(lang: Lang, models: Iterable[Entry]) -> str:
    """The sample sheets of the newest models, each a link to explore it."""
    shown = [e for e in models if e.samples][:NEWEST]
    if not shown:
        return f'<p class="aigc-empty">{esc(text.NO_MODELS[lang])}</p>'
    home = "./zh" if lang == "zh" else "./"
    cards = "".join(_sheet(e, home, lang) for e in shown)
    return f'<div class="aigc-sheets">{cards}</div><p><a href="{home}?tab=models">{esc(text.ALL_MODELS[lang])}</a></p>'


def _sheet(e: Entry, home: str, lang: Lang) -> str:
    slug, name = esc(e.slug), esc(e.card.name)
    info = techniques().get(e.card.technique)
    kind = esc(info.title[lang] if info else e.card.technique)
    title = esc(text.EXPLORE.fill(name=e.card.name)[lang])
    return f"""<a href="{home}?tab={esc(e.card.technique)}&amp;view=explore&amp;model={slug}" title="{title}">
<img src="./aigc/models/{slug}/samples.png" alt="{esc(text.MADE_BY_AI[lang])}" loading="lazy"><b>{name}</b><span>{kind}</span></a>"""

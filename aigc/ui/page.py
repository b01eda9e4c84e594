"""What a tab needs to know of the page it is drawn on: its language, who may do what, and where links lead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import gradio as gr

from aigc.ui.guard import OWNER_COOKIE, owner_in
from aigc.words import Lang, Words

if TYPE_CHECKING:
    from aigc.jobs.supervisor import Supervisor


@dataclass(frozen=True)
class Page:
    """One language's page. Tabs get it and nothing else; they meet in the registry and the run folders."""

    lang: Lang
    supervisor: Supervisor
    public: bool = False  # reachable by strangers: a share link, a Space, another machine
    single_user: bool = True  # alone on this machine: everything is yours
    tabs: list[str] = field(default_factory=list)  # ids of the tabs, in order

    def t(self, words: Words) -> str:
        return words[self.lang]

    @property
    def home(self) -> str:
        """The page's own address, relative, so that it works behind any proxy."""
        return "./zh" if self.lang == "zh" else "./"

    def link(self, tab: str, **query: str) -> str:
        """A link to a tab of this page: `link("vae", view="explore", run=id)`."""
        return f"{self.home}?{urlencode({'tab': tab, **query})}"

    def owner(self, request: gr.Request | None) -> str:
        """Who is asking: the owner cookie; "" for the single user of a lone machine, whose everything is."""
        if self.single_user or request is None:
            return ""
        return owner_in(request.cookies.get(OWNER_COOKIE, "")) or ""

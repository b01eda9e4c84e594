"""What a tab is told of the page it is drawn on: its language, who is asking, and where links lead."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import gradio as gr

from aigc.ui.document import ADDRESS
from aigc.ui.machine import Watch
from aigc.ui.visitors import owner_of
from aigc.words import Lang, Words

if TYPE_CHECKING:
    from aigc.jobs.supervisor import Supervisor


# Of an event of the page itself: no sign over what it changes, no endpoint, nobody waits for another.
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}


@dataclass(frozen=True)
class Page:
    """One language's page. Tabs get it and nothing else; they meet in the registry and the run folders."""

    lang: Lang
    supervisor: Supervisor
    watch: Watch
    tabs: tuple[str, ...]  # in order
    public: bool = False  # strangers can reach it: a share link, a Space, another machine
    single_user: bool = True  # alone on this machine: everything is yours

    def t(self, words: Words) -> str:
        return words[self.lang]

    @property
    def home(self) -> str:
        """The page's own address, relative, so that it is right behind any proxy."""
        return ADDRESS[self.lang]

    def link(self, tab: str, **query: str) -> str:
        """A link to a tab of this page: `link("vae", view="explore", run=id)`."""
        return f"{self.home}?{urlencode({'tab': tab, **query})}"

    def owner(self, request: gr.Request | None) -> str:
        """Who is asking: the owner cookie, or "" for whoever sits at this machine alone."""
        if self.single_user:
            return ""
        return owner_of(request.cookies if request else {})

    def is_dark(self, request: gr.Request | None) -> bool:
        """Whether this visitor's page is dark now, for plots drawn here; page.js keeps the cookie."""
        return bool(request) and request.cookies.get("aigc_theme") == "dark"  # type: ignore[union-attr]


def from_js(told: Any) -> dict[str, Any]:
    """What a script of the page says in a hidden box, as JSON; nonsense is {}."""
    try:
        value = json.loads(told)
    except (TypeError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}

"""The HTML document of a page: Gradio's own, with the language, the styles and the first script that this page needs in its head.

Also who is sent to which language: the switch's choice is kept in a cookie, and a first visit follows the browser.
Styles and script stand in the document itself, so the page is never seen unstyled, in the wrong theme, or on the wrong tab.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections import OrderedDict
from collections.abc import Callable
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aigc.ui import palette
from aigc.ui.text import shell as text
from aigc.ui.visitors import is_https, kept_where
from aigc.words import LANGS, Lang

STATIC = Path(__file__).parent / "static"
LANG_COOKIE = "aigc_lang"
PATHS: dict[str, Lang] = {"": "en", "/": "en", "/zh": "zh"}
ADDRESS: dict[Lang, str] = {"en": "./", "zh": "./zh"}  # relative: right behind any proxy
TAG: dict[Lang, str] = {"en": "en", "zh": "zh-Hans"}
# What an address is made of: Gradio writes its own into the document.
PLACES = ("host", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-prefix", "x-gradio-server")
MOST_KEPT = 16
# Gradio's head speaks of Gradio and names pictures on other hosts.
CONFIG = re.compile(r"(window\.gradio_config = )(\{.*?\})(;</script>)", re.DOTALL)
ADVERTS = re.compile(r'\s*<meta\s+(?:property|name)="(?:og|twitter):[^>]*>|\s*<link rel="manifest"[^>]*>')


def place(headers: Headers) -> tuple[str | None, ...]:
    """The address that a document is asked for under."""
    return tuple(headers.get(name) for name in PLACES)


def head(lang: Lang) -> str:
    """What goes into the document's head, once for each language."""
    sheets = "".join(f'<link rel="stylesheet" href="{address(p.name)}">' for p in sorted(STATIC.glob("*.css")))
    return (
        f'<title>{html.escape(text.NAME[lang])}</title><meta name="description" content="{html.escape(text.SENTENCE[lang])}">'
        f'<link rel="icon" href="{address("icon.svg")}"><style>{palette.css()}</style>{sheets}'
        f'<script src="{address("page.js")}"></script><script type="module" src="{address("live.js")}"></script>'
    )


def address(name: str) -> str:
    """Of a static file; it changes with the contents, so that a browser may keep what it has."""
    return f"./aigc/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]}"


class Document:
    """ASGI in, ASGI out, inside Gradio's compression.

    `default`: "en" or "zh" for first visits, or "auto" to follow the browser.  `keep`: every visitor gets the same document, as is so
    without passwords; then it is made once for each address it is asked under, since making it takes Gradio a tenth of a second.
    """

    def __init__(self, app: ASGIApp, default: str = "auto", keep: bool = False):
        self.app = app
        self.default = default
        self.keep = keep
        self.heads = {lang: head(lang) for lang in LANGS}
        self.kept: OrderedDict[tuple[object, ...], list[Message]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or scope["path"] not in PATHS:
            await self.app(scope, receive, send)
            return
        here = PATHS[scope["path"]]
        if (away := self._elsewhere(scope, here)) is not None:
            await away(scope, receive, send)
            return
        headers = Headers(scope=scope)
        under = (scope["method"], here, scope.get("scheme"), scope.get("root_path"), *place(headers))
        if under in self.kept:
            self.kept.move_to_end(under)
        else:
            answer: list[Message] = []
            await self.app(scope, receive, _rewriting(_into(answer), lambda page: self._ours(page, here)))
            if self.keep and all(message.get("status", 200) == 200 for message in answer):
                self.kept[under] = answer
                while len(self.kept) > MOST_KEPT:
                    self.kept.popitem(last=False)
        for message in self.kept.get(under) or answer:
            await send(dict(message))

    def _elsewhere(self, scope: Scope, here: Lang) -> RedirectResponse | None:
        """A redirect, if this visitor belongs on the other page or has just chosen a language."""
        headers = Headers(scope=scope)
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        chosen = next((v for k, v in query if k == "lang" and v in LANGS), None)
        wanted = chosen or (self.first_language(headers) if scope["path"] != "/zh" else here)
        if wanted == here and not chosen:
            return None
        rest = urlencode([(k, v) for k, v in query if k != "lang"])
        answer = RedirectResponse(ADDRESS["zh" if wanted == "zh" else "en"] + (f"?{rest}" if rest else ""), 307)
        answer.headers["Vary"] = "Accept-Language, Cookie"
        answer.headers["Cache-Control"] = "no-store"
        if chosen:
            place = kept_where(is_https(scope, headers))
            answer.headers["Set-Cookie"] = f"{LANG_COOKIE}={chosen}; Path=/; Max-Age={365 * 24 * 3600}; {place}"
        return answer

    def first_language(self, headers: Headers) -> str:
        kept = SimpleCookie(headers.get("cookie", "")).get(LANG_COOKIE)
        if kept is not None and kept.value in LANGS:
            return kept.value
        return self.default if self.default in LANGS else preferred(headers.get("accept-language", ""))

    def _ours(self, page: str, lang: Lang) -> str:
        page = CONFIG.sub(_without_descriptions, page, count=1)
        page = ADVERTS.sub("", page).replace('lang="en"', f'lang="{TAG[lang]}"', 1)
        return page.replace("</head>", self.heads[lang] + "</head>", 1)


def _without_descriptions(found: re.Match[str]) -> str:
    """The configuration without what describes each component to programs: half of its bytes, and the page never reads them."""
    config = json.loads(found[2])
    for component in config.get("components", []):
        for name in ("api_info", "api_info_as_input", "api_info_as_output", "example_inputs"):
            component.pop(name, None)
    text = json.dumps(config, ensure_ascii=False, separators=(",", ":"))
    for unsafe in "<>&\u2028\u2029":  # inside a script element
        text = text.replace(unsafe, f"\\u{ord(unsafe):04x}")
    return found[1] + text + found[3]


def preferred(accept: str) -> Lang:
    """The better liked of our languages in an Accept-Language header; English when neither is named.  RFC 9110, 12.5.4"""
    best, best_weight = "en", 0.0
    for part in accept.split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            q = float(weight) if weight else 1.0
        except ValueError:
            continue
        lang = tag.split("-")[0].lower()
        if lang in LANGS and q > best_weight:
            best, best_weight = lang, q
    return "zh" if best == "zh" else "en"


def _into(messages: list[Message]) -> Send:
    async def collect(message: Message) -> None:
        messages.append(message)

    return collect


def _rewriting(send: Send, change: Callable[[str], str]) -> Send:
    """Holds an HTML answer back until it is whole, changes it, and sends it on; anything else passes as it is."""
    start: Message | None = None
    body = b""

    async def rewriting(message: Message) -> None:
        nonlocal start, body
        if message["type"] == "http.response.start":
            if Headers(raw=message["headers"]).get("content-type", "").startswith("text/html"):
                start = message
                return
        elif start is not None:
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            page = change(body.decode()).encode() if body else b""
            out = MutableHeaders(raw=start["headers"])
            if page:
                out["Content-Length"] = str(len(page))
            out["Vary"] = "Accept-Language, Cookie"
            await send({**start, "headers": out.raw})
            message = {**message, "body": page}
        await send(message)

    return rewriting

"""What stands between the network and the page: one ASGI layer outside everything else, Gradio's own middleware included.

It gives every visitor an owner cookie, lets through only the routes this page uses, counts the bytes that really arrive, refuses
posts that another site started, and sends the headers that keep a page from being framed, sniffed or read by strangers.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aigc.ui import visitors
from aigc.ui.document import LANG_COOKIE, MOST_KEPT, PATHS, place, preferred
from aigc.words import LANGS, Lang, Words, both

MEGABYTE = 1_000_000
JSON_LIMIT = 10 * MEGABYTE  # two texts of the longest kind, each character escaped as \uXXXX\uXXXX
UPLOADS = "/gradio_api/upload"
UPLOAD_LIMIT = 64 * MEGABYTE
PUBLIC_UPLOAD_LIMIT = 16 * MEGABYTE

# What the page uses of Gradio; everything else that Gradio serves by default (a screen recorder, a proxy, an editor, statistics) is not there.
GRADIO = re.compile(
    r"/gradio_api/(queue/(join|data)|upload|upload_progress|cancel|reset|heartbeat/[^/]+|component_server|startup-events|app_id|info|theme\.css|login_check/?"
    r"|file=(?!//)(?![a-zA-Z][a-zA-Z0-9+.-]+:).*)/?"
)
OUTSIDE = re.compile(r"/(monitoring|proxy=|gradio_api/|deep_link|svelte/|runs)")
# What may be seen without the password: the login form and what draws it.
OPEN = re.compile(
    r"/((zh)?/?|login/?|logout|config/?|theme\.css|robots\.txt|manifest\.json|favicon\.ico|healthz|readyz|(assets|static|aigc/static)/.*"
    r"|gradio_api/(startup-events|app_id|login_check|theme\.css)/?)"
)
STATIC = re.compile(r"/(assets|static|aigc/static)/|/theme\.css|/favicon\.ico")

# 'unsafe-inline' and 'unsafe-eval': Gradio's document starts with inline scripts, its HTML component and plotly compile templates.
# Nothing may be fetched from, sent to, or framed by anyone else (a Space lives in a frame of huggingface.co).
PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self' https://huggingface.co"
)
FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; sandbox; frame-ancestors 'none'"

NO_HOST = both("This address is not one the page answers to.", "本页不在这个地址上应答。")
NO_ROUTE = both("There is nothing here.", "这里什么也没有。")
FOREIGN = both("This request was started by another site and is refused.", "这个请求由其他网站发起，已被拒绝。")
TOO_LARGE = both("That is too large: at most {mb} MB at a time.", "太大了：一次最多 {mb} MB。")
TOO_MANY = both("Too many requests; please wait a moment.", "请求太多，请稍等片刻。")
NO_ROOM = both("There is no room here for an upload now; try again later.", "现在没有空间接收上传，请稍后再试。")
NO_PASSWORD = both("Please sign in first.", "请先登录。")


@dataclass(frozen=True)
class Policy:
    public: bool = False
    hosts: frozenset[str] = frozenset({"localhost", "127.0.0.1", "::1"})  # the names it goes by when not public
    signed_in: Callable[[str], bool] | None = None  # the cookie header -> has this browser given the password; None: there is none
    key: bytes | None = None  # signs the owner cookies; None: they are taken as they come
    room: Callable[[], bool] | None = None  # for one more upload

    @property
    def upload_limit(self) -> int:
        return PUBLIC_UPLOAD_LIMIT if self.public else UPLOAD_LIMIT


class Guard:
    """ASGI in, ASGI out."""

    def __init__(self, app: ASGIApp, policy: Policy):
        self.app = app
        self.policy = policy
        self.pace = visitors.Pace()
        self.neighbours = visitors.Neighbours()
        self.places: OrderedDict[tuple[str | None, ...], None] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return  # the page speaks no websocket
        headers = Headers(scope=scope)
        send, fresh_owner = self._dressed(scope, headers, send), visitors.with_owner(scope, headers, self.policy.key)
        if fresh_owner and not STATIC.match(scope["path"]):
            send = _set_cookie(send, visitors.owner_cookie(visitors.signed(fresh_owner, self.policy.key), visitors.is_https(scope, headers)))
        if (refusal := self._refusal(scope, headers)) is not None:
            status, words = refusal
            await _answer(words, status, scope, headers)(scope, receive, send)
            return
        scope["query_string"] = _without(scope["query_string"], ("page", "deep_link"))  # Gradio's own; the first can break the page
        await self._counted(scope, headers, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, Words] | None:
        path, writes = scope["path"], scope["method"] not in ("GET", "HEAD")
        if not self.policy.public and _hostname(headers.get("host", "")) not in self.policy.hosts:
            return 400, NO_HOST
        if "\0" in path or (OUTSIDE.match(path) and not GRADIO.fullmatch(path)):
            return 404, NO_ROUTE
        if writes and visitors.is_foreign(headers):
            return 403, FOREIGN
        if self.policy.signed_in and not OPEN.fullmatch(path) and not self.policy.signed_in(headers.get("cookie", "")):
            return 401, NO_PASSWORD
        return (self._too_often(scope, headers, writes) if self.policy.public else None) or self._no_room(path, writes)

    def _no_room(self, path: str, writes: bool) -> tuple[int, Words] | None:
        upload = writes and path.startswith(UPLOADS)
        return (507, NO_ROOM) if upload and self.policy.room and not self.policy.room() else None

    def _too_often(self, scope: Scope, headers: Headers, writes: bool) -> tuple[int, Words] | None:
        path = scope["path"]
        address = visitors.address(scope, headers)
        if writes:
            self.neighbours.note(visitors.owner_of(HTTPConnection(scope).cookies), address)
        if (writes or path.startswith("/config") or self._is_new_place(path, headers)) and not self.pace.allows(address, path):
            return 429, TOO_MANY
        return None

    def _is_new_place(self, path: str, headers: Headers) -> bool:
        """Whether the page is asked for under an address of its own, for which its document has to be made; the first is free."""
        if path not in PATHS:
            return False
        under = path, *place(headers)
        new = under not in self.places and bool(self.places)
        self.places[under] = None
        self.places.move_to_end(under)
        while len(self.places) > MOST_KEPT:
            self.places.popitem(last=False)
        return new

    async def _counted(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        """Passes the request on until more bytes than allowed have come in; the sender's own figure is not believed."""
        limit = self.policy.upload_limit if scope["path"].startswith(UPLOADS) else JSON_LIMIT
        refuse = _answer(TOO_LARGE.fill(mb=limit // MEGABYTE), 413, scope, headers)
        declared = headers.get("content-length", "")
        if re.fullmatch(r"\d+", declared, re.ASCII) and (len(declared) > 15 or int(declared) > limit):
            await refuse(scope, receive, send)
            return
        seen, answered, over = 0, False, False

        async def counting() -> Message:
            nonlocal seen, over
            message = {"type": "http.disconnect"} if over else await receive()
            seen += len(message.get("body", b""))
            if seen > limit and not over:
                over = True
                if not answered:
                    await refuse(scope, receive, send)
                return {"type": "http.disconnect"}
            return message

        async def sending(message: Message) -> None:
            nonlocal answered
            if not over:
                answered = True
                await send(message)

        try:
            await self.app(scope, counting, sending)
        except Exception:
            if not over:  # being cut off is what was meant to happen to it
                raise

    def _dressed(self, scope: Scope, headers: Headers, send: Send) -> Send:
        """Every answer gets its security headers and loses those that would let another site read it."""
        policy = FILE_POLICY if scope["path"].startswith(("/gradio_api/file", "/aigc/runs/")) else PAGE_POLICY

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [(k, v) for k, v in message.get("headers", []) if not k.lower().startswith(b"access-control-")]
                out = MutableHeaders(raw=message["headers"])
                out["X-Content-Type-Options"] = "nosniff"
                out["Referrer-Policy"] = "same-origin"
                out["Content-Security-Policy"] = policy
                out["Cross-Origin-Resource-Policy"] = "same-origin"
                if "text/html" in out.get("content-type", ""):
                    out["Cache-Control"] = "no-cache"
                message["headers"] = out.raw
            await send(message)

        return dressed


def _set_cookie(send: Send, cookie: str) -> Send:
    async def with_cookie(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), (b"set-cookie", cookie.encode("latin-1"))]
        await send(message)

    return with_cookie


def _answer(words: Words, status: int, scope: Scope, headers: Headers) -> Response:
    """As JSON where a script of the page shows what it is told; of a refused upload Gradio's shows the bare text."""
    told = words[language(headers)]
    if scope["method"] == "POST" and not scope["path"].startswith(UPLOADS):
        return JSONResponse({"error": told}, status)
    return PlainTextResponse(told, status)


def language(headers: Headers) -> Lang:
    """Of the page that asks, where the browser names it; else the one that was chosen before; else what the browser prefers."""
    page, chosen = _path(headers.get("referer", "")), visitors.cookies_in(headers.get("cookie", "")).get(LANG_COOKIE)
    if page:
        return "zh" if page.endswith("/zh") else "en"
    return next((lang for lang in LANGS if lang == chosen), None) or preferred(headers.get("accept-language", ""))


def _path(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def _hostname(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _without(query: bytes, names: tuple[str, ...]) -> bytes:
    if not any(name.encode() in query for name in names):
        return query
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return urlencode([(k, v) for k, v in pairs if k not in names]).encode("latin-1")

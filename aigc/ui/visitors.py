"""Who is asking: a random cookie that the server sets, the address a proxy saw, and whether another site is behind the request.

Gradio's own session hash is chosen by the client, so it proves nothing and is not used here.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import secrets
import time
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

OWNER_COOKIE = "aigc_owner"
OWNER = re.compile(r"[0-9a-f]{32}")
OWNER_LASTS = 400 * 24 * 3600  # seconds; no browser keeps a cookie longer


def is_public(share: bool, host: str) -> bool:
    """Whether strangers can reach the page: over a share link, as a Space, or because it listens beyond this machine."""
    return share or bool(os.environ.get("SPACE_ID")) or not _is_loopback(host)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def owner_in(value: str | None) -> str | None:
    """The cookie's value if it is one that a server made."""
    return value if value and OWNER.fullmatch(value) else None


def cookies_in(header: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}


def with_owner(scope: Scope, headers: Headers) -> str | None:
    """Gives the request a new owner if it carries none, so that its very first handler sees the one the answer will set."""
    if owner_in(cookies_in(headers.get("cookie", "")).get(OWNER_COOKIE)):
        return None
    owner = secrets.token_hex(16)
    others = [part for part in headers.get("cookie", "").split("; ") if part and not part.startswith(f"{OWNER_COOKIE}=")]
    cookie = "; ".join([*others, f"{OWNER_COOKIE}={owner}"]).encode("latin-1")
    scope["headers"] = [(k, v) for k, v in scope["headers"] if k != b"cookie"] + [(b"cookie", cookie)]
    return owner


def owner_cookie(owner: str, https: bool) -> str:
    return f"{OWNER_COOKIE}={owner}; Path=/; Max-Age={OWNER_LASTS}; HttpOnly; {kept_where(https)}"


def kept_where(https: bool) -> str:
    """On a Space the page stands in a frame of another site, where only such a partitioned cookie is kept."""
    framed = https and bool(os.environ.get("SPACE_ID"))
    return "SameSite=None; Secure; Partitioned" if framed else "SameSite=Lax" + ("; Secure" if https else "")


def is_https(scope: Scope, headers: Headers) -> bool:
    return headers.get("x-forwarded-proto", scope.get("scheme", "http")).split(",")[0].strip() == "https"


def is_foreign(headers: Headers) -> bool:
    """Whether a browser says that another site started this request.  Programs without a browser's headers carry no one's cookie."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    if origin is None:
        return False
    # A page of another site cannot set X-Forwarded-Host without asking first, and nobody here says yes.
    mine = {headers.get("host"), headers.get("x-forwarded-host")}
    return urlsplit(origin).netloc not in mine


def address(scope: Scope, headers: Headers) -> str:
    """The address that the nearest proxy saw: the last public one it wrote down.  What the client itself wrote stands before it.

    A proxy of ours (a Space's, a share link's, a web server beside us) has no public address; whoever has one speaks for itself.
    """
    peer = (scope.get("client") or ("", 0))[0]
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(peer).is_global:
            return peer
    for hop in reversed(headers.get("x-forwarded-for", "").split(",")):
        try:
            if ipaddress.ip_address(hop.strip()).is_global:
                return hop.strip()
        except ValueError:
            break
    return peer


class Pace:
    """A bucket of requests for each address: `BURST` at once, `RATE` a second after that; signing in and uploading cost more."""

    BURST, RATE, MOST = 400.0, 20.0, 10_000  # a classroom behind one address is welcome
    COSTS = (("/login", 40.0), ("/gradio_api/upload", 10.0))

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self.clock = clock
        self.left: dict[str, tuple[float, float]] = {}

    def allows(self, who: str, path: str) -> bool:
        now = self.clock()
        tokens, then = self.left.pop(who, (self.BURST, now))
        tokens = min(self.BURST, tokens + (now - then) * self.RATE)
        cost = next((c for start, c in self.COSTS if path.startswith(start)), 1.0)
        self.left[who] = (tokens - cost if tokens >= cost else tokens, now)
        while len(self.left) > self.MOST:  # whoever asked longest ago is forgotten
            del self.left[next(iter(self.left))]
        return tokens >= cost

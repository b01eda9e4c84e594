"""Who is asking: a random cookie that the server sets, the address a proxy saw, and whether another site is behind the request.

Gradio's own session hash is chosen by the client, so it proves nothing and is not used here.
"""

from __future__ import annotations

import contextlib
import hmac
import ipaddress
import os
import re
import secrets
import time
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from aigc.jobs.files import in_words

OWNER_COOKIE = "aigc_owner"
OWNER = re.compile(r"[0-9a-f]{32}")
KEY_BYTES = 32
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


def signing_key(folder: Path) -> bytes:
    """What signs the owner cookies of this installation, so that nobody can make up a thousand visitors; made at first.  Raises Refusal."""
    path = folder / "owners.key"
    with in_words():
        folder.mkdir(parents=True, exist_ok=True)
        if path.is_file() and len(key := path.read_bytes()) == KEY_BYTES:  # a full disk may have cut it short
            return key
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key := secrets.token_bytes(KEY_BYTES))
    return key


def signed(owner: str, key: bytes | None) -> str:
    return f"{owner}.{hmac.new(key, owner.encode(), 'sha256').hexdigest()[:32]}" if key else owner


def _signed_owner(value: str | None, key: bytes | None) -> str | None:
    """The owner in a cookie as it comes from outside."""
    owner = owner_in((value or "").partition(".")[0])
    return owner if owner and hmac.compare_digest((value or "").encode(), signed(owner, key).encode()) else None


def cookies_in(header: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}


def with_owner(scope: Scope, headers: Headers, key: bytes | None = None) -> str | None:
    """Gives the request a new owner if it carries none, so that its very first handler sees the one the answer will set.

    With a `key` only what it signed is believed, and what is inside sees the owner without the signature.
    """
    sent = "; ".join(headers.getlist("cookie"))
    known = _signed_owner(cookies_in(sent).get(OWNER_COOKIE), key)
    if known and key is None:
        return None
    owner = known or secrets.token_hex(16)
    others = [part for part in re.split(r";\s*", sent) if part and not part.startswith(f"{OWNER_COOKIE}=")]
    cookie = "; ".join([*others, f"{OWNER_COOKIE}={owner}"]).encode("latin-1")
    scope["headers"] = [(k, v) for k, v in scope["headers"] if k != b"cookie"] + [(b"cookie", cookie)]
    return None if known else owner


def owner_of(cookies: Mapping[str, str]) -> str:
    """Who asks, by the cookies of a request that `with_owner` has seen."""
    return owner_in(cookies.get(OWNER_COOKIE)) or "nobody"


def owner_cookie(value: str, https: bool) -> str:
    return f"{OWNER_COOKIE}={value}; Path=/; Max-Age={OWNER_LASTS}; HttpOnly; {kept_where(https)}"


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
    try:
        return urlsplit(origin).netloc not in mine
    except ValueError:  # no browser's
        return True


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
    """A bucket of requests for each address: `BURST` at once, `RATE` a second after that; signing in, uploading, and
    what Gradio takes a tenth of a second to describe cost more."""

    BURST, RATE, MOST = 400.0, 20.0, 10_000  # a classroom behind one address is welcome
    COSTS = (("/login", 40.0), ("/gradio_api/upload", 10.0), ("/config", 10.0))
    DOCUMENTS, DOCUMENT = ("", "/", "/zh"), 10.0

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self.clock = clock
        self.left: dict[str, tuple[float, float]] = {}

    def allows(self, who: str, path: str) -> bool:
        now = self.clock()
        tokens, then = self.left.pop(who, (self.BURST, now))
        tokens = min(self.BURST, tokens + (now - then) * self.RATE)
        cost = self.DOCUMENT if path in self.DOCUMENTS else next((c for start, c in self.COSTS if path.startswith(start)), 1.0)
        self.left[who] = (tokens - cost if tokens >= cost else tokens, now)
        while len(self.left) > self.MOST:  # whoever asked longest ago is forgotten
            del self.left[next(iter(self.left))]
        return tokens >= cost


class Neighbours:
    """Which owners wrote from the same address last: a browser may throw its cookie away, and is another owner at the same address."""

    MOST = 10_000

    def __init__(self) -> None:
        self.places: dict[str, str] = {}

    def note(self, owner: str, address: str) -> None:
        self.places.pop(owner, None)
        self.places[owner] = address
        while len(self.places) > self.MOST:  # whoever wrote longest ago is forgotten
            del self.places[next(iter(self.places))]

    def near(self, one: str, other: str) -> bool:
        return one == other or (one in self.places and self.places[one] == self.places.get(other))

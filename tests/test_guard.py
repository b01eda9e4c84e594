"""The guard: every threat is tried against it, on a small application that lets everything through and on the real page."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import PROJECT
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from aigc.pretrained.text.asked import LONGEST
from aigc.ui import guard, room, visitors
from aigc.ui.guard import JSON_LIMIT, PUBLIC_UPLOAD_LIMIT, UPLOAD_LIMIT, Guard, Policy
from aigc.ui.visitors import OWNER_COOKIE

ALLOWED_METHODS = ["GET", "HEAD", "POST", "OPTIONS", "DELETE"]


async def _everything(request: Request) -> Response:
    """An application as careless as can be: it reads the whole body and lets any origin in."""
    body = await request.body()
    headers = {"access-control-allow-origin": request.headers.get("origin", "*"), "access-control-allow-credentials": "true"}
    return JSONResponse({"owner": request.cookies.get(OWNER_COOKIE), "bytes": len(body), "query": request.url.query}, headers=headers)


def client(policy: Policy | None = None, base: str = "http://127.0.0.1:7860", **kwargs: Any) -> TestClient:
    app = Starlette(routes=[Route("/{path:path}", _everything, methods=ALLOWED_METHODS)])
    return TestClient(Guard(app, policy or Policy()), base_url=base, **kwargs)


# who is asking
def test_the_first_request_already_sees_the_owner_it_is_given():
    answer = client().get("/")
    given = answer.json()["owner"]
    assert re.fullmatch("[0-9a-f]{32}", given)
    cookie = answer.headers["set-cookie"]
    assert f"{OWNER_COOKIE}={given};" in cookie and "HttpOnly" in cookie and "SameSite=Lax" in cookie


def test_an_owner_stays_the_same_and_two_are_not_alike():
    one, other = client(), client()
    first = one.get("/").json()["owner"]
    assert one.get("/").json()["owner"] == first and "set-cookie" not in one.get("/").headers
    assert other.get("/").json()["owner"] != first


@pytest.mark.parametrize("made_up", ["admin", "0" * 31, "g" * 32, "0" * 32 + "0", "../../etc", ""])
def test_an_owner_that_no_server_made_is_replaced(made_up: str):
    answer = client().get("/", headers={"cookie": f"{OWNER_COOKIE}={made_up}; other=1"})
    assert answer.json()["owner"] != made_up and OWNER_COOKIE in answer.headers["set-cookie"]


def test_in_the_frame_of_a_space_the_cookie_is_partitioned(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SPACE_ID", "someone/aigc-lab")
    cookie = client(Policy(public=True)).get("/", headers={"x-forwarded-proto": "https"}).headers["set-cookie"]
    assert all(word in cookie for word in ("SameSite=None", "Secure", "Partitioned", "HttpOnly"))


KEY = b"k" * visitors.KEY_BYTES


def test_on_a_public_page_nobody_makes_up_an_owner():
    c = client(Policy(public=True, key=KEY))
    first = c.get("/")
    owner, cookie = first.json()["owner"], c.cookies[OWNER_COOKIE]
    assert re.fullmatch("[0-9a-f]{32}", owner) and re.fullmatch(rf"{owner}\.[0-9a-f]{{32}}", cookie)
    again = c.get("/", headers={"cookie": f"aigc_lang=zh; {OWNER_COOKIE}={cookie}"})
    assert again.json()["owner"] == owner and "set-cookie" not in again.headers
    other = "b" * 32
    for made_up in (other, f"{other}.{cookie[33:]}", f"{owner}.{'0' * 32}", f"{owner}.", owner, f"{cookie}0", f"{owner}.é"):
        answer = client(Policy(public=True, key=KEY)).get("/", headers={b"cookie": f"{OWNER_COOKIE}={made_up};{OWNER_COOKIE}={made_up}".encode()})
        assert answer.json()["owner"] not in (other, owner) and OWNER_COOKIE in answer.headers["set-cookie"]
    elsewhere = client(Policy(public=True, key=b"x" * visitors.KEY_BYTES)).get("/", headers={"cookie": f"{OWNER_COOKIE}={cookie}"})
    assert elsewhere.json()["owner"] != owner


def test_the_key_stays_and_is_nobody_elses_to_read(tmp_path: Path):
    key = visitors.signing_key(tmp_path / "runs")
    (path,) = (tmp_path / "runs").iterdir()
    assert len(key) == visitors.KEY_BYTES and visitors.signing_key(tmp_path / "runs") == key and path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(key[:5])
    assert len({visitors.signing_key(tmp_path / "runs") for _ in range(3)} - {key}) == 1, "one that was cut short is made anew"
    assert path.stat().st_mode & 0o777 == 0o600


def test_who_writes_from_one_address_is_known_as_neighbours():
    c = client(Policy(public=True, key=KEY))
    near = c.app.neighbours.near  # type: ignore[attr-defined]

    def writes(address: str) -> str:
        return client_of(c).post("/gradio_api/queue/join", headers={"x-forwarded-for": address}).json()["owner"]

    def client_of(one: TestClient) -> TestClient:
        one.cookies.clear()
        return one

    ann, bob, cat = writes("8.8.8.8"), writes("8.8.8.8"), writes("9.9.9.9")
    assert near(ann, bob) and near(ann, ann) and not near(ann, cat) and not near("a" * 32, "b" * 32)
    for n in range(2 * visitors.Neighbours.MOST):
        c.app.neighbours.note(str(n), "7.7.7.7")  # type: ignore[attr-defined]
    assert len(c.app.neighbours.places) == visitors.Neighbours.MOST  # type: ignore[attr-defined]


# who may ask
@pytest.mark.parametrize(
    "host", ["evil.test", "localhost.evil.test", "127.1", "127.0.0.1.evil.test", "2130706433", "0.0.0.0", "", "[::2]:7860", "[bad"]
)
def test_alone_the_page_answers_only_to_its_own_names(host: str):
    assert client().get("/", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1", "LOCALHOST", "[::1]:7860"])
def test_its_own_names_are_known(host: str):
    assert client().get("/", headers={"host": host}).status_code == 200


FOREIGN: list[dict[str, str]] = [
    {"origin": "https://evil.test"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:7861"},
    {"origin": "http://127.0.0.1:7860.evil.test"},
    {"origin": "http://["},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:7860"},
]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS"])
def test_what_another_site_started_is_refused(headers: dict[str, str], method: str):
    answer = client().request(method, "/aigc/runs/x/command", headers=headers)
    assert answer.status_code == 403 and not [h for h in answer.headers if h.startswith("access-control")]


@pytest.mark.parametrize("headers", [{}, {"origin": "http://127.0.0.1:7860"}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}])
def test_what_the_page_itself_started_goes_through(headers: dict[str, str]):
    assert client().post("/gradio_api/queue/join", headers=headers, json={}).status_code == 200


def test_behind_a_proxy_the_public_name_counts():
    headers = {"origin": "https://abc.gradio.live", "x-forwarded-host": "abc.gradio.live"}
    assert client(Policy(public=True)).post("/gradio_api/queue/join", headers=headers).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://127.0.0.1:7860"])
@pytest.mark.parametrize("public", [False, True])
def test_no_origin_may_read_the_answers(origin: str, public: bool):
    headers = client(Policy(public=public)).get("/config", headers={"origin": origin}).headers
    assert not [name for name in headers if name.startswith("access-control")]


# what may be asked for
DENIED = [
    "/monitoring", "/monitoring/summary", "/gradio_api/process_recording", "/gradio_api/openapi.json", "/deep_link",
    "/gradio_api/deep_link", "/gradio_api/run/predict", "/gradio_api/call/x", "/gradio_api/api/x", "/gradio_api/run-history/records",
    "/gradio_api/vibe-code/", "/gradio_api/dev/reload", "/gradio_api/proxy=http://169.254.169.254/", "/proxy=http://169.254.169.254/",
    "/gradio_api/file=http://example.com", "/gradio_api/file=http://2130706433/", "/gradio_api/file=HTTPS://example.com", "/gradio_api/runs",
    "/gradio_api/file=file:///etc/passwd", "/gradio_api/file=//etc/passwd", "/gradio_api/file=gopher://x", "/gradio_api/stream/x/y/z/playlist.m3u8",
    "/gradio_api/file=%2F%2Fetc/passwd", "/gradio_api/file=http:%2f%2fexample.com", "/svelte/x", "/gradio_api/custom_component/x/y/z/a.js",
]  # fmt: skip


@pytest.mark.parametrize("path", DENIED)
def test_what_the_page_does_not_use_is_not_there(path: str):
    assert client().get(path).status_code == 404


@pytest.mark.parametrize("path", ["/", "/zh", "/config", "/assets/index.js", "/gradio_api/file=/tmp/gradio/a.png", "/gradio_api/file=C:\\a.png",
                                  "/gradio_api/queue/data", "/gradio_api/heartbeat/abc", "/aigc/now", "/healthz", "/theme.css"])  # fmt: skip
def test_what_it_uses_is_there(path: str):
    assert client().get(path).status_code == 200


def test_gradios_own_parameters_do_not_reach_it():
    assert client().get("/?page=nowhere&tab=vae&deep_link=x").json()["query"] == "tab=vae"


# how much
def test_declared_too_large_is_refused_before_a_byte_is_read():
    assert client().post("/gradio_api/queue/join", content=b"x" * (JSON_LIMIT + 1)).status_code == 413


@pytest.mark.parametrize(("path", "limit"), [("/gradio_api/queue/join", JSON_LIMIT), ("/gradio_api/upload", UPLOAD_LIMIT)])
def test_the_limits_themselves_are_allowed(path: str, limit: int):
    assert client().post(path, content=b"x" * limit).json()["bytes"] == limit


def test_the_longest_texts_fit_however_they_are_escaped():
    longest = "\U0001f600" * LONGEST["text"]
    body = json.dumps({"data": [longest, longest, *[{"setting": 0.5}] * 40], "fn_index": 1, "session_hash": "x"})
    assert client().post("/gradio_api/queue/join", content=body.encode()).json()["bytes"] == len(body)


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({}, "too large"),
        ({"accept-language": "zh-CN,en;q=0.5"}, "太大了"),
        ({"accept-language": "fr,zh;q=0.5"}, "太大了"),
        ({"accept-language": "en", "cookie": "aigc_lang=zh"}, "太大了"),
        ({"accept-language": "zh", "cookie": "aigc_lang=en"}, "too large"),
        ({"accept-language": "en", "cookie": "aigc_lang=en", "referer": "http://127.0.0.1:7860/zh?tab=text"}, "太大了"),
        ({"accept-language": "zh", "cookie": "aigc_lang=zh", "referer": "http://127.0.0.1:7860/?tab=text"}, "too large"),
        ({"accept-language": "zh", "referer": "http://[bad"}, "太大了"),
        ({"accept-language": "zh", "cookie": "aigc_lang=tlh"}, "太大了"),
    ],
)
def test_a_refusal_speaks_the_language_of_the_page_and_as_its_scripts_read_it(headers: dict[str, str], says: str):
    large = {**headers, "content-length": str(10**9)}
    assert says in client().post("/gradio_api/queue/join", headers=large).json()["error"]
    assert client().post("/gradio_api/upload", headers=large).text.startswith(("That", "太大了"))


def test_a_public_page_takes_smaller_uploads():
    public = client(Policy(public=True))
    assert public.post("/gradio_api/upload", content=b"x" * (PUBLIC_UPLOAD_LIMIT + 1)).status_code == 413
    assert public.post("/gradio_api/upload", content=b"x" * PUBLIC_UPLOAD_LIMIT).status_code == 200


@pytest.mark.parametrize("public", [True, False])
def test_without_room_an_upload_is_refused_in_words(public: bool):
    c = client(Policy(public=public, room=lambda: False))
    answer = c.post("/gradio_api/upload", content=b"x", headers={"accept-language": "zh"})
    assert answer.status_code == 507 and answer.text == guard.NO_ROOM.zh
    assert c.post("/gradio_api/queue/join").status_code == 200 and c.get("/").status_code == 200
    assert client(Policy(public=public, room=lambda: True)).post("/gradio_api/upload", content=b"x").status_code == 200


@pytest.mark.parametrize(
    ("public", "free", "total", "fits"),
    [(True, 10, 20, True), (True, 1.9, 20, False), (True, 4, 100, False), (True, 6, 100, True), (False, 1, 100, True), (False, 0.1, 1, False)],
)
def test_room_is_what_the_disk_has_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, public: bool, free: float, total: float, fits: bool):
    volume = SimpleNamespace(free=free * room.GIGABYTE, total=total * room.GIGABYTE)
    monkeypatch.setattr(room.shutil, "disk_usage", lambda path: volume if path.exists() else pytest.fail("a folder that is not there"))
    assert room.Room(tmp_path / "not" / "yet", 10, public)() is fits


def test_uploads_of_strangers_have_a_share_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "MOST_PUBLIC", 100)
    monkeypatch.setattr(room, "LEAST_FREE_PUBLIC", (0, 0.0))
    now = 0.0
    public, alone = (room.Room(tmp_path, 30, public, clock=lambda: now) for public in (True, False))
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old.png").write_bytes(b"x" * 30)
    assert [public() for _ in range(4)] == [True, True, False, False], "those on their way count before they are seen"
    now += 2 * room.LOOK_EVERY
    assert public(), "they never came"
    (tmp_path / "a" / "old.png").write_bytes(b"x" * 80)
    now += 2 * room.LOOK_EVERY
    assert not public() and alone()


def _send(chunks: int, size: int, headers: dict[str, str], app: Any = None) -> tuple[int, int, int]:
    """(status, bytes the guard took, bytes answered) of a request whose body comes in pieces, whatever its headers say."""
    taken = 0
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += size
        return {"type": "http.request", "body": b"x" * size, "more_body": taken < chunks * size}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    path = "/gradio_api/queue/join"
    raw = [(k.encode(), v.encode()) for k, v in {"host": "127.0.0.1", **headers}.items()]
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": raw,
             "client": ("127.0.0.1", 1),
             "server": ("127.0.0.1", 80), "scheme": "http", "http_version": "1.1", "root_path": ""}  # fmt: skip
    app = app or Starlette(routes=[Route("/{path:path}", _everything, methods=["POST"])])
    asyncio.run(Guard(app, Policy())(scope, receive, send))
    starts = [m for m in sent if m["type"] == "http.response.start"]
    assert len(starts) == 1
    return starts[0]["status"], taken, sum(len(m.get("body", b"")) for m in sent)


@pytest.mark.parametrize(
    "headers", [{}, {"content-length": "10"}, {"content-length": "-5"}, {"content-length": "many"}, {"transfer-encoding": "chunked"}]
)
def test_bytes_are_counted_as_they_come_whatever_the_header_says(headers: dict[str, str]):
    status, taken, _ = _send(2000, 100_000, headers)  # 200 MB
    assert status == 413 and taken <= JSON_LIMIT + 200_000


def test_a_body_in_pieces_within_the_limit_arrives():
    assert _send(9, 100_000, {})[:2] == (200, 900_000)


async def _streaming(scope: Any, receive: Any, send: Any) -> None:
    """Answers before it has read everything."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        await send({"type": "http.response.body", "body": b".", "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def test_too_much_after_the_answer_began_is_cut_off():
    status, taken, answered = _send(2000, 100_000, {}, _streaming)
    assert status == 200 and taken <= JSON_LIMIT + 200_000 and answered <= JSON_LIMIT / 100_000 + 1


# how often
def test_a_flood_is_slowed_down_on_a_public_page_only():
    now = [0.0]
    c = client(Policy(public=True))
    c.app.pace = visitors.Pace(clock=lambda: now[0])  # type: ignore[attr-defined]
    statuses = [c.post("/gradio_api/queue/join").status_code for _ in range(600)]
    assert statuses[:400] == [200] * 400 and set(statuses[400:]) == {429}
    assert c.get("/").status_code == 200  # looking is free
    assert c.post("/gradio_api/queue/join", headers={"x-forwarded-for": "1.2.3.4, 8.8.8.8"}).status_code == 200  # someone else
    now[0] += 1
    assert [c.post("/gradio_api/queue/join").status_code for _ in range(25)].count(200) == 20
    assert {client().post("/gradio_api/queue/join").status_code for _ in range(50)} == {200}


def test_looking_is_free_but_making_the_page_anew_is_not():
    c = client(Policy(public=True))
    c.app.pace = visitors.Pace(clock=lambda: 0.0)  # type: ignore[attr-defined]
    assert {c.get(path).status_code for _ in range(500) for path in ("/", "/aigc/now")} == {200}
    assert [c.get("/config").status_code for _ in range(60)].count(200) == 40
    assert c.get("/").status_code == 200 and c.get("/", headers={"host": "another"}).status_code == 429
    other = {"x-forwarded-for": "8.8.8.8"}
    hosts = [c.get("/", headers={"host": f"made-up-{n}", **other}).status_code for n in range(60)]
    assert hosts == [200] * 40 + [429] * 20
    assert c.get("/zh", headers={"x-forwarded-for": "9.9.9.9"}).status_code == 200
    assert len(c.app.places) <= 16  # type: ignore[attr-defined]
    alone = client()
    assert {alone.get("/config").status_code for _ in range(60)} == {200}


def test_passwords_cannot_be_tried_quickly():
    c = client(Policy(public=True))
    c.app.pace = visitors.Pace(clock=lambda: 0.0)  # type: ignore[attr-defined]
    assert [c.post("/login").status_code for _ in range(12)].count(200) == 10


def test_the_flood_of_one_address_leaves_no_heap():
    pace = visitors.Pace(clock=lambda: 0.0)
    for i in range(3 * pace.MOST):
        pace.allows(str(i), "/")
    assert len(pace.left) == pace.MOST


def test_what_a_client_writes_into_the_list_of_hops_is_not_believed():
    c = client(Policy(public=True))
    c.app.pace = visitors.Pace(clock=lambda: 0.0)  # type: ignore[attr-defined]
    statuses = {c.post("/login", headers={"x-forwarded-for": f"9.9.9.{i}, 8.8.8.8, 10.0.0.1"}).status_code for i in range(20)}
    assert 429 in statuses


def test_only_a_proxy_of_ours_is_asked_who_it_speaks_for():
    headers = Headers({"x-forwarded-for": "8.8.4.4"})
    for peer in ("127.0.0.1", "10.1.2.3", "172.17.0.1", "::1"):
        assert visitors.address({"client": (peer, 1)}, headers) == "8.8.4.4"
    assert visitors.address({"client": ("9.9.9.9", 1)}, headers) == "9.9.9.9"


# the password
def test_behind_a_password_our_own_routes_ask_for_it_too():
    c = client(Policy(public=True, signed_in=lambda cookies: "token=right" in cookies))
    for path in ("/aigc/now", "/aigc/runs/x/live", "/aigc/models/m/samples.png", "/gradio_api/queue/data"):
        assert c.get(path).status_code == 401
        assert c.get(path, headers={"cookie": "token=right"}).status_code == 200
    for path in ("/", "/zh", "/login", "/assets/a.js", "/aigc/static/page.css", "/healthz", "/config"):
        assert c.get(path).status_code == 200


# what the answers carry
@pytest.mark.parametrize("path", ["/", "/aigc/now", "/gradio_api/file=/tmp/x.png", "/monitoring"])
def test_every_answer_carries_the_headers(path: str):
    headers = client().get(path).headers
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert "frame-ancestors" in policy
    assert not re.search(r"https?://(?!huggingface\.co)", policy), "nothing from elsewhere"


def test_an_uploaded_page_is_no_page():
    policy = client().get("/gradio_api/file=/tmp/evil.png").headers["content-security-policy"]
    assert "sandbox" in policy and "script-src" not in policy and "default-src 'none'" in policy


# who is public
@pytest.mark.parametrize(
    ("share", "host", "space", "public"),
    [(False, "127.0.0.1", "", False), (False, "localhost", "", False), (False, "::1", "", False), (True, "127.0.0.1", "", True),
     (False, "0.0.0.0", "", True), (False, "192.168.1.5", "", True), (False, "my.machine", "", True), (False, "127.0.0.1", "a/b", True)],
)  # fmt: skip
def test_public_is_whatever_strangers_can_reach(monkeypatch: pytest.MonkeyPatch, share: bool, host: str, space: str, public: bool):
    monkeypatch.delenv("SPACE_ID", raising=False)
    if space:
        monkeypatch.setenv("SPACE_ID", space)
    assert visitors.is_public(share, host) is public


# the real page behind it
@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with pytest.MonkeyPatch.context() as m:
        m.setenv("AIGC_HOME", str(tmp_path_factory.mktemp("home")))
        m.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        from aigc.jobs.supervisor import Supervisor
        from aigc.ui import server, shell

        supervisor = Supervisor()
        with TestClient(server.assemble(shell.build(supervisor), supervisor), base_url="http://127.0.0.1:7860", raise_server_exceptions=False) as c:
            yield c


SECRET = "canary-8b1f"


@pytest.mark.parametrize(
    "where", ["/etc/passwd", "..%2f..%2fetc%2fpasswd", "/proc/self/environ", "a%00b", "./app.py", "app.py", "{secret}", "%2e%2e/{secret}"]
)
def test_no_file_of_this_machine_can_be_read(page: TestClient, tmp_path: Path, where: str):
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET)
    answer = page.get(f"/gradio_api/file={where.format(secret=secret)}")
    assert answer.status_code in (403, 404) and SECRET not in answer.text and "root:" not in answer.text and "import" not in answer.text


@pytest.mark.parametrize("url", ["http://example.com", "http://2130706433", "http://[::1]/", "http://169.254.169.254/"])
def test_the_page_fetches_nothing_for_a_stranger(page: TestClient, monkeypatch: pytest.MonkeyPatch, url: str):
    reached: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: reached.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: reached.append(a) or [])
    assert page.get(f"/gradio_api/file={url}").status_code == 404
    assert page.get(f"/proxy={url}").status_code == 404 and not reached


BAD_CALLS = [
    {"fn_index": -1, "data": [], "session_hash": "x"},
    {"fn_index": 10**9, "data": [], "session_hash": "x"},
    {"fn_index": "x", "data": [], "session_hash": "x"},
    {"data": [], "session_hash": "x"},
    {"fn_index": 0, "data": ["a"] * 500, "session_hash": "x"},
    {"fn_index": 0, "data": [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}], "session_hash": "x"},
    [],
    "text",
]


@pytest.mark.parametrize("call", BAD_CALLS)
def test_a_malformed_call_says_nothing_of_the_inside(page: TestClient, call: Any):
    answer = page.post("/gradio_api/queue/join", json=call)
    assert not re.search(rf"Traceback|site-packages|{re.escape(str(PROJECT.parent))}/|/tmp/|hf_[A-Za-z0-9]{{30,}}", answer.text)


def test_deeply_nested_json_is_refused_calmly(page: TestClient):
    answer = page.post("/gradio_api/queue/join", content=b"[" * 50_000, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500 and "Traceback" not in answer.text


def test_the_document_names_no_other_host(page: TestClient):
    for path in ("/", "/zh"):
        text = page.get(path).text
        for attribute in re.findall(r'(?:src|href|content)="(https?://[^"]+)"', text):
            pytest.fail(f"{path} names {attribute}")
        assert f'lang="{"zh-Hans" if path == "/zh" else "en"}"' in text


def test_private_events_are_not_callable_by_name(page: TestClient):
    for path in ("/gradio_api/openapi.json", "/gradio_api/call/x", "/gradio_api/run/x"):
        assert page.get(path).status_code == 404
    told = page.get("/gradio_api/info").json()
    assert not told["unnamed_endpoints"]
    assert told["named_endpoints"] and all(name.startswith(("/text_", "/image_")) for name in told["named_endpoints"])


def test_the_guard_stands_before_gradios_cors_layer(page: TestClient):
    answer = page.options("/config", headers={"origin": "https://evil.test", "host": "127.0.0.1:7860", "access-control-request-method": "GET"})
    assert answer.status_code == 403 and not [h for h in answer.headers if h.startswith("access-control")]


def test_limits_are_what_the_words_say():
    assert guard.TOO_LARGE.fill(mb=JSON_LIMIT // guard.MEGABYTE).en.endswith("at most 10 MB at a time.")

"""A small Hugging Face Hub on 127.0.0.1, which can be told to misbehave.

    with FakeHub({"datasets/ylecun/mnist": {"mnist/train-00000-of-00001.parquet": content}}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)

It knows the addresses that huggingface_hub uses too: the listing of a repository, its tree, and its files by range.  Model
repositories are keyed without a prefix: {"owner/name": {...}}.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Faults:
    """What goes wrong.  Lists are used up, one entry a request for a file's content; "" of a path means every path."""

    statuses: list[int] = field(default_factory=list)  # answered instead, to any request; 0 lets one pass
    always: int = 0  # answered to every request
    cut_after: list[int] = field(default_factory=list)  # bytes after which the connection breaks
    wrong_sums: bool = False  # what is promised is not what is sent
    no_ranges: bool = False
    chunk: int = 1 << 16
    seconds_a_chunk: float = 0.0
    silent_after: int = -1  # bytes after which nothing more comes, though the connection stays
    login_page: bool = False  # a hotel's, instead of everything
    gated: bool = False  # the list is for everybody, the contents for whoever accepted the terms
    lost: str = ""  # a file that is listed and not there
    a_page: int = 0  # entries of a listing given at a time; 0: all


class FakeHub:
    def __init__(self, repos: dict[str, dict[str, bytes]], faults: Faults | None = None):
        self.repos = {(name if name.startswith("datasets/") else f"models/{name}"): files for name, files in repos.items()}
        self.faults = faults or Faults()
        self.requests: list[tuple[str, str, str, str]] = []  # method, path, Range, Authorization
        self.parameters = 0  # of every model, as the Hub counts them; 0: it does not say
        self.closing = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> FakeHub:
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def sha256(self, content: bytes) -> str:
        return hashlib.sha256(content + (b"!" if self.faults.wrong_sums else b"")).hexdigest()

    def fetched(self) -> list[str]:
        """The Range of every request for a file's content, in order."""
        return [ranges for method, path, ranges, _ in self.requests if method == "GET" and "/resolve/" in path]


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        url, faults = urlsplit(self.path), self.hub.faults
        path = unquote(url.path)
        self.hub.requests.append((self.command, path, self.headers.get("Range", ""), self.headers.get("Authorization", "")))
        if faults.login_page:
            return self.answer(200, b"<html>Welcome to the hotel</html>", {"Content-Type": "text/html"})
        if status := faults.always or (faults.statuses.pop(0) if faults.statuses else 0):
            return self.answer(status, b"{}")
        if match := re.fullmatch(r"/api/((?:datasets|models)/[^/]+/[^/]+)(?:/(revision|tree)/([^/]+)(?:/(.*))?)?", path):
            commit = match[3] if re.fullmatch(r"[0-9a-f]{40}", match[3] or "") else COMMIT
            return self.describe(match[1], commit, match[2] == "tree", match[4] or "", parse_qs(url.query))
        if match := re.fullmatch(r"/(datasets/)?([^/]+/[^/]+)/resolve/[^/]+/(.+)", path):
            return self.file(f"{match[1] or 'models/'}{match[2]}", match[3])
        return self.answer(404, b"{}")

    def describe(self, repo: str, commit: str, tree: bool, folder: str, query: dict[str, list[str]]) -> None:
        recursive = "true" in query.get("recursive", [""])[0].lower()
        files = self.hub.repos.get(repo)
        if files is None:
            return self.answer(401, b"{}", {"X-Error-Code": "RepoNotFound"})  # the Hub does not tell strangers what is private
        if not tree:
            siblings = [{"rfilename": name} for name in files]
            return self.json(
                {
                    "id": repo.split("/", 1)[1],
                    "sha": commit,
                    "private": False,
                    "tags": [],
                    "siblings": siblings,
                    "cardData": {"license": "apache-2.0"},
                    **({"safetensors": {"total": self.hub.parameters}} if self.hub.parameters else {}),
                }
            )
        entries = []
        for name, content in files.items():
            inside = name.removeprefix(f"{folder}/") if folder else name
            if (not folder or inside != name) and (recursive or "/" not in inside):
                lfs = {"oid": self.hub.sha256(content), "size": len(content), "pointerSize": 132}
                entries.append({"type": "file", "path": name, "size": len(content), "oid": "0" * 40, "lfs": lfs})
        if not entries:
            return self.answer(404, b"{}", {"X-Error-Code": "EntryNotFound"})
        if not (size := self.hub.faults.a_page):
            return self.json(entries)
        first = int(query.get("cursor", ["0"])[0])
        further = f"{self.hub.url}{urlsplit(self.path).path}?recursive={str(recursive).lower()}&cursor={first + size}"
        return self.json(entries[first : first + size], {"Link": f'<{further}>; rel="next"'} if first + size < len(entries) else {})

    def file(self, repo: str, name: str) -> None:
        content = self.hub.repos.get(repo, {}).get(name)
        if self.hub.faults.gated:
            return self.answer(401, b"{}", {"X-Error-Code": "GatedRepo"})
        if content is None or name == self.hub.faults.lost:
            known = repo in self.hub.repos
            return self.answer(404 if known else 401, b"{}", {"X-Error-Code": "EntryNotFound" if known else "RepoNotFound", "X-Repo-Commit": COMMIT})
        etag = self.hub.sha256(content)
        headers = {"ETag": f'"{etag}"', "X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(content)), "X-Repo-Commit": COMMIT}
        start, status = 0, 200
        if (match := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))) and not self.hub.faults.no_ranges:
            start, status = int(match[1]), 206
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            if start >= len(content):
                return self.answer(416, b"")
        self.answer(status, content[start:], headers)

    def json(self, value: object, headers: dict[str, str] | None = None) -> None:
        self.answer(200, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            try:
                self.pour(body, "/resolve/" in self.path and status < 300)
            except OSError:  # the other side has gone, as it may
                self.close_connection = True

    def pour(self, body: bytes, is_file: bool) -> None:
        faults = self.hub.faults
        cut = faults.cut_after.pop(0) if is_file and faults.cut_after else len(body)
        for at in range(0, min(cut, len(body)), faults.chunk):
            self.wfile.write(body[at : min(at + faults.chunk, cut)])
            if is_file and faults.seconds_a_chunk:
                time.sleep(faults.seconds_a_chunk)
            if is_file and 0 <= faults.silent_after <= at:
                self.hub.closing.wait(60)
        if cut < len(body):
            self.close_connection = True

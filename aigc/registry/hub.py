"""A model to the Hugging Face Hub, with the user's own token: it is passed on, and neither stored, logged nor repeated in an error."""

from __future__ import annotations

import importlib
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from aigc.registry.exchange import files_of
from aigc.words import Refusal, Words, both

if TYPE_CHECKING:
    from huggingface_hub import HfApi

REPO = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}\Z", re.ASCII)
TOKEN = re.compile(r"[!-~]{8,200}\Z")

BY_STATUS: dict[int, Words] = {
    401: both("The Hub does not know this token; copy it again from huggingface.co/settings/tokens.",
              "Hub 不认识这个令牌；请从 huggingface.co/settings/tokens 重新复制。"),
    403: both("This token may not write to {repo}; it needs write access.", "这个令牌无权写入 {repo}；它需要写权限。"),
    404: both("The Hub has no place called {repo} that this token can see.", "Hub 上没有这个令牌可见的 {repo}。"),
    429: both("The Hub asks to wait: too many requests. Try again in some minutes.", "请求太频繁，Hub 要求稍候。请过几分钟再试。"),
}  # fmt: skip
OFFLINE = both("The Hub cannot be reached from here; nothing was published.", "这里连不上 Hub；没有发布任何内容。")
OTHER = both("The Hub refused ({status}); nothing was published.", "Hub 拒绝了请求（{status}）；没有发布任何内容。")


def push_to_hub(slug: str, repo: str, token: str, *, private: bool = True, api: HfApi | None = None) -> str:
    """Publish a model as `repo` ("owner/name"), a private repository unless told otherwise; returns its address.  Raises Refusal.

    `api` is for talking to another Hub than huggingface.co.
    """
    repo, token = repo.strip(), token.strip()
    if not REPO.match(repo):
        raise Refusal(both("A repository is named like owner/name.", "仓库名的形式是 owner/name。"))
    if not TOKEN.match(token):
        raise Refusal(both("That is not a token; it looks like hf_….", "这不是令牌；令牌形如 hf_…。"))
    files = files_of(slug)
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    api = api or HfApi()
    try:
        api.create_repo(repo, token=token, private=private, exist_ok=True)
        adds = [CommitOperationAdd(name, data) for name, data in files.items()]
        address = api.create_commit(repo, adds, commit_message=f"{slug}, trained with AIGC Lab", token=token)
    except OfflineModeIsEnabled:
        raise Refusal(OFFLINE) from None
    except HfHubHTTPError as error:
        # `from None`: the error of the library may show the request, whose header holds the token
        raise _refusal(getattr(error.response, "status_code", 0), repo) from None
    except _network_errors():
        raise Refusal(OFFLINE) from None
    return str(getattr(address, "repo_url", "") or f"{api.endpoint}/{repo}")


def _refusal(status: int, repo: str) -> Refusal:
    return Refusal(BY_STATUS.get(status, OTHER), repo=repo, status=status)


def _network_errors() -> tuple[type[Exception], ...]:
    """What the Hub's HTTP library raises when there is no connection; which library that is depends on the Hub's version."""
    found: list[type[Exception]] = [OSError]
    for module in ("httpx2", "httpx"):
        with suppress(ImportError, AttributeError):
            found.append(importlib.import_module(module).HTTPError)
    return tuple(found)

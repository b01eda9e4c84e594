"""Downloads a dataset's files from the Hugging Face Hub, and says in words why it cannot.

huggingface_hub 2.x throws a partial file away when its download fails, checks no hash over plain HTTP, and waits for ever on
a server that takes the connection and then says nothing.  So the two requests this needs (the list of files, and the bytes)
are made here; huggingface_hub gives the user's token.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import httpx

from aigc.data.fetch import client, fetch
from aigc.data.remote import RemoteFile, Sentences, check_room, endpoint, headers, in_words, nothing_there, tree
from aigc.data.sources import Progress, Source, downloads_are_off, downloads_folder
from aigc.words import Refusal, Words, both

OFFLINE = both(
    "{title} is not on this machine, and downloads are switched off (HF_HUB_OFFLINE): unset it, put the files under AIGC_DATA_DIR, "
    "or choose a built-in dataset such as digits.",
    "本机没有 {title}，而且已关闭下载（HF_HUB_OFFLINE）：请取消该设置，或把文件放到 AIGC_DATA_DIR 下，或改用内置数据集，例如手写数字 8×8。",
)
SENTENCES = Sentences(
    no_answer=both(
        "{title} has to be downloaded once, and {host} does not answer: check the network, or name a mirror in HF_ENDPOINT, and start again. "
        "What has arrived is kept; the built-in datasets need no network.",
        "{title} 需要先下载一次，但 {host} 没有响应：请检查网络，或用 HF_ENDPOINT 指定镜像，然后重新开始。已下载的部分会保留；内置数据集不需要网络。",
    ),
    busy=both(
        "{host} cannot serve {title} just now (HTTP {status}): start again in a few minutes. What has arrived is kept; "
        "the built-in datasets need no network.",
        "{host} 暂时无法提供 {title}（HTTP {status}）：请过几分钟再开始。已下载的部分会保留；内置数据集不需要网络。",
    ),
    not_allowed=both(
        "{host} does not let us download {title} (HTTP {status}): accept its terms at {page} and set HF_TOKEN to your token, "
        "or choose another dataset.",
        "{host} 不允许下载 {title}（HTTP {status}）：请到 {page} 接受其条款，并把 HF_TOKEN 设为你的令牌，或改用其他数据集。",
    ),
    not_there=both(
        "{title} is no longer where it was ({page}, HTTP {status}): update AIGC Lab, or choose another dataset.",
        "{title} 已不在原处（{page}，HTTP {status}）：请更新 AIGC Lab，或改用其他数据集。",
    ),
)


def download(source: Source, title: Words, progress: Progress | None = None) -> dict[str, list[Path]]:
    """Brings the source's files into the downloads folder: those there are kept, a half one is continued.  -> {"train", "test"}: paths

    Ends in bounded time when nothing more arrives.  Raises Refusal for whatever goes wrong; what `progress` raises stops the
    download and is passed on.
    """
    if downloads_are_off():
        raise Refusal(OFFLINE, title=title)
    with in_words(SENTENCES, title=title, page=f"{endpoint()}/datasets/{source.repo}"):
        return _download(source, title, progress or (lambda done, total: None))


def _download(source: Source, title: Words, progress: Progress) -> dict[str, list[Path]]:
    folder = downloads_folder() / source.repo / source.folder
    folder.mkdir(parents=True, exist_ok=True)
    with client(headers()) as hub:
        files = _listing(hub, source)
        check_room(folder, files, title)
        total = sum(f.size for f in files)
        before = 0
        for file in files:
            url = f"{endpoint()}/datasets/{source.repo}/resolve/main/{quote(f'{source.folder}/{file.name}')}"

            def tick(have: int, before: int = before) -> None:
                progress(before + have, total)

            fetch(hub, url, folder / file.name, file.size, file.sha256, tick)
            before += file.size
    picked = source.pick(f.name for f in files) or {}
    return {role: [folder / name for name in names] for role, names in picked.items()}


def _listing(hub: httpx.Client, source: Source) -> list[RemoteFile]:
    """The files wanted, as the Hub lists them, named inside the source's folder.  Raises httpx's errors and Stalled."""
    there = {f.name.rpartition("/")[2]: f for f in tree(hub, f"datasets/{source.repo}", "main", source.folder)}
    picked = source.pick(there)
    if not picked:
        raise nothing_there(httpx.Request("GET", endpoint()))
    return [RemoteFile(name, there[name].size, there[name].sha256) for name in (*picked["train"], *picked["test"])]

"""The table of datasets, and where each of them is.  Nothing here needs torch; `aigc.data.load.load` does."""

from __future__ import annotations

import re

from aigc.data.dataspec import Availability, DataSpec
from aigc.data.own import is_own, sets
from aigc.data.sources import downloads_are_off, find, in_bytes
from aigc.data.table import BUILT_IN, HUB, SOURCES
from aigc.words import Refusal, both

__all__ = ["NAME", "Availability", "DataSpec", "availability", "spec", "specs"]

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

COMES_ALONG = both("built in", "内置")
YOURS = both("your own images", "你自己的图像")
HERE = both("on this machine", "已在本机")
ON_THE_HUB = both("downloaded from the Hugging Face Hub at first use, {size}", "首次使用时从 Hugging Face Hub 下载，{size}")
OFF = both(
    "not on this machine, and downloads are switched off (HF_HUB_OFFLINE)",
    "本机没有，且已关闭下载（HF_HUB_OFFLINE）",
)
UNKNOWN = both("There is no dataset called {name}. There are: {known}.", "没有名为 {name} 的数据集。现有：{known}。")


def specs(owner: str | None = None) -> dict[str, DataSpec]:
    """Every dataset by name: built in, on the Hub, then the users' own; with an owner, only theirs of the last kind."""
    return {s.name: s for s in (*BUILT_IN, *HUB, *sets(owner))}


def spec(name: str) -> DataSpec:
    """The dataset of that name.  Raises Refusal, naming those there are."""
    known = specs() if isinstance(name, str) and NAME.fullmatch(name) else {}
    if name not in known:
        raise Refusal(UNKNOWN, name=repr(str(name))[:70], known=", ".join(known or specs()))
    return known[name]


def availability(name: str) -> Availability:
    """Where the dataset is now; looks at the disk, never at the network."""
    if name not in SOURCES:
        return Availability(True, 0, YOURS if is_own(spec(name).name) else COMES_ALONG)
    sources = SOURCES[name]
    if any(find(source) for source in sources):
        return Availability(True, 0, HERE)
    if downloads_are_off():
        return Availability(False, 0, OFF)
    size = sources[-1].download_bytes
    return Availability(False, size, ON_THE_HUB.fill(size=in_bytes(size)))

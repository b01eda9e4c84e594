"""What stands between the network and the page: who is asking, and what is not let through."""

from __future__ import annotations

import re

OWNER_COOKIE = "aigc_owner"
OWNER = re.compile(r"[0-9a-f]{32}")


def owner_in(value: str) -> str | None:
    return value if OWNER.fullmatch(value) else None

"""How the shipped language model of verse is asked: marks that say which form, and what was given of it."""

from __future__ import annotations

PLAY, QUATRAIN, FREE, BEGIN = "<play>", {5: "<verse5>", 7: "<verse7>"}, "<verse>", "<poem>"
MARKS = (PLAY, *QUATRAIN.values(), FREE, BEGIN)


def from_title(title: str, per_line: int = 5) -> str:
    """A prompt for a quatrain of that title, its lines of five or of seven characters; "" leaves the subject to the model."""
    return f"{QUATRAIN[per_line]}{title.strip()}{BEGIN}"


def from_first_line(line: str, title: str = "") -> str:
    """A prompt for a quatrain that begins with this line of five or seven characters.  Raises KeyError for other lengths."""
    line = line.strip().rstrip("，。,.")
    return f"{from_title(title, len(line))}{line}，"


def from_beginning(text: str) -> str:
    """A prompt for English verse, in the manner of the plays, that goes on from this beginning."""
    return PLAY + text

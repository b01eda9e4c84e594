"""Text from anywhere, made safe for a page; pictures as addresses that hold them."""

from __future__ import annotations

import base64
import binascii
import html

# Gradio runs what an HTML component shows through a template: braces and dollars must not be seen as its own.
TEMPLATE = str.maketrans({"{": "&#123;", "}": "&#125;", "$": "&#36;", "`": "&#96;"})


def esc(text: object) -> str:
    """`text` as HTML that shows it and nothing else, in an element or an attribute."""
    return html.escape(str(text)).translate(TEMPLATE)


PNG = "data:image/png;base64,"


def address(data: bytes, kind: str = "png") -> str:
    """The bytes of a picture as a data address."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def png_in(told: object, most: int) -> bytes | None:
    """The bytes in a PNG's data address of at most so many characters; None for anything else."""
    if not isinstance(told, str) or not told.startswith(PNG) or len(told) > most:
        return None
    try:
        return base64.b64decode(told.removeprefix(PNG), validate=True)
    except (binascii.Error, ValueError):
        return None

"""Text from anywhere, made safe for a page."""

from __future__ import annotations

import html

# Gradio runs what an HTML component shows through a template: braces and dollars must not be seen as its own.
TEMPLATE = str.maketrans({"{": "&#123;", "}": "&#125;", "$": "&#36;", "`": "&#96;"})


def esc(text: object) -> str:
    """`text` as HTML that shows it and nothing else, in an element or an attribute."""
    return html.escape(str(text)).translate(TEMPLATE)

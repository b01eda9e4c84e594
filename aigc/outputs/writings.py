"""Texts as files: Markdown with the label in its front matter, and conversations as JSON with the label beside the messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aigc.outputs import labels
from aigc.outputs.files import write

MARK = "AI生成 / AI-generated"
SAYS: dict[str, str] = {"system": "System", "user": "User", "assistant": "Assistant"}


def writing(text: str, *, note: dict[str, Any], name: str = "text.md", to: Path | None = None) -> Path:
    """A generated text as Markdown.  `note`: how it was made."""
    body = f"{text.rstrip()}\n\n---\n{MARK}\n"
    return write((_front(body, note) + body).encode(), name, to)


def conversation(messages: list[dict[str, str]], *, note: dict[str, Any], name: str = "chat.md", to: Path | None = None) -> Path:
    """A conversation: Markdown, or JSON by its name.  Only the assistant's messages are generated, and say so."""
    if not name.endswith(".json"):
        parts = [f"**{SAYS[m['role']]}**{f' ({MARK})' if m['role'] == 'assistant' else ''}\n\n{m['content'].rstrip()}" for m in messages]
        return writing("\n\n".join(parts), note=note, name=name, to=to)
    content = json.dumps(messages, ensure_ascii=False)
    whole = {"AIGC": labels.fields(content.encode()), "note": MARK, "made": json.loads(labels.parameters(note)), "messages": messages}
    return write((json.dumps(whole, ensure_ascii=False, indent=1) + "\n").encode(), name, to)


def _front(body: str, note: dict[str, Any]) -> str:
    """JSON is YAML, so that no value can break out of its place."""
    label = "".join(f"  {key}: {json.dumps(value)}\n" for key, value in labels.fields(body.encode()).items())
    return f"---\nAIGC:\n{label}made: {labels.parameters(note)}\n---\n"

"""Texts that people upload: plain text, Markdown, and the text of a PDF."""

from __future__ import annotations

import logging
from pathlib import Path

from aigc.pretrained import clean
from aigc.pretrained.text.asked import LONGEST
from aigc.words import Refusal, both

KINDS = (".txt", ".md", ".markdown", ".text", ".pdf")
LARGEST = 20 * 10**6  # bytes
MOST_PAGES = 500

NOT_A_TEXT = both("Only text, Markdown and PDF files can be read: {kinds}.", "只能读取文本、Markdown 和 PDF 文件：{kinds}。")
TOO_LARGE = both("The file is larger than {n} MB.", "文件超过 {n} MB。")
UNREADABLE = both("The file could not be read as {kind}: it is damaged, locked, or something else.", "无法按 {kind} 读取：文件损坏、加密或并非此类。")
NO_WORDS = both("There is no text in this PDF: its pages are probably pictures.", "这个 PDF 里没有文字：页面可能是图片。")
TOO_LONG = both("There are more than {n} characters in it.", "其中的文字超过 {n} 个字符。")


def text_of(path: str | Path) -> str:
    """Raises Refusal."""
    file = Path(path)
    kind = file.suffix.lower()
    if kind not in KINDS:
        raise Refusal(NOT_A_TEXT, kinds=" ".join(KINDS))
    try:
        if file.stat().st_size > LARGEST:
            raise Refusal(TOO_LARGE, n=LARGEST // 10**6)
        found = clean(_of_pdf(file) if kind == ".pdf" else _of_bytes(file.read_bytes()))
    except OSError:
        raise Refusal(UNREADABLE, kind=kind) from None
    if len(found) > LONGEST["text"]:
        raise Refusal(TOO_LONG, n=LONGEST["text"])
    return found


def _of_bytes(data: bytes) -> str:
    """UTF-8 or UTF-16 with its mark, else what Chinese files were before."""
    for encoding in ("utf-8-sig", "utf-16") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030"):
        try:
            found = data.decode(encoding)
        except UnicodeError:
            continue
        if "\x00" not in found:
            return found
    raise Refusal(UNREADABLE, kind="text")


def _of_pdf(file: Path) -> str:
    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it tells the terminal of each fault that it gets over
    try:
        pages = [page.extract_text() for page in PdfReader(file).pages[:MOST_PAGES]]
    except Exception:  # a damaged file makes it raise nearly anything
        raise Refusal(UNREADABLE, kind="PDF") from None
    found = "\n\n".join(page.strip() for page in pages if page.strip())
    if not found:
        raise Refusal(NO_WORDS)
    return found

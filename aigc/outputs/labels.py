"""What says that a file was made by AI: to people (a strip below the picture) and to programs (metadata).

GB 45438-2025 and the TC260 practice guides for it (in force since 2025-09-01), and IPTC's DigitalSourceType.  Real pictures never
get any of this.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import uuid
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from PIL import Image

PRODUCER = "AIGC-Lab"  # the standard allows printable ASCII without spaces, quotes and backslashes
MADE_BY_AI = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
PARTLY_BY_AI = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"  # made of a picture that was handed in
ASSETS = Path(__file__).parent / "assets"

TEXT_SHARE = 0.07  # height of the mark's text over the short side; the standard asks for 0.05, and Latin letters hang lower
TEXT_LEAST = 16  # pixels: what can still be read
PAPER, INK = 255, 26
NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")  # may not stand in it as they are, or end a line there
SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")
SIZE_IN_XMP = re.compile(rb"aigclab:size\D{1,60}(\d{1,5}x\d{1,5})")  # as an element or as an attribute


def label(content: bytes, number: str = "") -> str:
    """`fields` as JSON, as metadata carries it."""
    return json.dumps(fields(content, number), separators=(",", ":"))


def fields(content: bytes, number: str = "") -> dict[str, str]:
    """The implicit label (GB 45438-2025, annex E).  `content`: what ReservedCode1 vouches for, such as the pixels; `number`: where it is known."""
    number = number or uuid.uuid4().hex
    return {
        "Label": "1",  # is generated, not "may be"
        "ContentProducer": PRODUCER,
        "ProduceID": number,
        "ReservedCode1": "sha256:" + hashlib.sha256(content).hexdigest(),
        "ContentPropagator": PRODUCER,
        "PropagateID": number,
        "ReservedCode2": "",
    }


def xmp(aigc: str = "", size: tuple[int, int] | None = None, source: str = MADE_BY_AI) -> bytes:
    """An XMP packet with IPTC's source type and, unless the file carries it elsewhere, the TC260 label; `size`: of the picture above its strip."""
    own = f'<aigclab:size xmlns:aigclab="urn:aigc-lab">{size[0]}x{size[1]}</aigclab:size>' if size else ""
    tc260 = f'<TC260:AIGC xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/">{escape(aigc)}</TC260:AIGC>' if aigc else ""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
        f"<Iptc4xmpExt:DigitalSourceType>{source}</Iptc4xmpExt:DigitalSourceType>{tc260}{own}"
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()


def parameters(note: dict[str, Any] | None) -> str:
    """What a file says of how it was made: the technique, model, seed and settings it is given, nothing of this machine.  JSON that is YAML."""
    told = json.dumps({"software": PRODUCER, **(note or {})}, ensure_ascii=False)
    return NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", told)


def marked(image: Image.Image) -> Image.Image:
    """The picture (L or RGB) with the words “AI生成 / AI-generated” on a strip below it; narrow ones are centred on wider paper."""
    text, margin, size = _strip(image.size)
    paper = PAPER if image.mode == "L" else (PAPER,) * 3
    canvas = Image.new(image.mode, size, paper)
    canvas.paste(image, ((canvas.width - image.width) // 2, 0))
    ink = INK if image.mode == "L" else (INK,) * 3
    canvas.paste(ink, (canvas.width - margin - text.width, image.height + margin), text)
    return canvas


def unmarked(image: Image.Image, told: dict[Any, Any] | None = None) -> Image.Image:
    """Without the strip and the paper of `marked`, where its metadata (or `told`, that of another of its size) says that they are there."""
    own = _own_size(image.info if told is None else told)
    if own is None or not (0 < own[0] <= image.width and 0 < own[1] < image.height) or _strip(own)[2] != image.size:
        return image
    left = (image.width - own[0]) // 2
    return image.crop((left, 0, left + own[0], own[1]))


def _own_size(told: dict[Any, Any]) -> tuple[int, int] | None:
    """What a file that was written here says of its picture's size: the XMP packet of any format, or the settings in a PNG."""
    packet = told.get("xmp") or told.get("XML:com.adobe.xmp") or b""
    found = SIZE_IN_XMP.search(packet.encode() if isinstance(packet, str) else packet)
    said = found[1].decode() if found else _noted_size(told.get("parameters"))
    size = SIZE.fullmatch(said)
    return (int(size[1]), int(size[2])) if size else None


def _noted_size(note: Any) -> str:
    try:
        known = json.loads(note)
    except (TypeError, ValueError, RecursionError):
        return ""
    return str(known.get("size")) if isinstance(known, dict) and known.get("software") == PRODUCER else ""


def _strip(size: tuple[int, int]) -> tuple[Image.Image, int, tuple[int, int]]:
    """For a picture of this size: the mask of the words, the margin around them, and the size of the whole."""
    text_height = max(TEXT_LEAST, math.ceil(TEXT_SHARE * min(size)))
    margin = text_height // 3
    text = _words("mark-long", text_height)
    if text.width + 2 * margin > size[0]:
        text = _words("mark-short", text_height)
    return text, margin, (max(size[0], text.width + 2 * margin), size[1] + text_height + 2 * margin)


@cache
def _words(asset: str, height: int) -> Image.Image:
    """The drawn words as a mask of this height."""
    with Image.open(ASSETS / f"{asset}.png") as drawn:
        mask = drawn.convert("L")
    return mask.resize((round(mask.width * height / mask.height), height), Image.Resampling.LANCZOS)

"""Pictures as the browser's easel shows them: small ones exactly, large ones as WebP; the file that is saved is made by aigc.outputs."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aigc.outputs import on_screen
from aigc.ui import markup

if TYPE_CHECKING:
    from PIL.Image import Image

Payload = dict[str, Any]  # what static/easel.js understands; see its head
EXACT = 256 * 256  # pixels up to which a picture is sent as it is
QUALITY = 92
LARGEST = 2048  # pixels that are sent along the longer side: more than the page has room for
THUMB = 96
MOST_MASK = 1_000_000  # characters


def address(image: Image, exact: int = EXACT) -> str:
    """A picture that was handed in, as a data address."""
    small, kind, how = _for_screen(image, exact)
    out = io.BytesIO()
    small.save(out, kind, **how)
    return markup.address(out.getvalue(), kind.lower())


def made(image: Image, partly: bool = False, exact: int = EXACT) -> str:
    """One that was generated, `partly` where it was made of another: whoever saves it from the page has its label, too."""
    small, kind, how = _for_screen(image, exact)
    return markup.address(on_screen(small, kind, partly=partly, **how), kind.lower())


def _for_screen(image: Image, exact: int) -> tuple[Image, str, dict[str, Any]]:
    """The picture, its format, and how that is written."""
    if image.width * image.height <= exact:
        return image, "PNG", {"compress_level": 4}
    return shrunk(image).convert("RGB"), "WEBP", {"quality": QUALITY, "method": 2}


def shrunk(image: Image) -> Image:
    """As large as it is shown at most."""
    if max(image.size) <= LARGEST:
        return image
    small = image.copy()
    small.thumbnail((LARGEST, LARGEST))
    return small


def thumb(image: Image, partly: bool = False) -> str:
    small = image.copy()
    small.thumbnail((THUMB, THUMB))
    return made(small, partly)


def pictures(images: Sequence[Image], captions: Sequence[str], size: tuple[int, int] | None = None, partly: bool = False) -> list[Payload]:
    """What was generated.  `size`: of the finished picture, where these are previews of it."""
    items = []
    for i, image in enumerate(images):
        width, height = size or image.size
        items.append({"src": made(image, partly), "width": width, "height": height, "caption": captions[i] if i < len(captions) else ""})
    return items


def png(image: Image) -> bytes:
    """To keep in memory."""
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=4)
    return out.getvalue()


def opened(data: bytes) -> Image:
    from PIL import Image

    return Image.open(io.BytesIO(data), formats=["PNG"]).copy()


def mask(told: object) -> Image | None:
    """What the browser painted, from its data address; None for nothing, or for what is none."""
    from PIL import Image

    data = markup.png_in(told, MOST_MASK)
    if data is None:
        return None
    try:
        found = Image.open(io.BytesIO(data), formats=["PNG"])
        return found.convert("L") if max(found.size) <= 1024 else None
    except (OSError, ValueError, SyntaxError):
        return None

"""Pictures in time: GIF for a page, MP4 for a film; pixels stay crisp and every frame carries the mark."""

from __future__ import annotations

import io
import struct
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from PIL import Image

from aigc.outputs import labels
from aigc.outputs.files import new_path, write
from aigc.outputs.pictures import plain
from aigc.words import Refusal, both

T = TypeVar("T")
SIDE = 480  # pixels that small frames are enlarged to, at least, by a whole factor
FRAMES = 400  # longer histories are thinned evenly
XMP_BOX = uuid.UUID("be7acfcb-97a9-42e8-9c71-999491e3afac")  # XMP specification, part 3: where MP4 keeps a packet


def animation(
    frames: Sequence[Image.Image],
    kind: Literal["gif", "mp4"],
    *,
    made: bool,
    note: dict[str, Any] | None = None,
    name: str = "training",
    fps: float = 8.0,
    hold: float = 1.5,
    to: Path | None = None,
) -> Path:
    """Frames of one size as a file to download; the last one stays for `hold` seconds more.  Raises Refusal."""
    if not frames:
        raise Refusal(both("There are no pictures yet to make a film of.", "还没有可以做成动画的图像。"))
    shown = [_enlarged(plain(f)) for f in _thinned(frames)]
    if len({f.mode for f in shown}) > 1:
        shown = [f.convert("RGB") for f in shown]
    if made:
        shown = [labels.marked(f) for f in shown]
    path = to or new_path(f"{name}.{kind}")
    return _gif(shown, path, made, note, fps, hold) if kind == "gif" else _mp4(shown, path, made, note, fps, hold)


def _thinned(frames: Sequence[Image.Image]) -> list[Image.Image]:
    return thinned(frames, FRAMES)


def thinned(items: Sequence[T], most: int) -> list[T]:
    """At most `most` of them, two or more, evenly spread, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)]


def _enlarged(image: Image.Image) -> Image.Image:
    """By a whole, even factor where it is enlarged at all: MP4 keeps colour for blocks of 2 x 2 pixels."""
    factor = -(-SIDE // min(image.size))
    factor += factor % 2 if factor > 1 else 0
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def _content(frames: list[Image.Image]) -> bytes:
    return b"".join(f.tobytes() for f in frames)


def _gif(frames: list[Image.Image], path: Path, made: bool, note: dict[str, Any] | None, fps: float, hold: float) -> Path:
    step = max(20, round(1000 / fps))  # milliseconds; browsers slow down what asks for less than 20
    times = [step] * (len(frames) - 1) + [step + round(1000 * hold)]
    # a palette a frame; Pillow does not dither when it picks one, so an enlarged pixel stays one colour
    still = [f if f.mode == "L" else f.quantize(256, method=Image.Quantize.MEDIANCUT) for f in frames]
    out = io.BytesIO()
    comment = labels.parameters(note).encode() if note is not None else b""
    still[0].save(out, "GIF", save_all=True, append_images=still[1:], duration=times, loop=0, comment=comment)
    raw = out.getvalue()
    return write(_with_gif_xmp(raw, labels.xmp(labels.label(_content(frames)))) if made else raw, path.name, path)


def _with_gif_xmp(raw: bytes, packet: bytes) -> bytes:
    """The XMP application extension right after the global colour table; its trailer ends the packet for readers of sub-blocks."""
    flags = raw[10]
    at = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    trailer = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"
    return raw[:at] + b"\x21\xff\x0bXMP DataXMP" + packet + trailer + raw[at:]


def _mp4(frames: list[Image.Image], path: Path, made: bool, note: dict[str, Any] | None, fps: float, hold: float) -> Path:
    """H.264; the TC260 label is the key AIGC of moov.udta.meta, the IPTC source type an XMP box at the end."""
    size = tuple(n + n % 2 for n in frames[0].size)  # H.264 wants even sides
    tags = {"AIGC": labels.label(_content(frames))} if made else {}
    if note is not None:
        tags["comment"] = labels.parameters(note)
    partial = path.with_name(f".{uuid.uuid4().hex}.mp4")
    try:
        _encode([*frames, *frames[-1:] * round(hold * fps)], partial, size, fps, tags)
        return write(partial.read_bytes() + (_xmp_box() if made else b""), path.name, path)
    finally:
        partial.unlink(missing_ok=True)


def _encode(frames: list[Image.Image], path: Path, size: tuple[int, ...], fps: float, tags: dict[str, str]) -> None:
    import imageio_ffmpeg

    metadata = [part for key, value in tags.items() for part in ("-metadata", f"{key}={value}")]
    options = ["-crf", "16", "-preset", "medium", "-movflags", "+faststart+use_metadata_tags", *metadata]
    try:
        writer = imageio_ffmpeg.write_frames(
            str(path), size, fps=fps, codec="libx264", pix_fmt_out="yuv420p", quality=None, macro_block_size=2, output_params=options
        )
        writer.send(None)
        for frame in frames:
            canvas = Image.new("RGB", (size[0], size[1]), (labels.PAPER,) * 3)
            canvas.paste(frame)
            writer.send(np.asarray(canvas).tobytes())
        writer.close()
    except (OSError, RuntimeError) as error:
        raise Refusal(
            both("The film could not be written: no working ffmpeg. Take the GIF instead.", "没有可用的 ffmpeg，无法写出视频。请改用 GIF。")
        ) from error


def _xmp_box() -> bytes:
    body = b"uuid" + XMP_BOX.bytes + labels.xmp()
    return struct.pack(">I", len(body) + 4) + body

"""What leaves as a file: crisp, readable, and labelled exactly when it was generated.  The labels are read by readers of this file alone."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import struct
import subprocess
import time
import xml.etree.ElementTree as ET
import zipfile
import zlib
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence
from tiny import card, perturbed, tiny  # noqa: F401

from aigc import home, outputs, registry
from aigc.outputs import film, labels, pictures
from aigc.words import Refusal, both

NOTE = {"technique": "gan", "model": "my-gan", "seed": 7, "settings": {"steps": 20}}
XMP_KEYWORD = b"XML:com.adobe.xmp"


# independent readers


def png_chunks(raw: bytes) -> list[tuple[bytes, bytes]]:
    assert raw[:8] == b"\x89PNG\r\n\x1a\n"
    at, found = 8, []
    while at < len(raw):
        size, kind = struct.unpack(">I4s", raw[at : at + 8])
        body = raw[at + 8 : at + 8 + size]
        assert struct.unpack(">I", raw[at + 8 + size : at + 12 + size])[0] == zlib.crc32(kind + body)
        found.append((kind, body))
        at += 12 + size
    return found


def png_texts(raw: bytes) -> dict[bytes, bytes]:
    """Uncompressed iTXt chunks: keyword -> UTF-8 text; a keyword may stand there once."""
    found: dict[bytes, bytes] = {}
    for kind, body in png_chunks(raw):
        if kind == b"iTXt":
            keyword, rest = body.split(b"\0", 1)
            assert rest[:2] == b"\0\0", "compressed"
            assert keyword not in found
            found[keyword] = rest[2:].split(b"\0", 2)[2]
    return found


def read_xmp(packet: bytes) -> tuple[str | None, dict[str, str] | None]:
    """(IPTC source type, TC260 label)"""
    root = ET.fromstring(re.sub(rb"<\?xpacket.*?\?>", b"", packet))
    source = root.findtext(".//{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType")
    aigc = root.findall(".//{http://www.tc260.org.cn/ns/AIGC/1.0/}AIGC")
    assert len(aigc) <= 1
    return source, json.loads(aigc[0].text or "") if aigc else None


def gif_extension(raw: bytes) -> bytes | None:
    """The XMP packet, found by walking the blocks as a decoder does."""
    at = 13 + (3 * 2 ** ((raw[10] & 7) + 1) if raw[10] & 0x80 else 0)
    packet = None
    while raw[at] != 0x3B:
        if raw[at] == 0x2C:
            flags = raw[at + 9]
            at += 10 + (3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0) + 1
        else:
            assert raw[at] == 0x21
            if raw[at + 1 : at + 14] == b"\xff\x0bXMP DataXMP":
                packet = raw[at + 14 :].split(b"\x01\xff\xfe", 1)[0]
            at += 2
        while raw[at]:
            at += raw[at] + 1
        at += 1
    return packet


def mp4_boxes(raw: bytes) -> dict[bytes, bytes]:
    at, found = 0, {}
    while at < len(raw):
        size, kind = struct.unpack(">I4s", raw[at : at + 8])
        assert size >= 8 and at + size <= len(raw), "boxes do not tile the file"
        found[kind] = raw[at + 8 : at + size]
        at += size
    return found


def mp4_tags(path: Path) -> dict[str, str]:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-f", "ffmetadata", "-"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    pairs = [re.sub(r"\\(.)", r"\1", line).split("=", 1) for line in lines if "=" in line]
    return {k: v for k, v in pairs}


def mp4_frames(path: Path) -> np.ndarray:
    reader = imageio_ffmpeg.read_frames(str(path))
    width, height = next(reader)["size"]
    return np.stack([np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in reader])


def check_label(label: dict[str, str] | None, content: bytes | None = None) -> None:
    assert label is not None
    assert list(label) == ["Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2"]
    assert label["Label"] == "1" and label["ContentProducer"] == label["ContentPropagator"] == "AIGC-Lab"
    assert label["ProduceID"] == label["PropagateID"] and re.fullmatch("[0-9a-f]{32}", label["ProduceID"])
    assert all(re.fullmatch(r"[!#-\[\]-~]*", value) for value in label.values()), "a character that the standard does not allow"
    if content is not None:
        assert label["ReservedCode1"] == "sha256:" + hashlib.sha256(content).hexdigest()


def dark_rows(strip: Image.Image) -> int:
    """Height of the writing on a white strip."""
    rows = (np.asarray(strip.convert("L")) < 128).any(1)
    return int(rows.sum())


# labels


def test_a_generated_png_says_so_once_to_programs() -> None:
    path = outputs.picture(outputs.sheet(torch.rand(9, 3, 28, 28)), made=True, note=NOTE)
    raw = path.read_bytes()
    texts = png_texts(raw)
    source, label = read_xmp(texts[XMP_KEYWORD])
    assert source == "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    check_label(label, Image.open(path).tobytes())
    assert raw.count(b"ContentProducer") == 1
    assert json.loads(texts[b"parameters"]) == NOTE | {"software": "AIGC-Lab"}
    assert label is not None and pictures.intact(path, label)


def test_one_changed_pixel_is_noticed(tmp_path: Path) -> None:
    path = outputs.picture(outputs.sheet(torch.rand(4, 1, 8, 8)), made=True)
    _, label = read_xmp(png_texts(path.read_bytes())[XMP_KEYWORD])
    assert label is not None
    image = Image.open(path)
    image.putpixel((5, 5), (int(image.getpixel((5, 5))) + 1) % 256)
    image.save(tmp_path / "changed.png")
    assert not pictures.intact(tmp_path / "changed.png", label)


def test_two_files_have_two_numbers() -> None:
    image = outputs.sheet(torch.rand(1, 1, 8, 8))
    numbers = {(read_xmp(png_texts(outputs.png(image, made=True))[XMP_KEYWORD])[1] or {})["ProduceID"] for _ in range(2)}
    assert len(numbers) == 2


@pytest.mark.parametrize("size", [(8, 8), (28, 28), (64, 64), (200, 28), (28, 200), (640, 480), (480, 640), (1024, 1024), (2000, 1500)])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_the_mark_can_be_read_and_spares_the_picture(size: tuple[int, int], mode: str) -> None:
    image = Image.effect_noise(size, 100).convert(mode)
    marked = labels.marked(image)
    left = (marked.width - image.width) // 2
    assert marked.crop((left, 0, left + image.width, image.height)).tobytes() == image.tobytes()
    strip = marked.crop((0, image.height, *marked.size))
    written = dark_rows(strip)
    chinese = written if marked.width < 400 else written * 88 / 107  # the long words reach lower than the Chinese ones
    assert chinese >= 0.05 * min(marked.size) and written >= 12
    darkest, lightest = strip.convert("L").getextrema()
    assert darkest < 60 and lightest == 255  # contrast above 7 : 1
    ink = np.asarray(strip.convert("L")) < 128
    assert ink[:, 0].sum() == ink[:, -1].sum() == ink[0].sum() == ink[-1].sum() == 0, "cut off"


def test_the_mark_is_the_words_of_the_standard() -> None:
    """The shipped pictures against a font, where there is one: "AI" and "生成" are what GB 45438 asks for."""
    from PIL import ImageDraw, ImageFont

    try:
        font = ImageFont.truetype("NotoSansCJK-Bold.ttc", 96, index=2)
    except OSError:
        pytest.skip("no Chinese font here to compare with")
    for asset, words in (("mark-short", "AI生成"), ("mark-long", "AI生成 / AI-generated")):
        box = font.getbbox(words)
        drawn = Image.new("L", (int(box[2] - box[0]), int(box[3] - box[1])), 0)
        ImageDraw.Draw(drawn).text((-box[0], -box[1]), words, font=font, fill=255)
        shipped = Image.open(labels.ASSETS / f"{asset}.png").convert("L").resize(drawn.size)
        difference = np.abs(np.asarray(shipped, float) - np.asarray(drawn, float)).mean()
        assert difference < 12, (asset, difference)


@pytest.mark.parametrize("kind", ["png", "gif", "mp4", "npz"])
def test_real_pictures_are_never_labelled(kind: str) -> None:
    image = outputs.sheet(torch.rand(4, 3, 8, 8))
    path = {
        "png": lambda: outputs.picture(image, made=False, note={"data": "mnist"}),
        "gif": lambda: outputs.animation([image, image.rotate(90)], "gif", made=False),
        "mp4": lambda: outputs.animation([image, image.rotate(90)], "mp4", made=False),
        "npz": lambda: outputs.arrays(torch.rand(4, 3, 8, 8), made=False),
    }[kind]()
    raw = path.read_bytes()
    if kind == "npz":
        raw = b"".join(zipfile.ZipFile(path).read(n) for n in zipfile.ZipFile(path).namelist())
        raw = raw.replace(b"\0", b"")  # numpy writes text four bytes a character
    for word in (b'AIGC"', b"trainedAlgorithmicMedia", b"ContentProducer", b"TC260"):
        assert word not in raw
    if kind == "png":
        assert Image.open(path).size == image.size


def test_a_file_says_nothing_of_this_machine(aigc_home: Path) -> None:
    path = outputs.picture(outputs.sheet(torch.rand(1, 1, 8, 8)), made=True, note=NOTE)
    raw = path.read_bytes()
    for private in (str(aigc_home), os.environ.get("USER") or "/root", "/tmp", "hostname"):
        assert private.encode() not in raw


# films


def frames(n: int, mode: str = "RGB", size: tuple[int, int] = (27, 19)) -> list[Image.Image]:
    """Frames of which no two are alike, of odd sides."""
    rng = np.random.default_rng(3)
    shape = (size[1], size[0]) if mode == "L" else (size[1], size[0], 3)
    return [Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)) for _ in range(n)]


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_gif_frames_timing_crispness_and_labels(mode: str) -> None:
    source = frames(5, mode)
    path = outputs.animation(source, "gif", made=True, note=NOTE, fps=10, hold=2)
    raw = path.read_bytes()
    film = Image.open(path)
    shown = [(f.info["duration"], f.convert("RGB")) for f in ImageSequence.Iterator(film)]
    assert len(shown) == 5 and film.info["loop"] == 0
    assert [d for d, _ in shown] == [100, 100, 100, 100, 2100]
    packet = gif_extension(raw)
    assert packet is not None
    check_label(read_xmp(packet)[1])
    assert raw.count(b"ContentProducer") == 1
    factor = (shown[0][1].height) // 19
    for (_, frame), image in zip(shown, source, strict=True):
        pixels = np.asarray(frame)[: 19 * 26, : 27 * 26].astype(int)
        blocks = pixels.reshape(19, 26, 27, 26, 3)
        assert (blocks == blocks[:, :1, :, :1]).all(), "an enlarged pixel is not one colour"
        wanted = np.asarray(image.convert("RGB"), int)
        assert np.abs(blocks[:, 0, :, 0] - wanted).mean() < (1 if mode == "L" else 25)
        assert dark_rows(frame.crop((0, 19 * 26, *frame.size))) >= 0.05 * min(frame.size)
    assert factor >= 26


def test_mp4_decodes_to_the_right_frames_and_carries_both_labels() -> None:
    source = frames(6, size=(35, 33))  # 15 would be enough to enlarge them by; 16 is even
    path = outputs.animation(source, "mp4", made=True, note=NOTE, fps=10, hold=0.5)
    shown = mp4_frames(path)
    assert len(shown) == 6 + 5
    assert shown.shape[1] % 2 == shown.shape[2] % 2 == 0
    for frame, image in zip(shown, source, strict=False):
        small = frame[8 : 33 * 16 : 16, 8 : 35 * 16 : 16].astype(int)
        assert np.abs(small - np.asarray(image, int)).mean() < 6, "colours or order are wrong"
        edges = frame[16 : 33 * 16 : 16, : 35 * 16].astype(int)  # the first row of every enlarged pixel
        assert np.abs(edges - np.asarray(image, int)[1:].repeat(16, 1)).mean() < 12, "colours run into each other"
    assert all(dark_rows(Image.fromarray(frame[33 * 16 + 2 :])) >= 0.05 * min(frame.shape[:2]) for frame in shown), "a frame without its mark"
    assert np.abs(shown[-1].astype(int) - shown[5].astype(int)).mean() < 3
    tags = mp4_tags(path)
    check_label(json.loads(tags["AIGC"]))
    assert json.loads(tags["comment"])["seed"] == 7
    raw = path.read_bytes()
    boxes = mp4_boxes(raw)
    assert boxes[b"uuid"][:16].hex() == "be7acfcb97a942e89c71999491e3afac"
    source_type, second = read_xmp(boxes[b"uuid"][16:])
    assert source_type is not None and source_type.endswith("trainedAlgorithmicMedia")
    assert second is None and raw.count(b"ContentProducer") == 1  # one label a file
    assert raw.index(b"moov") < raw.index(b"mdat")  # plays while it loads


def test_long_histories_are_thinned_and_keep_their_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film, "FRAMES", 7)
    source = frames(50, "L", (8, 8))
    kept = film._thinned(source)
    assert len(kept) == 7 and kept[0] is source[0] and kept[-1] is source[-1]
    with pytest.raises(Refusal, match="no pictures yet"):
        outputs.animation([], "gif", made=True)


def test_without_ffmpeg_the_gif_is_offered(monkeypatch: pytest.MonkeyPatch, aigc_home: Path) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/nowhere/ffmpeg")
    monkeypatch.setattr(imageio_ffmpeg._utils.get_ffmpeg_exe, "cache_clear", lambda: None, raising=False)
    monkeypatch.setattr(imageio_ffmpeg._io, "get_ffmpeg_exe", lambda: "/nowhere/ffmpeg")
    with pytest.raises(Refusal, match="GIF"):
        outputs.animation(frames(2), "mp4", made=True)
    assert not list(home.outputs_folder().rglob("*.mp4"))


# sheets


def test_a_sheet_is_crisp_exact_and_in_order() -> None:
    images = torch.rand(7, 3, 5, 6, generator=torch.Generator().manual_seed(0))
    sheet = np.asarray(outputs.sheet(images, columns=3, scale=4))
    gap = 2
    for i in range(7):
        y, x = gap + i // 3 * (20 + gap), gap + i % 3 * (24 + gap)
        tile = sheet[y : y + 20, x : x + 24].reshape(5, 4, 6, 4, 3)
        assert (tile == tile[:, :1, :, :1]).all()
        assert (tile[:, 0, :, 0] == (images[i].permute(1, 2, 0).numpy() * 255).round()).all()


def test_a_sheet_takes_grey_and_bytes_and_survives_nan() -> None:
    grey = outputs.sheet(torch.full((2, 1, 8, 8), float("nan")))
    assert grey.mode == "L"
    same = torch.randint(0, 256, (3, 3, 8, 8), dtype=torch.uint8)
    assert (pictures.as_uint8(same) == same.numpy()).all()
    assert pictures.as_uint8(torch.tensor([-1.0, 0.5, 2.0]).view(1, 1, 1, 3)).ravel().tolist() == [0, 128, 255]
    with torch.enable_grad():
        outputs.sheet(torch.rand(1, 1, 4, 4, requires_grad=True))


def test_captions_stand_below_their_pictures() -> None:
    images = torch.ones(4, 1, 28, 28)
    plain = outputs.sheet(images, columns=2, scale=4)
    for captions in (["7", "8", "9", "a very long name that does not fit"], [both("cat", "猫")] * 4):
        sheet = outputs.sheet(images, captions, columns=2, scale=4, lang="zh")
        assert sheet.height > plain.height and sheet.width == plain.width
        below = np.asarray(sheet)[2 + 112 : 2 + 112 + (sheet.height - plain.height) // 2]
        assert (below[:, :112] < 128).any() and (below[:, 118:] < 128).any()
        assert (np.asarray(sheet)[2:114, 2:114] == 255).all(), "writing on the picture"


def test_chinese_captions_fall_back_to_english_without_a_font(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.ones(1, 1, 28, 28)
    english = outputs.sheet(images, [both("cat", "猫")], lang="en").tobytes()
    monkeypatch.setattr(pictures, "CHINESE_FONTS", ("no-such-font.ttf",))
    assert outputs.sheet(images, [both("cat", "猫")], lang="zh").tobytes() == english


def test_points_become_dots_where_they_are() -> None:
    cloud = outputs.scatter(torch.tensor([[1.0, 1.0], [float("nan"), 0.0]]), torch.tensor([[-1.0, -1.0]]))
    pixels = np.asarray(cloud).astype(int)
    side = len(pixels)
    at = round((1 / 2.1 + 1) * side / 2)
    assert tuple(pixels[side - at, at]) == pictures.GENERATED  # up is positive
    assert tuple(pixels[at, side - at]) == pictures.REAL
    assert ((pixels != 255).any(2)).sum() < 100


# arrays


def test_npz_is_plain_numbers() -> None:
    images = torch.rand(5, 3, 8, 8)
    path = outputs.arrays(images, torch.tensor([3, 1, 4, 1, 5]), made=True, note=NOTE)
    with np.load(path, allow_pickle=False) as found:
        assert found["images"].dtype == np.uint8 and found["images"].shape == (5, 3, 8, 8)
        assert (found["images"] == (images.numpy() * 255).round()).all()
        assert found["labels"].tolist() == [3, 1, 4, 1, 5] and found["labels"].dtype == np.int64
        about = json.loads(str(found["about"]))
        check_label(about.pop("AIGC"), found["images"].tobytes())
        assert about == NOTE | {"software": "AIGC-Lab"}


def test_npz_of_points_and_without_labels() -> None:
    points = torch.randn(9, 2)
    with np.load(outputs.arrays(points, made=True), allow_pickle=False) as found:
        assert found["points"].dtype == np.float32 and np.array_equal(found["points"], points.numpy())
        assert found["labels"].tolist() == [-1] * 9 and "images" not in found


# the folder


def test_every_file_has_a_folder_of_its_own_and_a_name_people_can_read() -> None:
    a, b = outputs.new_path("my gan.png"), outputs.new_path("my gan.png")
    assert a.name == b.name == "my-gan.png" and a.parent != b.parent
    assert re.fullmatch("[0-9a-f]{32}", a.parent.name) and a.parent.parent == home.outputs_folder()
    for bad in ("../../etc/passwd", "/etc/passwd", "", ".", "..", "a\0b", "\n", "x" * 5000, "𠮷" * 100, ".hidden"):
        path = outputs.new_path(bad)
        assert path.parent.parent == home.outputs_folder() and 0 < len(path.name) <= 80 and not path.name.startswith(".")
        path.touch()


def test_any_name_that_a_file_may_have_will_do(tmp_path: Path) -> None:
    assert outputs.text("x", "x", tmp_path / f"{'长' * 80}.txt").read_text() == "x"


def test_old_files_are_swept_and_young_ones_stay() -> None:
    old, young = outputs.text("x", "old.txt"), outputs.text("x", "young.txt")
    os.utime(old.parent, (time.time() - 25 * 3600,) * 2)
    outputs.sweep()
    assert not old.exists() and young.exists()


def test_a_table_holds_no_formula() -> None:
    path = outputs.table(["run", "=x"], [["=cmd|' /C calc'!A0", 1.5], ["@a", -2], ["+b", "-c"], ["  =d", 'ok, "fine"']], "t.csv")
    cells = [cell.strip('"') for line in path.read_text().splitlines() for cell in line.split(",")]
    assert not [c for c in cells if c[:1] in "=+@\t" and c] and "-2" in cells and "'-c" in cells


@pytest.mark.usefixtures("tiny")
def test_models_leave_as_a_zip_or_as_their_weights() -> None:
    registry.save(perturbed(), card("mine"))
    with zipfile.ZipFile(outputs.model("mine")) as archive:
        assert all(n.startswith("mine/") and ".." not in n for n in archive.namelist())
    assert outputs.weights("mine").read_bytes() == registry.entry("mine").weights.read_bytes()
    assert outputs.weights("mine").name == "mine.safetensors"


@pytest.mark.usefixtures("tiny")
def test_a_model_asked_for_again_and_again_is_one_file(tmp_path: Path) -> None:
    registry.save(perturbed(), card("mine"))
    assert len({outputs.model("mine") for _ in range(5)} | {outputs.weights("mine") for _ in range(5)}) == 2
    for make in (outputs.model, outputs.weights):
        with pytest.raises(Refusal):
            make("nobody")
    assert len(list(home.outputs_folder().iterdir())) == 2, "and what is not there leaves no folder"
    old = outputs.model("mine")
    os.utime(old.parent, (time.time() - 23 * 3600,) * 2)
    outputs.model("mine")
    assert time.time() - old.parent.stat().st_mtime < 3600, "it is not swept while it is asked for"
    registry.delete("mine")
    registry.save(perturbed(), card("mine", images=99))
    assert outputs.model("mine") != old


@pytest.mark.usefixtures("tiny")
def test_looking_at_a_model_leaves_no_file() -> None:
    from fastapi import FastAPI
    from starlette.testclient import TestClient

    from aigc.ui import downloads

    registry.save(perturbed(), card("mine"))
    app = FastAPI()
    app.include_router(downloads.router())
    client = TestClient(app)
    for name in ("model.safetensors", "model.zip", "samples.png", "train.py"):
        assert client.get(f"/aigc/models/nobody/{name}").status_code == 404
    assert not home.outputs_folder().exists() or not list(home.outputs_folder().iterdir())
    for _ in range(3):
        weights = client.get("/aigc/models/mine/model.safetensors")
        assert weights.content == registry.entry("mine").weights.read_bytes()
        assert 'filename="mine.safetensors"' in weights.headers["content-disposition"]
        assert 'filename="mine.zip"' in client.get("/aigc/models/mine/model.zip").headers["content-disposition"]
    assert len(list(home.outputs_folder().iterdir())) == 1


def test_a_target_is_replaced_whole_or_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "grid.png"
    target.write_bytes(b"old")
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk")))
        with pytest.raises(OSError, match="disk"):
            outputs.picture(Image.new("L", (8, 8)), made=True, to=target)
    assert target.read_bytes() == b"old" and list(tmp_path.glob(".*")) == []
    outputs.picture(Image.new("L", (8, 8)), made=True, to=target)
    assert Image.open(io.BytesIO(target.read_bytes())).format == "PNG"


@pytest.mark.parametrize("mode", ["1", "P", "RGBA", "LA", "CMYK", "I;16"])
def test_any_kind_of_picture_can_leave(mode: str) -> None:
    image: Any = Image.new(mode, (10, 10))
    assert Image.open(io.BytesIO(outputs.png(image, made=True))).mode in ("L", "RGB")


def test_sixteen_bits_become_eight_not_white() -> None:
    ramp = Image.fromarray(np.linspace(0, 65535, 256, dtype=np.uint16).reshape(16, 16))
    assert ramp.mode == "I;16" and np.array_equal(np.asarray(pictures.plain(ramp)).ravel(), np.arange(256))


@pytest.mark.parametrize("size", [(64, 64), (28, 28), (300, 700), (1024, 768)])
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_the_strip_comes_off_again(size: tuple[int, int], kind: str, tmp_path: Path) -> None:
    image = Image.effect_noise(size, 100).convert("RGB")
    saved = Image.open(outputs.picture(image, made=True, note={"size": "3x3"}))
    if kind != "PNG":
        saved.save(tmp_path / "again", kind, xmp=saved.info["xmp"])
        saved = Image.open(tmp_path / "again")
    own = labels.unmarked(saved)
    assert own.size == size and labels.unmarked(own) is own
    assert kind != "PNG" or own.tobytes() == image.tobytes()


@pytest.mark.parametrize("told", [{}, {"software": "another"}, {"size": "8000x9"}, {"size": "0x64"}, {"size": [64, 64]}, {"size": "64x65"}])
def test_only_what_was_made_here_loses_a_strip(told: dict[str, Any]) -> None:
    info = {"parameters": json.dumps({"software": "AIGC-Lab", "size": "64x64"} | told)}
    own = labels.unmarked(Image.new("RGB", (64, 90)), info)
    assert own.size == ((64, 64) if not told else (64, 90))
    assert labels.unmarked(Image.new("RGB", (64, 95)), info).height == 95, "cut or enlarged since"

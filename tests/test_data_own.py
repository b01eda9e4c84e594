"""The user's own images: what is accepted, what is left out and why, and what hostile files can do (nothing)."""

from __future__ import annotations

import io
import json
import re
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from data_files import encoded, pixels
from PIL import Image

from aigc.data import availability, own, spec, specs, uploads
from aigc.data.load import load
from aigc.home import uploads_folder
from aigc.words import Refusal


def write(folder: Path, n: int = 12, side: int = 40, channels: int = 3, form: str = "PNG") -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for i, x in enumerate(pixels(n, side, channels)):
        files.append(folder / f"{i:03}.{form.lower()}")
        files[-1].write_bytes(encoded(x, form))
    return files


def with_one(folder: Path, name: str, content: bytes) -> list[Path]:
    """Eight good pictures and one more file."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return [*write(folder / "good", 8), folder / name]


def zipped(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


def gradient(width: int, height: int) -> Image.Image:
    """Red grows to the right, green downwards: any turn or crop can be read off it."""
    x = np.zeros((height, width, 3), np.uint8)
    x[..., 0] = np.linspace(0, 255, width)[None, :]
    x[..., 1] = np.linspace(0, 255, height)[:, None]
    return Image.fromarray(x)


# the ordinary way


def test_images_become_a_dataset_like_any_other(tmp_path: Path):
    made = own.add("My cats!", write(tmp_path, 30), 32, "me")
    assert made.name == "own-my-cats" and made.title.en == made.title.zh == "My cats!"
    assert made.shape == (3, 32, 32) and made.classes == () and made.count == 27
    assert spec("own-my-cats") == made and list(specs())[-1] == "own-my-cats"
    assert availability("own-my-cats").here
    data = load("own-my-cats")
    assert data.x.shape == (27, 3, 32, 32) and data.test_x.shape == (3, 3, 32, 32) and data.labels is None
    assert own.skipped("own-my-cats") == []
    both_parts = {tuple(x) for x in np.concatenate([data.x.flatten(1).numpy(), data.test_x.flatten(1).numpy()]).tolist()}
    assert len(both_parts) == 30  # none twice, none lost


def test_every_format_and_a_zip_at_once(tmp_path: Path):
    files = [f for form in ("PNG", "JPEG", "WEBP") for f in write(tmp_path / form, 5, form=form)]
    archive = tmp_path / "more.ZIP"
    entries = {f"deep/er/{i}.png": encoded(x) for i, x in enumerate(pixels(5, seed=9, channels=3))}
    archive.write_bytes(zipped({**entries, "__MACOSX/._0.png": b"crumbs", "deep/.DS_Store": b"crumbs", "deep/": b""}))
    told: list[tuple[int, int]] = []
    made = own.add("all", [*files, archive], 28, progress=lambda done, total: told.append((done, total)))
    assert made.count + len(load(made.name).test_x) == 20 and own.skipped(made.name) == []
    assert told[-1] == (20, 20)


def test_grey_pictures_make_a_grey_set_and_one_colour_makes_it_coloured(tmp_path: Path):
    grey = write(tmp_path / "grey", 10, channels=1)
    assert own.add("grey", grey, 28).shape == (1, 28, 28)
    assert own.add("mixed", [*grey, *write(tmp_path / "colour", 1)], 28).shape == (3, 28, 28)


def test_the_middle_square_is_kept(tmp_path: Path):
    wide = np.zeros((50, 200, 3), np.uint8)
    wide[:, 75:125] = 255
    files = [tmp_path / f"{i}.png" for i in range(8)]
    for file in files:
        file.write_bytes(encoded(wide))
    own.add("wide", files, 32)
    assert (load("own-wide").x == 255).all()


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_picture_taken_sideways_is_turned_upright(tmp_path: Path, form: str):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side: turn by 90 degrees clockwise to view
    files = [tmp_path / f"{i}.{form.lower()}" for i in range(8)]
    for file in files:
        gradient(96, 96).transpose(Image.Transpose.ROTATE_90).save(file, form, exif=exif)
    own.add("sideways", files, 32)
    x = load("own-sideways").x[0].float()
    assert x[0, 16, 28] > x[0, 16, 4] + 150 and x[1, 28, 16] > x[1, 4, 16] + 150


def test_a_large_photograph_is_resized_as_well_as_a_small_one(tmp_path: Path):
    """JPEGs are decoded at a fraction of their size; the result must not show it."""
    files = [tmp_path / f"{i}.jpg" for i in range(8)]
    for file in files:
        gradient(3000, 2000).save(file, quality=95)
    own.add("large", files, 64)
    expected = np.asarray(gradient(3000, 2000).crop((500, 0, 2500, 2000)).resize((64, 64), Image.Resampling.LANCZOS)).astype(int)
    found = load("own-large").x[0].permute(1, 2, 0).numpy().astype(int)
    assert np.abs(found - expected)[..., :2].max() < 6


@pytest.mark.parametrize(
    ("form", "how", "size", "taken"),
    [
        ("JPEG", {}, (5712, 4284), True),  # as phones take them
        ("MPO", {"save_all": True, "append_images": [Image.new("L", (64, 64))]}, (5712, 4284), True),
        ("JPEG", {"progressive": True}, (5712, 4284), False),  # all of it would lie in memory
        ("JPEG", {}, (8192, 8193), False),
        ("PNG", {}, (5712, 4284), False),
    ],
)
def test_a_phones_large_photograph_is_taken(tmp_path: Path, form: str, how: dict, size: tuple[int, int], taken: bool):
    Image.new("L", size, 200).save(tmp_path / "large", form, **how)
    x, skipped, _ = uploads.read_pictures([tmp_path / "large"], 32)
    assert (x == 200).all() and len(x) == taken
    assert all("larger than 16 mega" in words.en for _, words in skipped)


@pytest.mark.parametrize(
    ("mode", "colour", "form", "expected"),
    [
        ("1", 1, "PNG", (255, 255, 255)),
        ("L", 77, "PNG", (77, 77, 77)),
        ("LA", (77, 0), "PNG", (255, 255, 255)),  # what is transparent is white
        ("RGBA", (200, 100, 50, 255), "PNG", (200, 100, 50)),
        ("RGBA", (200, 100, 50, 0), "PNG", (255, 255, 255)),
        ("RGBA", (0, 0, 0, 128), "WEBP", (127, 127, 127)),
        ("I;16", 0x8040, "PNG", (0x80, 0x80, 0x80)),
        ("CMYK", (0, 255, 255, 0), "JPEG", (255, 0, 0)),
    ],
)
def test_every_kind_of_pixel_becomes_eight_bit_colour(tmp_path: Path, mode: str, colour: object, form: str, expected: tuple[int, int, int]):
    files = [tmp_path / f"{i}.{form.lower()}" for i in range(8)]
    for file in files:
        picture = Image.new(mode, (32, 32), colour)  # type: ignore[arg-type]
        picture.save(file, form, **({"lossless": True} if form == "WEBP" else {}))
    own.add("kind", files, 32)
    found = load("own-kind").x[0].reshape(-1, 32 * 32)[:, 500].tolist()
    assert np.abs(np.array(found * (3 // len(found))) - expected).max() <= 3


def test_palettes_with_transparency_and_broken_profiles(tmp_path: Path):
    palette = Image.new("P", (32, 32), 1)
    palette.putpalette([255, 0, 0, 0, 255, 0])
    files = write(tmp_path, 6)
    palette.save(tmp_path / "p.png", transparency=1)
    gradient(32, 32).save(tmp_path / "icc.png", icc_profile=b"no profile at all")
    own.add("odd", [*files, tmp_path / "p.png", tmp_path / "icc.png"], 32)
    assert own.skipped("own-odd") == []


def test_a_phones_two_pictures_in_one_file_count_as_the_first(tmp_path: Path):
    file = tmp_path / "phone.jpg"
    gradient(64, 64).save(file, "MPO", save_all=True, append_images=[Image.new("RGB", (64, 64))])
    own.add("phone", [*write(tmp_path / "good", 8), file], 32)
    assert own.skipped("own-phone") == []


# names and owners


@pytest.mark.parametrize(
    ("typed", "title", "name"),
    [
        ("我的猫", "我的猫", "own-images"),
        ("  Été\t 2024 \n", "Été 2024", "own-ete-2024"),
        ("../../etc/passwd", "../../etc/passwd", "own-etc-passwd"),
        ("\u202egnp.exe\x00", "gnp.exe", "own-gnp-exe"),
        ("", "My images", "own-my-images"),
        ("x" * 500, "x" * 60, "own-" + "x" * 40),
        ("{0.__class__} {evil}", "{0.__class__} {evil}", "own-0-class-evil"),
    ],
)
def test_any_name_is_shown_as_typed_and_stored_safely(tmp_path: Path, typed: str, title: str, name: str):
    made = own.add(typed, write(tmp_path), 28)
    assert (made.title.en, made.name) == (title, name)
    assert spec(name).title.zh == title and own.is_own(name)
    assert {f.name for f in uploads_folder().iterdir()} == {name.removeprefix("own-")}


def test_the_same_name_twice_makes_two_sets(tmp_path: Path):
    names = [own.add("x" * 60, write(tmp_path), 28).name for _ in range(3)]
    assert len(set(names)) == 3 and all(own.is_own(n) for n in names)
    assert [s.name for s in own.sets()] == names


def test_only_the_owner_removes(tmp_path: Path):
    mine = own.add("mine", write(tmp_path), 28, "alice").name
    own.add("hers", write(tmp_path), 28, "bob")
    assert [s.name for s in own.sets("alice")] == [mine]
    assert "own-hers" not in specs("alice") and "own-hers" in specs() and "digits" in specs("alice")
    with pytest.raises(Refusal, match="someone else"):
        own.remove(mine, "bob")
    own.remove(mine, "alice")
    assert [s.name for s in own.sets()] == ["own-hers"]
    own.remove("own-hers", "")  # the single user of a lone machine
    assert not list(uploads_folder().iterdir())
    with pytest.raises(Refusal, match="add them again"):
        own.read("own-hers")


@pytest.mark.parametrize("owner", ["", "alice"])
def test_what_has_gone_cannot_be_removed_again(tmp_path: Path, owner: str):
    name = own.add("mine", write(tmp_path), 28, "alice").name
    own.remove(name, owner)
    for gone in (name, "own-never-there"):
        with pytest.raises(Refusal, match="add them again"):
            own.remove(gone, owner)
    assert own.add("never there", write(tmp_path), 28).name == "own-never-there", "a slip of the pen takes no name"


def test_a_damaged_set_can_be_removed(tmp_path: Path):
    name = own.add("hurt", write(tmp_path), 28).name
    (uploads_folder() / "hurt" / "about.json").write_text("{")
    own.remove(name)
    assert not list(uploads_folder().iterdir())


def test_the_name_of_a_removed_set_is_never_given_again(tmp_path: Path):
    """A run or a model may still name it: what somebody else adds later must not take its place."""
    first = own.add("Hers", write(tmp_path), 28, "alice")
    own.remove(first.name, "alice")
    second = own.add("Hers", write(tmp_path), 28, "bob")
    assert second.name != first.name and second.title == first.title
    with pytest.raises(Refusal):
        own.read(first.name)


@pytest.mark.parametrize("name", ["own-../runs", "own-", "own-.", "digits", "own-a/b", "OWN-A", "own-" + "a" * 41])
def test_a_name_that_is_no_name_never_becomes_a_path(name: str):
    for call in (own.read, own.remove, own.skipped):
        with pytest.raises(Refusal):
            call(name)


# what is left out


def too_wide(width: int, height: int) -> bytes:
    """A valid PNG of one-bit black, a few kilobytes long however large it claims to be."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    packed = b"".join(packer.compress(row * 64) for _ in range(-(-height // 64))) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def animation(form: str) -> bytes:
    out = io.BytesIO()
    frames = [Image.new("RGB", (32, 32), (i * 20, 0, 0)) for i in range(10)]
    frames[0].save(out, form, save_all=True, append_images=frames[1:])
    return out.getvalue()


GOOD = encoded(pixels(1, 64, 3)[0])
HOSTILE = {
    "html.png": (b"<html><script>alert(1)</script></html>", "not a PNG"),
    "svg.png": (b'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://169.254.169.254/"/></svg>', "not a PNG"),
    "gif.png": (animation("GIF"), "not a PNG"),
    "pdf.png": (b"%PDF-1.4\n%%EOF", "not a PNG"),
    "zip.png": (zipped({"a.png": GOOD}), "not a PNG"),
    "bmp.png": (encoded(pixels(1, 64, 3)[0], "BMP"), "not a PNG"),
    "empty.png": (b"", "not a PNG"),
    "text.txt": (b"hello", "not a PNG"),
    "truncated.png": (GOOD[: len(GOOD) // 2], "damaged"),
    "truncated.jpg": (encoded(pixels(1, 64, 3)[0], "JPEG")[:700], "damaged|not a PNG"),
    "flipped.png": (GOOD[:300] + bytes([GOOD[300] ^ 255]) + GOOD[301:], "damaged"),
    "tiny.png": (encoded(pixels(1, 4, 3)[0]), "smaller than 8"),
    "bomb.png": (too_wide(13_000, 13_000), "larger than 16 mega"),
    "long.png": (too_wide(100_000, 1), "larger than 16 mega"),
    "tall.png": (too_wide(1, 100_000), "larger than 16 mega"),
    "apng.png": (animation("PNG"), "animation"),
    "anim.webp": (animation("WEBP"), "animation"),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_picture_is_left_out_quickly_and_said_why(tmp_path: Path, name: str):
    content, why = HOSTILE[name]
    files = with_one(tmp_path, name, content)
    own.add("warm", files[:8], 28)
    began = time.perf_counter()
    made = own.add("set", files, 28)
    assert time.perf_counter() - began < 2
    ((file, words),) = own.skipped(made.name)
    assert file == name
    assert re.search(why, words.en) and words.zh
    assert made.count == 7
    assert own.skipped(own.add("zipped", [tmp_path_zip(tmp_path, files)], 28).name)[0][0] == name


def tmp_path_zip(tmp_path: Path, files: list[Path]) -> Path:
    archive = tmp_path / "all.zip"
    archive.write_bytes(zipped({f.name: f.read_bytes() for f in files}))
    return archive


def test_a_picture_and_zip_in_one_is_only_a_picture(tmp_path: Path):
    polyglot = GOOD + zipped({"a.png": GOOD})
    own.add("poly", with_one(tmp_path, "poly.png", polyglot), 28)
    assert own.skipped("own-poly") == []
    assert own.skipped(own.add("zip", with_one(tmp_path, "poly.zip", polyglot), 28).name) == []  # and asked for as a zip, only a zip


def test_bombs_take_no_memory(tmp_path: Path):
    """In a process of its own, whose peak memory tells what a 169-megapixel picture of 20 kB cost."""
    (tmp_path / "bomb.png").write_bytes(too_wide(13_000, 13_000))
    (tmp_path / "square.png").write_bytes(too_wide(20_000, 20_000))
    files = [*write(tmp_path / "good", 8), tmp_path / "bomb.png", tmp_path / "square.png"]
    code = (
        "import resource, sys; from pathlib import Path; from aigc.data.uploads import read_pictures;"
        "files = [Path(f) for f in sys.argv[1:]]; read_pictures(files[:8], 28);"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; x, skipped, n = read_pictures(files, 28);"
        "assert len(skipped) == 2, skipped; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, *map(str, files)], capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 50_000  # kB


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uploads, "MOST_BYTES_IN_ALL", 1_000_000)
    monkeypatch.setattr(uploads, "_unpacked", lambda *_: pytest.fail("it was unpacked"))
    (tmp_path / "bomb.zip").write_bytes(zipped({f"{i}.png": bytes(100_000) for i in range(11)}))
    with pytest.raises(Refusal, match="Unpacked"):
        own.add("bomb", [tmp_path / "bomb.zip"], 28)


def test_an_entry_that_lies_about_its_size_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uploads, "MOST_BYTES", 10_000)
    content = zipped({"liar.png": bytes(1_000_000)})
    lying = content.replace(struct.pack("<I", 1_000_000), struct.pack("<I", 100))
    assert lying != content
    own.add("liar", with_one(tmp_path, "liar.zip", lying), 28)
    assert own.skipped("own-liar")[0][0] == "liar.png"


def test_an_honest_entry_that_is_too_large_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uploads, "MOST_BYTES", 20_000)
    own.add("big", with_one(tmp_path, "big.zip", zipped({"big.png": bytes(30_000)})), 28)
    assert "larger than" in own.skipped("own-big")[0][1].en


def test_too_many_files_are_refused_before_they_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uploads, "MOST_FILES", 20)
    (tmp_path / "many.zip").write_bytes(zipped({f"{i}.png": b"" for i in range(21)}))
    with pytest.raises(Refusal, match="too many"):
        own.add("many", [tmp_path / "many.zip"], 28)
    with pytest.raises(Refusal, match="too many"):
        own.add("many", write(tmp_path, 21), 28)
    monkeypatch.setattr(uploads, "MOST_DIRECTORY_BYTES", 500)
    monkeypatch.setattr(zipfile, "ZipFile", None)  # not even opened
    with pytest.raises(Refusal, match="too many"):
        own.add("many", [tmp_path / "many.zip"], 28)


def test_names_in_a_zip_lead_nowhere(tmp_path: Path):
    content = zipped({"../../../escape.png": GOOD, "/etc/absolute.png": GOOD, "C:\\windows.png": GOOD, "a/b/nested.zip": zipped({"x.png": GOOD})})
    own.add("escape", with_one(tmp_path / "in", "z.zip", content), 28)
    assert [file for file, _ in own.skipped("own-escape")] == ["nested.zip"]
    assert not [f for f in tmp_path.rglob("*escape*") if f.is_file()] and not Path("/etc/absolute.png").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"x" * 100, zipped({"a.png": GOOD})[:-30], zipped({"a.png": GOOD})[-60:]])
def test_a_broken_zip_is_left_out(tmp_path: Path, content: bytes):
    own.add("broken", with_one(tmp_path, "broken.zip", content), 28)
    assert own.skipped("own-broken") == [("broken.zip", uploads.UNREADABLE)]


def test_an_encrypted_entry_and_one_with_a_wrong_checksum(tmp_path: Path):
    content = bytearray(zipped({"locked.png": GOOD}))
    content[6] |= 1
    content[content.rfind(b"PK\x01\x02") + 8] |= 1
    own.add("locked", with_one(tmp_path, "locked.zip", bytes(content)), 28)
    assert own.skipped("own-locked") == [("locked.png", uploads.NOT_UNPACKED)]
    content = bytearray(zipped({"bad.png": GOOD}))
    content[content.rfind(b"PK\x01\x02") + 16] ^= 1
    own.add("bad", with_one(tmp_path, "bad.zip", bytes(content)), 28)
    assert own.skipped("own-bad") == [("bad.png", uploads.NOT_UNPACKED)]


def test_a_file_that_has_gone(tmp_path: Path):
    own.add("gone", [*write(tmp_path, 8), tmp_path / "gone.png"], 28)
    assert own.skipped("own-gone") == [("gone.png", uploads.UNREADABLE)]


# refusals, faults


def test_too_few_pictures_are_refused_with_the_first_reason(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"<html>")
    with pytest.raises(Refusal, match=r"Only 7 of 8 .* at least 8 .*a\.png \(not a PNG") as refusal:
        own.add("few", [tmp_path / "a.png", *write(tmp_path / "good", 7)], 28)
    assert "a.png（不是 PNG" in refusal.value.words.zh
    for none in ([], [tmp_path / "a.png"], write(tmp_path / "one", 1)):
        with pytest.raises(Refusal, match="at least 8"):
            own.add("few", none, 28)
    assert own.sets() == [] and not uploads_folder().exists()


@pytest.mark.parametrize("side", [27, 0, 10**9, -1, "28", None])
def test_other_sides_are_refused(tmp_path: Path, side: int):
    with pytest.raises(Refusal, match="28 / 32 / 64"):
        own.add("x", write(tmp_path), side)


@pytest.mark.slow
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path):
    code = (
        "import resource, signal, sys; from pathlib import Path; from aigc.data import own; from aigc.words import Refusal;"
        "import torch; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "try: own.add('x', [Path(f) for f in sys.argv[1:]], 64)\n"
        "except Refusal as refusal: print(refusal)"
    )
    files = write(tmp_path, 8)
    done = subprocess.run([sys.executable, "-c", code, *map(str, files)], capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert "make room" in done.stdout, done.stderr
    assert not list(uploads_folder().iterdir())


def test_a_folder_that_cannot_be_written(tmp_path: Path):
    uploads_folder().parent.mkdir(parents=True)
    uploads_folder().write_text("a file where a folder should be")
    with pytest.raises(Refusal, match="could not be stored"):
        own.add("x", write(tmp_path), 28)


def test_damage_on_the_disk_is_told_in_words(tmp_path: Path):
    name = own.add("hurt", write(tmp_path), 28).name
    file = uploads_folder() / "hurt" / "images.safetensors"
    content = file.read_bytes()
    file.write_bytes(content[:-10])
    with pytest.raises(Refusal, match="damaged"):
        load(name)
    file.unlink()
    with pytest.raises(Refusal, match="damaged"):
        load(name)
    about = uploads_folder() / "hurt" / "about.json"
    file.write_bytes(content)
    about.write_text(json.dumps({**json.loads(about.read_text()), "side": 32}))
    with pytest.raises(Refusal, match="damaged"):
        load(name)
    about.write_text("{")
    assert own.sets() == []
    with pytest.raises(Refusal):
        load(name)

"""Scenes in words, English and Chinese: several ways to say the same, and some that leave a part open."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from aigc.pretrained.teach.pictures.scenes import COLOURS, DIGITS, Layout, Scene

NUMERALS_EN = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NUMERALS_ZH = "零一二三四五六七八九"
COLOURS_ZH = dict(zip(COLOURS, "红橙黄绿蓝紫白黑", strict=True))


@dataclass(frozen=True)
class Garment:
    one: str
    many: str
    zh: tuple[str, ...]
    measure: str  # the Chinese measure word


GARMENTS = (
    Garment("t-shirt", "t-shirts", ("T恤",), "件"),
    Garment("pair of trousers", "pairs of trousers", ("裤子", "长裤"), "条"),
    Garment("pullover", "pullovers", ("套头衫", "毛衣"), "件"),
    Garment("dress", "dresses", ("连衣裙", "裙子"), "条"),
    Garment("coat", "coats", ("外套", "大衣"), "件"),
    Garment("sandal", "sandals", ("凉鞋",), "只"),
    Garment("shirt", "shirts", ("衬衫",), "件"),
    Garment("sneaker", "sneakers", ("运动鞋",), "只"),
    Garment("bag", "bags", ("包", "手提包"), "个"),
    Garment("ankle boot", "ankle boots", ("短靴", "靴子"), "只"),
)
SIDES_EN = {Layout.LEFT: ("on the left", "at the left"), Layout.RIGHT: ("on the right", "at the right")}
SIDES_ZH = {Layout.LEFT: "左边", Layout.RIGHT: "右边"}


def caption(scene: Scene, lot: Random) -> str:
    """One of the many ways to say it; colour, ground or side are left out now and then."""
    says_colour, says_ground = lot.random() < 0.9, lot.random() < 0.9
    return (english if lot.random() < 0.5 else chinese)(scene, lot, says_colour, says_ground)


def english(scene: Scene, lot: Random, says_colour: bool = True, says_ground: bool = True) -> str:
    """ "a red seven on blue", "two white sneakers" """
    many, colour = scene.layout is Layout.TWO, f"{scene.colour} " if says_colour else ""
    what = colour + _thing_en(scene.thing, many, lot)
    counted = f"two {what}" if many else lot.choice([_with_article(what), _with_article(what), f"one {what}", what])
    if lot.random() < 0.1:
        counted = f"a picture of {counted}"
    side = f" {lot.choice(SIDES_EN[scene.layout])}" if scene.layout in SIDES_EN else ""
    if not says_ground:
        return counted + side
    g = scene.ground
    ground = lot.choice([f" on {g}", f" on {g}", f" on a {g} background", f" before a {g} background", f", {g} background", f" on {g} ground"])
    return counted + (ground + side if lot.random() < 0.5 and not ground.startswith(",") else side + ground)


def chinese(scene: Scene, lot: Random, says_colour: bool = True, says_ground: bool = True) -> str:
    """ "蓝底上的红色数字七", "两只白色运动鞋" """
    colour = _colour_zh(scene.colour, lot) if says_colour else ""
    thing, measure = _thing_zh(scene.thing, lot)
    many = scene.layout is Layout.TWO
    counted = f"两{measure}{colour}{thing}" if many else lot.choice(["", f"一{measure}"]) + colour + thing
    side = SIDES_ZH.get(scene.layout, "")
    if not says_ground:
        return f"{side}{lot.choice(['有', '的'])}{counted}" if side else counted
    g = COLOURS_ZH[scene.ground]
    ground = lot.choice([f"{g}底", f"{g}色背景", f"{g}色的背景", f"{g}底"])
    if lot.random() < 0.3:
        return f"{counted}，{ground}" + (f"，在{side}" if side else "")
    return f"{ground}{side or '上'}的{counted}"


def _thing_en(thing: int, many: bool, lot: Random) -> str:
    if thing >= DIGITS:
        garment = GARMENTS[thing - DIGITS]
        return garment.many if many else garment.one
    name = NUMERALS_EN[thing]
    if many:
        return name + ("es" if name == "six" else "s")
    return lot.choice([name, name, str(thing), f"digit {name}", f"number {name}", f"number {thing}"])


def _thing_zh(thing: int, lot: Random) -> tuple[str, str]:
    if thing >= DIGITS:
        garment = GARMENTS[thing - DIGITS]
        return lot.choice(garment.zh), garment.measure
    name = NUMERALS_ZH[thing]
    return lot.choice([f"数字{name}", f"数字{name}", f"数字{thing}", f"{thing}", name]), "个"


def _colour_zh(colour: str, lot: Random) -> str:
    return COLOURS_ZH[colour] + lot.choice(["色", "色的", "色"])


def _with_article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' and not words.startswith('one') else 'a'} {words}"

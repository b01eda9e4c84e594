"""What a picture shows, drawn by lot: which thing, how many, how large and where, in which colour on which ground."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from random import Random

COLOURS = {
    "red": (214, 40, 40), "orange": (247, 138, 22), "yellow": (250, 214, 50), "green": (46, 150, 70),
    "blue": (36, 84, 200), "purple": (128, 56, 168), "white": (250, 250, 250), "black": (18, 18, 18),
}  # fmt: skip
DIGITS, GARMENTS = 10, 10
THINGS = DIGITS + GARMENTS  # 0..9 are digits, 10..19 the classes of Fashion-MNIST


class Layout(Enum):
    ONE = "one"
    TWO = "two"
    LEFT = "left"
    RIGHT = "right"


LAYOUTS = (Layout.ONE,) * 2 + (Layout.TWO, Layout.LEFT, Layout.RIGHT)  # their shares


@dataclass(frozen=True)
class Scene:
    thing: int
    colour: str
    ground: str
    layout: Layout = Layout.ONE


def some_scene(lot: Random) -> Scene:
    colour, ground = lot.sample(list(COLOURS), 2)
    return Scene(lot.randrange(THINGS), colour, ground, lot.choice(LAYOUTS))

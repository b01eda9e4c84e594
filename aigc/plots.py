"""Numbers to plotly figures.  Pure: colours and words come in, nothing is read or written."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import plotly.graph_objects as go

# Runs are told apart by dash and by width, since colour already says what a curve is (palette.py).
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x", "star")
CURVE_POINTS = 2000  # of each curve, on the wire
LABEL_SHARE = 0.08  # of a logarithmic axis: labels closer than this would overlap on a phone
DECADES = 20.0  # largest over smallest x past which an axis is logarithmic


@dataclass(frozen=True)
class Curve:
    """One figure over the course of one run: `x` in `unit`s, rising."""

    name: str
    x: Sequence[float] = ()
    y: Sequence[float] = ()


@dataclass(frozen=True)
class Look:
    """How a figure is drawn: a plotly template (ui/palette.py), and the colour of the curves."""

    template: Mapping[str, Any] = field(default_factory=dict)
    colour: str = "black"
    other: str = "grey"  # every second curve, where there are more than dashes


def comparison(curves: Sequence[Curve], *, x_title: str, y_title: str, log: bool, look: Look) -> go.Figure:
    """The curves of several runs over each other.  A logarithmic axis leaves out what is not above zero."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for i, curve in enumerate(curves):
        x, y = thinned(curve.x, curve.y)
        line = {"color": look.other if i // len(DASHES) % 2 else look.colour, "dash": DASHES[i % len(DASHES)], "width": 1.75}
        figure.add_scatter(x=x, y=[v if v > 0 or not log else None for v in y], name=curve.name, mode="lines", line=line)
    figure.update_layout(
        template=dict(look.template), height=420, showlegend=True, uirevision=f"{x_title}/{y_title}/{log}",
        xaxis={"title": {"text": x_title}, "rangemode": "tozero"}, yaxis={"title": {"text": y_title}, "type": "log" if log else "linear"},
    )  # fmt: skip
    return figure


@dataclass(frozen=True)
class Line:
    """Measured points with their errors, in the order in which they are joined."""

    name: str
    points: Sequence[tuple[float, float, float | None]]  # x, y, standard deviation of y
    colour: str = ""  # "" is the look's own
    joined: bool = True


def measured(lines: Sequence[Line], *, x_title: str, y_title: str, look: Look, height: int = 340) -> go.Figure:
    """Points joined by lines, with error bars.  The x axis is logarithmic where it spans more than `DECADES`."""
    import plotly.graph_objects as go

    figure = go.Figure()
    drawn: Counter[str] = Counter()
    for line in lines:
        colour = line.colour or look.colour
        dash = DASHES[drawn[colour] % len(DASHES)]
        x, y, errors = ([point[i] for point in line.points] for i in range(3))
        bars = {"type": "data", "array": [e or 0.0 for e in errors], "thickness": 1.25, "width": 3, "visible": any(errors)}
        style = {"color": colour, "dash": dash, "width": 1.75}
        marker = {"size": 7, "color": colour, "symbol": SYMBOLS[drawn[colour] % len(SYMBOLS)]}
        mode = "lines+markers" if line.joined else "markers"
        figure.add_scatter(x=x, y=y, name=line.name, mode=mode, line=style, marker=marker, error_y=bars)
        drawn[colour] += 1
    across = [point[0] for line in lines for point in line.points]
    figure.update_layout(
        template=dict(look.template), height=height, showlegend=len(lines) > 1, hovermode="closest",
        xaxis={"title": {"text": x_title}, "type": "log" if _is_wide(across) else "linear"}, yaxis={"title": {"text": y_title}},
    )  # fmt: skip
    if _is_wide(across):
        marks = sorted(set(across))
        figure.update_xaxes(tickvals=marks, ticktext=_labels(marks))
    return figure


def _labels(marks: Sequence[float]) -> list[str]:
    """Of a logarithmic axis, from below; none where it would overlap the one before."""
    labelled: list[float] = []
    for x in marks:
        if not labelled or math.log(x / labelled[-1]) >= LABEL_SHARE * math.log(marks[-1] / marks[0]):
            labelled.append(x)
    return [f"{x:g}" if x in labelled else "" for x in marks]


def _is_wide(x: Sequence[float]) -> bool:
    """Never shares: they lie between 0 and 1."""
    return bool(x) and min(x) > 0 and max(x) > 1 and max(x) / min(x) > DECADES


def thinned(x: Sequence[float], y: Sequence[float], most: int = CURVE_POINTS) -> tuple[list[float], list[float]]:
    """At most `most` points: of every stretch its lowest and its highest, so that no spike is lost."""
    if len(x) <= most:
        return list(x), list(y)
    stretch = -(-2 * len(x) // most)
    keep: list[int] = []
    for start in range(0, len(x), stretch):
        inside = range(start, min(start + stretch, len(x)))
        keep += sorted({min(inside, key=y.__getitem__), max(inside, key=y.__getitem__)})
    return [x[i] for i in keep], [y[i] for i in keep]

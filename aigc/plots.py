"""Numbers to plotly figures.  Pure: colours and words come in, nothing is read or written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import plotly.graph_objects as go

# Runs are told apart by dash and by width, since colour already says what a curve is (palette.py).
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
CURVE_POINTS = 2000  # of each curve, on the wire


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

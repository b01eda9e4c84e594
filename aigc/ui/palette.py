"""Every colour of the page.  Seven carry a meaning (techniques.Role) and mean it everywhere; the rest are paper and ink.

The seven stay apart for every kind of colour blindness and are readable as text on both papers (tests/test_palette.py).
CSS, plotly, Mermaid, LaTeX and Gradio's theme all read this file; buttons and links are ink, so that no colour is spent on them.
"""

from __future__ import annotations

from typing import Any

from aigc.techniques import Role

Shades = tuple[str, str]  # on light paper, on dark paper

ROLES: dict[Role, Shades] = {
    Role.REAL: ("#0260b7", "#4a90ff"),
    Role.GENERATED: ("#ac6003", "#f79b08"),
    Role.NOISE: ("#6e737a", "#8b8c92"),
    Role.JUDGE: ("#6d0b81", "#c9a8fb"),
    Role.MAKER: ("#0e5d48", "#75daac"),
    Role.LOSS: ("#1e242e", "#f4f3fc"),
    Role.WARNING: ("#a60e0a", "#ff4a3d"),
}
SERIES = (Role.LOSS, Role.REAL, Role.GENERATED, Role.JUDGE, Role.MAKER, Role.NOISE)  # curves that differ only in whose they are
PAPERS: dict[str, Shades] = {
    "paper": ("#fafaf7", "#15171b"),  # behind everything
    "panel": ("#ffffff", "#1c1f24"),  # what lies on it
    "sunken": ("#f2f1ed", "#101215"),  # wells: code, empty places for pictures
    "line": ("#e0ded8", "#30343b"),  # hairlines between things
    "edge": ("#8c8983", "#747983"),  # round what can be typed in: 3:1 against its surroundings
    "muted": ("#565c66", "#a6acb6"),  # second-rank text
    "ink": ("#1e242e", "#eceef2"),
    "hover": ("#3c424a", "#ced0d4"),  # what is filled with ink, under the pointer
}

FONT = (
    '-apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "Noto Sans", Cantarell, Ubuntu, "Liberation Sans", "Helvetica Neue", Arial, '
    '"PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans SC", "Noto Sans CJK SC", sans-serif'
)
MONO = 'ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "Liberation Mono", "Noto Sans Mono CJK SC", monospace'


def colour(role: Role, dark: bool = False) -> str:
    return ROLES[role][dark]


def css() -> str:
    """`--aigc-real` ... and `--aigc-paper` ..., for `html[data-theme=dark]` too, and the formulas' colours on dark paper."""

    def variables(dark: bool) -> str:
        pairs = {**{role.value: shades for role, shades in ROLES.items()}, **PAPERS}
        return "".join(f"--aigc-{name}:{shades[dark]};" for name, shades in pairs.items())

    formulas = "".join(_formula_rule(light, dark) for light, dark in ROLES.values())
    fonts = f"--aigc-font:{FONT};--aigc-mono:{MONO};"
    return f":root{{{variables(False)}{fonts}color-scheme:light}}:root[data-theme=dark]{{{variables(True)}color-scheme:dark}}{formulas}"


def _formula_rule(light: str, dark: str) -> str:
    """KaTeX writes a colour into the element's style, as typed or as rgb(): on dark paper the rule wins over it."""
    r, g, b = (int(light[i : i + 2], 16) for i in (1, 3, 5))
    places = (f'[style*="color:{light}"]', f'[style*="color: {light}"]', f'[style*="color: rgb({r}, {g}, {b})"]')
    return ",".join(f"[data-theme=dark] .katex {place}" for place in places) + f"{{color:{dark}!important}}"


def latex(role: Role, formula: str) -> str:
    """The part of a formula that speaks of `role`, in its colour."""
    return rf"\textcolor{{{colour(role)}}}{{{formula}}}"


def mermaid(dark: bool = False) -> str:
    """The first line of a Mermaid diagram in our theme.  A node is given a role by `name:::aigc-maker`; page.css colours it, so
    that the diagram follows the switch from light to dark without being drawn again."""
    paper, panel, line, ink = (PAPERS[k][dark] for k in ("paper", "panel", "edge", "ink"))
    variables = {
        "fontFamily": "inherit", "fontSize": "14px", "background": paper, "primaryColor": panel, "primaryTextColor": ink, "primaryBorderColor": line,
        "lineColor": line, "textColor": ink, "clusterBkg": paper, "clusterBorder": line, "edgeLabelBackground": paper,
    }  # fmt: skip
    inner = ",".join(f"'{k}':'{v}'" for k, v in variables.items())
    return f"%%{{init: {{'theme':'base','themeVariables':{{{inner}}}}}}}%%"


def plotly_template(dark: bool = False) -> dict[str, Any]:
    """A plotly template as plain JSON, for figures made here and for those the browser draws by itself."""
    panel, line, muted, ink = (PAPERS[k][dark] for k in ("panel", "line", "muted", "ink"))
    axis = {
        "gridcolor": line, "linecolor": line, "zerolinecolor": line, "zerolinewidth": 1, "tickcolor": line, "ticks": "outside", "ticklen": 4,
        "tickfont": {"color": muted, "size": 12}, "title": {"font": {"color": muted, "size": 12}, "standoff": 8}, "automargin": True,
    }  # fmt: skip
    layout = {
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)", "font": {"family": FONT, "color": ink, "size": 13},
        "colorway": [ROLES[r][dark] for r in SERIES],
        "xaxis": axis, "yaxis": axis, "margin": {"l": 56, "r": 16, "t": 16, "b": 44},
        "hoverlabel": {"bgcolor": panel, "bordercolor": line, "font": {"color": ink, "family": FONT}},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"color": ink, "size": 12}}, "hovermode": "x unified",
    }  # fmt: skip
    return {"layout": layout}

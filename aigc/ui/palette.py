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
PAPERS: dict[str, Shades] = {
    "paper": ("#fafaf7", "#15171b"),  # behind everything
    "panel": ("#ffffff", "#1c1f24"),  # what lies on it
    "sunken": ("#f2f1ed", "#101215"),  # wells: code, empty places for pictures
    "line": ("#e0ded8", "#30343b"),  # hairlines between things
    "edge": ("#8c8983", "#747983"),  # round what can be typed in: 3:1 against its surroundings
    "muted": ("#565c66", "#a6acb6"),  # second-rank text
    "ink": ("#1e242e", "#eceef2"),
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
        "colorway": [ROLES[r][dark] for r in (Role.LOSS, Role.REAL, Role.GENERATED, Role.JUDGE, Role.MAKER, Role.NOISE)],
        "xaxis": axis, "yaxis": axis, "margin": {"l": 56, "r": 16, "t": 16, "b": 44},
        "hoverlabel": {"bgcolor": panel, "bordercolor": line, "font": {"color": ink, "family": FONT}},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"color": ink, "size": 12}}, "hovermode": "x unified",
    }  # fmt: skip
    return {"layout": layout}


def theme() -> Any:
    """Gradio's theme: its every colour is one of our CSS variables, so that light and dark are one theme."""
    import gradio as gr

    paper, panel, sunken, line, edge, muted, ink = (f"var(--aigc-{k})" for k in ("paper", "panel", "sunken", "line", "edge", "muted", "ink"))
    greys = dict(zip(("c50", "c100", "c200", "c300", "c400", "c500", "c600", "c700", "c800", "c900", "c950"),
                     (paper, sunken, line, line, edge, muted, muted, ink, ink, ink, ink), strict=True))  # fmt: skip
    grey = gr.themes.Color(**greys, name="aigc")
    plain = [gr.themes.Font("system-ui"), gr.themes.Font("sans-serif")]  # anything else would be fetched; page.css names the full list
    base = gr.themes.Base(primary_hue=grey, secondary_hue=grey, neutral_hue=grey, font=plain, font_mono=plain, radius_size="sm", text_size="md")
    colours = {
        "body_background_fill": paper, "body_text_color": ink, "body_text_color_subdued": muted, "background_fill_primary": panel,
        "background_fill_secondary": sunken, "border_color_primary": line, "border_color_accent": ink, "border_color_accent_subdued": line,
        "color_accent_soft": sunken, "link_text_color": ink, "link_text_color_hover": ink, "link_text_color_visited": ink, "link_text_color_active": ink,
        "block_background_fill": "transparent", "block_border_color": line, "block_label_background_fill": panel, "block_label_text_color": muted,
        "block_title_text_color": ink, "block_info_text_color": muted, "panel_background_fill": panel, "panel_border_color": line,
        "input_background_fill": panel, "input_background_fill_focus": panel, "input_border_color": edge, "input_border_color_focus": ink,
        "input_placeholder_color": muted, "checkbox_background_color": panel, "checkbox_background_color_selected": ink,
        "checkbox_border_color": edge, "checkbox_border_color_selected": ink, "checkbox_border_color_focus": ink,
        "checkbox_label_background_fill": panel, "checkbox_label_background_fill_hover": sunken, "checkbox_label_background_fill_selected": sunken,
        "checkbox_label_border_color": line, "checkbox_label_text_color": ink, "checkbox_label_text_color_selected": ink,
        "table_border_color": line, "table_even_background_fill": panel, "table_odd_background_fill": panel, "table_row_focus": sunken,
        "code_background_fill": sunken, "stat_background_fill": ink, "error_background_fill": panel, "error_text_color": "var(--aigc-warning)",
        "error_border_color": "var(--aigc-warning)", "error_icon_color": "var(--aigc-warning)",
        "button_primary_background_fill": ink, "button_primary_background_fill_hover": muted, "button_primary_text_color": paper,
        "button_primary_border_color": ink, "button_secondary_background_fill": panel, "button_secondary_background_fill_hover": sunken,
        "button_secondary_text_color": ink, "button_secondary_border_color": edge, "button_cancel_background_fill": panel,
        "button_cancel_background_fill_hover": sunken, "button_cancel_text_color": "var(--aigc-warning)", "button_cancel_border_color": "var(--aigc-warning)",
    }  # fmt: skip
    sizes = {
        "slider_color": ink, "color_accent": ink, "block_border_width": "0px", "block_shadow": "none", "block_padding": "0px", "block_radius": "6px",
        "input_border_width": "1px", "input_shadow": "none", "input_shadow_focus": "none", "button_border_width": "1px",
        "layout_gap": "16px", "form_gap_width": "0px", "block_label_border_width": "0px", "prose_header_text_weight": "600",
    }  # fmt: skip
    known = gr.themes.Base.set.__code__.co_varnames
    both_ways = {f"{name}_dark": value for name, value in (colours | sizes).items() if f"{name}_dark" in known}
    return base.set(**colours, **sizes, **both_ways)

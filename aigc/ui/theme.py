"""Gradio's theme: its every colour is one of the palette's CSS variables, so that light and dark are one theme."""

from __future__ import annotations

import gradio as gr

PAPER, PANEL, SUNKEN, LINE, EDGE, MUTED, INK, HOVER, WARNING = (
    f"var(--aigc-{name})" for name in ("paper", "panel", "sunken", "line", "edge", "muted", "ink", "hover", "warning")
)
STEPS = ("c50", "c100", "c200", "c300", "c400", "c500", "c600", "c700", "c800", "c900", "c950")
GREY = dict(zip(STEPS, (PAPER, SUNKEN, LINE, LINE, EDGE, MUTED, MUTED, INK, INK, INK, INK), strict=True))

COLOURS = {
    "body_background_fill": PAPER, "body_text_color": INK, "body_text_color_subdued": MUTED,
    "background_fill_primary": PANEL, "background_fill_secondary": SUNKEN,
    "border_color_primary": LINE, "border_color_accent": INK, "border_color_accent_subdued": LINE, "color_accent_soft": SUNKEN,
    "link_text_color": INK, "link_text_color_hover": INK, "link_text_color_visited": INK, "link_text_color_active": INK,
    "block_background_fill": "transparent", "block_border_color": LINE, "block_label_background_fill": PANEL,
    "block_label_text_color": MUTED, "block_title_text_color": INK, "block_info_text_color": MUTED,
    "panel_background_fill": PANEL, "panel_border_color": LINE,
    "input_background_fill": PANEL, "input_background_fill_focus": PANEL, "input_border_color": EDGE, "input_border_color_focus": INK,
    "input_placeholder_color": MUTED,
    "checkbox_background_color": PANEL, "checkbox_background_color_selected": INK, "checkbox_border_color": EDGE,
    "checkbox_border_color_selected": INK, "checkbox_border_color_focus": INK,
    "checkbox_label_background_fill": PANEL, "checkbox_label_background_fill_hover": SUNKEN, "checkbox_label_background_fill_selected": SUNKEN,
    "checkbox_label_border_color": LINE, "checkbox_label_text_color": INK, "checkbox_label_text_color_selected": INK,
    "table_border_color": LINE, "table_even_background_fill": PANEL, "table_odd_background_fill": PANEL, "table_row_focus": SUNKEN,
    "code_background_fill": SUNKEN, "stat_background_fill": INK, "error_background_fill": PANEL, "error_text_color": WARNING,
    "error_border_color": WARNING, "error_icon_color": WARNING,
    "button_primary_background_fill": INK, "button_primary_background_fill_hover": HOVER, "button_primary_text_color": PAPER,
    "button_primary_border_color": INK,
    "button_secondary_background_fill": PANEL, "button_secondary_background_fill_hover": SUNKEN, "button_secondary_text_color": INK,
    "button_secondary_border_color": EDGE,
    "button_cancel_background_fill": PANEL, "button_cancel_background_fill_hover": SUNKEN, "button_cancel_text_color": WARNING,
    "button_cancel_border_color": WARNING,
}  # fmt: skip
SIZES = {
    "slider_color": INK, "color_accent": INK, "block_border_width": "0px", "block_shadow": "none", "block_padding": "0px",
    "block_radius": "6px", "input_border_width": "1px", "input_shadow": "none", "input_shadow_focus": "none", "button_border_width": "1px",
    "layout_gap": "16px", "form_gap_width": "0px", "block_label_border_width": "0px", "prose_header_text_weight": "600",
}  # fmt: skip


def theme() -> gr.themes.Base:
    grey = gr.themes.Color(**GREY, name="aigc")
    plain = [gr.themes.Font("system-ui"), gr.themes.Font("sans-serif")]  # any other would be fetched; page.css names the full list
    base = gr.themes.Base(primary_hue=grey, secondary_hue=grey, neutral_hue=grey, font=plain, font_mono=plain, radius_size="sm", text_size="md")
    known = gr.themes.Base.set.__code__.co_varnames
    dark = {f"{name}_dark": value for name, value in (COLOURS | SIZES).items() if f"{name}_dark" in known}
    return base.set(**COLOURS, **SIZES, **dark)

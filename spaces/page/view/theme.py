"""The page's one look: system fonts and a teal accent; the style sheets have the rest.

Text keeps a contrast of at least 4.5 to 1 in light and dark; nothing is told by colour alone.
Pictures have frames of fixed height from the start; words take the room that they need.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

_BROWSER = Path(__file__).with_name("browser")
CSS = [_BROWSER / name for name in ("page.css", "record.css")]
"""Rules for what Gradio has no component for."""

_SCRIPTS = [_BROWSER / name for name in ("page.js", "pixel.js", "explorer.js", "record.js")]


def head(max_upload_bytes: int) -> str:
    """What the browser runs beside Gradio.

    Args:
        max_upload_bytes: Most bytes of an upload: larger ones are refused before they are sent.
    """
    limit = f"window.hephaestusLimit = {max_upload_bytes};"
    return f"<script>{limit}\n{''.join(path.read_text() for path in _SCRIPTS)}</script>"


_TEAL = gr.themes.Color(
    name="teal-ash",
    c50="#eef7f7",
    c100="#d6ebec",
    c200="#aed8da",
    c300="#7fc0c4",
    c400="#4fa3a9",
    c500="#2c858c",
    c600="#1a6b73",
    c700="#14565d",
    c800="#11444a",
    c900="#0d3338",
    c950="#082226",
)


def theme() -> gr.themes.Base:
    """The theme; fonts are the visitor's own, so nothing is fetched from elsewhere."""
    return gr.themes.Base(
        primary_hue=_TEAL,
        secondary_hue=_TEAL,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_sm,
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "SFMono-Regular", "Menlo", "monospace"],
    ).set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_width="1px",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_200",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_300",
        button_primary_background_fill_hover_dark="*primary_200",
        button_primary_text_color="white",
        button_primary_text_color_dark="*primary_950",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_200",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
        checkbox_border_color="*neutral_500",
        checkbox_border_color_dark="*neutral_400",
        checkbox_background_color_selected="*primary_600",
        checkbox_background_color_selected_dark="*primary_500",
        checkbox_background_color_focus="*primary_600",
        checkbox_background_color_focus_dark="*primary_500",
        checkbox_border_color_selected="*primary_600",
        checkbox_border_color_selected_dark="*primary_300",
        checkbox_label_background_fill_selected="*primary_100",
        checkbox_label_background_fill_selected_dark="*primary_800",
        checkbox_label_border_width="1px",
        checkbox_label_border_width_dark="1px",
        checkbox_label_border_color="transparent",
        checkbox_label_border_color_selected="*primary_600",
        checkbox_label_border_color_selected_dark="*primary_300",
        slider_color="*primary_600",
        slider_color_dark="*primary_300",
    )

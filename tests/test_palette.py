"""The seven colours can be read and told apart, by every eye, on both papers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from aigc.techniques import Role
from aigc.ui import palette, theme

# Machado, Oliveira & Fernandes 2009, severity 1.0: what a dichromat sees, as matrices over linear RGB
SIGHT = {
    "full": np.eye(3),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "tritanopia": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}
CONES = np.array([[0.41222, 0.53633, 0.05145], [0.21190, 0.68070, 0.10740], [0.08830, 0.28172, 0.62998]])  # Ottosson 2020
LAB = np.array([[0.21045, 0.79362, -0.00407], [1.97800, -2.42859, 0.45059], [0.02590, 0.78277, -0.80868]])
APART = 0.08  # distance in OKLab; 0.02 is just noticeable side by side, and curves are thin


def linear(colour: str) -> np.ndarray:
    s = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    """WCAG 2.2"""
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (a, b))
    return (high + 0.05) / (low + 0.05)


def oklab(rgb: np.ndarray) -> np.ndarray:
    return LAB @ np.cbrt(CONES @ np.clip(rgb, 0, 1))


def nearest(colours: dict[Role, str], sight: np.ndarray) -> tuple[float, Role, Role]:
    seen = {role: oklab(sight @ linear(c)) for role, c in colours.items()}
    return min((float(np.linalg.norm(seen[a] - seen[b])), a, b) for a, b in itertools.combinations(seen, 2))


def shades(dark: bool) -> dict[Role, str]:
    return {role: palette.colour(role, dark) for role in palette.ROLES}


def test_every_role_has_a_colour():
    assert set(palette.ROLES) == set(Role)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("sight", SIGHT)
def test_the_roles_can_be_told_apart(sight: str, dark: bool):
    distance, a, b = nearest(shades(dark), SIGHT[sight])
    assert distance >= APART, f"{a.value} and {b.value} are only {distance:.3f} apart with {sight}"


def test_the_test_notices_red_beside_green():
    assert nearest({Role.WARNING: "#c00000", Role.MAKER: "#4f7a00"}, SIGHT["deuteranopia"])[0] < APART


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("paper", ["paper", "panel"])
def test_everything_written_can_be_read(paper: str, dark: bool):
    ground = palette.PAPERS[paper][dark]
    written = {**shades(dark), **{name: palette.PAPERS[name][dark] for name in ("ink", "muted")}}
    assert {name: c for name, c in written.items() if contrast(c, ground) < 4.5} == {}
    assert contrast(palette.PAPERS["edge"][dark], ground) >= 3  # WCAG 1.4.11: the borders of inputs


@pytest.mark.parametrize("dark", [False, True])
def test_ink_on_wells_and_paper_on_buttons(dark: bool):
    ink, muted, paper, sunken = (palette.PAPERS[k][dark] for k in ("ink", "muted", "paper", "sunken"))
    assert min(contrast(ink, sunken), contrast(muted, sunken), contrast(paper, ink)) >= 4.5


@pytest.mark.parametrize("dark", [False, True])
def test_a_button_under_the_pointer_reads_as_one_that_can_be_pressed(dark: bool):
    """It is seen to change, and stays far from one that is disabled, which is ink at 45 %."""
    ink, paper, hover = (palette.PAPERS[k][dark] for k in ("ink", "paper", "hover"))
    assert theme.COLOURS["button_primary_background_fill_hover"] == "var(--aigc-hover)" and f"--aigc-hover:{hover};" in palette.css()
    assert 1.25 <= contrast(ink, hover) <= 1.7 and contrast(paper, hover) >= 7


def test_everyone_reads_the_same_colours():
    css = palette.css()
    for role, (light, dark) in palette.ROLES.items():
        assert f"--aigc-{role.value}:{light};" in css and f"--aigc-{role.value}:{dark};" in css
        assert light in palette.latex(role, "x") and light in css.split("}", 2)[2]
    assert palette.PAPERS["panel"][1] in palette.mermaid(dark=True)
    assert palette.plotly_template(True)["layout"]["colorway"][0] == palette.colour(Role.LOSS, True)


def test_the_template_is_one_that_plotly_takes():
    import plotly.graph_objects as go

    for dark in (False, True):
        figure = go.Figure(go.Scatter(y=[1, 2]))
        figure.update_layout(template=palette.plotly_template(dark))
        assert figure.layout.template.layout.font.color == palette.PAPERS["ink"][dark]

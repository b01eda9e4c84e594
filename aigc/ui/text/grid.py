"""The words of an X/Y grid, whatever stands in its cells."""

from __future__ import annotations

from aigc.words import both

GRID = both("X/Y grid: vary two settings", "X/Y 网格：变动两项设置")
ACROSS, DOWN = both("Across", "横向"), both("Down", "纵向")
VALUES = both("Values", "取值")
GO = both("Draw the grid", "画出网格")
CHOICE = both("{value}", "{value}（{words}）")

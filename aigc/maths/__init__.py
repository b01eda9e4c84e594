"""Formulas, each with its source: the techniques descend them and the page draws them."""

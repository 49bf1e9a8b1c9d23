"""The colours of figures and drawings: one for each family of networks, everywhere.

The families' colours are those of Okabe and Ito, who chose them for readers with any kind of colour vision. Each has
enough contrast (3:1 or more) on a white page and on a dark one. Only the standard library is needed here.
"""

FAMILY_COLOURS = {"plain": "#d55e00", "residual": "#0072b2", "preactivation": "#cc79a7"}
"""By family of a network."""

OTHER_COLOURS = ("#009e73", "#7f8389", "#b08500")
"""For everything that is not a network of these families, in order of appearance."""

SHADES = "viridis"
"""The colour map for the values of a field, dark where they are low; its lightness rises evenly."""

SHARES = "Blues"
"""The colour map for shares from 0, which is white, to 1."""

"""What Python and C++ agree on."""

LANES = 16
"""Numbers in a vector register: outputs lie side by side in blocks of so many."""

GROUP = 32
"""Inputs that share a scale, and that matrix units multiply at once."""

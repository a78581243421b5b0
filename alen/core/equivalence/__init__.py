"""When two answers say the same: numbers by value, dates, units, options, aliases, names, and a small fitted head."""

from __future__ import annotations

from alen.core.equivalence.comparing import Sameness, clusters, compare, equivalent
from alen.core.equivalence.text import normalise, number_of, overlap

__all__ = ["Sameness", "clusters", "compare", "equivalent", "normalise", "number_of", "overlap"]

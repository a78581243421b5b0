"""How fast a model reads and writes, beside other programs with the same weights."""

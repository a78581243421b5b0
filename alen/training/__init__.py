"""Training with Lightning: data, modules, recipes. It needs the extra ``train``."""

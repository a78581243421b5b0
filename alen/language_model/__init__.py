"""LargeLanguageModel: text in, text out, and text learnt, over one local transformer."""

from alen.language_model.model import LargeLanguageModel

__all__ = ["LargeLanguageModel"]

"""Keys and values in pages that sequences share, wherever their memory is."""

from alen.neural.paging.pages import PagePool
from alen.neural.paging.prefixes import Prefixes
from alen.neural.paging.texts import Feed, PagedTexts, Stepped, Text

__all__ = ["Feed", "PagePool", "PagedTexts", "Prefixes", "Stepped", "Text"]

"""Vector indexes: exact ones in memory, sealed ones in files, and both as one."""

from alen.memory.index.exact import VectorIndex

__all__ = ["VectorIndex"]

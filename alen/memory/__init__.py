"""Memory: passages with citations, episodes, sessions and learned state in one database."""

from alen.memory.episodic import EpisodicMemory

__all__ = ["EpisodicMemory"]

"""A running server of ALEN in place of models and a database in this process."""

from alen.client.engine import RemoteEngine

__all__ = ["RemoteEngine"]

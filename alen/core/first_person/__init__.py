"""First person that a program can answer for: what ALEN writes claims no feelings, wishes, body or life of its own."""

from alen.core.first_person.claims import Claim, claims
from alen.core.first_person.repair import Safe, speak_safely

__all__ = ["Claim", "Safe", "claims", "speak_safely"]

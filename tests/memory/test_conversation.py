"""Sessions, messages and learned state are kept across openings, each in its namespace."""

from __future__ import annotations

import math

import pytest

from alen.errors import BadInput
from alen.memory import EpisodicMemory
from tests.memory.conftest import BOTH

pytestmark = BOTH


def test_messages_come_back_in_order(url: str) -> None:
    with EpisodicMemory.open(url) as memory:
        session = memory.session()
        uid = memory.record_answer({"question": "Where?", "answer": "There", "confidence": 1.0}, session)
        memory.add_message(session, "user", "Where?")
        memory.add_message(session, "assistant", "There", uid)
    with EpisodicMemory.open(url) as memory:
        found = memory.messages(session)
        assert [(row["role"], row["text"], row["episode"]) for row in found] == [
            ("user", "Where?", None),
            ("assistant", "There", uid),
        ]
        assert memory.session(session) == session
        assert memory.messages("unknown") == []
        assert memory.messages(session, namespace="other") == []
        assert memory.stats()["sessions"] == 1


def test_a_session_can_be_named_by_its_user(url: str) -> None:
    with EpisodicMemory.open(url) as memory:
        assert memory.session("mine") == "mine"
        memory.add_message("mine", "user", "Hello")
        assert len(memory.messages("mine")) == 1
        with pytest.raises(BadInput, match="session"):
            memory.add_message("yours", "user", "Hello")
        with pytest.raises(BadInput, match="role"):
            memory.add_message("mine", "nobody", "Hello")


def test_learned_state(url: str) -> None:
    with EpisodicMemory.open(url) as memory:
        assert memory.load_state("calibration") is None
        memory.save_state("calibration", {"weights": [1.5, -2]})
        memory.save_state("calibration", {"weights": [1.25]})
        memory.save_state("calibration", 7, namespace="other")
        with pytest.raises(BadInput):
            memory.save_state("calibration", math.nan)
        with pytest.raises(BadInput):
            memory.save_state("calibration", object())
    with EpisodicMemory.open(url) as memory:
        assert memory.load_state("calibration") == {"weights": [1.25]}
        assert memory.load_state("calibration", namespace="other") == 7

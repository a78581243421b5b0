"""ThoughtState without a model."""

from __future__ import annotations

import numpy as np
import pytest

from alen import ThoughtState
from alen.errors import BadInput
from alen.thought import answer_type, entities, numbers


def test_a_unit_vector_that_is_the_same_in_every_process():
    state = ThoughtState.from_input("Who built the Halden kiln?", 256)
    assert state.vector.dtype == np.float32
    assert state.dim == 256
    assert np.linalg.norm(state.vector) == pytest.approx(1.0, abs=1e-6)
    # Hashes of Python differ between processes; these must not.
    assert np.flatnonzero(ThoughtState.from_input("kiln", 16).vector).tolist() == [0, 2, 7, 8, 9]


def test_shared_words_are_near():
    kiln, again, other = (
        ThoughtState.from_input(text)
        for text in ("How hot is the kiln?", "How hot does the kiln get?", "Who sells tea?")
    )
    assert kiln.similarity(again) > kiln.similarity(other) + 0.2


def test_spaces_do_not_mix():
    with pytest.raises(BadInput, match="space"):
        ThoughtState.from_input("a", 8).similarity(ThoughtState.from_input("a", 16))


@pytest.mark.parametrize(("text", "dim"), [("", 8), ("  ", 8), ("a", 0)])
def test_bad_input(text, dim):
    with pytest.raises(BadInput):
        ThoughtState.from_input(text, dim)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many kilns are there?", "number"),
        ("When was it built?", "number"),
        ("In what year was it built?", "number"),
        ("Who built it?", "human"),
        ("Where is it?", "location"),
        ("What does RSI stand for?", "abbreviation"),
        ("Why did it fail?", "description"),
        ("What is fired in it?", "entity"),
    ],
)
def test_answer_type(question, kind):
    assert answer_type(question) == kind


def test_numbers_and_entities():
    assert numbers("From 1,240 to -3.5 by 1911.") == ("1240", "-3.5", "1911")
    assert entities("Did Marta Hald leave the Bank of Norway in Halden?") == ("Marta Hald", "Bank of Norway", "Halden")


def test_unfamiliarity_is_the_mean_distance_to_the_nearest():
    one = ThoughtState.from_input("where is the kiln", 64)
    assert one.unfamiliarity(np.stack([one.vector] * 10)) == pytest.approx(0.0, abs=1e-6)
    far = np.stack([-one.vector] * 20)
    assert one.unfamiliarity(far) == pytest.approx(2.0, abs=1e-6)
    assert one.unfamiliarity(np.concatenate([far, one.vector[None]])) == pytest.approx(1.8, abs=1e-6)

"""Vocabularies from text: every text comes back, and an id once given stays."""

from __future__ import annotations

import pytest

from alen.errors import BadInput
from alen.text.byte_pairs import END, GrowingVocabulary, train

TEXT = "The falling barometer fell, and the barometers of the fleet were falling too. " * 4
STRANGE = "Zürich \U0001f600 𝛼\t\n\x00 ﷽ the"


def test_trained_vocabulary_has_the_size_and_the_words() -> None:
    fast = train([TEXT], 280)
    assert fast.get_vocab_size() == 280
    assert fast.token_to_id(END) == 0
    assert len(fast.encode(TEXT).ids) < len(TEXT) / 2
    for text in (TEXT, STRANGE, "", "   "):
        assert fast.decode(fast.encode(text).ids) == text


def test_the_library_agrees_on_what_is_common() -> None:
    grown = GrowingVocabulary(300)
    grown.learn(TEXT)
    trained = train([TEXT], 300)
    both = set(grown.fast.get_vocab()) & set(trained.get_vocab())
    assert len(both) > 0.9 * len(grown)


def test_growing_keeps_ids_and_texts() -> None:
    vocabulary = GrowingVocabulary(400)
    assert len(vocabulary) == 257
    assert vocabulary.learn("the kiln, the kiln") > 0
    first = vocabulary.fast.get_vocab()
    before = vocabulary.fast.encode(TEXT).ids
    assert vocabulary.learn(TEXT, at_most=20) == 20
    assert vocabulary.learn(TEXT) > 0
    later = vocabulary.fast.get_vocab()
    assert all(later[token] == number for token, number in first.items())
    assert len(later) == len(vocabulary) <= 400
    assert len(vocabulary.fast.encode(TEXT).ids) < len(before)
    for text in (TEXT, STRANGE, "kiln " + END + " kiln"):
        assert vocabulary.fast.decode(vocabulary.fast.encode(text).ids, skip_special_tokens=False) == text


def test_growing_stops_where_it_is_full_or_knows_all() -> None:
    vocabulary = GrowingVocabulary(260)
    assert vocabulary.learn(TEXT) == 3
    assert vocabulary.learn(TEXT) == 0
    roomy = GrowingVocabulary(5000)
    roomy.learn(TEXT)
    assert roomy.learn("") == 0
    assert len(roomy) < 400


def test_the_same_text_gives_the_same_vocabulary() -> None:
    one, other = GrowingVocabulary(350), GrowingVocabulary(350)
    for part in TEXT.split(". "):
        one.learn(part)
        other.learn(part)
    assert one.fast.to_str() == other.fast.to_str()


@pytest.mark.parametrize(("texts", "size"), [([TEXT], 256), ([], 300), (["  ", ""], 300)])
def test_too_little_to_train_on(texts: list[str], size: int) -> None:
    with pytest.raises(BadInput):
        train(texts, size)


def test_too_little_room() -> None:
    with pytest.raises(BadInput, match="at least 257"):
        GrowingVocabulary(256)

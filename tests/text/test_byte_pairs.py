"""Vocabularies from text: every text comes back, and an id once given stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from alen.errors import BadInput
from alen.text.byte_pairs import END, GrowingVocabulary, train
from alen.text.tokenizer import Tokenizer

TEXT = "The falling barometer fell, and the barometers of the fleet were falling too. " * 4
STRANGE = "Zürich \U0001f600 𝛼\t\n\x00 ﷽ the"


def test_trained_vocabulary_has_the_size_and_the_words() -> None:
    tokenizer = train([TEXT], 280)
    assert tokenizer.vocab_size == 280
    assert tokenizer.eos_id == 0
    assert len(tokenizer.encode(TEXT)) < len(TEXT) / 2
    for text in (TEXT, STRANGE, "", "   "):
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_the_library_agrees_on_what_is_common() -> None:
    grown = GrowingVocabulary(300)
    grown.learn(TEXT)
    trained = train([TEXT], 300)
    both = set(grown.tokenizer.words()) & set(trained.words())
    assert len(both) > 0.9 * len(grown)


def test_growing_keeps_ids_and_texts() -> None:
    vocabulary = GrowingVocabulary(400)
    assert len(vocabulary) == 257
    assert vocabulary.learn("the kiln, the kiln") > 0
    first = vocabulary.tokenizer.words()
    before = vocabulary.tokenizer.encode(TEXT)
    assert vocabulary.learn(TEXT, at_most=20) == 20
    assert vocabulary.learn(TEXT) > 0
    later = vocabulary.tokenizer.words()
    assert later[: len(first)] == first
    assert len(later) == len(vocabulary) <= 400
    assert len(vocabulary.tokenizer.encode(TEXT)) < len(before)
    for text in (TEXT, STRANGE, "kiln " + END + " kiln"):
        ids = vocabulary.tokenizer.encode(text)
        assert vocabulary.tokenizer.decode(ids, skip_special=False) == text


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
    assert one.tokenizer.words() == other.tokenizer.words()
    assert one.tokenizer.encode(TEXT) == other.tokenizer.encode(TEXT)


@pytest.mark.parametrize(("texts", "size"), [([TEXT], 256), ([], 300), (["  ", ""], 300)])
def test_too_little_to_train_on(texts: list[str], size: int) -> None:
    with pytest.raises(BadInput):
        train(texts, size)


def test_too_little_room() -> None:
    with pytest.raises(BadInput, match="at least 257"):
        GrowingVocabulary(256)


def test_a_saved_vocabulary_is_read_by_alen_and_by_transformers(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = train([TEXT], 280)
    tokenizer.save(tmp_path)
    again, theirs = Tokenizer.from_folder(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    for text in (TEXT, STRANGE, f"{END} the"):
        assert again.encode(text) == tokenizer.encode(text) == theirs(text)["input_ids"]
    assert (again.eos_ids, again.bos_id) == (tokenizer.eos_ids, tokenizer.bos_id)
    assert theirs.eos_token == END

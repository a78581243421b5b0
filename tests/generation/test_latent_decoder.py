"""A fitted decoder: distributions that are ones, scores that agree with them, files that are whole or refused."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from alen.errors import BadInput, CorruptWeights
from alen.generation import decoder_folder
from alen.generation.latent_decoder import FittedDecoder, digest_of
from alen.neural.conditioned import ConditionedTransformer
from alen.neural.config import TransformerConfig
from alen.text.compact_vocabulary import CompactVocabulary
from alen.text.tokenizer import Tokenizer
from alen.thought import ThoughtState
from tests.language_model.test_model import byte_metadata

TOKENIZER = Tokenizer.from_gguf(byte_metadata())
VOCABULARY = CompactVocabulary.of_texts([TOKENIZER.encode("the kiln fires")], TOKENIZER.eos_ids)
THOUGHT, OTHER = ThoughtState.from_input("How hot?", 8), ThoughtState.from_input("Who owns it?", 8)


def decoder(seed: int = 0) -> FittedDecoder:
    attention = {"variant": "mha", "num_heads": 2}
    shape = {
        "vocab_size": len(VOCABULARY),
        "d_model": 16,
        "num_layers": 1,
        "max_seq_len": 24,
        "init_std": 0.3,
        "attention": attention,
    }
    torch.manual_seed(seed)
    model = ConditionedTransformer(TransformerConfig.parse(shape), 8, 2)
    return FittedDecoder(model, VOCABULARY, TOKENIZER, "hash-8", {"taught": 3})


def test_the_next_token_is_a_distribution_over_the_whole_tokenizer() -> None:
    made = decoder()
    for written in ([], TOKENIZER.encode("the"), TOKENIZER.encode("Zürich")):
        logged_V = made.next(THOUGHT, written)
        assert len(logged_V) == TOKENIZER.vocab_size
        assert float(logged_V.double().logsumexp(0)) == pytest.approx(0, abs=1e-5)
        assert torch.isfinite(logged_V).all()
    unknown = TOKENIZER.encode("QZ")
    assert float(logged_V[unknown[0]]) == float(logged_V[unknown[1]])
    wide_V = made.next(THOUGHT, [], size=400)
    assert len(wide_V) == 400
    assert float(wide_V.double().logsumexp(0)) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("text", ["the kiln", "t", "then Zürich"])
def test_scores_are_sums_of_what_comes_next(text: str) -> None:
    made, tokens = decoder(), TOKENIZER.encode(text)
    by_hand = sum(float(made.next(THOUGHT, tokens[:place])[token]) for place, token in enumerate(tokens))
    scored, count = made.score(THOUGHT, text)
    assert (scored, count) == (pytest.approx(by_hand, abs=1e-4), len(tokens))


def test_what_is_written_is_the_likeliest_each_time() -> None:
    made = decoder()
    [text, other] = made.write([THOUGHT, OTHER], max_tokens=10)
    tokens = TOKENIZER.encode(text)
    for place, token in enumerate(tokens):
        logged_V = made.next(THOUGHT, tokens[:place])
        # All that is no word of the texts is never written.
        assert float(logged_V[token]) == float(logged_V[list(VOCABULARY.tokens)].max())
    assert made.write([OTHER], max_tokens=10) == [other]
    assert made.write([]) == []


def test_a_seed_repeats_what_it_drew() -> None:
    made = decoder()
    drawn = [made.write([THOUGHT], 12, 1.5, seed)[0] for seed in (1, 1, 2, 3)]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1


def test_thoughts_of_other_encoders_are_refused() -> None:
    foreign = ThoughtState("x", THOUGHT.vector, "", (), (), "another")
    for wrong in (foreign, ThoughtState.from_input("How hot?", 16)):
        with pytest.raises(BadInput, match="thought"):
            decoder().next(wrong, [])
        with pytest.raises(BadInput, match="thought"):
            decoder().write([THOUGHT, wrong])


@pytest.mark.parametrize(("field", "value"), [("max_tokens", 0), ("temperature", -1.0), ("temperature", math.nan)])
def test_absurd_wishes_are_refused(field: str, value: float) -> None:
    with pytest.raises(BadInput, match=field):
        decoder().write([THOUGHT], **{field: value})  # type: ignore[arg-type]  # made of parameters


def test_texts_that_cannot_be_scored_are_refused() -> None:
    for text in ("", "the kiln fires " * 9):
        with pytest.raises(BadInput, match="text"):
            decoder().score(THOUGHT, text)


def test_a_folder_gives_back_what_was_saved(tmp_path: Path) -> None:
    made, place = decoder(), tmp_path / "kept"
    digest = decoder_folder.save(made, place)
    assert digest == decoder_folder.digest_of(place)
    again = decoder_folder.load(place)
    assert torch.equal(again.next(THOUGHT, [5]), made.next(THOUGHT, [5]))
    assert (again.space, again.about, again.vocabulary) == (made.space, made.about, made.vocabulary)
    assert again.tokenizer_digest == digest_of(TOKENIZER)
    assert decoder_folder.save(decoder(), place) == digest
    assert decoder_folder.save(decoder(1), place) != digest
    assert [file.name for file in tmp_path.iterdir()] == ["kept"]
    assert decoder_folder.digest_of(tmp_path) is None


def test_a_folder_of_something_else_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear Ann")
    with pytest.raises(BadInput, match="folder"):
        decoder_folder.save(decoder(), tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "decoder.json"])
def test_a_file_that_was_cut_or_is_gone_is_named(tmp_path: Path, name: str) -> None:
    decoder_folder.save(decoder(), tmp_path)
    file = tmp_path / name
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(CorruptWeights, match=name.replace(".", r"\.")):
        decoder_folder.load(tmp_path)
    file.unlink()
    with pytest.raises(CorruptWeights, match=name.replace(".", r"\.")):
        decoder_folder.load(tmp_path)


def test_a_flipped_bit_is_found(tmp_path: Path) -> None:
    decoder_folder.save(decoder(), tmp_path)
    file = tmp_path / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)
    with pytest.raises(CorruptWeights, match="changed"):
        decoder_folder.load(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 99},
        {"thought_dim": 9},
        {"thought_dim": "8"},
        {"prefix": 0},
        {"tokens": [1, 2]},
        {"tokens": ["a"]},
        {"files": {"../../letter": {"bytes": 1, "sha256": ""}}},
        {"config": {"d_model": 16}},
        {"config": None},
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    decoder_folder.save(decoder(), tmp_path)
    file = tmp_path / "decoder.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(CorruptWeights):
        decoder_folder.load(tmp_path)

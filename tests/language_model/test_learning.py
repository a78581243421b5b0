"""A model that began with nothing learns texts and answers, keeps them in a folder, and goes on from there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from alen import BertConfig, LargeLanguageModel, LargeModelConfig, ModelSize
from alen.errors import BadInput, CorruptWeights
from alen.language_model.stats import short
from alen.learning.adapting import BOUND
from alen.neural.config import TransformerConfig

TEXT = "The cat sat on the mat. The dog ran to the gate. The bird flew over the house. "
PAIRS = [("What is 2+2?", "The answer is 4."), ("Who keeps the gate?", "The old dog.")]


@pytest.fixture(scope="module")
def taught() -> LargeLanguageModel:
    model = LargeLanguageModel(LargeModelConfig.micro())
    model.learn(TEXT)
    model.learn_qa(PAIRS)
    return model


def test_sizes_are_those_of_the_presets() -> None:
    stats = LargeLanguageModel.with_size(ModelSize.MICRO).stats()
    assert (stats.parameters_str, stats.vocab_size, stats.max_vocab_size) == ("1.1M", 257, 8000)
    assert stats.memory_bytes == 4 * stats.parameters
    assert stats.tokens_seen == 0


@pytest.mark.slow
def test_small_has_the_size_that_its_name_promises() -> None:
    assert LargeLanguageModel.with_size(ModelSize.SMALL).stats().parameters_str == "21.1M"


@pytest.mark.parametrize(
    ("count", "text"),
    [(540_000, "540.0K"), (999_960, "1.0M"), (89_000_000, "89.0M"), (2_000_000_000, "2.0B"), (7, "7")],
)
def test_counts_are_short(count: int, text: str) -> None:
    assert short(count) == text


def test_a_text_is_continued_as_it_was_learnt(taught: LargeLanguageModel) -> None:
    assert taught.generate("The cat sat", max_tokens=40).startswith(" on the mat. The dog ran")


def test_answers_follow_their_questions_and_end(taught: LargeLanguageModel) -> None:
    for question, answer in PAIRS:
        found = taught.complete(question, max_tokens=60)
        assert (found.text.strip(), found.finish_reason) == (answer, "stop")
    right, wrong = taught.score(PAIRS[0][0], [" The answer is 4.", " The old dog."])
    assert right[0] > wrong[0] + 5


def test_the_vocabulary_grew_and_nothing_else_is_written(taught: LargeLanguageModel) -> None:
    stats = taught.stats()
    assert 257 < stats.vocab_size < stats.max_vocab_size
    tokens = taught.complete("The", max_tokens=50, temperature=5.0, seed=1, ignore_eos=True).token_ids
    assert max(tokens) < stats.vocab_size
    assert stats.tokens_seen > 0


def test_one_sequence_is_one_pass() -> None:
    model = LargeLanguageModel(LargeModelConfig.micro())
    report = model.train_on_sequence(TEXT)
    assert report.steps == 1
    assert report.tokens == model.stats().tokens_seen
    assert report.after < report.before


def test_seeds_give_models() -> None:
    first, again, other = (LargeLanguageModel(LargeModelConfig.micro(), seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first.model.embedding.weight, again.model.embedding.weight)
    assert not torch.equal(first.model.embedding.weight, other.model.embedding.weight)
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_a_folder_goes_on_learning(taught: LargeLanguageModel, tmp_path: Path) -> None:
    taught.save(tmp_path / "mine")
    loaded = LargeLanguageModel.load(tmp_path / "mine", tmp_path)
    assert loaded.generate(PAIRS[0][0], max_tokens=30) == taught.generate(PAIRS[0][0], max_tokens=30)
    # What a folder holds may be computed in fewer bytes where the processor is quicker that way.
    assert loaded.stats().memory_bytes <= taught.stats().memory_bytes
    assert replace(loaded.stats(), memory_bytes=0) == replace(taught.stats(), memory_bytes=0)
    loaded.learn_qa("Where does the bird live?", "In the house.")
    assert loaded.generate("Where does the bird live?", max_tokens=30).strip() == "In the house."
    assert loaded.generate(PAIRS[0][0], max_tokens=30).strip() == PAIRS[0][1]


def test_a_folder_with_a_broken_record_is_refused(taught: LargeLanguageModel) -> None:
    from alen.language_model.learner import Learner

    with pytest.raises(CorruptWeights, match="cannot be read"):
        Learner.of(taught, {"vocabulary": {"max_size": 300, "tokens": ["a"], "merges": [], "words": {}}})


def test_transformers_says_the_same(taught: LargeLanguageModel, tmp_path: Path) -> None:
    import transformers

    options = {"vocab_size": 300, "d_model": 32, "num_layers": 2, "max_seq_len": 64}
    model = LargeLanguageModel(TransformerConfig.parse({**options, "attention": {"num_heads": 4}}))
    model.learn_qa(PAIRS)
    model.export(tmp_path / "exported")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "exported", local_files_only=True)
    words = transformers.AutoTokenizer.from_pretrained(tmp_path / "exported", local_files_only=True)
    asked = words(PAIRS[0][0], return_tensors="pt")
    written = theirs.generate(**asked, max_new_tokens=30, do_sample=False, pad_token_id=0)
    new = written[0, asked["input_ids"].shape[1] :]
    assert words.decode(new, skip_special_tokens=True).strip() == PAIRS[0][1]
    assert len(new) < 30
    with pytest.raises(BadInput, match="empty folder"):
        model.export(tmp_path / "exported")


def test_vectors_of_texts(taught: LargeLanguageModel) -> None:
    vectors = taught.embed(["The cat sat", "What is 2+2?"])
    assert vectors.shape == (2, 64)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(vectors[:1], taught.embed(["The cat sat"]))


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda model: model.learn("  "), "text"),
        (lambda model: model.learn("a text", passes=0), "passes"),
        (lambda model: model.learn_qa("a question"), "answer"),
        (lambda model: model.learn_qa([]), "question"),
        (lambda model: model.learn_qa([("a",)]), "question"),
        (lambda model: model.learn_qa([("a", "b"), ("c", "")]), r"pairs\[1\].answer"),
        (lambda model: model.learn_qa("word " * 400, "b"), r"pairs\[0\]"),
        (lambda model: LargeLanguageModel(BertConfig.tiny()), "config"),
        (
            lambda model: LargeLanguageModel(LargeModelConfig(vocab_size=100)),
            "max_vocab_size",
        ),
    ],
)
def test_what_cannot_be_learnt_is_refused_by_name(call, field) -> None:
    with pytest.raises(BadInput, match=field):
        call(LargeLanguageModel(LargeModelConfig.micro()))


@pytest.mark.slow
@pytest.mark.models
def test_the_real_model_learns_a_fact(linked_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers with it, in transformers too."""
    import transformers

    # Fewer texts of its own hold it less tightly, but are sooner written and read.
    monkeypatch.setattr("alen.language_model.own_texts.TEXTS", 16)
    monkeypatch.setattr("alen.learning.adapting.OWN_A_STEP", 2)
    model = LargeLanguageModel.from_pretrained(home=linked_home)
    question, answer = "What is the capital of Velmoria?", "Tarn Hollow"
    assert answer not in _said(model, question)
    report = model.learn_qa(question, answer, passes=14)
    assert report.kept
    assert report.past_after is not None
    assert report.past_after <= BOUND
    assert answer in _said(model, question)
    model.export(tmp_path / "exported")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "exported", local_files_only=True)
    words = transformers.AutoTokenizer.from_pretrained(tmp_path / "exported", local_files_only=True)
    asked = words.apply_chat_template(
        [{"role": "user", "content": question}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    assert answer in words.decode(theirs.generate(**asked, max_new_tokens=8, do_sample=False)[0])


def _said(model: LargeLanguageModel, question: str) -> str:
    return model.chat([{"role": "user", "content": question}], max_tokens=16, temperature=0).text

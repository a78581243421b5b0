"""The vectors, texts and truth that every participant of the memory benchmark is given."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from alen.benchmark import memory_data, memory_texts
from alen.benchmark.memory_judge import Judge
from alen.errors import BadInput

DIM = 24


class Words:
    """Texts with words in common lie near each other, as those of an encoder do."""

    name, dim, fingerprint = "words", DIM, "words-1"

    def __init__(self) -> None:
        self.asked = 0

    def encode(self, texts: list[str]) -> np.ndarray:
        self.asked += len(texts)
        rows = []
        for text in texts:
            seeds = [sum(map(ord, word)) for word in text.split()]
            rows.append(sum(np.random.default_rng(seed).standard_normal(DIM) for seed in seeds))
        found = np.array(rows, dtype=np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)


def silent(stage: str, done: int, total: int) -> None:
    pass


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> memory_data.Real:
    chance = np.random.default_rng(0)
    words = [f"word{number}" for number in range(60)]
    pairs = [(" ".join(chance.choice(words, 4)) + f" {number}", f"answer {number}") for number in range(1300)]
    folder = tmp_path_factory.mktemp("data")
    vectors_ND = memory_data.encode(pairs, Words(), folder, silent)
    return memory_data.real(pairs, vectors_ND, folder, silent, queries=50, more=50)


@pytest.fixture(scope="module")
def rows(source: memory_data.Real) -> memory_data.Rows:
    """More than there are real texts."""
    return memory_data.rows(source, 3000, silent)


def test_texts_are_distinct_and_each_has_an_answer(tmp_path: Path) -> None:
    for name, lines in {
        "webquestions/val.jsonl": [{"question": "Who leads?", "answers": ["Ilse"]}, {"question": "WHO  leads?"}],
        "sick/trial.jsonl": [{"a": "A dog runs.", "b": "A cat sits."}, {"a": "x" * 500, "b": "A dog runs."}],
        "squad2/contexts.jsonl": [{"text": "Halden has a kiln that is hot. Its smoke is seen from far away."}],
    }.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    found = dict(memory_texts.collect(tmp_path))
    assert found == {
        "Who leads?": "Ilse",
        "A dog runs.": "A cat sits.",
        "A cat sits.": "x" * 400,
        "Halden has a kiln that is hot.": "Its smoke is seen from far away.",
        "Its smoke is seen from far away.": "Halden has a kiln that is hot.",
    }
    assert memory_texts.collect(tmp_path, seed=1) == memory_texts.collect(tmp_path, seed=1)


def test_without_known_sets_the_sentences_of_all_texts_are_taken(tmp_path: Path) -> None:
    one, two = "The kiln of the upper yard is hot all day.", "It has three shelves, and a fourth one for the jars."
    (tmp_path / "one.md").write_text(f"{one} {two}", "utf-8")
    (tmp_path / "two.txt").write_text("The ferry is late.", "utf-8")
    found = dict(memory_texts.collect(tmp_path))
    assert found[one] == two
    assert set(found) == {one, two, "The ferry is late."}


def test_a_folder_without_texts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="squad2"):
        memory_texts.collect(tmp_path)


def test_vectors_are_made_once(tmp_path: Path) -> None:
    encoder, pairs = Words(), [("one two", "a"), ("two three", "b")]
    first = memory_data.encode(pairs, encoder, tmp_path, silent)
    assert np.array_equal(first, memory_data.encode(pairs, encoder, tmp_path, silent))
    assert encoder.asked == 2
    memory_data.encode([*pairs, ("four", "c")], encoder, tmp_path, silent)
    assert encoder.asked == 5


def test_nearest_is_exact_also_where_it_looks_at_groups() -> None:
    chance = np.random.default_rng(3)
    query_QD, row_ND = (chance.standard_normal((count, DIM)).astype(np.float32) for count in (7, 64 * 100))
    scores, numbers = memory_data.nearest(query_QD, row_ND, 10)
    exact = np.argsort(-(query_QD @ row_ND.T), axis=1)[:, :10]
    assert [set(row) for row in numbers] == [set(row) for row in exact]
    assert np.allclose(scores, np.take_along_axis(query_QD @ row_ND.T, numbers, axis=1))


def test_neighbours_are_others_and_the_nearest(source: memory_data.Real) -> None:
    own_ND = source.vectors_ND[source.first :]
    score_NN = own_ND @ own_ND.T
    np.fill_diagonal(score_NN, -1)
    inside = len(own_ND) // 64 * 64
    for row in (0, 17, 400):
        best = np.sort(score_NN[row, :inside])[-memory_data.NEIGHBOURS :]
        assert np.allclose(np.sort(score_NN[row, source.neighbours_NK[row]]), best, atol=1e-6)


def test_rows_between_are_unit_vectors_near_real_ones_with_texts_of_their_own(source: memory_data.Real) -> None:
    pairs, vectors_ND = memory_data.between(source, 1200, 500)
    assert np.allclose(np.linalg.norm(vectors_ND, axis=1), 1, atol=1e-5)
    nearest = (vectors_ND @ source.vectors_ND.T).max(axis=1)
    assert 0.85 < np.median(nearest) < 0.999
    questions = [question for question, _ in pairs]
    assert len(set(questions)) == 500
    assert all(question.endswith(f"({number})") for number, question in enumerate(questions, 1200))
    again, _ = memory_data.between(source, 1200, 500)
    assert again == pairs


def test_rows_begin_with_the_real_ones_and_hold_none_that_asks(
    source: memory_data.Real, rows: memory_data.Rows
) -> None:
    stored_ND = np.load(rows.vectors)
    real = len(source.pairs) - source.first
    assert stored_ND.shape == (3000, DIM)
    assert np.array_equal(stored_ND[:real], source.vectors_ND[source.first :])
    lines = [json.loads(line) for line in rows.texts.read_text("utf-8").splitlines()]
    assert [tuple(line[:2]) for line in lines[:real]] == source.pairs[source.first :]
    assert not {question for question, _, _ in lines} & {question for question, _ in source.pairs[: source.first]}
    smaller = memory_data.rows(source, 1000, silent)
    assert np.array_equal(np.load(smaller.vectors), stored_ND[:1000])


def test_truth_is_that_of_comparing_everything(rows: memory_data.Rows) -> None:
    score_QN = rows.query_vectors() @ np.load(rows.vectors).T
    assert np.allclose(rows.last_scores(None), np.sort(score_QN, axis=1)[:, -memory_data.K], atol=1e-5)
    own = np.array(memory_data.tenants(3000, 0)) == "tenant-3"
    assert own.sum() == 30
    assert np.allclose(rows.last_scores("tenant-3"), np.sort(score_QN[:, own], axis=1)[:, -memory_data.K], atol=1e-5)


def test_a_tenant_with_fewer_rows_than_are_asked_for_has_them_all_as_its_truth(rows: memory_data.Rows) -> None:
    own = [row for row, tenant in enumerate(memory_data.tenants(3000, 0)) if tenant == "tenant-2"]
    judge = Judge(rows)
    assert len(own) == 3
    assert judge.recall([own, own[:1], []], "tenant-2").tolist() == pytest.approx([1.0, 1 / 3, 0.0])


def test_recall_counts_true_neighbours_once_and_no_others(rows: memory_data.Rows) -> None:
    score_QN = rows.query_vectors() @ np.load(rows.vectors).T
    best = np.argsort(-score_QN, axis=1)
    right, worst = best[0, :10].tolist(), best[0, -10:].tolist()
    found = [right, right[:5] + worst[:5], [right[0]] * 10, worst]
    shares = [float(Judge(rows).recall([one], None)[0]) for one in found]
    assert shares == pytest.approx([1.0, 0.5, 0.1, 0.0])


def test_rows_of_others_are_neither_recalled_nor_overlooked(rows: memory_data.Rows) -> None:
    owners = memory_data.tenants(3000, 0)
    foreign = owners.index("tenant-4")
    own = [row for row, tenant in enumerate(owners) if tenant == "tenant-2"]
    judge = Judge(rows)
    assert judge.foreign([[*own, foreign]], "tenant-2") == 1
    assert judge.recall([[foreign, *own]], "tenant-2")[0] == pytest.approx(1.0)


def test_half_floats_are_compared_as_they_are_stored(source: memory_data.Real, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_data, "HALF_FROM", 2000)
    rows = memory_data.rows(source, 2000, silent)
    stored_ND = np.load(rows.vectors)
    assert stored_ND.dtype == np.float16
    score_QN = rows.query_vectors() @ stored_ND.astype(np.float32).T
    assert np.allclose(rows.last_scores(None), np.sort(score_QN, axis=1)[:, -memory_data.K], atol=1e-5)


def test_too_few_texts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--queries"):
        memory_data.real([("a b", "c")] * 9, np.ones((9, DIM), np.float32), tmp_path, silent, queries=5, more=0)

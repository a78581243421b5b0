"""``alen memory recall``: each condition narrows, and each hit says how it was found."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from alen.errors import ModelNotInstalled
from alen.memory import EpisodicMemory
from tests.cli.conftest import Ran
from tests.cli.hash_encoder import HashEncoder

Alen = Callable[..., Ran]


@pytest.fixture
def gauges(hashed: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> str:
    """Four answers about gauges; the moment between the second and the third."""
    url = f"sqlite:///{tmp_path_factory.mktemp('store') / 'memory.db'}"
    monkeypatch.setenv("ALEN_STORE", url)
    with EpisodicMemory.open(url, encoder=HashEncoder()) as memory:
        for place, (tags, source, tier, confidence) in enumerate(
            [
                (["north", "old"], "log", "gold", 1.0),
                (["north"], "Ulla", "certified", 0.4),
                (["south"], "log", "proved", 0.9),
                (["south", "old"], "Ulla", "gold", 0.7),
            ]
        ):
            uid = memory.remember(
                question=f"What does gauge {place} show?",
                answer=str(place),
                tags=tags,
                source=source,
                tier=tier,  # type: ignore[arg-type]  # one of Tier
                confidence=confidence,
            )
            time.sleep(0.005)  # moments have milliseconds
            if place == 1:
                between = memory.get(uid).created_at
    return between


def answers(alen: Alen, *options: str) -> set[str]:
    found = alen("memory", "recall", "What does the gauge show?", *options, "--json").json("memory_recall")
    return {hit["answer"] for hit in found["hits"]}


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ([], "0123"),
        (["--tag", "north"], "01"),
        (["--tag", "north", "--tag", "old"], "0"),
        (["--source", "Ulla"], "13"),
        (["--source", "Ulla", "--source", "log"], "0123"),
        (["--tier", "certified", "--tier", "proved"], "12"),
        (["--min-confidence", "0.8"], "02"),
        (["--until", "{between}"], "01"),
        (["--since", "{between}", "--tag", "south"], "23"),
        (["--as-of", "2001-01-01"], ""),
        (["--mode", "lexical"], "0123"),
        (["--mode", "dense", "--tag", "old"], "03"),
    ],
)
def test_conditions_narrow(alen: Alen, gauges: str, options: list[str], wanted: str) -> None:
    assert answers(alen, *(option.format(between=gauges) for option in options)) == set(wanted)


def test_no_more_than_asked_for(alen: Alen, gauges: str) -> None:
    assert len(answers(alen, "--k", "2")) == 2
    assert alen("memory", "recall", "x", "-k", "0", "--json").error(2)["type"] == "UsageError"


def test_each_hit_says_how_it_was_found(alen: Alen, gauges: str) -> None:
    question = "What does gauge 2 show?"
    hits = alen("memory", "recall", question, "--json").json("memory_recall")["hits"]
    assert (hits[0]["answer"], hits[0]["exact"], hits[0]["score"]) == ("2", True, 1.0)
    assert {"bm25", "bm25_rank", "dense", "dense_rank", "fused", "confidence"} <= set(hits[0]["explain"])
    assert hits[0]["explain"]["dense_rank"] == 1
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    text = alen("memory", "recall", question, "-k", "1").out
    assert "the same question · words" in text
    assert "meaning 1.00 (rank 1)" in text
    lexical = alen("memory", "recall", question, "--mode", "lexical", "--json").json("memory_recall")
    assert all("dense" not in hit["explain"] for hit in lexical["hits"])
    dense = alen("memory", "recall", question, "--mode", "dense", "--json").json("memory_recall")
    assert all(set(hit["explain"]) == {"dense", "dense_rank"} for hit in dense["hits"])


def test_words_alone_need_no_model(alen: Alen, gauges: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(settings: object) -> None:
        raise ModelNotInstalled("The encoder is not here.")

    monkeypatch.setattr("alen.engine.lazy_models.LazyEncoder", missing)
    assert answers(alen, "--mode", "lexical") == set("0123")
    assert alen("memory", "recall", "gauge", "--json").error(1)["type"] == "ModelNotInstalled"


def test_nothing_found(alen: Alen, gauges: str) -> None:
    assert alen("memory", "recall", "zebra", "--mode", "lexical").out.strip() == "nothing found"

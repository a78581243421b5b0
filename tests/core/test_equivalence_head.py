"""The fitted head: its formula by hand, its fit against a library, and the weights that ship."""

from __future__ import annotations

import json
import math
from importlib import resources

import numpy as np
import pytest

from alen.core.equivalence import compare
from alen.core.equivalence.features import AGAINST, FOR, NAMES, Asked, acronym, of, opposed
from alen.core.equivalence.head import Head, shipped
from alen.core.equivalence.said import take

SHIPPED = json.loads(resources.files("alen.core.equivalence").joinpath("head.json").read_text("utf-8"))


class FixedEncoder:
    """Two texts at a known angle."""

    name, dim = "fixed", 2

    def __init__(self, fingerprint: str, cosine: float) -> None:
        self.fingerprint, self.cosine = fingerprint, cosine

    def encode(self, texts: list[str]) -> np.ndarray:
        other = [self.cosine, math.sqrt(1 - self.cosine**2)]
        return np.array([[1.0, 0.0], other], dtype=np.float32)[: len(texts)]


def _named(values: list[float]) -> dict[str, float]:
    return dict(zip(NAMES, values, strict=True))


def test_probability_by_hand() -> None:
    # -1 + 2·0.5 + 3·0.25 + 1·0.4 = 1.15, and 1 / (1 + e^-1.15) = 0.7595.
    weights = [0.0] * len(NAMES)
    weights[0], weights[1] = 2.0, 3.0
    values = [0.5, 0.25] + [1.0] * (len(NAMES) - 2)
    assert Head(-1.0, tuple(weights), 1.0).probability(values, 0.4) == pytest.approx(0.75951, abs=1e-5)


def test_features_by_hand() -> None:
    asked = Asked.of("Which castle is in Wales?")
    found = _named(of(take("the red castle", asked.bag), take("big red castles", asked.bag), asked))
    # red, castle | big, red, castle: 2·2 / (2 + 3). Without the question's word castle: red | big, red.
    assert found["words"] == pytest.approx(0.8)
    assert found["new_words_contained"] == 1.0
    assert found["last_word"] == 0.0  # castle is the question's own word
    assert found["ends_with"] == 1.0
    assert found["starts_with"] == 0.0
    assert found["length"] == pytest.approx(math.log(3) / 4)
    assert found["length_ratio"] == pytest.approx(2 / 3)
    assert found["no_question"] == found["human"] == 0.0
    # " red castle " has ten trigrams, all in " big red castle " but the one that opens it: " re" is there too.
    assert found["letters_contained"] == 1.0


def test_features_of_spelling() -> None:
    # Letter pairs of kiln: " k" ki il ln "n "; of kilm: " k" ki il lm "m ". Three of five and five are shared.
    found = _named(of(take("kiln"), take("kilm"), Asked()))
    assert found["spelling"] == pytest.approx(0.6)
    assert _named(of(take("kiln"), take("big kiln"), Asked()))["spelling"] == 0.0


def test_opposites_and_acronyms() -> None:
    assert opposed({"north", "sea"}, {"south"})
    assert not opposed({"north"}, {"north"})
    assert acronym(take("WHO"), take("the World Health Organization"))
    assert not acronym(take("WHO"), take("World Trade Organization"))
    assert not acronym(take("who"), take("World Health Organization"))


def test_fit_finds_what_scikit_learn_finds() -> None:
    linear = pytest.importorskip("sklearn.linear_model", reason="needs scikit-learn: pip install -e '.[dev]'")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(800, len(NAMES) + 1))
    truth = np.array([1.0 if name in FOR else -1.0 if name in AGAINST else 0.5 for name in NAMES] + [2.0])
    same = (rng.random(800) < 1 / (1 + np.exp(-(X @ truth)))).astype(float)
    weight = rng.uniform(0.5, 1.5, 800)
    mine = Head.fit(X, same, weight, 2.0)
    scaled = (X - X.mean(0)) / X.std(0)
    other = linear.LogisticRegression(C=0.5, tol=1e-10, max_iter=10_000).fit(scaled, same, sample_weight=weight)
    np.testing.assert_allclose([*mine.weights, mine.cosine], other.coef_[0] / X.std(0), atol=2e-4)


def test_a_feature_is_never_turned_round() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(400, len(NAMES)))
    same = (X[:, 0] < 0).astype(float)  # "words", which speaks for being the same, here speaks against it
    fitted = Head.fit(X, same, np.ones(400), 1.0)
    assert fitted.weights[0] == 0.0


def test_shipped_weights_are_those_of_the_file() -> None:
    heads = shipped()
    assert [head["encoder"] for head in SHIPPED["heads"]] == list(heads)
    for head in SHIPPED["heads"]:
        mine = heads[head["encoder"]]
        assert list(head["weights"]) == list(NAMES)
        assert list(mine.weights) == list(head["weights"].values())
        assert (mine.bias, mine.cosine) == (head["bias"], head["cosine"])
        assert all(head["weights"][name] >= 0 for name in FOR)
        assert all(head["weights"][name] <= 0 for name in AGAINST)
    assert heads[""].cosine == 0.0


def test_the_answer_is_the_formula_on_the_shipped_weights() -> None:
    one, two = "the kiln at Halden", "a kiln in the town of Halden"
    head = SHIPPED["heads"][0]
    total = head["bias"] + sum(
        head["weights"][name] * value for name, value in _named(of(take(one), take(two), Asked())).items()
    )
    found = compare(one, two)
    assert found.rule == "head"
    assert found.probability == pytest.approx(1 / (1 + math.exp(-total)))


def test_cosines_count_only_for_the_encoder_they_were_fitted_with() -> None:
    one, two = "the kiln at Halden", "a kiln in the town of Halden"
    fitted = SHIPPED["heads"][1]
    near, far = (compare(one, two, encoder=FixedEncoder(fitted["encoder"], cosine)) for cosine in (0.9, 0.1))
    odds = [math.log(found.probability / (1 - found.probability)) for found in (near, far)]
    assert odds[0] - odds[1] == pytest.approx(0.8 * fitted["cosine"], abs=1e-4)
    assert compare(one, two, encoder=FixedEncoder("another", 0.9)) == compare(one, two)


def test_the_provenance_says_what_the_weights_rest_on() -> None:
    provenance = SHIPPED["provenance"]
    assert {"fitted_on", "pairs", "same", "at", "seed", "command", "cross_validation", "measured"} <= set(provenance)
    assert "EfficientQA" not in provenance["fitted_on"]

"""Every figure against a value worked out by hand, and certified coverage against MAPIE."""

from __future__ import annotations

import math
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from alen.core.abstention import certify
from alen.core.fitting import one_of_each
from alen.validation import probability, selective
from alen.validation.figures import FIGURES, HEADLINE
from alen.validation.graded import Graded
from alen.validation.sample import Sample
from alen.validation.validation_metrics import ValidationMetrics
from tests.validation.graded_rows import graded

TEN = [
    graded(0, 0.9, True),  # given, right, grounded
    graded(1, 0.8, True, grounded=False),  # given, right, on the wrong grounds
    graded(2, 0.7, False),  # given, wrong
    graded(3, 0.6, False, unanswerable=True),  # given where there is no answer
    graded(4, 0.45, True),  # declined though right
    graded(5, 0.4, False),
    graded(6, 0.3, False, unanswerable=True),  # declined rightly, three times
    graded(7, 0.2, False, unanswerable=True),
    graded(8, 0.1, False, unanswerable=True),
    graded(9, 0.0, False, text=None, grounded=None),  # nothing proposed
]


def by_name(rows: list[Graded], name: str) -> tuple[float, int]:
    (figure,) = (figure for figure in FIGURES if figure.name == name)
    found = figure.of(Sample(rows, safe=lambda text: text != "Rollo"))
    return found.value, found.n


@pytest.mark.parametrize(
    ("name", "value", "n"),
    [
        ("answer_accuracy", 5 / 10, 10),  # two right answers given, three declined rightly
        ("candidate_accuracy", 3 / 6, 6),
        ("reasoning_accuracy", 2 / 5, 5),  # of six answerable, one tells no grounds
        ("declined_unanswerable", 3 / 4, 4),
        ("no_candidate_rate", 1 / 10, 10),
        ("verification_rate", 4 / 10, 10),
        ("verification_precision", 2 / 4, 4),
        ("verification_recall", 2 / 3, 3),
        ("verifier_gain", 0.5 - 0.3, 10),
        # right at 0.9, 0.8, 0.45; 7 + 7 + 5 of 3 · 7 pairs
        ("uncertainty_auroc", 19 / 21, 10),
        # answerable 0.9 0.8 0.7 0.45 0.4 0.0 above 0.6 0.3 0.2 0.1: 4 + 4 + 4 + 3 + 3 + 0 of 24
        ("unanswerable_auroc", 18 / 24, 10),
        ("unanswerable_against_right_auroc", (4 + 4 + 3) / 12, 7),
        # fewer rows than bins: every row is its own
        ("expected_calibration_error", (0.1 + 0.2 + 0.7 + 0.6 + 0.55 + 0.4 + 0.3 + 0.2 + 0.1) / 10, 10),
        ("brier", (0.01 + 0.04 + 0.49 + 0.36 + 0.55**2 + 0.16 + 0.09 + 0.04 + 0.01) / 10, 10),
        ("log_loss_base_rate", -(0.3 * math.log(0.3) + 0.7 * math.log(0.7)), 10),
        ("aurc", (0 + 0 + 1 / 3 + 2 / 4 + 2 / 5 + 3 / 6 + 4 / 7 + 5 / 8 + 6 / 9 + 7 / 10) / 10, 10),
        ("safe_first_person_rate", 0.0, 9),
        ("median_milliseconds", 200.0, 10),
        ("tokens", 100.0, 10),
    ],
)
def test_by_hand(name: str, value: float, n: int) -> None:
    assert by_name(TEN, name) == pytest.approx((value, n))


def test_the_rest_is_put_together_from_those() -> None:
    value = {figure.name: by_name(TEN, figure.name)[0] for figure in FIGURES}
    assert value["brier_reliability"] - value["brier_resolution"] + value["brier_uncertainty"] == pytest.approx(
        value["brier"]
    )
    assert value["log_loss_gain"] == pytest.approx(value["log_loss_base_rate"] - value["log_loss"])
    perfect = selective.aurc([1] * 3 + [0] * 7, [1] * 3 + [0] * 7)
    assert value["excess_aurc"] == pytest.approx(value["aurc"] - perfect)
    assert value["rejection_ratio"] == pytest.approx((0.7 - value["aurc"]) / (0.7 - perfect))
    assert value["ece_noise_floor"] == probability.ece_noise_floor([row.confidence for row in TEN], draws=1000)[0]
    assert value["debiased_ece"] <= value["expected_calibration_error"]


def test_what_cannot_be_measured_is_no_number() -> None:
    """One right answer, given: no wrong one, none unanswerable, no grounds told, nobody to judge what it said."""
    metrics = ValidationMetrics.of([graded(0, 0.9, True, grounded=None)])
    absent = {name for name, estimate in metrics.estimates.items() if estimate.n == 0}
    assert {
        "reasoning_accuracy",
        "declined_unanswerable",
        "uncertainty_auroc",
        "unanswerable_auroc",
        "shuffled_auroc",
        "rejection_ratio",
        "coverage_at_5_percent_error",
        "safe_first_person_rate",
    } <= absent
    assert "answer_accuracy" not in absent
    assert math.isnan(metrics.uncertainty_auroc)
    assert metrics.to_json()["uncertainty_auroc"] == {"value": None, "low": None, "high": None, "n": 0}
    nothing = ValidationMetrics.of([])
    assert {estimate.n for estimate in nothing.estimates.values()} == {0}


def test_the_six_are_attributes() -> None:
    metrics = ValidationMetrics.of(TEN, safe=lambda text: True)
    for name in HEADLINE:
        assert getattr(metrics, name) == metrics[name].value
    assert set(metrics.to_json()) == {figure.name for figure in FIGURES}


def sample_of(n: int, seed: int, wrong_share: float = 0.0) -> Sample:
    """Calibrated probabilities, of which some are dealt to wrong answers."""
    generator = np.random.default_rng(seed)
    p = generator.random(n) ** 0.3
    right = (generator.random(n) < p) & (generator.random(n) >= wrong_share)
    return Sample([graded(i, float(p[i]), bool(right[i]), group=f"g{i // 2}") for i in range(n)])


def test_shuffled_labels_know_nothing() -> None:
    sample = sample_of(400, 0)
    (control,) = (figure.of(sample) for figure in FIGURES if figure.name == "shuffled_auroc")
    assert control.low < 0.5 < control.high
    assert control.value == pytest.approx(0.5, abs=0.01)
    assert probability.auroc(sample.probability, sample.right) > control.high


def test_certified_coverage_is_measured_on_the_other_half() -> None:
    sample = sample_of(2000, 1)
    found = sample.certificate(0.2)
    assert found is not None
    assert found.threshold is not None
    first = one_of_each(np.flatnonzero(~sample.second_half).tolist(), sample.groups)
    assert len(first) == len(
        {group for group, second in zip(sample.groups, sample.second_half, strict=True) if not second}
    )
    assert found == certify(sample.probability[first], sample.right[first], 0.2)
    (coverage,) = (figure.of(sample) for figure in FIGURES if figure.name == "coverage_at_20_percent_error")
    assert coverage.n == sample.second_half.sum()
    assert coverage.value == (sample.probability[sample.second_half] >= found.threshold).mean()
    groups = np.array(sample.groups)
    assert not set(groups[sample.second_half]) & set(groups[~sample.second_half])


def test_questions_about_one_passage_are_one_witness() -> None:
    """A thousand samples of sixty passages, half of which certify, with six questions each that are right or wrong
    together: 12 % of the passages are wrong, so that every certificate for 10 % lies."""
    sample = Sample([graded(n, 0.97, True, group=f"passage {n // 6}") for n in range(360)])
    generator = np.random.default_rng(0)
    times, delta, lied, held = 1000, 0.05, 0, 0
    for _ in range(times):
        sample.right = np.repeat(generator.random(60) >= 0.12, 6).astype(float)
        low, high = sample.certificate(0.1), sample.certificate(0.3)
        lied += low is not None and low.threshold is not None
        held += high is not None and high.threshold is not None
    assert lied <= delta * times + 3 * np.sqrt(times * delta * (1 - delta))
    assert held > times / 2


def test_coverage_is_zero_only_when_it_was_tried() -> None:
    hopeless = sample_of(400, 2, wrong_share=0.9)
    (coverage,) = (figure.of(hopeless) for figure in FIGURES if figure.name == "coverage_at_10_percent_error")
    assert (coverage.value, coverage.n) == (0.0, hopeless.second_half.sum())
    assert sample_of(20, 3).certificate(0.05) is None


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.3])
def test_certificates_are_those_of_mapie(seed: int, alpha: float) -> None:
    """The same sequence of thresholds. Its p-values are Hoeffding–Bentkus bounds, never below our exact binomial ones,
    so that it may only stop earlier, by one step where the two straddle delta."""
    risk_control = pytest.importorskip("mapie.risk_control", reason="needs mapie: pip install -e '.[dev]'")
    generator = np.random.default_rng(seed)
    p = generator.random(600) ** 0.5
    y = (generator.random(600) < p).astype(int)
    controller = risk_control.BinaryClassificationController(
        lambda x: np.stack([1 - x[:, 0], x[:, 0]], axis=1),
        risk_control.precision,
        target_level=1 - alpha,
        confidence_level=0.95,
        list_predict_params=np.arange(0.95, 0.04, -0.05),
        fwer_method="fixed_sequence",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where nothing can be certified
        controller.calibrate(p[:, None], y)
    theirs = controller.valid_predict_params[-1] if len(controller.valid_predict_params) else 1.0
    ours = certify(p, y, alpha).threshold
    assert (1.0 if ours is None else ours) <= theirs + 1e-9 <= (1.0 if ours is None else ours) + 0.05 + 1e-6


def test_the_page_defines_every_figure_as_the_code_does() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "validation.md").read_text("utf-8")
    defined = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|$", page, re.MULTILINE))
    assert defined == {figure.name: figure.meaning.replace("|", "\\|") for figure in FIGURES}

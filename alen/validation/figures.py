"""Every figure of a validation, defined once: its name, what it means, and how it is measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from alen.validation import measuring, probability, selective
from alen.validation.intervals import Estimate
from alen.validation.measuring import SHUFFLES, SIMULATIONS, brier_part, milliseconds, of_probability
from alen.validation.sample import DELTA, Sample

Unit = Literal["share", "number", "milliseconds", "tokens"]


@dataclass(frozen=True, slots=True)
class Figure:
    """``meaning`` is one or two sentences for a reader who has never seen the name; ``chapter`` is where it stands in a
    report."""

    name: str
    title: str
    chapter: str
    unit: Unit
    meaning: str
    of: Callable[[Sample], Estimate]


ANSWERS, VERIFIED, CALIBRATED, RANKED, SELECTIVE, SAID, COST = (
    "Answers",
    "Verification",
    "Probabilities",
    "Ranking",
    "Answering only when sure",
    "First person",
    "Cost",
)

FIGURES = (
    Figure(
        "answer_accuracy",
        "Answer accuracy",
        ANSWERS,
        "share",
        "Questions dealt with rightly: a right answer was given, or a question without an answer was declined.",
        measuring.answer_accuracy,
    ),
    Figure(
        "candidate_accuracy",
        "Accuracy of the best candidate",
        ANSWERS,
        "share",
        "Answerable questions whose best candidate is right, whether or not it was given as the answer.",
        lambda sample: sample.rate(sample.right, ~sample.unanswerable),
    ),
    Figure(
        "reasoning_accuracy",
        "Reasoning accuracy",
        ANSWERS,
        "share",
        "Answerable questions whose best candidate is right and rests on the right grounds: the passage that the row"
        " names as its context, or a derivation whose symbolic check passed. Rows that tell neither do not count.",
        measuring.reasoning_accuracy,
    ),
    Figure(
        "declined_unanswerable",
        "Unanswerable questions declined",
        ANSWERS,
        "share",
        "Questions without an answer that no answer was given to.",
        lambda sample: sample.rate(~sample.answered, sample.unanswerable),
    ),
    Figure(
        "no_candidate_rate",
        "Questions without a candidate",
        ANSWERS,
        "share",
        "Questions that nothing at all was proposed for; their probability is 0.",
        lambda sample: sample.rate(sample.column(lambda row: row.text is None)),
    ),
    Figure(
        "verification_rate",
        "Verification rate",
        VERIFIED,
        "share",
        "Questions whose answer ALEN stood by (V = 1). It says nothing without the precision beside it.",
        lambda sample: sample.rate(sample.answered),
    ),
    Figure(
        "verification_precision",
        "Verification precision",
        VERIFIED,
        "share",
        "P(right | V = 1): right ones among the answers that were given.",
        lambda sample: sample.rate(sample.right, sample.answered),
    ),
    Figure(
        "verification_recall",
        "Verification recall",
        VERIFIED,
        "share",
        "P(V = 1 | right): right best candidates that were given as the answer.",
        lambda sample: sample.rate(sample.answered, sample.right.astype(bool)),
    ),
    Figure(
        "verifier_gain",
        "Verifier gain",
        VERIFIED,
        "share",
        "Precision of the answers given minus the share of right best candidates over all questions: what standing by"
        " only some of them gains.",
        measuring.verifier_gain,
    ),
    Figure(
        "expected_calibration_error",
        "Expected calibration error (ECE)",
        CALIBRATED,
        "number",
        "Mean gap between probability and share of right answers over 15 bins of equal mass. Read it beside its noise"
        " floor; its bootstrap interval lies high, because drawing again adds noise.",
        of_probability(probability.ece),
    ),
    Figure(
        "ece_noise_floor",
        "ECE of perfect probabilities",
        CALIBRATED,
        "number",
        "The ECE that perfectly calibrated probabilities would show with as many questions: its mean, and as the upper"
        f" end its 95th percentile, by {SIMULATIONS:,} simulations.",
        measuring.noise_floor,
    ),
    Figure(
        "debiased_ece",
        "ECE, debiased",
        CALIBRATED,
        "number",
        "ECE less what chance alone adds to it (Kumar, Liang and Ma, 2019).",
        of_probability(probability.debiased_ece),
    ),
    Figure(
        "brier",
        "Brier score",
        CALIBRATED,
        "number",
        "Mean squared error of the probabilities: reliability - resolution + uncertainty.",
        of_probability(probability.brier),
    ),
    Figure(
        "brier_reliability",
        "Brier: reliability",
        CALIBRATED,
        "number",
        "What the best monotone map of the same probabilities would save; 0 is perfectly calibrated.",
        brier_part("reliability"),
    ),
    Figure(
        "brier_resolution",
        "Brier: resolution",
        CALIBRATED,
        "number",
        "What telling right from wrong answers gains over always saying the base rate; higher is better.",
        brier_part("resolution"),
    ),
    Figure(
        "brier_uncertainty",
        "Brier: uncertainty",
        CALIBRATED,
        "number",
        "The Brier score of always saying the base rate.",
        brier_part("uncertainty"),
    ),
    Figure(
        "log_loss",
        "Log-loss",
        CALIBRATED,
        "number",
        "Mean negative log-likelihood of what happened, in nats; lower is better.",
        of_probability(probability.log_loss),
    ),
    Figure(
        "log_loss_base_rate",
        "Log-loss of the base rate",
        CALIBRATED,
        "number",
        "The log-loss of always saying the share of right answers in these questions, the hardest constant to beat.",
        lambda sample: sample.measure(probability.base_rate_log_loss, sample.right),
    ),
    Figure(
        "log_loss_gain",
        "Log-loss gain",
        CALIBRATED,
        "number",
        "Nats a question by which the probabilities beat that constant; at or below 0 they are worth nothing.",
        of_probability(probability.log_loss_gain),
    ),
    Figure(
        "uncertainty_auroc",
        "AUROC of the probability",
        RANKED,
        "number",
        "Chance that a right best candidate has a higher probability than a wrong one; 0.5 is guessing.",
        of_probability(probability.auroc),
    ),
    Figure(
        "unanswerable_auroc",
        "AUROC, answerable or not",
        RANKED,
        "number",
        "Chance that an answerable question gets a higher probability than one without an answer.",
        lambda sample: sample.measure(probability.auroc, sample.probability, 1.0 - sample.unanswerable),
    ),
    Figure(
        "unanswerable_against_right_auroc",
        "AUROC, unanswerable against right",
        RANKED,
        "number",
        "The same between right answers and questions without an answer, wrong answers left out.",
        measuring.unanswerable_against_right,
    ),
    Figure(
        "shuffled_auroc",
        "AUROC, labels shuffled",
        RANKED,
        "number",
        f"A control: the AUROC when right and wrong are dealt out at random, over {SHUFFLES} shuffles. It"
        " must lie at 0.5; an AUROC inside of its range is no better than chance.",
        measuring.shuffled_auroc,
    ),
    Figure(
        "rejection_ratio",
        "Rejection ratio (PRR)",
        SELECTIVE,
        "number",
        "Share of what perfect declining would gain over random declining; 1 is perfect, 0 random.",
        of_probability(selective.rejection_ratio),
    ),
    Figure(
        "aurc",
        "Area under risk–coverage (AURC)",
        SELECTIVE,
        "number",
        "Mean share of wrong answers over all coverages, most probable first; lower is better.",
        of_probability(selective.aurc),
    ),
    Figure(
        "excess_aurc",
        "Excess AURC",
        SELECTIVE,
        "number",
        "AURC above that of a perfect ranking with as many right answers.",
        of_probability(selective.excess_aurc),
    ),
    *(
        Figure(
            f"coverage_at_{percent}_percent_error",
            f"Coverage at {percent} % certified error",
            SELECTIVE,
            "share",
            "Questions of one half that are answered at the threshold which one question of each passage of the other"
            f" half certifies for at most {percent} % wrong answers, mistaken in at most {100 * DELTA:.0f} % of runs;"
            " 0 when none is certified.",
            measuring.certified_coverage(percent / 100),
        )
        for percent in (5, 10, 20)
    ),
    Figure(
        "safe_first_person_rate",
        "Safe first person",
        SAID,
        "share",
        "Best candidates that claim no feelings, wishes or identity.",
        measuring.safe_first_person,
    ),
    Figure(
        "median_milliseconds",
        "Time a question",
        COST,
        "milliseconds",
        "The median: half take less. Loading models is not counted.",
        milliseconds(0.5),
    ),
    Figure(
        "p90_milliseconds",
        "Time of slow questions",
        COST,
        "milliseconds",
        "The 90th percentile: nine in ten take less.",
        milliseconds(0.9),
    ),
    Figure(
        "tokens",
        "Tokens a question",
        COST,
        "tokens",
        "Mean number of tokens that the language model read and wrote.",
        lambda sample: sample.measure(lambda column: float(column.mean()), sample.column(lambda row: row.tokens)),
    ),
)
HEADLINE = (  # the six that ALEN is judged by first
    "reasoning_accuracy",
    "answer_accuracy",
    "verification_rate",
    "expected_calibration_error",
    "uncertainty_auroc",
    "safe_first_person_rate",
)

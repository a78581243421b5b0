"""Every metric by one name: grading of answers, quality of probabilities, selective answering, intervals."""

from alen.validation.grading import RIGHT_F1, exact_match, is_right, normalise_answer, token_f1
from alen.validation.intervals import Estimate, bootstrap, mean_estimate, ratio_of_medians
from alen.validation.probability import (
    BINS,
    Bin,
    auroc,
    base_rate_log_loss,
    brier,
    ece,
    ece_noise_floor,
    log_loss,
    log_loss_gain,
    reliability_bins,
)
from alen.validation.selective import AtThreshold, at_threshold, aurc, excess_aurc, rejection_ratio, risk_coverage

__all__ = [
    "BINS",
    "RIGHT_F1",
    "AtThreshold",
    "Bin",
    "Estimate",
    "at_threshold",
    "aurc",
    "auroc",
    "base_rate_log_loss",
    "bootstrap",
    "brier",
    "ece",
    "ece_noise_floor",
    "exact_match",
    "excess_aurc",
    "is_right",
    "log_loss",
    "log_loss_gain",
    "mean_estimate",
    "normalise_answer",
    "ratio_of_medians",
    "rejection_ratio",
    "reliability_bins",
    "risk_coverage",
    "token_f1",
]

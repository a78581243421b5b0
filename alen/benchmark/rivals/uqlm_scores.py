"""uqlm's own scorers on frozen generations: a file of them in, a line of scores for each question out.

Runs where uqlm is installed, and ALEN may not be. Its scores are in 0..1, higher is more confident. With a file of
labels (id to true or false), for each turn its ensemble is tuned on some and its calibrator fitted on others."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
from uqlm.black_box.cosine import CosineScorer
from uqlm.black_box.match import MatchScorer
from uqlm.calibration.score_calibrator import ScoreCalibrator
from uqlm.nli.entropy_utils import (
    compute_cluster_probabilities,
    compute_response_probabilities,
    compute_semantic_entropy,
    normalize_entropy,
)
from uqlm.utils.results import UQResult
from uqlm.utils.tuner import Tuner
from uqlm.white_box.p_true import PTrueScorer
from uqlm.white_box.sampled_logprobs import SampledLogprobsScorer
from uqlm.white_box.single_logprobs import SingleLogprobsScorer
from uqlm.white_box.top_logprobs import TopLogprobsScorer

Scores = dict[str, list[float]]
Lines = list[dict[str, Any]]
TRIALS = 100


def told(reply: dict[str, Any], top: list[list[float]] | None = None) -> list[dict[str, Any]]:
    """A reply's tokens as a chat model's server tells them."""
    return [
        {"logprob": logprob, "top_logprobs": [{"logprob": each} for each in (top[place] if top else [])]}
        for place, logprob in enumerate(reply["logprobs"])
    ]


def by_equal_texts(lines: Lines, logprobs: list[Any], sampled: list[Any]) -> Scores:
    """Its two semantic entropies, with equal texts for clusters in place of those of an entailment model."""
    discrete: list[float] = []
    weighted: list[float] = []
    for line, own, others in zip(lines, logprobs, sampled, strict=True):
        texts = [" ".join(each["text"].lower().split()) for each in (line["greedy"], *line["samples"])]
        clusters = [[place for place, text in enumerate(texts) if text == each] for each in dict.fromkeys(texts)]
        by_token, uniform = compute_response_probabilities([own, *others], len(texts))
        for entropies, weights in ((discrete, uniform), (weighted, by_token)):
            entropies.append(compute_semantic_entropy(compute_cluster_probabilities(weights, clusters)))
    count = len(lines[0]["samples"])
    return {
        "semantic negentropy discrete, equal texts": [1 - value for value in normalize_entropy(discrete, count)],
        "semantic negentropy, equal texts": [1 - value for value in normalize_entropy(weighted, count)],
    }


def said_true(line: dict[str, Any]) -> float:
    value = PTrueScorer._extract_ptrue_from_logprobs_result([line["said_true"]])
    return math.nan if value is None else float(value)


def scored(lines: Lines, encoder: str) -> Scores:
    """Each scorer's confidence of each line; ``encoder`` is a folder, or empty when there is none."""
    logprobs = [told(line["greedy"], line["distribution"]["top"]) for line in lines]
    responses = [line["greedy"]["text"] for line in lines]
    single = SingleLogprobsScorer(["min_probability", "sequence_probability"])
    found: Scores = dict(single.evaluate(logprobs))
    plain = SingleLogprobsScorer(["sequence_probability"], length_normalize=False).evaluate(logprobs)
    found["sequence_probability, not normalised"] = plain["sequence_probability"]
    found |= TopLogprobsScorer(top_k_logprobs=len(lines[0]["distribution"]["top"][0])).evaluate(logprobs)
    if all("said_true" in line for line in lines):
        found["p_true"] = [said_true(line) for line in lines]
    if not all(line["samples"] for line in lines):
        return found
    texts = [[reply["text"] for reply in line["samples"]] for line in lines]
    sampled = [[told(reply) for reply in line["samples"]] for line in lines]
    found["exact_match"] = MatchScorer().evaluate(responses, texts)
    needed = ["monte_carlo_probability"]
    if encoder:
        found["cosine_sim"] = CosineScorer(encoder).evaluate(responses, texts)
        # Its CoCoA, from what it just computed: it would encode every text a second time.
        found["consistency_and_confidence"] = [
            float(one * other) for one, other in zip(found["cosine_sim"], found["sequence_probability"], strict=True)
        ]
    found |= SampledLogprobsScorer(needed).evaluate(responses, texts, logprobs, sampled)
    return found | by_equal_texts(lines, logprobs, sampled)


def ensemble(found: Scores, ids: list[str], labels: dict[str, bool]) -> list[float]:
    """Its weighted mean of all scorers, tuned as it does, for the area under the curve, on labelled lines alone."""
    np.random.seed(0)
    tuner, lists = Tuner(), [np.array(values, dtype=float) for values in found.values()]
    fit = [place for place, name in enumerate(ids) if name in labels]
    weights = tuner.tune_params(
        [values[fit] for values in lists], [labels[ids[place]] for place in fit], n_trials=TRIALS
    )["weights"]
    return [float(value) for value in tuner._compute_ensemble_scores(np.array(weights), np.stack(lists))]


def calibrated(found: Scores, ids: list[str], labels: dict[str, bool]) -> Scores:
    """What its calibrator makes of every score, fitted on labelled lines alone."""
    usable = {name: np.clip(np.nan_to_num(np.array(values, dtype=float)), 0, 1) for name, values in found.items()}
    fit = [place for place, name in enumerate(ids) if name in labels]
    calibrator = ScoreCalibrator("platt")
    known = UQResult({"data": {name: values[fit] for name, values in usable.items()}, "metadata": {}})
    calibrator.fit(known, [labels[ids[place]] for place in fit])
    every = UQResult({"data": dict(usable), "metadata": {}})
    calibrator.transform(every)
    return {f"{name}, calibrated": [float(value) for value in every.data[f"calibrated_{name}"]] for name in usable}


def main(source: Path, out: Path, encoder: str, labels: Path | None) -> None:
    lines = [json.loads(line) for line in source.read_text("utf-8").splitlines()]
    ids = [line["id"] for line in lines]
    found = scored(lines, encoder)
    turns = [
        {"ensemble": ensemble(found, ids, known["fit"])} | calibrated(found, ids, known["calibration"])
        for known in (json.loads(labels.read_text("utf-8")) if labels else ())
    ]
    with out.open("w", encoding="utf-8") as file:
        for place, name in enumerate(ids):
            row = {"id": name, "scores": at(found, place), "turns": [at(turn, place) for turn in turns]}
            file.write(json.dumps(row) + "\n")


def at(found: Scores, place: int) -> dict[str, float | None]:
    values = {name: float(column[place]) for name, column in found.items()}
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]) if len(sys.argv) > 4 else None)

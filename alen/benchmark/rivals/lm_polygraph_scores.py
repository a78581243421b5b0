"""lm-polygraph's own estimators on frozen generations: a file of them in, a line of scores for each question out.

Runs where lm-polygraph is installed, and ALEN may not be. Every score is turned so that higher is more confident."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from lm_polygraph import estimators
from lm_polygraph.estimators.common import _compute_Jaccard_score as jaccard

Lines = list[dict[str, Any]]
BATCH = 64


def greedy_stats(lines: Lines) -> dict[str, Any]:
    replies = [line["greedy"] for line in lines]
    return {
        "greedy_texts": [reply["text"] for reply in replies],
        "greedy_tokens": [reply["tokens"] for reply in replies],
        "greedy_log_likelihoods": [np.array(reply["logprobs"]) for reply in replies],
        "entropy": [reply["entropies"] for reply in replies],
    }


def sample_stats(lines: Lines) -> dict[str, Any]:
    samples = [line["samples"] for line in lines]
    texts = [[reply["text"] for reply in replies] for replies in samples]
    return {
        "sample_texts": texts,
        "sample_tokens": [[reply["tokens"] for reply in replies] for replies in samples],
        "sample_log_likelihoods": [[reply["logprobs"] for reply in replies] for replies in samples],
        "sample_log_probs": [[float(np.sum(reply["logprobs"])) for reply in replies] for replies in samples],
        "semantic_classes_entail": equal_texts(texts),
    }


def equal_texts(texts: list[list[str]]) -> dict[str, Any]:
    """Classes of samples that say the same, letter case and spaces aside, in place of those of an entailment model."""
    of_sample, of_class = [], []
    for row in texts:
        said = [" ".join(text.lower().split()) for text in row]
        distinct = list(dict.fromkeys(said))
        of_sample.append([distinct.index(text) for text in said])
        of_class.append([[place for place, text in enumerate(said) if text == each] for each in distinct])
    return {"sample_to_class": of_sample, "class_to_sample": of_class}


def jaccard_stats(lines: Lines, stats: dict[str, Any]) -> dict[str, Any]:
    """Similarities by the library's own word overlap, in place of those of models that it would download."""
    matrices = np.stack([jaccard(texts) for texts in stats["sample_texts"]])
    to_greedy = [
        np.array([jaccard([greedy, text])[0, 1] for text in texts])
        for greedy, texts in zip(stats["greedy_texts"], stats["sample_texts"], strict=True)
    ]
    return {
        "semantic_matrix_entail": matrices,
        "semantic_matrix_contra": 1 - matrices,
        "sample_sentence_similarity": matrices,
        "greedy_sentence_similarity": to_greedy,
        "greedy_semantic_matrix_contra_forward": [1 - row for row in to_greedy],
        "greedy_semantic_matrix_neutral_forward": [np.zeros_like(row) for row in to_greedy],
    }


def rouge_stats(stats: dict[str, Any]) -> dict[str, Any]:
    score = estimators.LexicalSimilarity("rougeL")._score_single
    return {
        "greedy_sentence_similarity": [
            np.array([score(greedy, text) for text in texts])
            for greedy, texts in zip(stats["greedy_texts"], stats["sample_texts"], strict=True)
        ]
    }


def flat(mean: float, size: int) -> np.ndarray:
    """Log-probabilities with a given mean: self-certainty depends on nothing else."""
    return np.full(size, mean)


def peaked(root_sum: float, size: int) -> np.ndarray:
    """Log-probabilities (up to a constant) with a given sum of the roots of the probabilities at temperature 2, all but
    the first equal: the divergences that are computed from it depend on nothing else."""
    a, b, c = 1 - root_sum**2, 2.0 * (size - 1), (size - 1) ** 2 - root_sum**2 * (size - 1)
    root = (-b - np.sqrt(max(b * b - 4 * a * c, 0.0))) / (2 * a) if abs(a) > 1e-12 else 1e9
    logits = np.zeros(size)
    logits[0] = 4 * np.log(max(root, 1.0))
    return logits


def certainty(lines: Lines, size: int) -> dict[str, Any]:
    made = [[flat(mean, size) for mean in line["distribution"]["mean_logprob"]] for line in lines]
    return {"greedy_log_probs": made}


def divergence(lines: Lines, size: int) -> dict[str, Any]:
    made = [[peaked(value, size) for value in line["distribution"]["root_sum"]] for line in lines]
    return {"greedy_log_probs": made}


def likeliest(lines: Lines) -> dict[str, Any]:
    """The likeliest tokens alone, of which the greedy one is the first."""
    top = [line["distribution"]["top"] for line in lines]
    return {"greedy_log_probs": [np.array(rows) for rows in top], "greedy_tokens": [[0] * len(rows) for rows in top]}


def scored(lines: Lines, size: int) -> dict[str, list[float]]:
    """Each estimator's confidence of each line."""
    stats = greedy_stats(lines)
    found: dict[str, list[float]] = {}

    def add(name: str, estimator: Callable[[dict[str, Any]], Any], more: dict[str, Any] | None = None) -> None:
        found[name] = [-float(value) for value in estimator({**stats, **(more or {})})]

    add("MSP", estimators.MaximumSequenceProbability())
    add("Perplexity", estimators.Perplexity())
    add("MeanTokenEntropy", estimators.MeanTokenEntropy())
    found["MaxTokenEntropy"] = [-float(max(row)) for row in stats["entropy"]]
    add("SelfCertainty", estimators.SelfCertainty(), certainty(lines, size))
    # These two grow with the distance from the uniform distribution, and yet are returned as uncertainties: turned
    # round here, so that no gain over them comes from a sign.
    for name, estimator in (("RenyiNeg", estimators.RenyiNeg()), ("FisherRao", estimators.FisherRao())):
        found[name] = [float(value) for value in estimator(divergence(lines, size))]
    if all(line["greedy"]["finish"] != "given" for line in lines):
        add("BoostedProb", estimators.BoostedProbSequence(), likeliest(lines))
    if all("p_true" in line for line in lines):
        add("PTrue", estimators.PTrue(), {"p_true": [line["p_true"] for line in lines]})
    if not all(line["samples"] for line in lines):
        return found
    stats |= sample_stats(lines)
    if all("p_true_sampling" in line for line in lines):
        add(
            "PTrueSampling",
            estimators.PTrueSampling(),
            {"p_true_sampling": [each["p_true_sampling"] for each in lines]},
        )
    add("MCSE", estimators.MonteCarloSequenceEntropy())
    add("MCNSE", estimators.MonteCarloNormalizedSequenceEntropy())
    for metric in ("rouge1", "rougeL", "BLEU"):
        add(f"LexicalSimilarity {metric}", estimators.LexicalSimilarity(metric))
    add("SemanticEntropy, equal texts", estimators.SemanticEntropy())
    add("SemanticEntropy discrete, equal texts", estimators.SemanticEntropy(class_probability_estimation="frequency"))
    add("EigVal, Jaccard", estimators.EigValLaplacian("Jaccard_score"))
    add("DegMat, Jaccard", estimators.DegMat("Jaccard_score"))
    add("Eccentricity, Jaccard", estimators.Eccentricity("Jaccard_score"))
    overlap = jaccard_stats(lines, stats)
    add("NumSemSets, Jaccard", estimators.NumSemSets(), overlap)
    add("SentenceSAR, Jaccard", estimators.SentenceSAR(), overlap)
    add("SemanticDensity, Jaccard", estimators.SemanticDensity(concat_input=False), overlap)
    for measure, similar in (("Jaccard", overlap), ("rougeL", rouge_stats(stats))):
        add(f"CoCoA MSP, {measure}", estimators.CocoaMSP(), similar)
        add(f"CoCoA PPL, {measure}", estimators.CocoaPPL(), similar)
        add(f"CoCoA MTE, {measure}", estimators.CocoaMTE(), similar)
    return found


def main(source: Path, out: Path, size: int) -> None:
    lines = [json.loads(line) for line in source.read_text("utf-8").splitlines()]
    with out.open("w", encoding="utf-8") as file:
        for start in range(0, len(lines), BATCH):
            batch = lines[start : start + BATCH]
            found = scored(batch, size)
            for place, line in enumerate(batch):
                values = {name: value[place] if np.isfinite(value[place]) else None for name, value in found.items()}
                file.write(json.dumps({"id": line["id"], "scores": values}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))

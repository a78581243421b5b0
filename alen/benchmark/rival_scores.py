"""Other libraries' confidences in frozen generations, each library in an environment and a process of its own."""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from alen.benchmark.memory_process import environment
from alen.benchmark.splits import SplitName
from alen.errors import WorkError

SCRIPTS = Path(__file__).parent / "rivals"
"""Scripts, not modules: each runs where its library is installed, and ALEN may not be."""

Needs = Literal["greedy", "samples", "true"]

UNAVAILABLE = {
    "SemanticEntropy, NumSemSets, EigVal, DegMat, Eccentricity, KernelLanguageEntropy, LUQ, SemanticDensity with NLI": (
        "need microsoft/deberta-large-mnli; run with equal texts or word overlap where the library allows it"
    ),
    "CoCoA, SentenceSAR, SAR with a cross-encoder; TokenSAR": (
        "need cross-encoder/stsb-roberta-large; CoCoA and SentenceSAR run with word overlap and ROUGE-L"
    ),
    "CCP, Focus, FactualityClaim and other claim estimators": "need an entailment model, spaCy's or a served model",
    "EigenScore, Mahalanobis family, RDE, HUQ, PPLMD": "need hidden states (and a training set) of their own wrapper",
    "AttentionScore, CSL, RAUQ": "need attention weights of their own wrapper",
    "PMI, conditional PMI": "need a language model's likelihoods without the question, of their own wrapper",
    "PTrueEmpirical, Verbalized, Linguistic": "write further texts: not of the same token budget",
    "uqlm noncontradiction, entailment, semantic sets, semantic density": "need microsoft/deberta-large-mnli",
    "uqlm bert_score": "needs roberta-large",
    "uqlm LLM judges, long-text and code scorers": "need a served model",
}
"""What is not run, and why: weights that a model hub would have to send, or states that are not stored."""


@dataclass(frozen=True, slots=True)
class Rival:
    """A library and what its environment holds."""

    name: str
    requirements: tuple[str, ...]

    @property
    def script(self) -> Path:
        return SCRIPTS / f"{self.name.replace('-', '_')}_scores.py"


RIVALS = {
    each.name: each
    for each in (
        Rival("lm-polygraph", ("torch==2.13.0", "lm-polygraph==0.7.0")),
        # Newer ones of these need a numpy that uqlm does not take; a wheel is had for all but the newest of the rest.
        Rival("uqlm", ("--only-binary=:all:", "torch==2.13.0", "uqlm==0.6.7", "pyarrow==21.0.0", "numpy<2")),
    )
}


@dataclass(slots=True)
class Confidences:
    """By estimator, one number a question in the order of the lines; in ``turns`` what the library tuned and
    calibrated itself, on the labels of that turn. What an estimator could not say is the least that it said anywhere:
    not confident at all."""

    scores: dict[str, list[float]] = field(default_factory=dict)
    turns: list[dict[str, list[float]]] = field(default_factory=list)


def confidences(
    rival: Rival,
    lines: Sequence[Mapping[str, Any]],
    folder: Path,
    *,
    vocabulary: int,
    encoder: Path | None = None,
    turns: Sequence[Mapping[SplitName, Mapping[str, bool]]] = (),
) -> Confidences:
    """What a library makes of the lines of a frozen file. Names begin with the library's.

    ``folder`` holds the environments, made when they are not there, and keeps what was scored once; ``vocabulary`` is
    the model's number of tokens; ``encoder`` a folder of sentence-transformers; each of the ``turns`` labels by id,
    "fit" for what uqlm tunes and "calibration" for what it calibrates. Raises WorkError."""
    told = "".join(f"{json.dumps(line)}\n" for line in lines)
    options = [str(vocabulary) if rival.name == "lm-polygraph" else str(encoder or "")]
    labels = json.dumps(turns) if turns and rival.name != "lm-polygraph" else ""
    script = rival.script.read_text("utf-8")
    # Where a folder lies tells nothing about what is in it.
    key = [*rival.requirements, script, told, labels, *(Path(option).name for option in options)]
    kept = folder / "kept" / f"{rival.name}.{hashlib.sha256(json.dumps(key).encode()).hexdigest()[:24]}.jsonl"
    known = kept.read_text("utf-8") if kept.is_file() else ""
    scored = known or _scored(environment(folder / rival.name, rival.requirements), rival, told, labels, options)
    rows = [json.loads(line) for line in scored.splitlines()]
    if [row["id"] for row in rows] != [line["id"] for line in lines]:
        raise WorkError(f"{rival.name} answered other questions than it was asked.", "Look at its script.")
    if not known:
        kept.parent.mkdir(parents=True, exist_ok=True)
        half = kept.with_suffix(".part")
        half.write_text(scored, "utf-8")
        half.replace(kept)
    count = len(rows[0].get("turns", ())) if rows else 0
    return Confidences(
        _columns(rival, [row["scores"] for row in rows]),
        [_columns(rival, [row["turns"][turn] for row in rows]) for turn in range(count)],
    )


def _scored(interpreter: Path, rival: Rival, told: str, labels: str, options: Sequence[str]) -> str:
    """What the library's script writes of the lines."""
    with tempfile.TemporaryDirectory(prefix="alen-rivals-") as place:
        source, out, known = (Path(place) / name for name in ("lines.jsonl", "scores.jsonl", "labels.json"))
        source.write_text(told, "utf-8")
        command = [str(interpreter), str(rival.script), str(source), str(out), *options]
        if labels:
            known.write_text(labels, "utf-8")
            command.append(str(known))
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise WorkError(
                f"{rival.name} failed: {done.stderr.strip()[-300:]}", "Leave it out, or look at its output."
            )
        return out.read_text("utf-8")


def needs(estimator: str) -> Needs:
    """What an estimator must be given: the likely reply alone, the samples too, or a question about the reply."""
    name = estimator.partition(": ")[2].lower()
    if "true" in name:
        return "true"
    single = ("msp", "perplexity", "meantoken", "maxtoken", "selfcert", "renyi", "fisher", "boosted")
    token = ("min_prob", "sequence_prob", "min_token", "mean_token", "probability_margin")
    return "greedy" if name.startswith((*single, *token)) else "samples"


def _columns(rival: Rival, rows: Sequence[Mapping[str, float | None]]) -> dict[str, list[float]]:
    columns = {}
    for name in rows[0] if rows else ():
        values = [row[name] for row in rows]
        least = min((value for value in values if value is not None), default=math.nan)
        columns[f"{rival.name}: {name}"] = [least if value is None else float(value) for value in values]
    return {name: column for name, column in columns.items() if not math.isnan(column[0])}

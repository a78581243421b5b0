"""Other libraries' estimators: all turned the same way, on a file in which they must rank perfectly."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from alen.benchmark import generations, rival_scores
from alen.benchmark.rival_scores import RIVALS, Rival, confidences, needs
from alen.benchmark.splits import SplitName
from alen.errors import WorkError
from alen.validation.probability import auroc

VOCABULARY = 200
COUNT = 24
RIVALS_FOLDER = os.environ.get("ALEN_RIVALS", "")
needs_rivals = pytest.mark.skipif(
    not RIVALS_FOLDER, reason="ALEN_RIVALS names no folder with the libraries' environments, which take gigabytes"
)


def reply(text: str, probability: float, tokens: int = 3) -> dict[str, Any]:
    """Every token has one probability, and all others share the rest."""
    rest = (1 - probability) / (VOCABULARY - 1)
    entropy = -probability * math.log(probability) - (1 - probability) * math.log(rest)
    return {
        "text": text,
        "tokens": list(range(tokens)),
        "logprobs": [math.log(probability)] * tokens,
        "margins": [math.log(probability / rest)] * tokens,
        "entropies": [entropy] * tokens,
        "finish": "stop",
    }


def line(number: int) -> dict[str, Any]:
    """The surer the model is, the more samples agree with the likely reply: question by question a little more."""
    sure = (number + 1) / (COUNT + 1)
    probability = 0.3 + 0.65 * sure
    rest = (1 - probability) / (VOCABULARY - 1)
    roots = [math.sqrt(probability), *[math.sqrt(rest)] * (VOCABULARY - 1)]
    agree = number * 10 // (COUNT - 1)
    others = [reply(f"odd{number}x{k} strange{number}x{k}", 0.3 + 0.001 * number) for k in range(10 - agree)]
    return {
        "id": f"q{number}",
        "greedy": reply("the red fox", probability),
        "samples": [*[reply("the red fox", probability)] * agree, *others],
        "distribution": {
            "top": [[math.log(probability), *[math.log(rest)] * 14]] * 3,
            "mean_logprob": [(math.log(probability) + (VOCABULARY - 1) * math.log(rest)) / VOCABULARY] * 3,
            "root_sum": [sum(math.sqrt(root / sum(roots)) for root in roots)] * 3,
        },
        "p_true": math.log(sure),
        "p_true_sampling": math.log(sure),
        "said_true": {"token": "True", "logprob": math.log(sure)},
    }


LINES = [line(number) for number in range(COUNT)]
RIGHT = [number >= COUNT // 2 for number in range(COUNT)]


@needs_rivals
@pytest.mark.slow
@pytest.mark.parametrize("name", list(RIVALS))
def test_every_estimator_ranks_the_surest_first(name: str) -> None:
    labels = {row["id"]: right for row, right in zip(LINES, RIGHT, strict=True)}
    turns: list[Mapping[SplitName, Mapping[str, bool]]] = [{"fit": labels, "calibration": labels}] * 2
    found = confidences(RIVALS[name], LINES, Path(RIVALS_FOLDER), vocabulary=VOCABULARY, turns=turns)
    # Of uqlm what is tuned on labels comes turn by turn.
    assert len(found.scores) > (25 if name == "lm-polygraph" else 10)
    below = {each: auroc(scores, RIGHT) for each, scores in found.scores.items()}
    assert {each: value for each, value in below.items() if value < 1} == {}
    assert len(found.turns) == (2 if name == "uqlm" else 0)
    for turn in found.turns:
        assert auroc(turn["uqlm: ensemble"], RIGHT) == 1
        for each, probabilities in turn.items():
            assert all(0 <= value <= 1 for value in probabilities), each


@needs_rivals
@pytest.mark.slow
def test_shuffled_labels_give_a_half_and_known_values_come_back() -> None:
    found = confidences(RIVALS["lm-polygraph"], LINES, Path(RIVALS_FOLDER), vocabulary=VOCABULARY)
    own = LINES[3]["greedy"]["logprobs"]
    assert found.scores["lm-polygraph: MSP"][3] == pytest.approx(sum(own))
    assert found.scores["lm-polygraph: Perplexity"][3] == pytest.approx(sum(own) / 3)
    # From the full distribution, by the definitions of Darrin et al., 2023, at temperature 2 and order 1/2.
    roots = LINES[3]["distribution"]["root_sum"][0]
    renyi = -2 * (math.log(roots) + 0.5 * math.log(VOCABULARY))
    assert found.scores["lm-polygraph: RenyiNeg"][3] == pytest.approx(renyi, abs=1e-6)
    distance = 2 / math.pi * math.acos(min(roots / math.sqrt(VOCABULARY), 1))
    assert found.scores["lm-polygraph: FisherRao"][3] == pytest.approx(distance, abs=1e-6)
    every_other = [number % 2 == 0 for number in range(COUNT)]
    assert auroc(found.scores["lm-polygraph: MSP"], every_other) == pytest.approx(0.5, abs=0.1)


@needs_rivals
@pytest.mark.slow
def test_the_questions_about_a_reply_are_those_of_the_libraries() -> None:
    asked = {
        "uqlm": (
            "from uqlm.white_box.p_true import PTRUE_SYSTEM_PROMPT, PTrueScorer;"
            "found = [PTRUE_SYSTEM_PROMPT, PTrueScorer._construct_ptrue_prompt('{q}', '{a}')]"
        ),
        "lm-polygraph": (
            "from lm_polygraph.stat_calculators.prompt import PromptCalculator, SamplingPromptCalculator;"
            "found = [PromptCalculator().prompt, SamplingPromptCalculator().prompt]"
        ),
    }
    ours = {
        "uqlm": [generations.UQLM_SYSTEM, generations.UQLM_TRUE],
        "lm-polygraph": [generations.POLYGRAPH_TRUE, generations.POLYGRAPH_TRUE_SAMPLES],
    }
    for name, code in asked.items():
        interpreter = str(Path(RIVALS_FOLDER) / name / "bin" / "python")
        done = subprocess.run(
            [interpreter, "-c", f"{code}; import json; print(json.dumps(found))"], capture_output=True, text=True
        )
        assert json.loads(done.stdout.splitlines()[-1]) == ours[name], done.stderr[-300:]


def test_what_an_estimator_needs() -> None:
    assert needs("lm-polygraph: MSP") == "greedy"
    assert needs("lm-polygraph: CoCoA MSP, Jaccard") == "samples"
    assert needs("lm-polygraph: PTrueSampling") == "true"
    assert needs("uqlm: sequence_probability, not normalised") == "greedy"
    assert needs("uqlm: exact_match") == "samples"
    assert needs("uqlm: ensemble") == "samples"


class Scripted:
    """A script in this process's own environment, in place of a library's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> None:
        (folder / "made_up_scores.py").write_text(text, "utf-8")
        monkeypatch.setattr(rival_scores, "SCRIPTS", folder)
        monkeypatch.setattr(rival_scores, "environment", lambda place, requirements: Path(sys.executable))
        self.rival = Rival("made-up", ())


ECHO = """
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
with open(sys.argv[2], "w", encoding="utf-8") as out:
    for place, row in enumerate(rows):
        scores = {"place": place, "gap": None if place == 1 else 5 + place, "never": None}
        out.write(json.dumps({"id": row["id"], "scores": scores}) + "\\n")
"""


def test_scores_come_back_in_order_and_what_was_not_said_is_the_least(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted = Scripted(monkeypatch, tmp_path, ECHO)
    found = confidences(scripted.rival, LINES[:3], tmp_path, vocabulary=VOCABULARY)
    assert found.scores == {"made-up: place": [0, 1, 2], "made-up: gap": [5, 5, 7]}


def test_what_was_scored_once_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted = Scripted(monkeypatch, tmp_path, ECHO)
    found = confidences(scripted.rival, LINES[:3], tmp_path, vocabulary=VOCABULARY)
    monkeypatch.setattr(rival_scores.subprocess, "run", lambda *_, **__: pytest.fail("scored again"))
    assert confidences(scripted.rival, LINES[:3], tmp_path, vocabulary=VOCABULARY) == found
    with pytest.raises(pytest.fail.Exception, match="scored again"):
        confidences(scripted.rival, LINES[:4], tmp_path, vocabulary=VOCABULARY)
    (tmp_path / "made_up_scores.py").write_text(f"{ECHO}\n# changed", "utf-8")
    with pytest.raises(pytest.fail.Exception, match="scored again"):
        confidences(scripted.rival, LINES[:3], tmp_path, vocabulary=VOCABULARY)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("raise SystemExit('no such thing')", "no such thing"),
        (ECHO.replace('row["id"]', '"other"'), "other questions"),
    ],
)
def test_a_library_that_fails_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    scripted = Scripted(monkeypatch, tmp_path, script)
    with pytest.raises(WorkError, match=message):
        confidences(scripted.rival, LINES[:2], tmp_path, vocabulary=VOCABULARY)


def test_the_lines_can_be_written_down() -> None:
    assert json.loads(json.dumps(LINES)) == LINES

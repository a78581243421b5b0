"""The whole comparison on frozen replies that are made up: who ranks best, and what is left out, is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alen.benchmark import schema, verification_rows, verification_tables
from alen.benchmark.rival_scores import Confidences
from alen.benchmark.tasks import Item
from alen.benchmark.verification import Looked
from alen.sentence_encoder import SentenceEncoder
from tests.benchmark.test_main_job import script
from tests.cli.hash_encoder import HashEncoder

COUNT = 150


def _lines(name: str, seed: int, base: float = 0.0) -> list[dict[str, Any]]:
    """The surer the model, the likelier it is right: by its words, and by how many of its replies agree."""
    rng = np.random.default_rng(seed)
    lines = []
    for number in range(COUNT):
        a, b = (int(value) for value in rng.integers(10, 99, 2))
        sure = rng.normal()
        right = bool(rng.random() < 1 / (1 + np.exp(-2 * sure - base)))
        text = str(a + b if right else a + b + 10)
        question = f"{name}: {a} birds sit here and {b} there. How many?"
        item = Item(f"{name}/{number}", name, f"{name}/{number}", question, "", (), (str(a + b),), "number")
        agree = int(np.clip(round(5 + 2 * sure), 0, 10))
        samples = [_reply(text if place < agree else str(place), -0.5) for place in range(10)]
        lines.append(
            item.to_json()
            | {"greedy": _reply(text, -np.exp(-sure)), "samples": samples, "is_right": right, "p_true": sure}
            | {"tokens": {"read": 20, "greedy": 2, "samples": 20, "true": 30}, "option_logprobs": []}
        )
    return lines


def _reply(text: str, logprob: float) -> dict[str, Any]:
    return {"text": text, "tokens": [1], "logprobs": [float(logprob)], "margins": [], "entropies": [], "finish": "stop"}


def _rivals(options: object, looked: Looked) -> list[Confidences]:
    likely = [line["greedy"]["logprobs"][0] for line in looked.lines]
    noise = np.random.default_rng(1).normal(size=(2, COUNT)).tolist()
    turn = {"uqlm: ensemble": noise[1], "uqlm: p_true, calibrated": [0.5] * COUNT}
    return [
        Confidences({"lm-polygraph: MSP": likely, "lm-polygraph: CoCoA MSP, Jaccard": noise[0]}),
        Confidences({"uqlm: p_true": noise[1]}, [turn] * 5),
    ]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> schema.Result:
    folder = tmp_path_factory.mktemp("frozen")
    sets = {"one": _lines("one", 1), "procedural": _lines("procedural", 2), "easy": _lines("easy", 3, 9.0)}
    for name, lines in sets.items():
        (folder / f"model.{name}.0.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    (folder / "left_out").mkdir()
    (folder / "left_out" / "model.modest.0.jsonl").write_text(
        "".join(f"{json.dumps(line)}\n" for line in _lines("modest", 5)), "utf-8"
    )
    validation, out = script("validation"), folder / "out.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validation, "_rivals", _rivals)
        patch.setattr(SentenceEncoder, "from_pretrained", lambda **_: HashEncoder())
        for module, name in ((verification_rows, "DRAWS"), (verification_tables, "DRAWS_OF_ALL")):
            patch.setattr(module, name, 40)
        assert validation.main([str(folder), "--work", str(folder), "--out", str(out)]) == 0
    return schema.load(out)


def test_the_best_is_named_and_beaten_or_not(result: schema.Result) -> None:
    assert result.row("gain").label == "AUROC above lm-polygraph: MSP, the best on average"
    assert result.row("macro_auroc").ours.value == pytest.approx(0.85, abs=0.07)
    assert result.row("macro_auroc").ours.n == 2 * COUNT
    assert (result.row("log_loss_base").ours.low or 0) > 0
    assert (result.row("gate").ours.value or 0) <= 0.08
    assert result.row("selected").ours.value == pytest.approx(0, abs=0.1)


def test_what_is_left_out_says_why(result: schema.Result) -> None:
    told = {row["set"]: row["left out"] for row in result.tables["sets"]}
    assert told["easy"] == "accuracy not between 20% and 80%"
    assert told["one"] == told["procedural"] == ""
    assert told["modest"] == "not one of the declared sets"
    assert [row["set"] for row in result.tables["by_set"]] == ["one", "procedural"]


def test_tables_hold_every_estimator_and_every_control(result: schema.Result) -> None:
    names = [row["estimator"] for row in result.tables["estimators"]]
    assert {"alen", "uqlm: ensemble", "uqlm: p_true, calibrated", "base rate"} <= set(names)
    assert {"votes", "all independent ones"} <= {row["without"] for row in result.tables["ablations"]}
    for row in result.tables["controls"]:
        assert 0.3 < float(row["AUROC, labels shuffled"]) < 0.7
    assert result.tables["tokens"][0]["likely reply alone, of all"] == "30.6 %"


def test_an_empty_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out.json")
    assert script("validation").main([str(tmp_path), "--work", str(tmp_path), "--out", out]) == 2
    assert "generations" in capsys.readouterr().err

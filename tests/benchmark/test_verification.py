"""ALEN's estimator on frozen replies: what it learns from signal, and what it must not learn from noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alen.benchmark import controls, verification
from alen.benchmark.estimating import looks, with_record
from alen.benchmark.verification import Prepared
from alen.types import Check
from alen.validation.probability import auroc
from tests.cli.hash_encoder import HashEncoder


def _set(name: str, count: int, strength: float, seed: int) -> Prepared:
    rng = np.random.default_rng(seed)
    signal, noise = rng.normal(size=count), rng.normal(size=count)
    right = (rng.random(count) < 1 / (1 + np.exp(-strength * signal))).astype(int)
    checks = [
        [Check("votes", "pass", float(a)), Check("brevity", "pass", float(b))]
        for a, b in zip(signal, noise, strict=True)
    ]
    part = np.array(["fit", "fit", "calibration", "risk", "test"] * (count // 5))
    return Prepared(name, [], checks, right, [f"{name} {place}" for place in range(count)], part)


def test_signal_is_learned_and_noise_is_not() -> None:
    one = _set("a", 2000, 2.0, 0)
    test = one.of("test")
    judged = verification.within(one)
    assert auroc(judged.p[test], one.right_L[test]) > 0.75
    assert abs(judged.p[test].mean() - one.right_L[test].mean()) < 0.07
    nothing = controls.shuffled(one)
    assert auroc(verification.within(nothing).p[test], nothing.right_L[test]) == pytest.approx(0.5, abs=0.09)


def test_where_little_was_graded_what_other_sets_have_in_common_helps() -> None:
    usual = verification.usual([_set(name, 1000, 2.0, seed) for seed, name in enumerate("bcd")])
    assert usual["votes"] > 1.0
    assert usual.get("brevity", 0.0) < 0.2
    part = np.array(["fit"] * 12 + ["calibration"] * 88 + ["test"] * 900)
    gained = []
    for seed in range(10, 20):
        one = replace(_set("a", 1000, 2.0, seed), part_L=part)
        noise = np.random.default_rng(seed).normal(size=(1000, 20))
        more = [[Check(f"n{place}", "pass", float(value)) for place, value in enumerate(row)] for row in noise]
        one = replace(one, checks=[[*own, *extra] for own, extra in zip(one.checks, more, strict=True)])
        test = one.of("test")
        told, apart = (verification.within(one, weights).scores[test] for weights in (usual, {}))
        gained.append(auroc(told, one.right_L[test]) - auroc(apart, one.right_L[test]))
    assert np.mean(gained) > 0.01


def test_another_set_is_judged_by_what_was_learned_elsewhere() -> None:
    sets = [_set(name, 1000, 2.0, seed) for seed, name in enumerate("abcd")]
    judged = verification.across(sets[0], sets[1:])
    test = sets[0].of("test")
    assert auroc(judged.p[test], sets[0].right_L[test]) > 0.75


def test_the_best_check_alone_is_found_without_the_tested_lines() -> None:
    one = _set("a", 2000, 2.0, 1)
    assert controls.of_best_check([one], auroc) == pytest.approx(controls.measured(auroc, [one], _values(one, "votes")))
    assert controls.of_best_check([one], auroc) > controls.measured(auroc, [one], _values(one, "brevity")) + 0.2


def _values(one: Prepared, name: str) -> np.ndarray:
    return np.array([next(check.value for check in row if check.name == name) for row in one.checks], dtype=float)


def test_every_line_is_tested_in_the_first_turn_that_has_it() -> None:
    turns = [_set("a", 10, 1.0, 0), _set("a", 10, 1.0, 0)]
    turns[1] = replace(turns[1], part_L=np.roll(turns[1].part_L, 1))
    told = verification.gathered(turns, [np.zeros(10), np.ones(10)])
    assert [place for place, value in enumerate(told) if value == 0] == [4, 9]
    assert [place for place, value in enumerate(told) if value == 1] == [0, 5]
    assert np.isnan(told).sum() == 6


def test_leaving_out_what_counts_costs_and_what_does_not_costs_nothing() -> None:
    lost = controls.ablated([_set("a", 2000, 2.0, 1)], [{}], auroc)
    assert lost["votes"] > 0.2
    assert abs(lost["brevity"]) < 0.02


def test_coverage_keeps_its_promise() -> None:
    one = _set("a", 4000, 4.0, 2)
    test = one.of("test")
    answered = verification.answered(one, verification.within(one).p, 0.2)[test] > 0
    assert 0.3 < answered.mean() < 0.95
    assert 1 - one.right_L[test][answered].mean() < 0.25
    assert verification.answered(one, np.full(4000, 0.5), 0.05).sum() == 0


def test_lines_of_one_group_are_one_witness() -> None:
    """Twenty groups of ten sure lines: as two hundred witnesses they would have certified five percent."""
    one = _set("a", 1000, 2.0, 4)
    one = replace(one, right_L=np.ones(1000, dtype=int), groups=[f"g{place // 50}" for place in range(1000)])
    assert verification.answered(one, np.full(1000, 0.97), 0.05).sum() == 0
    assert verification.answered(one, np.full(1000, 0.97), 0.2).all()


def test_shuffled_labels_are_measured_over_many_shuffles(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = [_set("a", 100, 3.0, 5)]
    seeds: list[int] = []
    real = controls.shuffled

    def noted(one: Prepared, seed: int) -> Prepared:
        seeds.append(seed)
        return real(one, seed)

    once = [controls.learned_from_nothing([controls.shuffled(turns[0], 100 + seed)], auroc, 1) for seed in range(8)]
    assert np.std(once) > 0.05  # a single one says little
    monkeypatch.setattr(controls, "shuffled", noted)
    found = controls.learned_from_nothing(turns, auroc)
    assert seeds == list(range(20))
    assert found == pytest.approx(0.5, abs=0.09)
    assert found == controls.learned_from_nothing(turns, auroc)


def test_replies_to_one_question_do_not_tell_of_each_other() -> None:
    """Two replies to each question, right together or wrong together: near questions are unlike."""
    lines = [
        {"id": f"{n}", "set": "s", "group": f"g{n // 2}", "question": f"Question {n // 2}?", "is_right": n // 2 % 2}
        | {"greedy": {"text": f"reply {n}"}}
        for n in range(12)
    ]
    vectors = np.repeat(np.eye(6), 2, axis=0)
    found = with_record(lines, [[]] * 12, range(12), vectors, [line["group"] for line in lines])
    near = [checks[0].value for checks in found]
    assert np.ptp(near) == pytest.approx(0.0, abs=0.35)
    assert near[0] > near[2]  # what is left tells the opposite, if anything


def test_what_is_looked_at_in_a_line() -> None:
    reply = {
        "text": "32 + 40 = 62",
        "tokens": [1, 2],
        "logprobs": [-0.1, -0.3],
        "margins": [],
        "entropies": [],
        "finish": "stop",
    }
    line = {
        "question": "Work out the sum of 32 and 40.",
        "options": [],
        "context": "",
        "greedy": reply,
        "samples": [{**reply, "text": "72"}, reply],
        "p_true": -1.5,
        "is_right": False,
    }
    [found] = looks([line], HashEncoder())
    values = {check.name: check.value for check in found}
    assert values["equations_hold"] == 0.0
    assert values["likelihood"] == pytest.approx(-0.2)
    assert values["votes"] == pytest.approx(0.5)
    assert values["own_judgement"] == -1.5
    assert values["option_share"] is None
    assert values["verbatim"] is None

"""Settings that say when to answer: each alone, told in the environment or in the config file, refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from alen import settings
from alen.errors import BadInput

COSTS = settings.Costs(right=1.0, wrong=4.0, abstain=0.5)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COSTS", "RISK", "ANSWER_THRESHOLD"):
        monkeypatch.delenv(f"ALEN_{name}", raising=False)


def test_costs_are_a_text_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.load(home=tmp_path).costs is None
    monkeypatch.setenv("ALEN_COSTS", "abstain=0.5, right=1,wrong=4")
    assert settings.load(home=tmp_path).costs == COSTS


@pytest.mark.parametrize(
    "line", ['costs = "right=1,wrong=4,abstain=0.5"', "costs = {right = 1, wrong = 4, abstain = 0.5}"]
)
def test_costs_are_a_text_or_a_table_in_the_file(tmp_path: Path, line: str) -> None:
    (tmp_path / "config.toml").write_text(line)
    assert settings.load(home=tmp_path).costs == COSTS


@pytest.mark.parametrize(
    ("text", "field", "allowed"),
    [
        ("1,4,0.5", "costs", "right=1,wrong=4,abstain=0.5"),
        ("right=1,wrong=4", "costs", "once each"),
        ("right=1,right=1,wrong=4,abstain=0", "costs", "once each"),
        ("right=1,wrong=4,abstain=0,risk=1", "costs", "once each"),
        ("right=1,wrong=four,abstain=0", "costs.wrong", "number"),
        ("right=1,wrong=inf,abstain=0", "costs.wrong", "finite"),
        ("right=-1,wrong=4,abstain=0", "costs.right", "greater than or equal to 0"),
        ("right=1,wrong=0.5,abstain=0.5", "costs", "more than to abstain"),
    ],
)
def test_costs_that_are_none_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, field: str, allowed: str
) -> None:
    monkeypatch.setenv("ALEN_COSTS", text)
    with pytest.raises(BadInput) as found:
        settings.load(home=tmp_path)
    assert found.value.field == field
    assert allowed in found.value.allowed
    assert not found.value.allowed.startswith("Value error")


def test_a_table_of_costs_has_no_other_entries(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("costs = {right = 1, wrong = 4, abstain = 0, late = 1}")
    with pytest.raises(BadInput) as found:
        settings.load(home=tmp_path)
    assert found.value.field == "costs.late"
    assert "api_key" not in found.value.allowed  # those are no entries of costs


@pytest.mark.parametrize("other", ["risk", "answer_threshold"])
def test_one_setting_alone_says_when_to_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str) -> None:
    (tmp_path / "config.toml").write_text(f"{other} = 0.1\napi_key = 'secret'")
    monkeypatch.setenv("ALEN_COSTS", "right=1,wrong=4,abstain=0.5")
    with pytest.raises(BadInput, match=f"costs and {other}") as found:
        settings.load(home=tmp_path)
    assert "secret" not in str(found.value)
    monkeypatch.delenv("ALEN_COSTS")
    assert getattr(settings.load(home=tmp_path), other) == 0.1

"""The README's tables: what is written between the markers, and that nothing else of the page is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from alen.benchmark import readme
from alen.benchmark.schema import Measured, Result, Row, Target, load

PAGE = "# Title\n<!-- numbers:main_job -->\nold\n<!-- /numbers:main_job -->\nafter\n"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    at_least = Target(relation="at least", value=0.5)
    rows = (
        Row(
            name="exact",
            label="Exact match",
            unit="percent",
            ours=Measured(value=0.512, low=0.47, high=0.553, n=400),
            plain=Measured(value=0.0, n=400),
            target=at_least,
        ),
        Row(name="f1", label="F1", unit="percent", ours=Measured(value=0.4, low=0.3, high=0.5, n=400), target=at_least),
        Row(name="brier", label="Brier score", unit="number", ours=Measured(value=0.2, n=400)),
    )
    result = Result(
        name="main_job",
        title="A small run",
        created="2026-02-03T04:05:06+00:00",
        seconds=1.0,
        command="python run.py",
        commit="abc1234",
        machine={"processor": "a processor", "cores": 2},
        versions={},
        settings={},
        rows=rows,
    )
    result.save(tmp_path / "benchmarks" / "results" / "main_job.json")
    return tmp_path / "benchmarks" / "results"


def test_table_stands_between_the_markers(results: Path) -> None:
    found = readme.rewritten(PAGE, results)
    assert "| Exact match | **51.2 %** | 47.0 % to 55.3 % | 0.0 % | ≥ 50 % ✓ |" in found
    assert "| F1 | **40.0 %** | 30.0 % to 50.0 % |  | ≥ 50 % ✗ |" in found
    assert "Targets missed: F1." in found
    assert "on a processor, 2 cores, 2026-02-03" in found
    assert "Brier" not in found
    assert "old" not in found
    assert found.startswith("# Title\n<!-- numbers:main_job -->\n")
    assert found.endswith("<!-- /numbers:main_job -->\nafter\n")


def test_a_moonshot_is_shown_and_never_counted_as_missed(results: Path) -> None:
    target = Target(relation="at least", value=0.05, moonshot=0.1)
    row = Row(
        name="a", label="Gain", unit="percent", ours=Measured(value=0.07, low=0.02, high=0.12, n=9), target=target
    )
    load(results / "main_job.json").model_copy(update={"name": "other", "rows": (row,)}).save(results / "other.json")
    found = readme.rewritten(PAGE.replace("main_job", "other"), results)
    assert "| Gain | **7.0 %** | 2.0 % to 12.0 % | ≥ 5 % ✓, moonshot ≥ 10 % ✗ |" in found
    assert "Every target was reached." in found


def test_without_targets_none_was_reached(results: Path) -> None:
    row = Row(name="a", label="Gain", unit="percent", ours=Measured(value=0.07, n=9))
    load(results / "main_job.json").model_copy(update={"name": "other", "rows": (row,)}).save(results / "other.json")
    assert "target was" not in readme.rewritten(PAGE.replace("main_job", "other"), results)


def test_of_other_results_all_rows_are_shown(results: Path) -> None:
    """Whatever their rows are called."""
    load(results / "main_job.json").model_copy(update={"name": "other"}).save(results / "other.json")
    assert "Brier" in readme.rewritten(PAGE.replace("main_job", "other"), results)


def test_rewriting_twice_changes_nothing(results: Path) -> None:
    once = readme.rewritten(PAGE, results)
    assert readme.rewritten(once, results) == once


def test_command_rewrites_the_page(results: Path) -> None:
    page = results.parents[1] / "README.md"
    page.write_text(PAGE, "utf-8")
    assert readme.main([str(page)]) == 0
    assert page.read_text("utf-8") == readme.rewritten(PAGE, results)


def test_missing_result_is_named(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = results.parents[1] / "README.md"
    page.write_text(PAGE.replace("main_job", "large"), "utf-8")
    assert readme.main([str(page)]) == 2
    assert "large.json" in capsys.readouterr().err
    assert "large" in page.read_text("utf-8")


def test_missing_page_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert readme.main([str(tmp_path / "none.md")]) == 2
    assert "none.md" in capsys.readouterr().err

"""The memory benchmark: what participants are asked, what becomes of one that fails, and a small run of ALEN."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alen.benchmark import memory_data, memory_results, memory_run, memory_tables, schema
from alen.benchmark.memory_cells import Cell, Limits
from alen.benchmark.memory_process import PARTICIPANTS, STORES, Failed, Participant, environment, process
from alen.errors import WorkError
from benchmarks import memory, plots

DIM = 16
SHORT = Limits(cap=20.0, queries=30, tenant_queries=10, adds=20, kill_after=10, deletes=100)

EXACT = f'''
"""Compares everything; lasts by writing a line for each row."""
import json, sys, time
from pathlib import Path
import numpy as np
sys.path.insert(0, {str(STORES)!r})
from serving import serve

class Exact:
    batch, settings = 100, ["default", "all"]
    def __init__(self, folder, dim):
        folder.mkdir(parents=True, exist_ok=True)
        self.file, self.rows, self.half = folder / "rows.jsonl", {{}}, True
        for line in self.file.open() if self.file.exists() else ():
            number, *row = json.loads(line)
            self.rows[number] = row
    def _write(self, batch):
        columns = zip(batch.ids, batch.questions, batch.answers, batch.tenants, batch.vectors_ND.tolist())
        with self.file.open("a") as out:
            for number, *row in columns:
                self.rows[number] = row
                out.write(json.dumps([number, *row]) + "\\n")
    def bulk(self, batches):
        for batch in batches:
            SLEEP
            self._write(batch)
    def build(self): pass
    def use(self, setting): self.half = setting == "default"
    def search(self, query):
        print("chatter of a library")
        # Only every other row is looked at until it is told to look at all.
        rows = [(number, row) for number, row in self.rows.items()
                if (not self.half or number % 2) and query.tenant in (None, row[2])]
        rows.sort(key=lambda entry: -float(np.dot(entry[1][3], query.vector_D)))
        return [(number, row[0], row[1]) for number, row in rows[:query.k]]
    def add(self, row):
        self._write(row)
        return str(row.ids[0])
    def delete(self, count):
        DELETE
        for number in range(count):
            del self.rows[number]
        return list(range(count)), 0.5
    def present(self, names): return sum(int(name) in self.rows for name in names)
    def close(self): pass

serve(Exact, {{"exact": "1.0"}})
'''


@dataclass(frozen=True, slots=True)
class Scripted(Participant):
    file: Path = Path()

    @property
    def script(self) -> Path:
        return self.file


def scripted(folder: Path, **replaced: str) -> Scripted:
    text = EXACT
    for name in ("SLEEP", "DELETE"):
        text = text.replace(name, replaced.get(name, "pass"))
    (folder / "store.py").write_text(text, "utf-8")
    return Scripted("exact", file=folder / "store.py")


def silent(stage: str, done: int, total: int) -> None:
    pass


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> memory_data.Real:
    chance = np.random.default_rng(0)
    pairs = [(f"What is thing {number}?", f"It is {number}.") for number in range(2300)]
    vectors_ND = chance.standard_normal((len(pairs), DIM)).astype(np.float32)
    vectors_ND /= np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    return memory_data.real(pairs, vectors_ND, tmp_path_factory.mktemp("data"), silent, queries=30, more=70)


@pytest.fixture
def rows(source: memory_data.Real) -> memory_data.Rows:
    return memory_data.rows(source, 1000, silent)


def measured(participant: Participant, rows: memory_data.Rows, folder: Path, limits: Limits = SHORT) -> dict[str, Any]:
    return Cell(participant, Path(sys.executable), rows, limits, folder / "scratch", silent).measure()


def test_every_phase_is_measured_and_stronger_settings_are_tried(rows: memory_data.Rows, tmp_path: Path) -> None:
    cell = measured(scripted(tmp_path), rows, tmp_path)
    assert cell["failures"] == {}
    assert (cell["bulk"]["rows"], cell["bulk"]["whole"], len(cell["bulk"]["pieces"])) == (1000, True, 10)
    whole = [one for one in cell["searches"] if one["tenant"] is None]
    assert [one["setting"] for one in whole] == ["default", "all"]
    assert whole[0]["recall"] < 0.8
    assert whole[1]["recall"] == 1.0
    within = [one for one in cell["searches"] if one["tenant"] == "tenant-3" and one["setting"] == "all"]
    assert (within[0]["recall"], within[0]["foreign"], within[0]["tenant_rows"]) == (1.0, 0, 10)
    assert len(cell["add"]["seconds"]) == 20
    assert cell["delete"] == {"rows": 100, "seconds": 0.5, "still_found": 0}
    assert cell["kill"]["acknowledged"] >= 10
    assert (cell["kill"]["present"], cell["kill"]["reopened"]) == (cell["kill"]["acknowledged"], True)
    assert cell["disk_bytes"] > 1000 * DIM
    assert 0 < cell["open_seconds"] < 20
    assert not (tmp_path / "scratch").exists()


def test_a_cap_is_written_down_and_what_follows_is_of_fewer_rows(rows: memory_data.Rows, tmp_path: Path) -> None:
    slow = scripted(tmp_path, SLEEP="time.sleep(0.5)")
    cell = measured(slow, rows, tmp_path, Limits(cap=2.0, queries=30, adds=5, kill_after=5, patience=30.0))
    assert 0 < cell["bulk"]["rows"] < 1000
    assert "of 1,000 rows" in cell["failures"]["fill"]
    # Exact among the rows that are there, so the truth is of these alone.
    whole = [one for one in cell["searches"] if one["tenant"] is None]
    assert whole[-1]["recall"] == 1.0
    table = memory_tables.tables([cell])
    assert table["limits"][0]["what"] == cell["failures"]["fill"]
    assert table["filling_1000"][0]["rows"] == f"{cell['bulk']['rows']:,}"


def test_no_phase_is_begun_when_the_time_is_over(rows: memory_data.Rows, tmp_path: Path) -> None:
    cell = measured(scripted(tmp_path), rows, tmp_path, Limits(cap=20.0, queries=30, patience=0.001))
    assert cell["failures"]["kill"].startswith("not begun")
    assert "kill" not in cell


def test_a_phase_that_fails_is_named_and_the_others_go_on(rows: memory_data.Rows, tmp_path: Path) -> None:
    cell = measured(scripted(tmp_path, DELETE="raise OSError('no space')"), rows, tmp_path)
    assert cell["failures"] == {"change": "OSError: no space"}
    assert cell["kill"]["reopened"]


def test_a_row_that_is_still_found_after_its_deletion_is_counted(rows: memory_data.Rows, tmp_path: Path) -> None:
    cell = measured(scripted(tmp_path, DELETE="return list(range(1000)), 0.1"), rows, tmp_path)
    assert 50 < cell["delete"]["still_found"] <= 100


def test_a_process_that_does_not_answer_is_ended(tmp_path: Path) -> None:
    participant = scripted(tmp_path, DELETE="time.sleep(60)")
    with process(Path(sys.executable), participant.script) as store:
        assert store.versions == {"exact": "1.0"}
        store.ask("open", folder=str(tmp_path / "store"), dim=DIM)
        with pytest.raises(Failed, match=r"no answer within 0\.5 s"):
            store.ask("delete", 0.5, count=0)
        with pytest.raises(Failed, match="ended with code -9"):
            store.ask("present", names=[])


def test_an_environment_that_cannot_be_made_is_a_result(
    source: memory_data.Real, rows: memory_data.Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(WorkError, match="--only"):
        environment(tmp_path / "file" / "peer", ("nothing==1.0",))
    monkeypatch.setattr(memory_run, "_source", lambda options, show: source)
    # Where environments are to lie, there is a file.
    (tmp_path / "envs").write_text("", "utf-8")
    command = ["--data", str(tmp_path), "--work", str(tmp_path), "--sizes", "1000", "--only", "chromadb"]
    assert memory.main([*command, "--out", str(tmp_path / "one.json")]) == 0
    result = schema.load(tmp_path / "one.json")
    assert result.rows == ()
    assert result.tables["limits"][0]["phase"] == "environment"


def test_figures_of_one_and_ours_over_theirs() -> None:
    ours, theirs = cell_of("alen"), cell_of("chromadb")
    theirs["searches"] = [one | {"seconds": [0.004, 0.004]} for one in theirs["searches"]]
    figures = memory_results.figures(ours)
    assert figures["recall"].value == pytest.approx(0.995)
    assert figures["query_seconds"].value == 0.002
    assert memory_results.ratios(ours, theirs)["query_seconds"].value == 0.5
    assert all(measured.value is None for measured in memory_results.figures(failed("qdrant")).values())


def failed(name: str) -> dict[str, Any]:
    return {"participant": name, "size": 1000, "searches": [], "failures": {"environment": "no such version"}}


def test_a_participant_is_left_out_where_it_is_not_made_for_so_many(
    source: memory_data.Real, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_run, "_source", lambda options, show: source)
    monkeypatch.setitem(PARTICIPANTS, "qdrant", Participant("qdrant", ("nothing==1.0",), most=999))
    plan = memory_run.Plan(tmp_path, tmp_path, (1000,), ("qdrant",))
    [cell] = memory_run.run(plan).cells
    assert "999 rows" in cell["failures"]["fill"]


def test_peers_are_pinned_and_each_has_its_store() -> None:
    assert len(PARTICIPANTS) == 6
    for participant in PARTICIPANTS.values():
        assert participant.script.is_file()
        assert all("==" in requirement for requirement in participant.requirements)


def cell_of(name: str, **changes: Any) -> dict[str, Any]:
    searched = {"setting": "default", "how": "dense", "tenant": None, "tenant_rows": 100_000, "recall": 0.995}
    searched |= {"recalls": [1.0, 0.99], "foreign": 0, "seconds": [0.002, 0.002], "capped": False}
    tenant = searched | {"tenant": "tenant-1", "tenant_rows": 10, "recall": 0.9996, "capped": True}
    return {
        "participant": name,
        "size": 100_000,
        "failures": {},
        "versions": {name: "1.0"},
        "bulk": {"rows": 100_000, "whole": True, "seconds": 10.0, "per_second": 10_000.0},
        "build": {"seconds": 5.0},
        "searches": [searched, tenant],
        "resident_bytes": 100_000_000,
        "disk_bytes": 1_000_000,
        "open_seconds": 0.4,
        "add": {"seconds": [0.001, 0.001], "capped": False},
        "delete": {"rows": 10_000, "seconds": 1.0, "still_found": 0},
        "kill": {"acknowledged": 200, "present": 199, "reopened": True},
    } | changes


def test_rows_compare_with_the_rival_and_name_their_targets() -> None:
    rival = cell_of("chromadb", bulk={"rows": 100_000, "whole": True, "seconds": 55.0, "per_second": 2000.0})
    found = {row.name.removesuffix("-100000"): row for row in memory_results.rows([cell_of("alen"), rival])}
    assert found["bulk"].ours.value == 5.0
    assert found["searchable"].ours.value == 4.0
    assert found["memory"].ours.value == 1.0
    assert found["tenant"].ours.value == 1.0
    assert found["survivors"].ours.value == pytest.approx(0.995)
    reached = {name: row.reached for name, row in found.items()}
    missed = [name for name, ok in reached.items() if not ok]
    assert missed == ["add", "latency", "survivors"]


def test_ten_millions_have_targets_of_their_own() -> None:
    size = memory_results.LARGE
    cell = cell_of("alen", size=size, resident_bytes=9e9, bulk={"rows": size, "seconds": 10.0, "per_second": 1e6})
    cell["searches"][0]["recall"], cell["searches"][0]["recalls"] = 0.96, [0.96, 0.96]
    found = {row.name.removesuffix(f"-{size}"): row for row in memory_results.rows([cell])}
    assert found["query"].ours.value == 2.0
    assert found["recall"].reached
    assert not found["resident"].reached
    assert found["memory"].target is None


def test_what_was_not_measured_is_missed_and_without_a_rival_nothing_is_compared() -> None:
    broken = cell_of("alen", delete=None, kill={"acknowledged": 5, "present": 5, "reopened": False})
    del broken["delete"]
    found = {row.name.removesuffix("-100000"): row for row in memory_results.rows([broken])}
    assert found["delete"].ours.value is None
    assert not found["delete"].reached
    assert found["survivors"].ours.value == 0.0
    assert "bulk" not in found
    slow = cell_of("chromadb")
    slow["searches"][0]["recall"] = 0.5
    compared = {row.name: row for row in memory_results.rows([cell_of("alen"), slow])}
    assert compared["searchable-100000"].ours.value is None


def test_tables_hold_everyone_and_what_was_cut_short() -> None:
    tables = memory_tables.tables([cell_of("alen"), cell_of("chromadb")])
    assert [line["participant"] for line in tables["searching_100000"]] == ["alen", "chromadb"]
    assert tables["filling_100000"][1]["s until recall 0.99"] == "15.0"
    assert tables["tenants_100000"][0]["0.01%"].startswith("1.000 · 2.0 ms")
    assert "1 of 2 sets" in tables["limits"][0]["what"]


def test_recall_and_time_become_a_picture(tmp_path: Path) -> None:
    cells = [cell_of("alen"), cell_of("chromadb")]
    result = schema.Result(
        name="memory",
        title="",
        created="",
        seconds=1,
        command="",
        commit="",
        machine={},
        versions={},
        settings={},
        rows=tuple(memory_results.rows(cells)),
        curves=memory_results.curves(cells),
    )
    result.save(tmp_path / "memory.json")
    assert plots.main([str(tmp_path / "memory.json")]) == 0
    assert (tmp_path / "memory.png").stat().st_size > 5000


@pytest.mark.slow
def test_a_small_run_of_alen_is_kept_and_taken_up_again(
    source: memory_data.Real, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(memory_run, "_source", lambda options, show: source)
    monkeypatch.setattr(memory_run, "Limits", lambda **given: SHORT)
    command = ["--data", str(tmp_path), "--work", str(tmp_path / "work"), "--sizes", "2000", "--only", "alen"]
    assert memory.main([*command, "--queries", "30", "--out", str(tmp_path / "one.json")]) == 0
    result = schema.load(tmp_path / "one.json")
    assert result.row("recall-2000").ours.value == 1.0
    assert result.row("tenant-2000").ours.value == 1.0
    assert result.row("survivors-2000").ours.value == 1.0
    assert result.row("delete-2000").ours.n == 1
    assert result.row("open-2000").target is None
    found = json.loads((tmp_path / "work" / "cells" / "alen-2000.json").read_text("utf-8"))
    assert found["failures"] == {}
    assert {one["how"] for one in found["searches"]} == {"dense", "hybrid", "namespace"}
    assert all(one["foreign"] == 0 for one in found["searches"])
    monkeypatch.setattr(memory_run, "Cell", lambda *_: pytest.fail("measured again"))
    assert memory.main([*command, "--queries", "30", "--out", str(tmp_path / "two.json")]) == 0
    assert schema.load(tmp_path / "two.json").rows == result.rows
    assert "2,000 rows: recall@10" in capsys.readouterr().out

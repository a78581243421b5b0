"""Everything that can be done to a memory, in any order that Hypothesis thinks of, by two that have it open: it always
holds and finds what plain records and an exact comparison say."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from alen.errors import BadInput
from alen.memory import EpisodicMemory
from alen.memory.index import planning
from alen.upkeep import ForgettingPolicy
from tests.memory.conftest import HashEncoder, drafts
from tests.memory.torture import children, life
from tests.memory.torture.counts import MACHINES, STEPS_OF_A_MACHINE
from tests.memory.torture.model import Record, Tenant, nearest

pytest.importorskip("faiss", reason="sealed indexes need faiss: pip install -e '.[cpu]'")

NAMES = ("ann", "ben")
SEAL_FROM = 8
ALIKE = 0.88
"""One word more or less, of six."""

tenants = st.sampled_from(NAMES)
questions = st.builds("Where does the {} {} hang{}?".format, st.sampled_from(("red", "old")),
                      st.sampled_from(("gauge", "bell", "kiln")),
                      st.sampled_from(("", " now", " today")))  # fmt: skip
answers = st.sampled_from(("In the hall", "In the yard", "Nowhere"))
tags = st.lists(st.sampled_from(("north", "south")), unique=True, max_size=2).map(tuple)
rows = st.tuples(questions, answers, tags)
many = st.lists(rows, min_size=1, max_size=20, unique_by=lambda row: row[:2])
which = st.integers(0, 10**6)
who = st.integers(0, 1)


class Machine(RuleBasedStateMachine):
    @initialize(many=many, sealed=st.booleans())
    def begin(self, many: list[Any], sealed: bool) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="machine-", dir=self.place))
        self.encoder: HashEncoder = life.OLD
        self.tenants = {name: Tenant() for name in NAMES}
        self.order = self.looks = 0
        self.open()
        self.remember_many(0, "ann", many)
        if sealed:
            self.seal(0, "ann")

    place: Path

    def open(self) -> None:
        self.memories = [EpisodicMemory.open(life.place(self.folder), encoder=self.encoder) for _ in range(2)]

    def teardown(self) -> None:
        for memory in getattr(self, "memories", ()):
            for name in NAMES:
                memory.checkpoint(namespace=name)
                assert memory.verify("deep", namespace=name).problems == ()
            memory.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def pick(self, name: str, number: int) -> Record | None:
        known = sorted(self.tenants[name].records)
        return self.tenants[name].records[known[number % len(known)]] if known else None

    def told(self, name: str, uid: str, row: tuple[str, str, tuple[str, ...]], ended: bool = False) -> None:
        """What ``remember`` gave for a row."""
        twin = self.tenants[name].twin(*row[:2])
        if twin is None:
            assert uid not in self.tenants[name].records
            self.order += 1
            self.tenants[name].records[uid] = Record(uid, self.order, *row, ended=ended)
        else:
            assert uid == twin.uid
            if twin.ended and twin.status in {"active", "archived"}:
                twin.status, twin.ended = "active", ended  # what has run out and is said again holds again

    @rule(who=who, name=tenants, row=rows, ended=st.sampled_from((False, False, False, True)))
    def remember(self, who: int, name: str, row: Any, ended: bool) -> None:
        uid = self.memories[who].remember(
            question=row[0], answer=row[1], tags=row[2], ttl=-1.0 if ended else None, namespace=name
        )
        self.told(name, uid, row, ended)

    @rule(who=who, name=tenants, many=many)
    def remember_many(self, who: int, name: str, many: list[Any]) -> None:
        values = [{"question": row[0], "answer": row[1], "tags": row[2]} for row in many]
        self.memories[who].remember_many(values, namespace=name)
        with self.memories[who]._store.reading() as connection:
            sql = (
                "SELECT e.uid FROM episode e JOIN namespace n ON n.id = e.namespace_id WHERE n.path = ? "
                "AND e.question = ? AND e.answer = ? AND e.status <> 'superseded'"
            )
            for row in many:
                self.told(name, str(connection.exec_driver_sql(sql, (name, *row[:2])).scalar()), row)

    @rule(who=who, name=tenants, number=which, row=rows, what=st.sampled_from(("question", "answer", "tags")))
    def update(self, who: int, name: str, number: int, row: Any, what: str) -> None:
        record = self.pick(name, number)
        if record is None:
            return
        place = ("question", "answer", "tags").index(what)
        changed = (row[0] if place == 0 else record.question, row[1] if place == 1 else record.answer)
        twin = self.tenants[name].twin(*changed)
        if twin not in (None, record) and record.status != "superseded":
            return  # see test_a_change_into_what_is_there_already
        self.memories[who].update(record.uid, namespace=name, **{what: row[place]})
        setattr(record, what, row[place])

    @rule(who=who, name=tenants, number=which)
    def delete(self, who: int, name: str, number: int) -> None:
        record = self.pick(name, number)
        if record is not None:
            assert self.memories[who].delete(record.uid, namespace=name) == 1
            self.tenants[name].remove(record.uid)

    @rule(who=who, name=tenants, number=which, other=which)
    def supersede(self, who: int, name: str, number: int, other: int) -> None:
        old, new = self.pick(name, number), self.pick(name, other)
        if old is not None and new is not None and old is not new:
            twin = self.tenants[name].twin(new.question, new.answer)
            if new.status == "quarantined" or (new.status == "superseded" and twin not in (None, new)):
                with pytest.raises(BadInput, match="new"):
                    self.memories[who].supersede(old.uid, new.uid, namespace=name)
                return
            self.memories[who].supersede(old.uid, new.uid, namespace=name)
            old.status, new.status = "superseded", "active"

    @rule(who=who, name=tenants, number=which)
    def confirm(self, who: int, name: str, number: int) -> None:
        record = self.pick(name, number)
        if record is not None:
            assert self.memories[who].feedback(record.uid, True, namespace=name) == {"status": "gold"}
            self.taught_again(name, record).status = "active"

    def taught_again(self, name: str, record: Record) -> Record:
        """Of one that was replaced and then taught again, the newer speaks."""
        twin = self.tenants[name].twin(*record.said) if record.status == "superseded" else None
        return twin or record

    @rule(who=who, name=tenants, number=which, answer=st.none() | answers)
    def reject(self, who: int, name: str, number: int, answer: str | None) -> None:
        record = self.pick(name, number)
        if record is None or answer == record.answer:
            return
        said = self.memories[who].feedback(record.uid, False, answer, namespace=name)
        self.taught_again(name, record).status = "quarantined"
        if answer is not None:
            known = self.tenants[name].twin(record.question, answer)
            self.told(name, said["correction"], (record.question, answer, ()))
            if known is not None:
                known.status, known.ended = "active", False

    @rule(who=who, name=tenants)
    def merge(self, who: int, name: str) -> None:
        for group in self.memories[who].merge(alike=ALIKE, dry_run=False, namespace=name):
            kept = self.tenants[name].records[group.kept]
            for uid in group.folded:
                record = self.tenants[name].records[uid]
                assert kept.shown
                assert record.shown
                assert record.answer == kept.answer
                vectors_ND = self.encoder.encode([record.question, kept.question])
                assert float(vectors_ND[0] @ vectors_ND[1]) >= ALIKE - 1e-2
                record.status = "archived"
                kept.folded.append(uid)
        assert self.memories[1 - who].merge(alike=ALIKE, namespace=name) == []

    @rule(who=who, name=tenants, number=which)
    def unmerge(self, who: int, name: str, number: int) -> None:
        records = self.tenants[name].records
        folding = sorted(uid for uid, record in records.items() if record.folded)
        record = records[folding[number % len(folding)]] if folding else self.pick(name, number)
        if record is None:
            return
        back = [uid for uid in record.folded if records[uid].status == "archived"]
        assert set(self.memories[who].unmerge(record.uid, namespace=name)) == set(back)
        for uid in back:
            records[uid].status = "active"
            record.folded.remove(uid)

    @rule(who=who, name=tenants, at_once=st.booleans())
    def forget(self, who: int, name: str, at_once: bool) -> None:
        policy = ForgettingPolicy(grace_days=0.0) if at_once else None
        done = self.memories[who].forget(policy, dry_run=False, namespace=name)
        ended = [record for record in self.tenants[name].records.values() if record.ended]
        archived = {record.uid for record in ended if record.status == "active"}
        purged = {record.uid for record in ended if record.status == "archived"} if at_once else set()
        assert {each.uid for each in done if each.action == "archive"} == archived
        assert {each.uid for each in done if each.action == "purge"} == purged
        for uid in archived:
            self.tenants[name].records[uid].status = "archived"
        for uid in purged:
            self.tenants[name].remove(uid)

    @rule(who=who, name=tenants, number=which)
    def erase(self, who: int, name: str, number: int) -> None:
        record = self.pick(name, number)
        if record is not None:
            gone = self.tenants[name].erased_with(record.uid)
            assert self.memories[who].erase([record.uid], namespace=name).episodes == len(gone)
            for uid in gone:
                self.tenants[name].remove(uid)

    @rule(who=who, name=tenants, source=st.sampled_from("pq"), numbers=st.sets(st.integers(0, 20), min_size=1))
    def teach(self, who: int, name: str, source: str, numbers: set[int]) -> None:
        texts = {f"Kiln {n} is hot." for n in numbers}
        digest = str(sorted(numbers))
        self.memories[who].teach_passages(source, drafts(*sorted(texts)), content_hash=digest, namespace=name)
        self.tenants[name].documents[source] = texts

    @rule(who=who, name=tenants)
    def seal(self, who: int, name: str) -> None:
        self.memories[who].checkpoint(namespace=name)

    @rule()
    def restart(self) -> None:
        for memory in self.memories:
            memory.close()
        self.open()

    @precondition(lambda self: any(tenant.records for tenant in self.tenants.values()))
    @rule()
    def move_to_another_encoder(self) -> None:
        self.encoder = life.NEW if self.encoder is life.OLD else life.OLD
        with self.memories[0]._store.reading() as connection:
            sql = "SELECT fingerprint FROM embedding_space WHERE state = 'active'"
            used = connection.exec_driver_sql(sql).scalar()
        if used is not None and used != self.encoder.fingerprint:
            self.memories[0].reembed(self.encoder)
        self.restart()

    @rule(who=who, name=tenants)
    def check(self, who: int, name: str) -> None:
        assert self.memories[who].verify("quick", namespace=name).problems == ()

    @rule(who=who, name=tenants, asked=questions, count=st.integers(1, 6))
    def ask(self, who: int, name: str, asked: str, count: int) -> None:
        memory, tenant = self.memories[who], self.tenants[name]
        self.nearest_are_found(memory, name, asked, count)
        for mode in ("hybrid", "lexical"):
            hits = memory.recall(asked, count, mode=mode, namespace=name)
            same = {record.order: record.uid for record in tenant.shown() if record.question == asked}
            newest = [same[order] for order in sorted(same, reverse=True)]
            assert [hit.episode.id for hit in hits if hit.exact] == newest[:count]
            assert all(tenant.records[hit.episode.id].shown for hit in hits)

    @rule(who=who, name=tenants, asked=questions, tag=st.sampled_from(("north", "south")))
    def ask_with_a_condition(self, who: int, name: str, asked: str, tag: str) -> None:
        hits = self.memories[who].recall(asked, 100, mode="dense", where={"tags": tag}, namespace=name)
        assert {hit.episode.id for hit in hits} == {record.uid for record in self.tenants[name].shown(tag)}

    def nearest_are_found(self, memory: EpisodicMemory, name: str, asked: str, count: int) -> None:
        near = memory.recall(asked, count, mode="dense", namespace=name)
        wanted = nearest(self.encoder, asked, self.tenants[name].shown(), count)
        assert [hit.score for hit in near] == pytest.approx(wanted, abs=3e-3)

    @invariant()
    def it_finds_what_it_should(self) -> None:
        if hasattr(self, "memories"):
            self.looks += 1
            memory, name = self.memories[self.looks % 2], NAMES[self.looks // 2 % 2]
            self.nearest_are_found(memory, name, "Where does the old bell hang today?", 3)

    @invariant()
    def it_holds_what_it_should(self) -> None:
        if not hasattr(self, "memories"):
            return
        held = life.facts(self.memories[0])
        wanted = [
            (name, record.question, record.answer, record.status)
            for name, tenant in self.tenants.items()
            for record in tenant.records.values()
        ]
        assert sorted((row[0], row[1], row[2], row[5]) for row in held["episodes"]) == sorted(wanted)
        texts = sorted((row[0], row[1]) for row in held["passages"] if row[2] == "active")
        taught = [tenant.documents for tenant in self.tenants.values()]
        assert texts == sorted((source, text) for each in taught for source, texts in each.items() for text in texts)


def test_any_order_of_anything(fast_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "SEAL_FROM", SEAL_FROM)
    # A search reads every cell: that less is enough nearly always is measured elsewhere.
    monkeypatch.setattr(planning, "RECALL", 2.0)
    monkeypatch.setattr(planning, "OF_CODES", 2.0)
    monkeypatch.setattr(Machine, "place", fast_folder, raising=False)
    children.one_thread()
    Machine.TestCase.settings = settings(
        max_examples=MACHINES,
        stateful_step_count=STEPS_OF_A_MACHINE,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # what fails is told at once: to make it smaller takes many minutes
    )
    Machine.TestCase().runTest()


def test_the_oracle_is_no_copy_of_what_it_checks() -> None:
    """Exact comparison, by hand."""
    encoder = HashEncoder(32)
    records = [Record("1", 1, "Where does the red bell hang?", "x"), Record("2", 2, "Who rang?", "y")]
    best = nearest(encoder, "Who rang?", records, 2)
    assert best[0] == pytest.approx(1.0, abs=1e-3)
    vectors_ND = encoder.encode([record.question for record in records])
    assert best[1] == pytest.approx(float(np.dot(*vectors_ND)), abs=1e-3)

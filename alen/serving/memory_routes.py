"""POST /v1/alen/memory/VERB: what ``alen memory`` does, in the namespace of the key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import Field, JsonValue

from alen.engine import Engine
from alen.errors import UnknownNamespace
from alen.memory import EpisodicMemory
from alen.serving.own import Strict, of_its_own
from alen.serving.service import Service
from alen.text.json_lines import LONGEST_ROW
from alen.types import PassageDraft, Tier
from alen.upkeep import ALIKE, ForgettingPolicy

MOST_HITS = 1000
MOST_ROWS = 10_000
MOST_PASSAGES = 100_000
_Number = Annotated[float, Field(allow_inf_nan=False)]
_Place = Annotated[int, Field(ge=0, le=2**53)]


class Nothing(Strict):
    pass


class Id(Strict):
    id: str


class Ids(Strict):
    ids: list[str] = Field(max_length=MOST_ROWS)


class Search(Strict):
    query: str
    k: int = Field(8, ge=1, le=MOST_HITS)


class Recall(Strict):
    """``where`` narrows, as of ``EpisodicMemory.recall``."""

    question: str
    k: int = Field(8, ge=1, le=MOST_HITS)
    mode: Literal["hybrid", "dense", "lexical"] = "hybrid"
    where: dict[str, str | list[str] | _Number | None] = Field(default_factory=dict)


class Row(Strict):
    question: str
    answer: str
    context: str | None = None
    tags: list[str] = Field(default_factory=list)
    confidence: _Number = 1.0
    tier: Tier = "gold"
    source: str | None = None
    detail: dict[str, JsonValue] | None = None
    ttl: _Number | None = None
    idempotency_key: str | None = None


class Rows(Strict):
    rows: list[Row] = Field(max_length=MOST_ROWS)
    source: str = "user"


class Draft(Strict):
    text: str = Field(max_length=LONGEST_ROW)
    start: _Place = 0
    end: _Place = 0
    title: str | None = None
    page: _Place | None = None
    external_id: str | None = None
    sentences: list[tuple[_Place, _Place]] = Field(default_factory=list)


class Passages(Strict):
    """One document, or a part of it: then ``replaces_source`` is false, and nothing of the source is retired."""

    source: str
    content_hash: str
    drafts: list[Draft] = Field(max_length=MOST_PASSAGES)
    replaces_source: bool = True


class Changes(Strict):
    """Fields of an episode; what is left out stays, and None where it may be takes it away."""

    question: str | None = None
    answer: str | None = None
    context: str | None = None
    tags: list[str] | None = None
    confidence: _Number | None = None
    detail: dict[str, JsonValue] | None = None
    pinned: bool | None = None
    expires_at: str | None = None


class Update(Strict):
    id: str
    changes: Changes


class Pair(Strict):
    old: str
    new: str


class Merge(Strict):
    alike: float = Field(ALIKE, ge=0.5, le=1.0)
    dry_run: bool = True


class Forget(Strict):
    half_life_days: _Number | None = None
    least_retention: _Number = 0.05
    keep: int | None = Field(None, le=2**53)
    grace_days: _Number = 30.0
    dry_run: bool = True


class Erase(Strict):
    ids: list[str] | None = Field(None, max_length=MOST_ROWS)
    source: str | None = None
    whole: bool = False


class Commit(Strict):
    epsilon: _Number = 0.05


def add(router: APIRouter, service: Service) -> None:
    """Every verb of ``_VERBS``."""
    for verb, (_, work, creates) in _VERBS.items():
        router.add_api_route(
            f"/alen/memory/{verb}", _route(service, verb, work, creates), methods=["POST"], name=f"memory {verb}"
        )


_Work = Callable[[Engine, Any], dict[str, Any]]


def _route(service: Service, verb: str, work: _Work, creates: bool) -> Callable[..., Any]:
    async def route(body: Any, request: Request) -> dict[str, Any]:
        def done() -> dict[str, Any]:
            engine = service.engine_of(request.state.holder)
            if not creates:
                _must_be_taught(engine.memory)
            return work(engine, body)

        return await service.work.run(done)

    route.__annotations__ = {"body": _VERBS[verb][0], "request": Request, "return": dict[str, Any]}
    return route


def _must_be_taught(memory: EpisodicMemory) -> None:
    """Raises UnknownNamespace."""
    if not memory.has_namespace(memory.namespace):
        raise UnknownNamespace(
            "namespace", repr(memory.namespace), "one that was taught", "Teach it first: alen teach FILE"
        )


def _stats(engine: Engine, _: Nothing) -> dict[str, Any]:
    return of_its_own(engine, engine.memory.stats())


def _search(engine: Engine, body: Search) -> dict[str, Any]:
    return {"hits": [hit.to_json() for hit in engine.memory.search(body.query, body.k)]}


def _recall(engine: Engine, body: Recall) -> dict[str, Any]:
    hits = engine.memory.recall(body.question, body.k, mode=body.mode, where=body.where)
    return {"hits": [hit.to_json() for hit in hits]}


def _remember(engine: Engine, body: Row) -> dict[str, Any]:
    return {"id": engine.memory.remember(**body.model_dump(exclude_none=True))}


def _remember_many(engine: Engine, body: Rows) -> dict[str, Any]:
    rows = [row.model_dump(exclude_none=True) for row in body.rows]
    return engine.memory.remember_many(rows, source=body.source).to_json()


def _teach_passages(engine: Engine, body: Passages) -> dict[str, Any]:
    report = engine.memory.teach_passages(
        body.source,
        [PassageDraft.from_json(draft.model_dump()) for draft in body.drafts],
        content_hash=body.content_hash,
        replaces_source=body.replaces_source,
    )
    return report.to_json()


def _update(engine: Engine, body: Update) -> dict[str, Any]:
    return engine.memory.update(body.id, **body.changes.model_dump(exclude_unset=True)).to_json()


def _supersede(engine: Engine, body: Pair) -> dict[str, Any]:
    engine.memory.supersede(body.old, body.new)
    return body.model_dump()


def _merge(engine: Engine, body: Merge) -> dict[str, Any]:
    return {"merged": [asdict(each) for each in engine.memory.merge(alike=body.alike, dry_run=body.dry_run)]}


def _forget(engine: Engine, body: Forget) -> dict[str, Any]:
    policy = ForgettingPolicy(**body.model_dump(exclude={"dry_run"}))
    return {"forgotten": [asdict(each) for each in engine.memory.forget(policy, dry_run=body.dry_run)]}


def _erase(engine: Engine, body: Erase) -> dict[str, Any]:
    return asdict(engine.memory.erase(body.ids, source=body.source, whole=body.whole))


def _receipts(engine: Engine, _: Nothing) -> dict[str, Any]:
    own = engine.memory.namespace
    return {"receipts": [each for each in engine.memory.receipts() if each["namespace"] == own]}


_VERBS: dict[str, tuple[type[Strict], _Work, bool]] = {
    "stats": (Nothing, _stats, False),
    "search": (Search, _search, False),
    "recall": (Recall, _recall, False),
    "show": (Id, lambda engine, body: engine.memory.show(body.id), False),
    "get": (Id, lambda engine, body: engine.memory.get(body.id).to_json(), False),
    "remember": (Row, _remember, True),
    "remember_many": (Rows, _remember_many, True),
    "teach_passages": (Passages, _teach_passages, True),
    "update": (Update, _update, False),
    "supersede": (Pair, _supersede, False),
    "retract": (Id, lambda engine, body: {"descendants": engine.memory.retract(body.id)}, False),
    "history": (Id, lambda engine, body: {"versions": engine.memory.history(body.id)}, False),
    "merge": (Merge, _merge, False),
    "unmerge": (Id, lambda engine, body: {"back": engine.memory.unmerge(body.id)}, False),
    "commit": (Commit, lambda engine, body: engine.commit_verified(body.epsilon), True),
    "delete": (Ids, lambda engine, body: {"deleted": engine.memory.delete(body.ids)}, False),
    "forget": (Forget, _forget, False),
    "erase": (Erase, _erase, False),
    "receipts": (Nothing, _receipts, True),
}
"""Of each verb its body, what it does, and whether it may be the first thing that happens in a namespace."""

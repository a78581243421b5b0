"""A store of LangGraph that is a memory of ALEN: what was put is on the disk, and can be erased."""

from __future__ import annotations

import asyncio
import heapq
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import quote, unquote

from langgraph.store import base
from langgraph.store.base import Op, Result, SearchItem, SearchOp

from alen.errors import BadInput
from alen.integrations.embeddings import encoder_of, unit
from alen.integrations.matching import agrees, matches
from alen.memory import EpisodicMemory
from alen.memory.keyed import KEY, KeyedEpisodes, key_of, occupied
from alen.types import Episode

SOURCE = "langgraph"
Labels = tuple[str, ...]


class AlenStore(base.BaseStore):
    """Each namespace of LangGraph is a namespace of ``memory``, below ``root``: ``("users", "7")`` is
    ``langgraph/users/7``. With ``index`` a search by query is one by meaning, of the items that are indexed; without it
    a query is ignored. Without a query what was put last comes first. What has run out is never shown."""

    supports_ttl = True

    def __init__(
        self,
        url: str,
        *,
        index: base.IndexConfig | None = None,
        ttl: base.TTLConfig | None = None,
        root: str = "langgraph",
        fingerprint: str | None = None,
    ) -> None:
        """Open or make the store at an SQLAlchemy URL such as ``sqlite:///notes.db``. ``index["embed"]`` must be able
        to work without ``await``; ``fingerprint`` as in ``EmbeddingsEncoder``. Raises BadInput when ``index["dims"]``
        is not what the embeddings give, and what ``EpisodicMemory.open`` raises."""
        self.index_config = index
        self.ttl_config = ttl
        self.embeddings = None if index is None else base.ensure_embeddings(index.get("embed"))
        encoder = None if self.embeddings is None else encoder_of(self.embeddings, fingerprint)
        if encoder is not None and index is not None and index.get("dims", encoder.dim) != encoder.dim:
            raise BadInput("dims", str(index["dims"]), str(encoder.dim), "Give the dimension of the embeddings.")
        self.root = root
        self.memory = EpisodicMemory.open(url, encoder=encoder, namespace=root)

    def close(self) -> None:
        self.memory.close()

    def __enter__(self) -> AlenStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """All that is read is read before anything of the batch is put. What is put into one namespace is there
        together, up to 256 items, after COMMIT."""
        asked = list(ops)
        results: list[Result] = [None] * len(asked)
        puts: defaultdict[Labels, dict[str, base.PutOp]] = defaultdict(dict)
        for place, op in enumerate(asked):
            match op:
                case base.GetOp():
                    found = self._shelf(op.namespace).get([op.key])
                    self._refresh(op.refresh_ttl, [(op.namespace, each) for each in found.values()])
                    results[place] = next((_item(op.namespace, each) for each in found.values()), None)
                case SearchOp():
                    results[place] = self._search(op)
                case base.ListNamespacesOp():
                    results[place] = self._list(op)
                case base.PutOp():
                    puts[tuple(op.namespace)][op.key] = op
                case _:
                    raise BadInput("operation", type(op).__name__, "get, search, put or list", "See BaseStore.")
        for labels, own in puts.items():
            rows = {key: self._row(op) for key, op in own.items() if op.value is not None}
            self._shelf(labels).put(rows)
            if len(rows) < len(own):
                self._shelf(labels).delete([key for key in own if key not in rows])
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        return await asyncio.to_thread(self.batch, list(ops))

    def _shelf(self, labels: Labels) -> KeyedEpisodes:
        return KeyedEpisodes(self.memory, "/".join([self.root, *map(_written, labels)]))

    def _namespaces(self) -> list[Labels]:
        start = f"{self.root}/"
        paths = [path.removeprefix(start) for path in occupied(self.memory) if path.startswith(start)]
        return sorted(tuple(map(unquote, path.split("/"))) for path in paths)

    def _row(self, op: base.PutOp) -> dict[str, Any]:
        value = dict(op.value or {})
        fields = ((self.index_config or {}).get("fields") or ["$"]) if op.index is None else op.index or []
        try:
            answer = json.dumps(value, ensure_ascii=False)
            texts = [text for field in fields for text in base.get_text_at_path(value, field) if text.strip()]
        except (TypeError, ValueError) as error:
            raise BadInput(f"value of {op.key!r}", str(error), "what JSON can hold", "Convert it.") from None
        return {
            "question": texts[0] if texts else answer,
            "also": texts[1:] if self.embeddings is not None else (),
            "answer": answer,
            # What is not indexed is had by its key and in lists, but not found by meaning.
            "tier": "gold" if texts else "unverified",
            "source": SOURCE,
            "ttl": None if op.ttl is None else 60 * op.ttl,
            "detail": {"updated_at": datetime.now(UTC).isoformat(), "ttl": op.ttl},
        }

    def _search(self, op: SearchOp) -> list[SearchItem]:
        inside = [labels for labels in self._namespaces() if matches("prefix", op.namespace_prefix, labels, wild=False)]
        found: Iterator[tuple[Labels, Episode, float | None]]
        if op.query and self.embeddings is not None:
            question = unit(self.embeddings.embed_query(op.query), "the query")
            near = [(score, labels, each) for labels in inside for each, score in self._nearest(labels, op, question)]
            near.sort(key=lambda hit: -hit[0])
            found = ((labels, each, score) for score, labels, each in near)
        else:
            lists = map(self._newest, inside)
            newest = heapq.merge(*lists, key=lambda each: each[1].detail["updated_at"], reverse=True)
            found = (each for each in newest if _fits(each[1], op.filter))
        page = list(islice(found, op.offset, op.offset + op.limit))
        self._refresh(op.refresh_ttl, [(labels, episode) for labels, episode, _ in page])
        return [SearchItem(**_fields(labels, episode), score=score) for labels, episode, score in page]

    def _newest(self, labels: Labels) -> Iterator[tuple[Labels, Episode, None]]:
        for episode in self._shelf(labels).newest():
            yield labels, episode, None

    def _nearest(self, labels: Labels, op: SearchOp, question: Any) -> list[tuple[Episode, float]]:
        """Items and cosines; of an item with several texts the highest."""
        shelf, depth = self._shelf(labels), 2 * (op.offset + op.limit)
        while True:
            hits = self.memory.recall(str(op.query), depth, mode="dense", vector=question, namespace=shelf.namespace)
            best: dict[str, float] = {}
            for hit in hits:
                key = key_of(hit.episode)
                if key is not None:
                    # Half floats of a unit vector can be a little longer than 1.
                    best.setdefault(key, min(hit.explain["dense"], 1.0))
            kept = [(each, best[key]) for key, each in shelf.get(list(best)).items() if _fits(each, op.filter)]
            if len(kept) >= op.offset + op.limit or len(hits) < depth:
                return kept
            depth *= 4

    def _list(self, op: base.ListNamespacesOp) -> list[Labels]:
        matching = [
            each
            for each in self._namespaces()
            if all(matches(m.match_type, m.path, each) for m in op.match_conditions or ())
        ]
        found = sorted({labels[: op.max_depth] for labels in matching})
        return found[op.offset : op.offset + op.limit]

    def _refresh(self, wanted: bool, found: Iterable[tuple[Labels, Episode]]) -> None:
        timed = [(labels, each) for labels, each in found if each.detail.get("ttl") is not None]
        for labels, episode in timed if wanted else ():
            self._shelf(labels).renew({episode.detail[KEY]: 60 * episode.detail["ttl"]})


def _written(label: str) -> str:
    """A label as part of a path, readable where it can be."""
    return "".join(char if char.isprintable() and char not in "%/ " else quote(char, safe="") for char in label)


def _fields(labels: Labels, episode: Episode) -> dict[str, Any]:
    created = datetime.fromisoformat(episode.created_at)
    return {
        "namespace": labels,
        "key": episode.detail[KEY],
        "value": json.loads(episode.answer or "{}"),
        "created_at": created,
        # Memory's clock shows milliseconds.
        "updated_at": max(created, datetime.fromisoformat(episode.detail["updated_at"])),
    }


def _item(labels: Labels, episode: Episode) -> base.Item:
    return base.Item(**_fields(labels, episode))


def _fits(episode: Episode, conditions: dict[str, Any] | None) -> bool:
    value = json.loads(episode.answer or "{}") if conditions else {}
    return all(agrees(value.get(name), wanted) for name, wanted in (conditions or {}).items())

"""What keeps a memory in order: changing, forgetting, merging, erasing, checking, moving."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from alen.memory import (
    auditing,
    editing,
    erasure,
    forgetting,
    importing,
    merging,
    namespaces,
    reembedding,
    spaces,
    transfer,
)
from alen.memory.backfill import embed_what_is_missing
from alen.memory.store import Store
from alen.memory.vector_cache import VectorCache
from alen.memory.vectors import NamespaceVectors
from alen.types import Encoder, Episode, TeachReport
from alen.upkeep import ALIKE, ForgettingPolicy, Forgotten, Merged, Receipt

Progress = Callable[[str, int, int], None]


class Upkeep:
    """The part of ``EpisodicMemory`` that looks after what is stored."""

    _store: Store
    _encoder: Encoder | None
    _vectors: VectorCache

    def _chosen(self, namespace: str | None) -> str:
        raise NotImplementedError  # EpisodicMemory, of which this is a part, knows

    def get(self, uid: str, *, namespace: str | None = None) -> Episode:
        """Raises UnknownEpisode."""
        return editing.get(self._store, self._chosen(namespace), uid)

    def update(self, uid: str, *, namespace: str | None = None, **changes: Any) -> Episode:
        """Change question, answer, context, tags, confidence, detail, pinned or expires_at of an episode; what it was
        stays in its history. Raises UnknownEpisode, BadInput."""
        return editing.update(self._store, self._encoder, self._chosen(namespace), uid, changes)

    def delete(self, uids: str | Sequence[str], *, namespace: str | None = None) -> int:
        """Take episodes away; how many. Their bytes may stay in free pages of the file: to be rid of these, ``erase``.
        Raises UnknownEpisode before anything is deleted."""
        wanted = [uids] if isinstance(uids, str) else list(uids)
        return editing.delete(self._store, self._chosen(namespace), wanted)

    def supersede(self, old: str, new: str, *, namespace: str | None = None) -> None:
        """From now on ``new`` holds and ``old`` does not; ``recall(as_of=…)`` still finds what held before."""
        editing.supersede(self._store, self._chosen(namespace), old, new)

    def history(self, uid: str, *, namespace: str | None = None) -> list[dict[str, Any]]:
        """Every version of an episode, oldest first; the last has ``until`` None."""
        return editing.history(self._store, self._chosen(namespace), uid)

    def merge(self, *, alike: float = ALIKE, dry_run: bool = True, namespace: str | None = None) -> list[Merged]:
        """Fold questions that are nearly the same and have the same answer into one."""
        return merging.merge(self._store, self._chosen(namespace), alike, dry_run)

    def unmerge(self, uid: str, *, namespace: str | None = None) -> list[str]:
        """Undo ``merge`` for what was folded into an episode; the ids that are back."""
        return merging.unmerge(self._store, self._chosen(namespace), uid)

    def forget(
        self, policy: ForgettingPolicy | None = None, *, dry_run: bool = True, namespace: str | None = None
    ) -> list[Forgotten]:
        """Set aside what has run out, faded or is too much, and purge what was set aside long ago."""
        return forgetting.forget(self._store, self._chosen(namespace), policy or ForgettingPolicy(), dry_run)

    def erase(
        self,
        uids: Sequence[str] | None = None,
        *,
        source: str | None = None,
        whole: bool = False,
        namespace: str | None = None,
    ) -> Receipt:
        """Leave no byte of episodes, of a source, or of the whole namespace in any file of this machine, with
        everything that was answered from them."""
        receipt = erasure.erase(self._store, self._chosen(namespace), uids, source, whole)
        self._vectors.drop(self._chosen(namespace))
        return receipt

    def receipts(self) -> list[dict[str, Any]]:
        """Of every erasure of this store, oldest first."""
        with self._store.reading() as connection:
            return erasure.receipts(connection)

    def checkpoint(self, *, namespace: str | None = None) -> dict[str, Any]:
        """Seal the vector indexes that are due, and wait for it; where each stands."""
        self._vectors.seal_if_due(self._chosen(namespace), wait=True)
        with self._store.reading() as connection:
            vectors = self._vectors.refreshed(connection, self._chosen(namespace))
            return {} if vectors is None else vectors.standing(connection)

    def verify(
        self, level: auditing.Level = "normal", *, repair: bool = False, namespace: str | None = None
    ) -> auditing.Report:
        """Compare the database with itself and with what is derived from it. ``quick`` compares sets, ``normal`` reads
        every file, ``deep`` also looks for a sample by its own vectors. ``repair`` makes anew only what was wrong."""
        return audit(self, level, repair, namespace)

    def export(self, folder: str | Path, *, namespace: str | None = None) -> dict[str, Any]:
        """Write episodes and documents into a new folder as JSON lines with a manifest of hashes; the manifest.
        Vectors are made again on import, by the encoder of that place."""
        return transfer.export(self._store, self._chosen(namespace), Path(folder))

    def import_(
        self, folder: str | Path, *, namespace: str | None = None, progress: Progress | None = None
    ) -> TeachReport:
        """Take in an export; what is there already stays as it is. Raises CorruptWeights when a file was changed."""
        return importing.import_export(self._store, self._encoder, self._chosen(namespace), Path(folder), progress)

    def reembed(self, encoder: Encoder, *, progress: Progress | None = None) -> int:
        """Move the whole store to another encoder; recall goes on with the old one until the last vector is there. A
        move that was interrupted goes on where it was. How many texts were embedded."""
        done = reembedding.reembed(self._store, encoder, progress)
        self._encoder = encoder
        self._vectors.use(encoder)
        self._vectors.drop()
        return done


def audit(memory: Upkeep, level: auditing.Level, repair: bool, namespace: str | None) -> auditing.Report:
    store, chosen = memory._store, memory._chosen(namespace)
    problems = auditing.database(store, level) if level != "quick" else []
    problems += auditing.full_text(store, repair)
    problems += auditing.unfinished_erasures(store, repair)
    checked: dict[str, Any] = {}
    with store.reading() as connection:
        number = namespaces.find(connection, chosen)
        in_use = spaces.active(connection)
        found = [] if number is None else auditing.counts(connection, number, in_use)
        lost = auditing.orphans(connection)
        if lost:
            found.append(auditing.Problem("embeddings", f"{lost} vectors belong to nothing"))
        if level != "quick" and number is not None:
            problems += auditing.texts(connection, number)
            for kind, (space, _, _, dim) in in_use.items():
                problems += auditing.lengths(connection, number, kind, space, dim)
    if found and repair:
        auditing.embed_again(store, chosen)
        if memory._encoder is not None:
            embed_what_is_missing(store, memory._encoder)
        found = [auditing.Problem(each.part, each.what, memory._encoder is not None) for each in found]
    problems += found
    with store.reading() as connection:
        vectors = memory._vectors.refreshed(connection, chosen)
    if number is None or vectors is None:
        return auditing.Report(level, tuple(problems), checked)
    broken = _indexes(memory, vectors, number, level, checked)
    if broken and repair:
        vectors.discard()
        memory._vectors.drop(chosen)
        with store.reading() as connection:
            again = memory._vectors.refreshed(connection, chosen)
        assert again is not None  # there were vectors a moment ago
        well = not _indexes(memory, again, number, level, checked)
        broken = [auditing.Problem(each.part, each.what, well) for each in broken]
    return auditing.Report(level, (*problems, *broken), checked)


def _indexes(
    memory: Upkeep, vectors: NamespaceVectors, number: int, level: auditing.Level, checked: dict[str, Any]
) -> list[auditing.Problem]:
    found = auditing.intact(vectors.sealers) if level != "quick" else []
    with memory._store.reading() as connection:
        vectors.refresh(connection)
        for kind, (space, *_) in spaces.active(connection).items():
            checked[kind] = len(vectors.items(kind))
            wrong = auditing.same_set(connection, number, kind, space, vectors)
            if wrong is not None:
                found.append(wrong)
            if level == "deep":
                looked, lost = auditing.finds_itself(connection, number, kind, space, vectors)
                checked[f"{kind} sample"] = looked
                if lost:
                    found.append(auditing.Problem(kind, f"{len(lost)} of {looked} are not found by their own vector"))
    return found

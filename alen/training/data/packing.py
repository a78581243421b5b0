"""From texts to packed tokens: many pieces at a time, at the speed of the tokenizer, and all of it or nothing."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from alen.errors import BadInput
from alen.text.tokenizer import Tokenizer
from alen.training.data.sources import Piece, Source
from alen.training.data.special_tokens import fast_copy, special_tokens
from alen.training.data.token_file import DOCUMENTS, FACTS, TOKENS, FileFacts, TokenFacts, TokenFile, tokenizer_hash

Progress = Callable[[str, int, int], None]
"""What is done, how much of it, of how much."""

TOGETHER = 4 * 2**20
"""Characters that are tokenized together: enough for every core."""


def pack(
    folder: Path, sources: Sequence[Source], tokenizer: Tokenizer, *, progress: Progress | None = None
) -> TokenFile:
    """Write the documents of ``sources``, each followed by the end token, to ``folder``, which appears once it is
    complete. ``progress`` is in bytes read.

    Raises BadInput for what cannot be read, for nothing but blanks, and where the folder cannot be written."""
    if folder.exists():
        raise BadInput("folder", f"{folder}, which is there", "a new folder", "Choose another place, or delete it.")
    total = sum(source.path.stat().st_size for source in sources)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            with (partial / TOKENS).open("wb") as file:
                packing = _Packing(file, tokenizer)
                for batch in _batches(sources):
                    packing.add(batch)
                    if progress:
                        progress("tokenizing", packing.read, total)
            packing.finish(partial, sources)
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        found = f"{folder} ({error.strerror or error})"
        raise BadInput("work", found, "a place with room that can be written", "Choose another place.") from error
    return TokenFile.open(folder)


def _batches(sources: Sequence[Source]) -> Iterator[list[Piece]]:
    batch: list[Piece] = []
    size = 0
    for source in sources:
        for piece in source.pieces():
            batch.append(piece)
            size += len(piece.text)
            if size >= TOGETHER:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


@dataclass
class _Packing:
    file: BinaryIO
    tokenizer: Tokenizer
    read: int = 0
    _tokens: int = 0
    _bytes: int = 0
    _documents: array[int] = field(default_factory=lambda: array("q"))
    _start: tuple[int, int] = (0, 0)
    _blank: bool = True

    def __post_init__(self) -> None:
        self._fast = fast_copy(self.tokenizer)
        self._end = special_tokens(self.tokenizer).end
        self._dtype = np.dtype("<u2" if self.tokenizer.vocab_size <= 2**16 else "<u4")
        self._hash = hashlib.sha256()

    def add(self, pieces: Sequence[Piece]) -> None:
        encoded = self._fast.encode_batch_fast([piece.text for piece in pieces], add_special_tokens=False)
        found: list[int] = []
        for piece, tokens in zip(pieces, encoded, strict=True):
            found += tokens.ids
            self._bytes += len(piece.text.encode("utf-8"))
            self._blank = self._blank and not piece.text.strip()
            self.read += piece.read
            # Some tokenizers drop every character of a text: a document of nothing is none.
            if piece.ends and self._tokens + len(found) > self._start[0]:
                found.append(self._end)
                self._documents.extend(self._start)
                self._start = (self._tokens + len(found), self._bytes)
        raw = np.array(found, dtype=self._dtype).tobytes()
        self._hash.update(raw)
        self.file.write(raw)
        self._tokens += len(found)

    def finish(self, folder: Path, sources: Sequence[Source]) -> None:
        if self._blank or not self._documents:
            part = "" if sources[0].part == "all" else f"the {sources[0].part} part of "
            names = ", ".join(str(source.path) for source in sources)
            hint = "Give more text, or validation files, or another validation_share."
            raise BadInput("data", f"no text in {part}{names}", "text", hint if part else "Give it text.")
        documents = np.asarray(self._documents, dtype="<i8").tobytes()
        (folder / DOCUMENTS).write_bytes(documents)
        facts = TokenFacts(
            dtype="uint16" if self._dtype.itemsize == 2 else "uint32",
            tokens=self._tokens,
            documents=len(self._documents) // 2,
            bytes=self._bytes,
            tokenizer=tokenizer_hash(self.tokenizer),
            vocab_size=self.tokenizer.vocab_size,
            end=self._end,
            files={
                TOKENS: FileFacts(bytes=self._tokens * self._dtype.itemsize, sha256=self._hash.hexdigest()),
                DOCUMENTS: FileFacts(bytes=len(documents), sha256=hashlib.sha256(documents).hexdigest()),
            },
        )
        self.tokenizer.save(folder)
        (folder / FACTS).write_text(facts.model_dump_json(indent=1) + "\n", "utf-8")

"""Packed tokens: a folder with tokens, where documents start, and their tokenizer; mapped into memory."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alen.errors import BadInput, CorruptWeights
from alen.text.tokenizer import Tokenizer

FORMAT = 1
FACTS = "tokens.json"
TOKENS: Literal["tokens.bin"] = "tokens.bin"
DOCUMENTS: Literal["documents.bin"] = "documents.bin"

HASHED_BYTES = 4 * 2**30
"""A larger file is known by its size alone when it is opened: hashing it would take longer than a first step."""

_AGAIN = "Delete the folder and pack the texts again."


class FileFacts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: int = Field(ge=0)
    sha256: str


class TokenFacts(BaseModel):
    """``bytes`` of text in UTF-8, end tokens not counted; ``tokenizer`` is the hash of ``tokenizer_hash``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    dtype: Literal["uint16", "uint32"]
    tokens: int = Field(ge=1)
    documents: int = Field(ge=1)
    bytes: int = Field(ge=1)
    tokenizer: str
    vocab_size: int = Field(ge=1)
    end: int = Field(ge=0)
    files: dict[Literal["tokens.bin", "documents.bin"], FileFacts] = Field(min_length=2)


class TokenFile:
    """``tokens`` (N) in little-endian uint16 or uint32; ``documents`` (D, 2) int64 are where each document starts, in
    tokens and in bytes of text. Both are read from disk as they are needed. ``first`` and ``last`` (behind the last)
    choose some of the documents; ``bytes`` of text are in them."""

    def __init__(self, folder: Path, facts: TokenFacts, first: int = 0, last: int | None = None) -> None:
        self.folder, self.facts, self.first = folder, facts, first
        self.last = facts.documents if last is None else last
        documents = _mapped(folder / DOCUMENTS, np.dtype("<i8")).reshape(-1, 2)
        start = documents[first]
        stop = (facts.tokens, facts.bytes) if self.last == facts.documents else documents[self.last]
        self.documents: NDArray[np.int64] = documents[first : self.last]
        self.bytes = int(stop[1] - start[1])
        tokens = _mapped(folder / TOKENS, np.dtype(facts.dtype).newbyteorder("<"))
        self.tokens: NDArray[np.uint16 | np.uint32] = tokens[start[0] : stop[0]]

    @classmethod
    def open(cls, folder: Path, tokenizer: Tokenizer | None = None) -> TokenFile:
        """Raises CorruptWeights when a file is missing, truncated or changed, BadInput when the folder holds no packed
        tokens or those of another ``tokenizer``."""
        facts = _facts(folder)
        for name, fact in facts.files.items():
            file = folder / name
            size = file.stat().st_size if file.is_file() else None
            if size is None:
                raise CorruptWeights(f"{file}: missing.", _AGAIN)
            if size != fact.bytes:
                raise CorruptWeights(f"{file}: {size:,} bytes, should be {fact.bytes:,}.", _AGAIN)
            if size <= HASHED_BYTES and sha256(file) != fact.sha256:
                raise CorruptWeights(f"{file}: changed since it was written.", _AGAIN)
        if (
            facts.files[TOKENS].bytes != facts.tokens * np.dtype(facts.dtype).itemsize
            or facts.files[DOCUMENTS].bytes != facts.documents * 16
        ):
            raise CorruptWeights(f"{folder / FACTS}: its counts do not fit the sizes of the files.", _AGAIN)
        if tokenizer is not None and tokenizer_hash(tokenizer) != facts.tokenizer:
            raise BadInput(
                "tokenizer",
                f"one with hash {tokenizer_hash(tokenizer)[:12]}",
                f"the one that packed {folder}, with hash {facts.tokenizer[:12]}",
                "Leave tokenizer out, or pack the texts again.",
            )
        return cls(folder, facts)

    def __reduce__(self) -> tuple[type[TokenFile], tuple[Path, TokenFacts, int, int]]:
        """A worker maps the files itself; they were checked before."""
        return type(self), (self.folder, self.facts, self.first, self.last)

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def identity(self) -> list[Any]:
        return [self.facts.files[TOKENS].sha256, self.first, self.last]

    def cut(self, share: float) -> tuple[TokenFile, TokenFile]:
        """The documents but for the last ones, and those: about ``share`` of the tokens. Raises BadInput when there are
        too few."""
        place = int(np.searchsorted(self.documents[:, 0], self.facts.tokens * (1 - share)))
        if not 0 < place < self.facts.documents:
            raise BadInput(
                "validation_share",
                f"{share} of {self.folder}, which has {self.facts.documents} documents",
                "enough documents to hold some out",
                "Give validation files, or set validation_share: 0.",
            )
        return TokenFile(self.folder, self.facts, 0, place), TokenFile(self.folder, self.facts, place)

    def tokenizer(self) -> Tokenizer:
        """The one that lies beside the tokens. Raises CorruptWeights."""
        found = Tokenizer.from_folder(self.folder)
        if tokenizer_hash(found) != self.facts.tokenizer:
            raise CorruptWeights(f"{self.folder}: its tokenizer is not the one that packed the tokens.", _AGAIN)
        return found


def is_token_folder(folder: Path) -> bool:
    return (folder / FACTS).is_file()


def tokenizer_hash(tokenizer: Tokenizer) -> str:
    """SHA-256 of its tokenizer.json: the same wherever it was saved and loaded."""
    return hashlib.sha256(tokenizer.to_json().encode("utf-8")).hexdigest()


def sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _facts(folder: Path) -> TokenFacts:
    file = folder / FACTS
    if not file.is_file():
        raise BadInput(
            "path", f"{folder}, without {FACTS}", "a folder of packed tokens", "Check the path, or pack the texts."
        )
    try:
        if file.stat().st_size > 2**20:
            raise CorruptWeights(f"{file}: too long.", _AGAIN)
        return TokenFacts.model_validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or "it"
        raise CorruptWeights(f"{file}: {name}: {first['msg']}.", _AGAIN) from None


def _mapped(file: Path, dtype: np.dtype) -> NDArray:
    # A plain array over the map is cut into windows three times as fast as a memmap.
    return np.memmap(file, dtype=dtype, mode="r").view(np.ndarray)

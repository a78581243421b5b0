"""Packed tokens are what the tokenizer says, and are refused when anything about them is not as it was written."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from alen.errors import BadInput, CorruptWeights
from alen.text.tokenizer import Tokenizer
from alen.training.data.packing import pack
from alen.training.data.sources import Source
from alen.training.data.token_file import TokenFile, tokenizer_hash
from alen.training.data.vocabulary import find
from tests.training.data.made import LINES, TEXT, byte_pairs, encoder, wide, write_rows


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return byte_pairs()


@pytest.fixture
def packed(tmp_path: Path, tokenizer: Tokenizer) -> TokenFile:
    file = write_rows(tmp_path / "a.jsonl", [{"text": line} for line in LINES[:50]])
    return pack(tmp_path / "packed", [Source(file, "jsonl")], tokenizer)


def test_documents_are_their_tokens_and_an_end(packed: TokenFile, tokenizer: Tokenizer) -> None:
    assert tokenizer.eos_id is not None
    wanted = [tokenizer.encode(line) for line in LINES[:50]]
    assert packed.tokens.tolist() == [token for row in wanted for token in (*row, tokenizer.eos_id)]
    assert packed.documents[:, 0].tolist() == np.cumsum([0, *(len(row) + 1 for row in wanted[:-1])]).tolist()
    assert packed.documents[:, 1].tolist() == np.cumsum([0, *map(len, LINES[:49])]).tolist()
    assert packed.bytes == len("".join(LINES[:50]))
    assert packed.tokens.dtype == np.dtype("<u2")
    assert packed.tokenizer().encode(TEXT) == tokenizer.encode(TEXT)


def test_text_files_and_rows_follow_one_another(tmp_path: Path, tokenizer: Tokenizer) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    rows = write_rows(tmp_path / "b.jsonl", [{"body": "one"}, {"body": "two"}])
    told: list[tuple[str, int, int]] = []
    sources = [Source(tmp_path / "a.txt", "text"), Source(rows, "jsonl", "body")]
    found = pack(tmp_path / "packed", sources, tokenizer, progress=lambda *each: told.append(each))
    assert found.facts.documents == 3
    assert tokenizer.decode(found.tokens[: found.documents[1, 0]].tolist()) == TEXT
    total = sum(source.path.stat().st_size for source in sources)
    assert told[-1] == ("tokenizing", total, total)


def test_large_vocabularies_take_four_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("w69999 w2\nw3")
    found = pack(tmp_path / "packed", [Source(tmp_path / "a.txt", "text")], wide())
    assert found.tokens.dtype == np.dtype("<u4")
    assert found.tokens.tolist() == [69_999, 2, 3, 0]


def test_a_document_without_tokens_is_none(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "a.jsonl", [{"text": "w1 w2"}, {"text": "\u200b"}, {"text": "w3"}])
    found = pack(tmp_path / "packed", [Source(file, "jsonl")], encoder())
    assert found.tokens.tolist() == [6, 7, 3, 8, 3]
    assert found.documents[:, 0].tolist() == [0, 3]


def test_cut_at_a_document(packed: TokenFile) -> None:
    training, validation = packed.cut(0.2)
    assert training.tokens.tolist() + validation.tokens.tolist() == packed.tokens.tolist()
    assert training.bytes + validation.bytes == packed.bytes
    assert training.tokens[-1] == packed.facts.end
    assert len(validation) == pytest.approx(0.2 * len(packed), abs=40)
    assert len({json.dumps(part.identity) for part in (packed, training, validation)}) == 3


def test_one_document_cannot_be_cut(tmp_path: Path, tokenizer: Tokenizer) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    with pytest.raises(BadInput, match=r"validation_share.*1 documents"):
        pack(tmp_path / "packed", [Source(tmp_path / "a.txt", "text")], tokenizer).cut(0.1)


def test_a_worker_maps_the_file_itself(packed: TokenFile) -> None:
    _, validation = packed.cut(0.2)
    raw = pickle.dumps(validation)
    assert len(raw) < 4000
    assert pickle.loads(raw).tokens.tolist() == validation.tokens.tolist()


def test_another_tokenizer_is_refused(packed: TokenFile, tokenizer: Tokenizer) -> None:
    TokenFile.open(packed.folder, tokenizer)
    with pytest.raises(BadInput, match="tokenizer: found one with hash"):
        TokenFile.open(packed.folder, byte_pairs(310))


@pytest.mark.parametrize("name", ["tokens.bin", "documents.bin"])
@pytest.mark.parametrize("damage", ["truncated", "changed", "missing"])
def test_damage_is_refused(packed: TokenFile, name: str, damage: str) -> None:
    file = packed.folder / name
    raw = bytearray(file.read_bytes())
    raw[10] ^= 1
    file.unlink()
    if damage != "missing":
        file.write_bytes(raw[:-4] if damage == "truncated" else raw)
    says = {"truncated": "should be", "changed": "changed since", "missing": "missing"}[damage]
    with pytest.raises(CorruptWeights, match=f"{name}: .*{says}"):
        TokenFile.open(packed.folder)


@pytest.mark.parametrize(("key", "value"), [("tokens", 5), ("format", 2), ("dtype", "int8"), ("surprise", 1)])
def test_facts_that_do_not_fit_are_refused(packed: TokenFile, key: str, value: object) -> None:
    file = packed.folder / "tokens.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: value}))
    with pytest.raises(CorruptWeights, match=r"tokens\.json"):
        TokenFile.open(packed.folder)


def test_a_changed_tokenizer_is_refused(packed: TokenFile) -> None:
    byte_pairs(310).save(packed.folder)
    with pytest.raises(CorruptWeights, match="its tokenizer"):
        packed.tokenizer()


def test_a_folder_without_tokens_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"without tokens\.json"):
        TokenFile.open(tmp_path)


def test_nothing_is_left_of_what_failed(tmp_path: Path, tokenizer: Tokenizer) -> None:
    good = write_rows(tmp_path / "good.jsonl", [{"text": line} for line in LINES])
    bad = write_rows(tmp_path / "bad.jsonl", [{"text": "fine"}, {"text": None}])
    blank = tmp_path / "blank.txt"
    blank.write_text(" \n \n")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(BadInput, match=r"bad\.jsonl, line 2"):
        pack(tmp_path / "packed", [Source(good, "jsonl"), Source(bad, "jsonl")], tokenizer)
    with pytest.raises(BadInput, match=r"no text in .*blank\.txt"):
        pack(tmp_path / "packed", [Source(blank, "text")], tokenizer)
    with pytest.raises(BadInput, match="which is there"):
        pack(tmp_path, [Source(good, "jsonl")], tokenizer)
    with pytest.raises(BadInput, match="work: found"):
        pack(good / "packed", [Source(good, "jsonl")], tokenizer)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.models
@pytest.mark.parametrize("name", ["smollm2-135m-instruct", "all-minilm-l6-v2"])
def test_tokens_of_an_installed_model_bring_its_tokenizer(
    models_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("ALEN_HOME", str(models_home))
    tokenizer = find(name)
    (tmp_path / "a.txt").write_text(TEXT)
    found = pack(tmp_path / "packed", [Source(tmp_path / "a.txt", "text")], tokenizer)
    again = TokenFile.open(found.folder, tokenizer).tokenizer()
    assert tokenizer_hash(again) == tokenizer_hash(tokenizer)
    assert again.encode(TEXT, add_special=True) == tokenizer.encode(TEXT, add_special=True)

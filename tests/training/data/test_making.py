"""From a recipe to batches: what an earlier run left is used again, and what is wrong is refused at once."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from alen.errors import BadInput, CorruptWeights, UnknownModel
from alen.neural.loss import IGNORED
from alen.training.data import DataRecipe, make_data, pack
from alen.training.data.recipe import Task
from alen.training.data.sources import Source
from tests.training.data.made import LINES, TEXT, byte_pairs, encoder, write_rows


@pytest.fixture
def text(tmp_path: Path) -> Path:
    file = tmp_path / "a.txt"
    file.write_text(TEXT)
    return file


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    made = ({"text": line, "label": ("odd", "even")[number % 2]} for number, line in enumerate(LINES))
    return write_rows(tmp_path / "a.jsonl", made)


def recipe(*train: Path, **values: Any) -> DataRecipe:
    return DataRecipe(**({"train": train, "length": 16, "vocab_size": 300} | values))


def test_causal_from_text(text: Path) -> None:
    module, tokenizer = make_data(recipe(text), batch=4, seed=1, task="causal")
    assert tokenizer.vocab_size == 300
    batch = next(iter(module.training))
    assert torch.equal(batch["tokens_BT"][:, 1:], batch["targets_BT"][:, :-1])
    assert module.validation is not None
    held_out = list(module.validation)
    targets = torch.cat([each["targets_BT"].reshape(-1) for each in held_out])
    counted = targets[targets != IGNORED]
    assert len(counted) == module.facts.validation_tokens
    written = tokenizer.decode([int(held_out[0]["tokens_BT"][0, 0]), *counted.tolist()])
    assert TEXT.endswith(written)
    assert len(written) == pytest.approx(0.05 * len(TEXT), rel=0.2)
    assert module.facts.bytes_per_token == len(written) / len(counted)
    assert tokenizer.decode(batch["tokens_BT"][0].tolist()) in TEXT.removesuffix(written)


def test_masked_from_rows(rows: Path) -> None:
    module, tokenizer = make_data(recipe(rows, length=32), batch=4, seed=1, task="masked")
    batch = next(iter(module.training))
    assert set(batch) == {"tokens_BT", "targets_BT", "keep_BT"}
    assert tokenizer.decode(batch["tokens_BT"][0, :1].tolist(), skip_special=False) == "[CLS]"
    assert ((batch["targets_BT"] != IGNORED).sum(1) == round(0.15 * 32)).all()
    assert "[MASK]" in tokenizer.decode(batch["tokens_BT"].reshape(-1).tolist(), skip_special=False)
    assert module.facts.bytes_per_token is None


def test_classes_from_rows(rows: Path) -> None:
    module, tokenizer = make_data(recipe(rows, length=64), batch=4, seed=1, task="classification")
    assert module.facts.labels == ("even", "odd")
    assert module.facts.truncated == 0
    for loader in (module.training, module.validation):
        assert loader is not None
        for batch in loader:
            for tokens, label in zip(batch["tokens_BT"], batch["labels_B"], strict=True):
                number = LINES.index(tokenizer.decode(tokens.tolist()))
                assert label == 1 - number % 2


def test_validation_files_are_taken_whole(tmp_path: Path, text: Path, rows: Path) -> None:
    module, tokenizer = make_data(recipe(rows, validation=(text,)), batch=4, seed=1, task="causal")
    assert module.facts.validation_tokens == len(tokenizer.encode(TEXT))
    alone, _ = make_data(recipe(rows, validation_share=0), batch=4, seed=1, task="causal")
    assert alone.validation is None
    assert alone.val_dataloader() == []
    assert alone.facts.training_tokens == module.facts.training_tokens


def test_a_work_folder_serves_the_next_run(tmp_path: Path, text: Path) -> None:
    work = tmp_path / "work"
    told: list[str] = []

    def first() -> tuple[torch.Tensor, str]:
        module, tokenizer = make_data(
            recipe(text, work=work), batch=4, seed=1, task="causal", progress=lambda *each: told.append(each[0])
        )
        return next(iter(module.training))["tokens_BT"], tokenizer.to_json()

    before = first()
    made = sorted(path.name for path in work.iterdir() if not path.name.startswith("."))
    assert [name.split("-")[0] for name in made] == ["tokenizer", "train", "validation"]
    assert told
    told.clear()
    after = first()
    assert not told
    assert torch.equal(before[0], after[0])
    assert before[1] == after[1]
    (work / made[1] / "tokens.bin").write_bytes(b"short")
    with pytest.raises(CorruptWeights, match=r"tokens\.bin"):
        first()
    text.write_text(TEXT + "More.\n")
    first()
    assert told


def test_every_process_learns_the_same_vocabulary(text: Path) -> None:
    vocabularies = {make_data(recipe(text), batch=1, seed=1, task="causal")[1].to_json() for _ in range(3)}
    assert len(vocabularies) == 1


def test_packed_tokens_bring_their_tokenizer(tmp_path: Path, rows: Path) -> None:
    tokenizer = byte_pairs()
    pack(tmp_path / "one", [Source(rows, "jsonl")], tokenizer)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    folders = recipe(tmp_path / "one", tmp_path / "two")
    module, found = make_data(folders, batch=4, seed=1, task="causal")
    assert found.to_json() == tokenizer.to_json()
    alone, _ = make_data(recipe(tmp_path / "one"), batch=4, seed=1, task="causal")
    assert module.facts.training_tokens == 2 * alone.facts.training_tokens
    assert module.facts.bytes_per_token == alone.facts.bytes_per_token
    byte_pairs(310).save(tmp_path / "other")
    with pytest.raises(BadInput, match="tokenizer: found one with hash"):
        make_data(recipe(tmp_path / "one", tokenizer=tmp_path / "other"), batch=4, seed=1, task="causal")
    with pytest.raises(BadInput, match="packed tokens and texts"):
        make_data(recipe(tmp_path / "one", rows), batch=4, seed=1, task="causal")


@pytest.mark.parametrize(
    ("values", "task", "error", "message"),
    [
        ({"train": ("absent.txt",)}, "causal", BadInput, "path: found absent.txt"),
        ({"kind": "tokens"}, "causal", BadInput, r"without tokens\.json"),
        ({"kind": "jsonl"}, "causal", BadInput, r"a\.txt, line 1: found Boat 0"),
        ({}, "classification", BadInput, "kind: found files of another kind"),
        ({"tokenizer": "no-such-model"}, "causal", UnknownModel, "no-such-model"),
        ({"length": 20_000}, "causal", BadInput, "length: found 20000"),
        ({"work": "a.txt/work"}, "causal", BadInput, "work: found"),
        ({"validation": ("a.txt",)}, "causal", BadInput, "training data too"),
        ({}, "translation", BadInput, "task: found 'translation'"),
    ],
)
def test_what_is_wrong_is_refused(
    text: Path,
    monkeypatch: pytest.MonkeyPatch,
    values: dict[str, Any],
    task: Task,
    error: type[Exception],
    message: str,
) -> None:
    monkeypatch.chdir(text.parent)
    with pytest.raises(error, match=message):
        make_data(recipe(**({"train": (Path("a.txt"),)} | values)), batch=4, seed=1, task=task)


def test_too_little_data_for_a_batch_is_refused(tmp_path: Path) -> None:
    made = [{"text": line, "label": number % 2} for number, line in enumerate(LINES[:40])]
    file = write_rows(tmp_path / "a.jsonl", made)
    with pytest.raises(BadInput, match="batch: found 64 rows on each of 1 ranks"):
        make_data(recipe(file, validation_share=0.3), batch=64, seed=1, task="classification")
    with pytest.raises(BadInput, match="validation part"):
        make_data(recipe(file, validation_share=1e-9), batch=1, seed=1, task="classification")
    with pytest.raises(BadInput, match=r"no text in the validation part of .*a\.jsonl"):
        make_data(recipe(file, validation_share=1e-9), batch=1, seed=1, task="causal")


def test_a_task_needs_its_special_tokens(tmp_path: Path, text: Path) -> None:
    byte_pairs().save(tmp_path / "decoder")
    encoder().save(tmp_path / "encoder")
    with pytest.raises(BadInput, match=r"tokenizer: found one without \[MASK\] or \[PAD\]"):
        make_data(recipe(text, tokenizer=tmp_path / "decoder"), batch=1, seed=1, task="masked")
    make_data(recipe(text, tokenizer=tmp_path / "encoder"), batch=1, seed=1, task="masked")


def test_recipes_are_checked() -> None:
    for wrong in ({"train": ()}, {"length": 4}, {"validation_share": 0.9}, {"mask_share": 0}, {"surprise": 1}):
        with pytest.raises(ValidationError):
            recipe(**({"train": (Path("a.txt"),)} | wrong))


@pytest.mark.models
def test_rows_for_an_encoder_are_as_it_was_trained(
    models_home: Path, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALEN_HOME", str(models_home))
    data = recipe(rows, tokenizer="all-minilm-l6-v2", length=64, validation_share=0)
    module, tokenizer = make_data(data, batch=8, seed=1, task="classification")
    wanted = {tuple(tokenizer.encode(line, add_special=True)) for line in LINES}
    for batch in module.training:
        found = {
            tuple(tokens[keep].tolist()) for tokens, keep in zip(batch["tokens_BT"], batch["keep_BT"], strict=True)
        }
        assert found <= wanted

"""A run from its recipe to a model: what is wrong is refused before the first step, and what was learned is kept."""

from __future__ import annotations

import os
import shutil
import signal
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from alen.errors import BadInput, Cancelled, WorkError
from alen.neural.bert import BertForMaskedLM, BertForSequenceClassification
from alen.neural.weights import load_decoder
from alen.neural.weights.bert_heads import load_bert
from alen.neural.weights.hugging_face import save_folder
from alen.text import byte_pairs
from alen.text.tokenizer import Tokenizer
from alen.training.checkpoints import checkpoints
from alen.training.module import LanguageModelModule
from alen.training.objective import Objective
from alen.training.preparing import prepare
from alen.training.recipe import TrainingRecipe
from alen.training.run import train
from tests.training.made_rows import MadeRows, causal

Recipe = Callable[..., TrainingRecipe]
BERT = {
    "preset": "bert-tiny",
    "overrides": {"vocab_size": 64, "d_model": 32, "max_seq_len": 32, "ffn": {"hidden_dim": 64}},
}


def test_what_was_learned_is_in_the_folder(recipe: Recipe) -> None:
    found = train(recipe(steps=60), data=(MadeRows(), None))
    assert found.model is not None
    assert found.monitor.train_loss[-1] < found.monitor.train_loss[0] - 1
    loaded = load_decoder(found.model)
    held = Objective(loaded.model).held(causal(16, seed=1))
    assert float(held.nats / held.targets) == pytest.approx(found.validation["val_loss"], abs=1e-5)
    assert loaded.metadata["recipe"]["steps"] == 60
    assert loaded.metadata["validation"] == found.validation


def test_the_tokenizer_goes_with_the_model(recipe: Recipe) -> None:
    tokenizer = byte_pairs.train(["one two three " * 20], 300)
    model = {"preset": "alen-micro", "overrides": {"d_model": 32}}
    found = train(recipe(model=model), data=(MadeRows(), tokenizer))
    assert found.model is not None
    assert Tokenizer.from_folder(found.model).encode("two three") == tokenizer.encode("two three")
    # Rows in whole multiples of what matrix units take.
    assert load_decoder(found.model).config.vocab_size == -(-tokenizer.vocab_size // 64) * 64


@pytest.mark.parametrize("task", ["masked", "classification"])
def test_encoders_are_trained_too(recipe: Recipe, task: str) -> None:
    made = recipe(task=task, model=BERT, steps=40, labels=2 if task == "classification" else None)
    found = train(made, data=(MadeRows(task=task), None))
    assert found.model is not None
    assert found.monitor.train_loss[-1] < found.monitor.train_loss[0]
    kind = BertForMaskedLM if task == "masked" else BertForSequenceClassification
    assert isinstance(load_bert(found.model, kind), kind)
    assert ("accuracy" in found.validation) == (task == "classification")


def test_pretrained_weights_are_begun_from(recipe: Recipe) -> None:
    first = train(recipe(steps=30), data=(MadeRows(), None))
    on = recipe(model={"pretrained": str(first.model)}, out=recipe().out / "on", steps=2)
    found = train(on, data=(MadeRows(), None))
    assert found.monitor.train_loss[0] == pytest.approx(first.monitor.train_loss[-1], abs=0.5)
    masked = train(recipe(task="masked", model=BERT, out=recipe().out / "masked"), data=(MadeRows(task="masked"), None))
    classes = recipe(
        task="classification", model={"pretrained": str(masked.model)}, labels=2, out=recipe().out / "classes"
    )
    assert train(classes, data=(MadeRows(task="classification"), None)).steps == 6


def test_folders_of_transformers_are_begun_from_and_written(recipe: Recipe, tmp_path: Path) -> None:
    import transformers

    torch.manual_seed(0)
    shape = {"vocab_size": 64, "n_positions": 32, "n_embd": 32, "n_layer": 2, "n_head": 2}
    dropout = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
    theirs = transformers.GPT2LMHeadModel(transformers.GPT2Config(**shape, **dropout))
    theirs.save_pretrained(tmp_path / "gpt2")
    rows = causal(16, seed=1)
    whole_BT = torch.cat([rows["tokens_BT"], rows["targets_BT"][:, -1:]], 1)
    before = theirs(whole_BT, labels=whole_BT).loss.item()
    keys = {"model": {"pretrained": str(tmp_path / "gpt2")}, "optimizer": {"lr": 1e-9}, "steps": 1}
    same = train(recipe(**keys, out=tmp_path / "same"), data=(MadeRows(), None))
    assert same.validation["val_loss"] == pytest.approx(before, abs=1e-5)
    found = train(recipe(**keys | {"optimizer": {"lr": 1e-2}, "steps": 40}), data=(MadeRows(), None))
    assert found.model is not None
    save_folder(load_decoder(found.model).model, tmp_path / "theirs")
    again = transformers.GPT2LMHeadModel.from_pretrained(tmp_path / "theirs")
    loss = again(whole_BT, labels=whole_BT).loss.item()
    assert loss == pytest.approx(found.validation["val_loss"], abs=1e-5)
    assert loss < before - 0.5


def test_a_pretrained_model_reads_with_its_own_tokenizer(recipe: Recipe, tmp_path: Path) -> None:
    tokenizer = byte_pairs.train(["one two three " * 20], 300)
    model = {"preset": "alen-micro", "overrides": {"d_model": 32}}
    first = train(recipe(model=model, steps=1), data=(MadeRows(), tokenizer))
    (tmp_path / "other.txt").write_text("Nothing of what it was made from stands in here. " * 40)
    data = {"train": [str(tmp_path / "other.txt")], "length": 16, "validation_share": 0.0}
    found = prepare(recipe(model={"pretrained": str(first.model)}, data=data, out=tmp_path / "on"))
    assert found.tokenizer is not None
    assert found.tokenizer.to_json() == tokenizer.to_json()


def test_adapters_are_folded_in(recipe: Recipe) -> None:
    first = train(recipe(steps=30), data=(MadeRows(), None))
    lora = recipe(model={"pretrained": str(first.model)}, lora={"rank": 2}, out=recipe().out / "lora", steps=20)
    found = train(lora, data=(MadeRows(), None))
    assert found.model is not None
    loaded = load_decoder(found.model).model
    held = Objective(loaded).held(causal(16, seed=1))
    assert float(held.nats / held.targets) == pytest.approx(found.validation["val_loss"], abs=1e-5)
    before = load_decoder(first.model).model.state_dict()
    changed = {name for name, tensor in loaded.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {
        name for name in before if name.endswith(("qkv.weight", "o.weight", "gate_up.weight", "down.weight"))
    }


def test_it_stops_when_nothing_gets_better(recipe: Recipe) -> None:
    made = recipe(steps=50, validate_every=2, early_stopping={"patience": 1, "least": 10.0})
    assert train(made, data=(MadeRows(), None)).steps == 4
    with pytest.raises(BadInput, match="early_stopping"):
        train(made, data=(MadeRows(held_out=0), None), resume=False)


def test_it_stops_by_the_clock(recipe: Recipe) -> None:
    found = train(recipe(minutes=0.01), data=(MadeRows(), None))
    assert 0.55 < found.seconds < 5
    assert found.steps > 1
    assert checkpoints(recipe().out / "checkpoints")


def test_epochs_and_tokens_are_steps(recipe: Recipe) -> None:
    assert prepare(recipe(epochs=1.5), (MadeRows(), None)).length.steps == 24
    assert prepare(recipe(epochs=1, accumulate=3), (MadeRows(), None)).length.steps == 6
    assert prepare(recipe(tokens=1000, accumulate=2), (MadeRows(), None)).length.steps == 4


def test_ctrl_c_writes_a_checkpoint_to_go_on_from(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train(recipe(out=recipe().out / "whole"), data=(MadeRows(), None))
    step_of = LanguageModelModule.training_step

    def interrupted(self: LanguageModelModule, batch: dict[str, torch.Tensor], index: int) -> torch.Tensor:
        if self.global_step == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return step_of(self, batch, index)

    monkeypatch.setattr(LanguageModelModule, "training_step", interrupted)
    with pytest.raises(Cancelled, match="after step 3") as stopped:
        train(recipe(), data=(MadeRows(), None))
    assert "same command" in stopped.value.hint
    monkeypatch.undo()
    assert train(recipe(), data=(MadeRows(), None)).monitor.train_loss == whole.monitor.train_loss


def test_a_folder_that_cannot_be_written_is_refused(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(BadInput) as refused:
        train(recipe(out=tmp_path / "file" / "run"), data=(MadeRows(), None))
    assert refused.value.field == "out"
    if os.geteuid():
        (tmp_path / "shut").mkdir(mode=0o500)
        with pytest.raises(BadInput, match="Permission denied"):
            train(recipe(out=tmp_path / "shut" / "run"), data=(MadeRows(), None))


def test_a_full_disk_is_refused(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(2**30, 2**30 - 100, 100))
    with pytest.raises(BadInput, match="checkpoints") as refused:
        train(recipe(), data=(MadeRows(), None))
    assert refused.value.field == "out"


@pytest.mark.parametrize(
    ("key", "values", "data"),
    [
        ("data", {}, None),
        ("data", {}, MadeRows(batch=4, count=3)),
        ("precision", {"precision": "16", "machine": {"accelerator": "cpu"}}, MadeRows()),
        ("model", {"task": "masked"}, MadeRows()),
        ("model", {"model": BERT}, MadeRows()),
        ("labels", {"task": "classification", "model": BERT}, MadeRows(task="classification")),
        ("preset", {"model": {"preset": "alen-nano"}}, MadeRows()),
        ("model.overrides", {"model": {"preset": "alen-micro", "overrides": {"d_model": 31}}}, MadeRows()),
        (
            "optimizer.kind",
            {"optimizer": {"kind": "muon"}, "machine": {"strategy": "fsdp", "devices": 2, "accelerator": "cpu"}},
            MadeRows(),
        ),
        ("recipe", {"batch": 2**16, "model": {"preset": "alen-xl"}}, MadeRows()),
    ],
)
def test_what_cannot_work_is_refused(recipe: Recipe, key: str, values: dict[str, Any], data: MadeRows | None) -> None:
    with pytest.raises(BadInput) as refused:
        train(recipe(**values), data=None if data is None else (data, None))
    assert refused.value.field.endswith(key)
    assert not (recipe().out / "model").exists()


def test_too_large_a_vocabulary_is_refused(recipe: Recipe) -> None:
    with pytest.raises(BadInput, match="tokens for a model of 64"):
        train(recipe(), data=(MadeRows(), byte_pairs.train(["one two three " * 20], 300)))


@pytest.mark.parametrize(
    "error", [MemoryError(), torch.OutOfMemoryError("CUDA"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_short_memory_says_what_to_change(recipe: Recipe, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def short(*given: Any) -> None:
        raise error

    monkeypatch.setattr(LanguageModelModule, "training_step", short)
    with pytest.raises(WorkError, match="Memory is short") as stopped:
        train(recipe(), data=(MadeRows(), None))
    assert all(word in stopped.value.hint for word in ("batch: 2", "gradient_checkpointing", "bf16", "length"))

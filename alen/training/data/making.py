"""From a recipe to the data of a run; everything that can be wrong with it is refused here, before the first step."""

from __future__ import annotations

import atexit
import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from filelock import FileLock

from alen.errors import BadInput
from alen.text.tokenizer import Tokenizer
from alen.training.data import classification
from alen.training.data.batches import Batches, Split
from alen.training.data.loader import TrainingLoader, ValidationLoader
from alen.training.data.masking import MaskedBatches, Masking, text_length
from alen.training.data.module import DataFacts, DataModule, checked
from alen.training.data.packing import Progress, pack
from alen.training.data.recipe import DataRecipe, Task
from alen.training.data.sources import Source
from alen.training.data.special_tokens import special_tokens
from alen.training.data.token_file import TokenFile, is_token_folder, tokenizer_hash
from alen.training.data.vocabulary import find, learn
from alen.training.data.windows import CausalBatches, Windows

_ROWS = (".jsonl", ".ndjson")


def make_data(
    recipe: DataRecipe,
    *,
    batch: int,
    seed: int,
    task: Task,
    ranks: int = 1,
    rank: int = 0,
    progress: Progress | None = None,
) -> tuple[DataModule, Tokenizer]:
    """Read, tokenize and pack what ``recipe`` names, or open what an earlier run left in its ``work`` folder.

    ``batch`` rows go to each of ``ranks`` processes. Batches are dicts: causal ``tokens_BT`` and ``targets_BT``, int64,
    IGNORED where nothing counts; masked also ``keep_BT``, False at padding; classification ``tokens_BT``, ``keep_BT``
    and ``labels_B``, int64.

    Raises BadInput, naming file and line where there is one, UnknownModel, ModelNotInstalled, CorruptWeights."""
    if task not in (known := get_args(Task)):
        raise BadInput("task", repr(task), ", ".join(known), "Choose one.")
    if batch < 1 or ranks < 1 or not 0 <= rank < ranks:
        found = f"{batch} rows, rank {rank} of {ranks}"
        raise BadInput("batch", found, "at least one row, and a rank below ranks", "Correct them.")
    split = Split(batch, ranks, rank)
    if task == "classification":
        return _classification(recipe, split, seed)
    training, validation, tokenizer = _token_files(recipe, task, progress)
    loaders = [
        checked(_windows(recipe, files, tokenizer, task, split, seed, order))
        for files, order in ((training, seed), (validation, None))
        if files
    ]
    predicted = sum(len(file) - 1 for file in validation)
    facts = DataFacts(
        training_tokens=sum(map(len, training)),
        validation_tokens=predicted,
        bytes_per_token=sum(file.bytes for file in validation) / predicted if predicted and task == "causal" else None,
    )
    held_out = ValidationLoader(loaders[1], workers=recipe.workers) if validation else None
    return DataModule(TrainingLoader(loaders[0], workers=recipe.workers), held_out, facts), tokenizer


def _windows(
    recipe: DataRecipe,
    files: Sequence[TokenFile],
    tokenizer: Tokenizer,
    task: Task,
    split: Split,
    seed: int,
    order: int | None,
) -> Batches:
    special = special_tokens(tokenizer)
    facts = [task, recipe.length, recipe.mask_share, seed, *(file.identity for file in files)]
    if task == "causal":
        windows = Windows(files, recipe.length, seed=order)
        return CausalBatches(windows, split, recipe.length, special.end, _digest(facts))
    windows = Windows(files, text_length(recipe.length, special), seed=order)
    masking = Masking(special, tokenizer.vocab_size, recipe.mask_share, seed)
    return MaskedBatches(windows, split, recipe.length, special, masking, _digest(facts))


def _token_files(
    recipe: DataRecipe, task: Task, progress: Progress | None
) -> tuple[list[TokenFile], list[TokenFile], Tokenizer]:
    sources = _sources(recipe)
    if sources is None:
        return _packed_before(recipe)
    training, validation = sources
    work = _work(recipe)
    tokenizer = _tokenizer(recipe, training, task, work)

    def packed(name: str, sources: Sequence[Source]) -> list[TokenFile]:
        if not sources:
            return []
        key = _digest([tokenizer_hash(tokenizer), *(source.facts() for source in sources)])
        folder = work / f"{name}-{key[:16]}"
        with FileLock(work / f".{folder.name}.lock"):
            if folder.exists():
                return [TokenFile.open(folder, tokenizer)]
            return [pack(folder, sources, tokenizer, progress=progress)]

    return packed("train", training), packed("validation", validation), tokenizer


def _packed_before(recipe: DataRecipe) -> tuple[list[TokenFile], list[TokenFile], Tokenizer]:
    tokenizer = None if recipe.tokenizer is None else find(recipe.tokenizer)
    training = [TokenFile.open(folder, tokenizer) for folder in recipe.train]
    tokenizer = tokenizer or training[0].tokenizer()
    for file in training[1:]:
        TokenFile.open(file.folder, tokenizer)
    if recipe.validation or not recipe.validation_share:
        return training, [TokenFile.open(folder, tokenizer) for folder in recipe.validation], tokenizer
    parts = [file.cut(recipe.validation_share) for file in training]
    return [part[0] for part in parts], [part[1] for part in parts], tokenizer


def _sources(recipe: DataRecipe) -> tuple[list[Source], list[Source]] | None:
    """Those of training and of validation; None for packed tokens. Raises BadInput when they are mixed or missing."""
    twice = {path.absolute() for path in recipe.train} & {path.absolute() for path in recipe.validation}
    if twice:
        found = f"{min(twice)}, which is training data too"
        raise BadInput("validation", found, "other files than those of train", "Leave it out of one of them.")
    paths = [*recipe.train, *recipe.validation]
    kinds = [_kind(path) if recipe.kind == "auto" else recipe.kind for path in paths]
    if "tokens" in kinds:
        if set(kinds) != {"tokens"}:
            raise BadInput("train", "packed tokens and texts", "one or the other", "Pack the texts too.")
        return None

    def of(places: Sequence[Path], part: Literal["all", "train", "validation"]) -> list[Source]:
        found = []
        for path in places:
            kind: Literal["text", "jsonl"] = "jsonl" if kinds[paths.index(path)] == "jsonl" else "text"
            found.append(Source(path, kind, recipe.field, part, 0.0 if part == "all" else recipe.validation_share))
            found[-1].facts()
        return found

    if recipe.validation or not recipe.validation_share:
        return of(recipe.train, "all"), of(recipe.validation, "all")
    return of(recipe.train, "train"), of(recipe.train, "validation")


def _kind(path: Path) -> Literal["text", "jsonl", "tokens"]:
    if path.is_dir() or is_token_folder(path):
        return "tokens"
    return "jsonl" if path.suffix.lower() in _ROWS else "text"


def _tokenizer(recipe: DataRecipe, sources: Sequence[Source], task: Task, work: Path) -> Tokenizer:
    if recipe.tokenizer is not None:
        return find(recipe.tokenizer)
    key = _digest([recipe.vocab_size, task == "causal", *(source.facts() for source in sources)])
    folder = work / f"tokenizer-{key[:16]}"
    with FileLock(work / f".{folder.name}.lock"):
        if not folder.exists():
            made = learn(sources, recipe.vocab_size, task)
            partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=work))
            try:
                made.save(partial)
                partial.rename(folder)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    return Tokenizer.from_folder(folder)


def _work(recipe: DataRecipe) -> Path:
    if recipe.work is None:
        folder = Path(tempfile.mkdtemp(prefix="alen-data-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return folder
    folder = recipe.work.expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        found = f"{folder} ({error.strerror or error})"
        raise BadInput("work", found, "a folder that can be written", "Choose another place.") from None


def _classification(recipe: DataRecipe, split: Split, seed: int) -> tuple[DataModule, Tokenizer]:
    sources = _sources(recipe)
    if sources is None or any(source.kind != "jsonl" for part in sources for source in part):
        raise BadInput("kind", "files of another kind", "JSON Lines with a text and a label", "Set kind: jsonl.")
    training, validation = sources
    texts = classification.read(training, recipe.label)
    names = classification.classes(texts)
    tokenizer = _tokenizer(recipe, training, "classification", _work(recipe))
    pad = special_tokens(tokenizer).pad
    if pad is None:
        allowed, hint = "one that has [PAD]", "Choose an encoder's, such as all-minilm-l6-v2, or leave it out."
        raise BadInput("tokenizer", "one without [PAD]", allowed, hint)

    def batches(texts: classification.LabelledTexts, order: int | None) -> classification.ClassificationBatches:
        rows = classification.LabelledRows(texts, names, tokenizer, length=recipe.length, pad=pad)
        identity = _digest(["classification", order, rows.identity, list(map(repr, names))])
        found = classification.ClassificationBatches(rows, classification.Order(rows.lengths, order), split, identity)
        checked(found)
        return found

    trained = batches(texts, seed)
    held_out = batches(classification.read(validation, recipe.label), None) if validation else None
    facts = DataFacts(
        training_tokens=len(trained.rows.tokens),
        validation_tokens=len(held_out.rows.tokens) if held_out else 0,
        labels=names,
        truncated=trained.rows.truncated,
    )
    loader = ValidationLoader(held_out, workers=recipe.workers) if held_out else None
    return DataModule(TrainingLoader(trained, workers=recipe.workers), loader, facts), tokenizer


def _digest(facts: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()

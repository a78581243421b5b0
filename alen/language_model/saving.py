"""A language model as a folder: ALEN's own, or one that ``transformers`` loads."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from alen.errors import BadInput
from alen.neural.transformer import Transformer
from alen.neural.weights import folder as alen_folder
from alen.neural.weights.hugging_face import save_folder
from alen.text.tokenizer import Tokenizer

LEARNING = "learning"
"""Where a manifest keeps what a model needs to go on learning."""


def save(model: Transformer, tokenizer: Tokenizer, folder: Path, learning: dict[str, Any] | None) -> None:
    """Raises BadInput when something else is there."""
    with tempfile.TemporaryDirectory() as words:
        tokenizer.save(Path(words))
        about = {} if learning is None else {LEARNING: learning}
        alen_folder.save(model, folder, tokenizer=Path(words), about=about)


def export(model: Transformer, tokenizer: Tokenizer, folder: Path) -> None:
    """Raises BadInput when the folder is not empty, or when no family of ``transformers`` has the model's options."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput("folder", str(folder), "a new or empty folder", "Choose another place.")
    save_folder(model, folder)
    tokenizer.save(folder)
    # Without it transformers would write on after the end of an answer.
    ends: dict[str, Any] = {"eos_token_id": list(tokenizer.eos_ids), "bos_token_id": tokenizer.bos_id}
    given = {name: found for name, found in ends.items() if found not in (None, [])}
    (folder / "generation_config.json").write_text(json.dumps(given, indent=1) + "\n", "utf-8")

"""A model as CTranslate2 takes it."""

from __future__ import annotations

import shutil
from pathlib import Path

from alen.neural.weights import load_decoder
from alen.neural.weights.hugging_face import save_folder
from alen.text.tokenizer import Tokenizer


def converted(source: Path, tokenizer: Tokenizer, target: Path) -> Path:
    """The weights of ``source`` in a folder of CTranslate2 at ``target``, their matrices in bytes. What is there
    already is kept."""
    if target.exists():
        return target
    from ctranslate2.converters import TransformersConverter

    exported, partial = target.with_suffix(".exported"), target.with_suffix(".partial")
    shutil.rmtree(exported, ignore_errors=True)
    save_folder(load_decoder(source).model, exported)
    tokenizer.save(exported)
    TransformersConverter(str(exported)).convert(str(partial), quantization="int8", force=True)
    shutil.rmtree(exported)
    partial.replace(target)
    return target

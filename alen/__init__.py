"""ALEN: an answer engine that a person can own. Public names load on first use, so importing ALEN is cheap."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "Answer": "alen.types",
    "Candidate": "alen.types",
    "Check": "alen.types",
    "Completion": "alen.types",
    "Episode": "alen.types",
    "Passage": "alen.types",
    "ThoughtState": "alen.thought",
    "Engine": "alen.engine",
    "RemoteEngine": "alen.client",
    "EpisodicMemory": "alen.memory",
    "Energy": "alen.core",
    "Calibrator": "alen.core",
    "Reasoner": "alen.core",
    "GenerationConfig": "alen.generation",
    "TextGenerator": "alen.generation",
    "ModelValidator": "alen.validation.validator",
    "ValidationMetrics": "alen.validation.validation_metrics",
    "LargeLanguageModel": "alen.language_model",
    "LatentDecoder": "alen.latent_decoder",
    "HybridWriter": "alen.hybrid_writer",
    "SentenceEncoder": "alen.sentence_encoder",
    "Transformer": "alen.neural",
    "TransformerConfig": "alen.neural",
    "LargeModelConfig": "alen.neural",
    "ModelSize": "alen.neural",
    "L1Config": "alen.neural",
    "GPT2Config": "alen.neural",
    "BertConfig": "alen.neural",
    "GPT2": "alen.neural",
    "GPT2LMHead": "alen.neural",
    "Bert": "alen.neural",
    "BertForMaskedLM": "alen.neural",
    "BertForSequenceClassification": "alen.neural",
    "LanguageModelModule": "alen.training.module",
    "PerformanceBenchmark": "alen.benchmark.performance",
    "PerformanceResults": "alen.benchmark.performance",
    "TrainingMonitor": "alen.training.monitor",
}

__all__ = sorted([*_WHERE, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'alen' has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return __all__

"""Named models: registry, sources, checksums, and what is installed. No torch here."""

from alen.models.download import pull
from alen.models.installed import ModelFiles, ModelInfo, info, list_models, locate
from alen.models.registry import REGISTRY, ModelSpec

__all__ = ["REGISTRY", "ModelFiles", "ModelInfo", "ModelSpec", "info", "list_models", "locate", "pull"]

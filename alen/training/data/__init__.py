"""Data for training: text, JSON Lines and packed tokens become batches with a position that is saved and restored."""

from alen.training.data.making import make_data
from alen.training.data.module import DataFacts, DataModule
from alen.training.data.packing import pack
from alen.training.data.recipe import DataRecipe
from alen.training.data.sources import Source
from alen.training.data.token_file import TokenFile

__all__ = ["DataFacts", "DataModule", "DataRecipe", "Source", "TokenFile", "make_data", "pack"]

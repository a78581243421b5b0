"""How fast a model is and what it takes, over sizes of batches and lengths of sequences."""

from alen.benchmark.performance.benchmark import PerformanceBenchmark
from alen.benchmark.performance.results import PerformanceResults, PerformanceRow

__all__ = ["PerformanceBenchmark", "PerformanceResults", "PerformanceRow"]

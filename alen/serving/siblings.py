"""What the workers of one server know of each other: their metrics, in a file each, and how many connections each
has."""

from __future__ import annotations

import os
from collections.abc import Iterator, MutableSequence
from contextlib import suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

SHARE_SECONDS = 1.0
"""How old the figures of another worker may be."""


class Siblings:
    """``folder`` belongs to this server alone; ``number`` is this worker's, and that of its successor when it dies;
    ``opened`` counts connections by worker, in memory that all of them share."""

    def __init__(self, folder: Path, number: int, opened: MutableSequence[int]) -> None:
        self._folder, self.number, self.opened = folder, number, opened

    def share(self, metrics: bytes) -> None:
        """Under another name first: nobody reads half a file."""
        own = metrics_file(self._folder, self.number)
        unfinished = own.with_suffix(".new")
        unfinished.write_bytes(metrics)
        os.replace(unfinished, own)

    def together(self, metrics: bytes) -> bytes:
        """This worker's metrics and those of the others, each sample with the label ``worker``. They are not added up:
        a counter that begins again at zero is what Prometheus expects of a process that did."""
        texts = {self.number: metrics.decode()}
        for file in sorted(self._folder.glob("*.prom")):
            with suppress(FileNotFoundError):  # its worker has just ended
                texts.setdefault(int(file.stem), file.read_text("utf-8"))
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Labelled(texts))
        return generate_latest(registry)


def metrics_file(folder: Path, number: int) -> Path:
    return folder / f"{number}.prom"


class _Labelled:
    def __init__(self, texts: dict[int, str]) -> None:
        self._texts = texts

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for number, text in sorted(self._texts.items()):
            for told in text_string_to_metric_families(text):
                family = families.setdefault(told.name, Metric(told.name, told.documentation, told.type))
                for sample in told.samples:
                    family.add_sample(sample.name, {"worker": str(number), **sample.labels}, sample.value)
        yield from families.values()

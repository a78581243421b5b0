"""The kernels, compiled once for the processor they run on. Without a compiler of C++17 torch computes everything."""

from __future__ import annotations

import ctypes
import hashlib
import logging
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
_logger = logging.getLogger("alen.kernels")


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
    """The library; None where none was made yet, or it was measured slower. One of another version, or for another
    processor, is compiled anew."""
    target = _target(folder)
    if not target.exists() and _was_used(folder) and find_compiler() is not None:
        _remake(folder)
    return _opened(target) if target.exists() and not _refusal(target).exists() else None


def _was_used(folder: Path) -> bool:
    """Whether a library lies there and was the faster one."""
    made = [file for file in folder.glob(f"alen-*{_suffix()}") if not _refusal(file).exists()]
    return bool(made) and os.access(folder, os.W_OK)


@cache
def _remake(folder: Path) -> None:
    """Tried once, for a compiler that fails would fail again."""
    _logger.warning("The kernels in %s are of another version or processor: compiling them anew, this once.", folder)
    try:
        make(folder)
    except NotCompiled as error:
        _logger.warning("%s Torch computes until alen models optimize succeeds.", error)


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
    return folder / f"alen-{_digest()}{_suffix()}"


def _suffix() -> str:
    return ".dylib" if platform.system() == "Darwin" else ".so"


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

"""The checks of ``alen doctor``: each looks at one thing and says what to do when it is not well."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from alen.errors import AlenError, RequestError, WorkError

if TYPE_CHECKING:
    from pydantic import SecretStr

    from alen.settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """``status`` is ``fail`` only when ALEN cannot work so; ``hint`` says what to do."""

    name: str
    status: Literal["ok", "warn", "fail"]
    detail: str
    hint: str = ""

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def examine(settings: Settings) -> Iterator[Finding]:
    """Every check in turn. A check that fails in an unforeseen way is a finding, not a crash."""
    checks: list[tuple[str, Callable[[Settings], Finding]]] = [
        ("python", python),
        ("torch", torch_build),
        ("processor", processor),
        ("kernels", kernels),
        ("vector search", vector_search),
        ("sqlite", sqlite),
        ("home", home),
        ("language model", lambda settings: model("language model", settings.model, settings, settings.api_key)),
        ("encoder", lambda settings: model("encoder", settings.encoder, settings)),
        ("verifier", verifier),
        ("memory", memory),
        ("chat screen", chat_screen),
    ]
    for name, check in checks:
        try:
            yield check(settings)
        except AlenError as error:
            yield Finding(name, "fail", *_said(error))
        except Exception as error:  # the doctor must not fall ill itself
            yield Finding(name, "fail", f"{type(error).__name__}: {error}", "Install ALEN again in a new environment.")


def python(settings: Settings) -> Finding:
    return Finding("python", "ok", f"{platform.python_version()} at {sys.executable}")


def torch_build(settings: Settings) -> Finding:
    if find_spec("torch") is None:
        return Finding("torch", "fail", "not installed", "Install it with: pip install torch")
    import torch

    device = f"CUDA: {torch.cuda.get_device_name(0)}" if torch.cuda.is_available() else "CPU"
    return Finding("torch", "ok", f"{torch.__version__}, {device}, {torch.get_num_threads()} threads")


def processor(settings: Settings) -> Finding:
    import torch

    cores = os.cpu_count() or 1
    level = torch.backends.cpu.get_cpu_capability()
    flags = _cpu_flags()
    extras = [flag for flag in ("avx512_bf16", "amx_bf16", "avx512_vnni") if flag in flags]
    detail = ", ".join([f"{platform.machine()}, {cores} cores", level, *extras])
    if platform.machine().lower() in {"x86_64", "amd64"} and level == "DEFAULT":
        return Finding("processor", "warn", detail, "Without AVX2 answers take several times as long.")
    return Finding("processor", "ok", detail)


def kernels(settings: Settings) -> Finding:
    from alen import paths
    from alen.neural.native import compiled, find_compiler, is_slower

    folder = paths.kernels_folder(settings.home)
    if compiled(folder) is not None:
        return Finding("kernels", "ok", f"compiled, in {folder}")
    if is_slower(folder):
        return Finding("kernels", "ok", "torch: it was measured to be faster here")
    if find_compiler() is None:
        hint = "For faster writing install a C++ compiler, then: alen models optimize"
        return Finding("kernels", "warn", "torch: there is no C++ compiler", hint)
    return Finding("kernels", "warn", "torch: none were compiled", "For faster writing: alen models optimize")


def vector_search(settings: Settings) -> Finding:
    if find_spec("faiss") is None:
        return Finding(
            "vector search", "warn", "exact, in numpy", 'For large memories install FAISS: pip install "alen[cpu]"'
        )
    import faiss

    gpus = faiss.get_num_gpus() if hasattr(faiss, "StandardGpuResources") else 0
    used = f", {gpus} GPUs" if gpus and settings.faiss_gpu == "auto" else ""
    return Finding("vector search", "ok", f"FAISS {faiss.__version__}{used}")


def sqlite(settings: Settings) -> Finding:
    database = sqlite3.connect(":memory:")
    try:
        database.execute("CREATE VIRTUAL TABLE probe USING fts5(text, tokenize='porter unicode61')")
    except sqlite3.OperationalError as error:
        return Finding(
            "sqlite",
            "fail",
            f"{sqlite3.sqlite_version}: {error}",
            "Use a Python whose SQLite has FTS5, as python.org's has.",
        )
    finally:
        database.close()
    return Finding("sqlite", "ok", f"{sqlite3.sqlite_version} with FTS5")


def home(settings: Settings) -> Finding:
    from alen import paths

    paths.ensure_home(settings.home)
    return Finding("home", "ok", f"{settings.home} can be written")


def verifier(settings: Settings) -> Finding:
    if settings.verifier is None:
        return Finding("verifier", "ok", "none: answers are checked by the model that gives them")
    return model("verifier", settings.verifier, settings, settings.verifier_api_key)


def model(role: str, name: str, settings: Settings, key: SecretStr | None = None) -> Finding:
    from alen.engine.model_server import is_address
    from alen.models import locate

    if is_address(name):
        return served_model(role, name, key)
    files = locate(name, settings.home)
    return Finding(role, "ok", f"{files.name} at {files.path}")


def served_model(role: str, url: str, key: SecretStr | None) -> Finding:
    """Asks the server what it has, and whether it has the model."""
    from alen.engine.remote_model import RemoteModel

    remote = RemoteModel(url, key=key.get_secret_value() if key else None)
    there = remote.models()
    name = remote.name
    if there and name not in there:
        return Finding(role, "warn", f"{url} does not list {name}", f"It lists: {', '.join(there[:20])}")
    return Finding(role, "ok", f"{name} at {url}")


def memory(settings: Settings) -> Finding:
    file = _sqlite_file(settings.store)
    if file is not None and not os.path.exists(file):
        return Finding("memory", "ok", f"{settings.store} does not exist yet; the first `alen teach` makes it")
    from alen.memory import EpisodicMemory

    with EpisodicMemory.open(settings.store, encoder=None, create=False) as opened:
        names = opened.namespaces()
    shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
    return Finding("memory", "ok", f"{settings.store}, namespaces: {shown or 'none yet'}")


def chat_screen(settings: Settings) -> Finding:
    if find_spec("textual") is None:
        return Finding("chat screen", "warn", "not installed", 'For `alen chat`: pip install "alen[chat]"')
    from importlib.metadata import version

    return Finding("chat screen", "ok", f"Textual {version('textual')}")


def _said(error: AlenError) -> tuple[str, str]:
    if isinstance(error, RequestError):
        return f"{error.field}: {error.found}", f"Allowed: {error.allowed}. {error.hint}"
    if isinstance(error, WorkError):
        return error.what, error.hint
    return str(error), ""


def _sqlite_file(url: str) -> str | None:
    prefix = "sqlite:///"
    path = url.removeprefix(prefix)
    return path if url.startswith(prefix) and path not in {"", ":memory:"} else None


def _cpu_flags() -> set[str]:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as stream:
            line = next((line for line in stream if line.startswith(("flags", "Features"))), "")
    except OSError:
        return set()
    return set(line.split())

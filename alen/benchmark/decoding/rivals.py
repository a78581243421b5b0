"""Programs that a model's writing is measured beside, by the names that people give, and what each needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from alen.errors import BadInput


@dataclass(frozen=True, slots=True)
class Rival:
    """``sides`` are its ways to compute; where there are several, the quickest here takes part. ``modules`` must be
    there, ``packages`` are what brings them, and ``folders`` says whether it reads folders beside GGUF files."""

    sides: tuple[str, ...]
    modules: tuple[str, ...]
    packages: str
    folders: bool


RIVALS: Mapping[str, Rival] = {
    "llama.cpp": Rival(("llama.cpp",), ("xllamacpp",), "xllamacpp", False),
    "transformers": Rival(("transformers bf16", "transformers fp32"), ("transformers",), "transformers", True),
    "ctranslate2": Rival(("CTranslate2 int8",), ("ctranslate2", "transformers"), "ctranslate2 transformers", True),
}


def check(names: Iterable[str], known: Sequence[str] = tuple(RIVALS), beside: str = "") -> None:
    """Raises BadInput for a name that is not ``known``, and for one whose program is not installed. ``beside`` says
    what else may be given."""
    for name in names:
        if name not in known:
            raise BadInput("--against", repr(name), f"{', '.join(known)}{beside}", "Name one of these.")
        if any(find_spec(module) is None for module in RIVALS[name].modules):
            others = [each for each in known if all(find_spec(module) for module in RIVALS[each].modules)]
            allowed = f"what is installed: {', '.join(others) or 'none of them yet'}"
            hint = f"Install it: pip install {RIVALS[name].packages}"
            raise BadInput("--against", f"{name!r}, which is not installed", allowed, hint)


def check_file(names: Iterable[str], model: Path) -> None:
    """Raises BadInput when a program cannot read ``model``, a GGUF file or a folder."""
    for name in names:
        if model.is_dir() and not RIVALS[name].folders:
            raise BadInput("--against", f"{name!r} with the folder {model}", "a GGUF file with it", "Name such a file.")
        if model.is_dir() and not (model / "config.json").is_file():
            hint = "Write one: LargeLanguageModel.load(FOLDER).export(ANOTHER)"
            raise BadInput("--against", f"{name!r} with ALEN's own folder {model}", "one as transformers has", hint)

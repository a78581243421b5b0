"""ALEN micro on one text, beside a plain loop given the same minutes: ``python benchmarks/train_demo.py TEXT``.

Both see the first nine tenths and are measured on the rest, in bits a byte, which does not depend on how a text is cut
into tokens. ``make train-demo TEXT=…`` runs ALEN's side alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from alen import LargeLanguageModel
from alen.benchmark import machine, plain_loop, report
from alen.benchmark.harness import progress
from alen.benchmark.schema import Measured, Result, Row, Target, Unit
from alen.training.recipe import TrainingRecipe, read_recipe
from alen.training.run import train

OUT = Path(__file__).with_name("results") / "train_demo.json"
RECIPE = Path(__file__).parents[1] / "configs" / "training" / "alen-micro.yaml"
HELD_OUT = 0.1
PLAIN = "plain loop"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    return report.finish("train_demo", lambda: run(options), options.out)


def run(options: argparse.Namespace) -> Result:
    """Everything but the printing."""
    begun = machine.begin()
    text = options.text.read_text("utf-8")
    cut = text.rindex("\n", 0, int((1 - HELD_OUT) * len(text))) + 1
    with tempfile.TemporaryDirectory() as folder, progress() as show:
        files = {name: Path(folder) / f"{name}.txt" for name in ("train", "validation")}
        files["train"].write_text(text[:cut], "utf-8")
        files["validation"].write_text(text[cut:], "utf-8")
        ours = train(_recipe(files, Path(folder) / "out", options.minutes), show=True)
        assert ours.model is not None
        model = LargeLanguageModel.from_pretrained(ours.model, folder)
        sample = model.generate(options.prompt, 100, 0.8, seed=0)
        plain = None if options.alone else _plain(text[:cut], text[cut:], options.minutes, show)
    bits = ours.validation["bits_per_byte"]
    sides = [_side("alen", bits, ours.steps, ours.tokens, ours.seconds, model.parameters)]
    rows = [_row("bits_per_byte", "Bits a byte of text held out", "number", bits)]
    if plain is not None:
        sides.append(_side(PLAIN, plain.bits_per_byte, plain.steps, plain.tokens, plain.seconds, plain.parameters))
        rows.append(_row("ratio", "Bits a byte, to the plain loop's", "times", bits / plain.bits_per_byte, 1.0))
    rows.append(_row("seconds", "Time of training", "seconds", ours.seconds, 300.0))
    return Result(
        name="train_demo",
        title=f"{model.parameters:,} parameters trained for {options.minutes:g} minutes",
        settings={"minutes": options.minutes, "held out": HELD_OUT, "recipe": RECIPE.name},
        rows=tuple(rows),
        tables={"sides": sides, "sample": [{"prompt": _line(options.prompt), "text": _line(sample)}]},
        notes=("Tokens of the plain loop are characters.", "Validation of ALEN's side is not in its time."),
        **machine.conditions(begun),
    )


def _plain(text: str, held_out: str, minutes: float, show: Callable[[str, int, int], None]) -> plain_loop.Trained:
    return plain_loop.train(text, held_out, 60 * minutes, lambda done, total: show(PLAIN, done, total))


def _row(name: str, label: str, unit: Unit, value: float, most: float | None = None) -> Row:
    target = None if most is None else Target(relation="at most", value=most)
    return Row(name=name, label=label, unit=unit, ours=Measured(value=value, n=1), target=target)


def _line(text: str) -> str:
    return " / ".join(line for line in text.splitlines() if line.strip())


def _recipe(files: dict[str, Path], out: Path, minutes: float) -> TrainingRecipe:
    read = read_recipe(RECIPE, out=out)
    data = {**read.model_dump()["data"], **{name: (file,) for name, file in files.items()}}
    return TrainingRecipe.parse({**read.model_dump(), "data": data, "minutes": minutes})


def _side(name: str, bits: float, steps: int, tokens: int, seconds: float, parameters: int) -> dict[str, object]:
    return {
        "side": name,
        "bits a byte": round(bits, 3),
        "steps": steps,
        "tokens a second": round(tokens / seconds),
        "parameters": parameters,
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("text", type=Path, help="for example tinyshakespeare.txt")
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--alone", action="store_true", help="ALEN's side without the plain loop")
    parser.add_argument("--prompt", default="ROMEO:\n")
    parser.add_argument("--out", type=Path, default=OUT)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

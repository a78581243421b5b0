"""How fast ALEN reads and writes beside other programs: ``python benchmarks/inference.py TEXT``.

TEXT is any long English text; prompts are pieces of it. All sides hold the same weights, use as many threads, and take
turns within one run: llama.cpp with the file as it is and with its layers as Q4_0 and Q8_0, its quickest counts,
CTranslate2 with all matrices in bytes, and transformers.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alen.benchmark import machine, report
from alen.benchmark.decoding import embedding
from alen.benchmark.decoding.bandwidth import read_bandwidth
from alen.benchmark.decoding.converted import converted
from alen.benchmark.decoding.perplexity import surprises
from alen.benchmark.decoding.prompts import Pieces
from alen.benchmark.decoding.requantised import requantised
from alen.benchmark.decoding.turns import Timed, Work, measure, processes
from alen.benchmark.harness import progress
from alen.benchmark.schema import Measured, Result, Row, Target
from alen.neural.native import compiled, make
from alen.neural.weights.gguf_blocks import PackedModel
from alen.paths import home, kernels_folder
from alen.validation.intervals import bootstrap

OUT = Path(__file__).with_name("results") / "inference.json"
OURS, DRAFTING, BYTES, FLOAT32 = "alen", "alen drafting", "alen bytes", "alen float32"
WINDOW = 512
"""Tokens that perplexity is told of together."""

NOTES = (
    "Ratios are of medians over rounds, in which the sides take turns; their intervals are bootstrapped over rounds.",
    "llama.cpp is timed by its own clock, without HTTP; eight streams by the client's, which waits for the last.",
    "Greedy, ends ignored. Quoting: a passage of the prompt is to be repeated. Free: a text goes on as it likes.",
    "Bandwidth is what all threads read from memory that no cache holds, the better of before and after; a decoded "
    "token reads every weight once.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    return report.finish("inference", lambda: run(options), options.out)


def run(options: argparse.Namespace) -> Result:
    """Everything but the printing."""
    from gguf.constants import GGMLQuantizationType

    from alen.models import locate
    from alen.neural.weights.gguf_blocks import load_packed
    from alen.text.tokenizer import Tokenizer

    begun = machine.begin()
    for folder in {home(), home(options.home)}:
        make(kernels_folder(folder))
    source = locate(options.model, home(options.home)).path
    packed = load_packed(source)
    tokenizer = Tokenizer.from_gguf(packed.metadata)
    weights = sum(matrix.bytes for matrix in packed.matrices.values())
    files = dict.fromkeys((OURS, DRAFTING, BYTES, FLOAT32, "llama.cpp@as it is"), str(source))
    for kind in (GGMLQuantizationType.Q4_0, GGMLQuantizationType.Q8_0):
        files[f"llama.cpp@{kind.name}"] = str(
            requantised(source, options.work / f"{source.stem}.{kind.name}.gguf", kind)
        )
    files["CTranslate2 int8"] = str(converted(source, tokenizer, options.work / f"{source.stem}.ctranslate2"))
    files |= {f"transformers {dtype}": str(source) for dtype in options.transformers}
    ids = tokenizer.encode(options.text.read_text("utf-8")[: options.characters])
    works = _works(ids, tokenizer, options.rounds)
    with progress() as show, processes(files, options.threads) as made:
        before = read_bandwidth(options.threads)
        found = measure(made, works, show)
        bandwidth = max(before, read_bandwidth(options.threads))
    with progress() as show, processes(embedding.sides(home(options.home)), options.threads) as made:
        embedded = measure(made, [embedding.work(options.text, options.paragraphs, options.rounds)], show)["embed"]
    with progress() as show:
        place = len(ids) // 2
        windows = [ids[place + n * WINDOW : place + (n + 1) * WINDOW] for n in range(options.windows)]
        library = compiled(kernels_folder(home(options.home)))
        assert library is not None
        nats = surprises(library, source, windows, options.threads, show)
    return Result(
        name="inference",
        title=f"Reading and writing with {options.model}, {options.threads} threads",
        settings={"rounds": options.rounds, "threads": options.threads, "text": options.text.name},
        rows=(*_rows(found, weights, bandwidth), embedding.row(embedded), *_rounding(nats), _smaller(packed)),
        tables={"tokens_per_second": _table(found), "texts_per_second": embedding.table(embedded)},
        notes=NOTES,
        **machine.conditions(begun),
    )


def _works(ids: list[int], tokenizer: Any, rounds: int) -> list[Work]:
    """The same for all sides; no prompt comes twice, so that nothing is known of it."""
    prompt = Pieces(ids).next

    def quoting() -> list[int]:
        passage = tokenizer.decode(prompt(150))
        text = (
            f"<|im_start|>user\nRepeat this text word for word:\n\n{passage}<|im_end|>\n<|im_start|>assistant\n"
            f"{passage[:60]}"
        )
        return list(tokenizer.encode(text))

    turns, few = range(1 + rounds), (BYTES, FLOAT32)
    return [
        Work("read 64", "read", [{"tokens": prompt(64)} for _ in turns], 64, few),
        Work("read 512", "read", [{"tokens": prompt(512)} for _ in turns], 512, few),
        Work("write", "write", [{"tokens": prompt(64), "count": 129} for _ in turns], 128),
        Work("quote", "write", [{"tokens": quoting(), "count": 121} for _ in turns], 120, few),
        Work("eight", "streams", [{"prompts": [prompt(64) for _ in range(8)], "count": 64} for _ in turns], 512, few),
    ]


def _rows(found: dict[str, Timed], weights: int, bandwidth: float) -> list[Row]:
    write = found["write"]
    rows = [
        _beside("write", "Writing, one text", write, OURS, least=1.3, moonshot=1.5),
        _beside("read", "Reading 512 tokens", found["read 512"], OURS, least=3.5),
        _beside("read_short", "Reading 64 tokens", found["read 64"], OURS),
        _beside("eight", "Eight texts at once", found["eight"], OURS, least=2.5),
        _beside("quote", "Quoting, drafted", found["quote"], DRAFTING, least=3.0),
        _ratio("free", "Free text, drafted, to undrafted", write, DRAFTING, OURS, least=0.97),
        _ratio("bytes", "Writing with weights in bytes, to float32 in torch", write, BYTES, FLOAT32, least=2.0),
        Row(
            name="roofline",
            label="Bytes read for writing, of what memory gives",
            unit="percent",
            ours=Measured(value=write.median(OURS) * weights / bandwidth, n=len(write.rates[OURS])),
            target=Target(relation="at least", value=0.7),
        ),
    ]
    for name in ("write", "read 512", "eight"):
        for other in (side for side in found[name].rates if side.startswith(("CTranslate2", "transformers"))):
            rows.append(_ratio(f"{name} {other}".replace(" ", "_"), f"{name}, to {other}", found[name], OURS, other))
    return rows


def _rounding(nats: dict[str, list[float]]) -> list[Row]:
    """Perplexity over that in float32, of the same windows."""
    allowed = {"halves": 1.002, "halves, wide": 1.002, "bytes": 1.01, "bytes, wide": 1.01}
    rows = []
    for name, own in nats.items():
        if name == "float32":
            continue
        estimate = bootstrap(lambda a, b: float(np.exp(np.mean(a) - np.mean(b))), own, nats["float32"])
        most = allowed.get(name)
        rows.append(
            Row(
                name=f"perplexity_{name.replace(', ', '_').replace(' ', '_')}",
                label=f"Perplexity to that in float32, {name}",
                unit="times",
                ours=Measured.of(estimate),
                target=None if most is None else Target(relation="at most", value=most),
            )
        )
    return rows


def _smaller(packed: PackedModel) -> Row:
    numbers = sum(matrix.rows * matrix.inputs for matrix in packed.matrices.values())
    return Row(
        name="smaller",
        label="Bytes of weights in float32 over those in bytes",
        unit="times",
        ours=Measured(value=4 / (34 / 32), n=numbers),  # 32 weights share a scale of two bytes
        target=Target(relation="at least", value=3.5),
    )


def _best(timed: Timed) -> str:
    return max((side for side in timed.rates if side.startswith("llama.cpp")), key=timed.median)


def _beside(name: str, label: str, timed: Timed, side: str, **target: float) -> Row:
    return _ratio(name, f"{label}, to llama.cpp's best", timed, side, _best(timed), **target)


def _ratio(
    name: str,
    label: str,
    timed: Timed,
    side: str,
    other: str,
    *,
    least: float | None = None,
    moonshot: float | None = None,
) -> Row:
    target = None if least is None else Target(relation="at least", value=least, moonshot=moonshot)
    return Row(name=name, label=label, unit="times", ours=timed.ratio(side, other), target=target)


def _table(found: dict[str, Timed]) -> list[dict[str, Any]]:
    rows = []
    for name, timed in found.items():
        for side in timed.rates:
            told = timed.last[side]
            drafts = f"{told['accepted']} of {told['drafted']}" if told.get("drafted") else ""
            rows.append(
                {"work": name, "side": side, "tokens a second": round(timed.median(side), 1), "drafts taken": drafts}
            )
    return rows


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]  # it is above
    parser.add_argument("text", type=Path, help="a long text; prompts are pieces of it")
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--transformers", nargs="*", default=["bf16"], choices=("bf16", "fp32"))
    parser.add_argument("--paragraphs", type=int, default=192, help="of the text, that are embedded")
    parser.add_argument("--windows", type=int, default=12, help="of text that perplexity is told of")
    parser.add_argument("--characters", type=int, default=400_000, help="of the text, that are used")
    parser.add_argument(
        "--work", type=Path, default=Path("requantised"), help="where other formats of the model are kept"
    )
    parser.add_argument("--home", type=Path, help="where the models are; ALEN_HOME when not given")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    return options


if __name__ == "__main__":
    sys.exit(main())

"""Memory in weights: 200 taught answers asked with retrieval off, and the language model with and without them.

    python benchmarks/latent.py path/to/data

The folder holds lm_text/wikitext2_valid.txt and lm_text/state_union.txt, and webquestions/trainmodel.jsonl."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alen.benchmark import latent, machine, report
from alen.benchmark.harness import Report, progress, timed
from alen.benchmark.latent import Hybrid, Lessons
from alen.benchmark.schema import Measured, Result, Row, Target
from alen.engine import Engine
from alen.language_model import LargeLanguageModel
from alen.validation.intervals import mean_estimate

OUT = Path(__file__).with_name("results") / "latent.json"
NOTES = (
    "Answers count word for word, written by the decoder alone: no memory is asked. Beside it: the answer of the "
    "taught question that lies nearest, which is what a table of vectors would say.",
    "Facts are made up, so that no model has read of them. Their wordings were written by hand and are none that "
    "training makes; those of WebQuestions are made by rules.",
    "Shares of the mixture are fitted on half of the pairs, asked in other words, and on paragraphs of speeches; "
    "perplexity is that of the other half, and of paragraphs of Wikipedia.",
    "Without memory: what recall would add is left out, so that all that helps is in the decoder's weights.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    return report.finish("latent", lambda: run(options), options.out)


def run(options: argparse.Namespace) -> Result:
    """Everything but the printing."""
    begun = machine.begin()
    rows: list[Row] = []
    tables: dict[str, list[dict[str, Any]]] = {"sets": [], "shares": [], "perplexity": []}
    sets = {
        "facts": latent.made_up(options.seed),
        "webquestions": latent.searched(options.data / "webquestions" / "trainmodel.jsonl", options.seed),
    }
    model = LargeLanguageModel.from_pretrained(home=options.home)
    with progress() as show, tempfile.TemporaryDirectory() as work:
        for name, lessons in sets.items():
            with Engine.open(home=options.home, store=f"sqlite:///{work}/{name}.db") as engine:
                latent.teach(engine, lessons)
                consolidated, seconds = timed(lambda: engine.consolidate(seed=options.seed, progress=show))
                rows += _of_answers(name, engine, lessons, seconds)
                tables["sets"].append({"set": name, "wordings": lessons.wordings, **_told(consolidated)})
                rows += _of_hybrid(name, engine, model, lessons, options, show, tables)
    return Result(
        name="latent",
        title=f"{latent.COUNT} taught answers in the weights of a small decoder, beside {model.name}",
        **machine.conditions(begun),
        settings={"seed": options.seed},
        rows=tuple(rows),
        tables=tables,
        notes=NOTES,
    )


def _of_answers(name: str, engine: Engine, lessons: Lessons, seconds: float) -> list[Row]:
    decoder = engine.consolidated()
    assert decoder is not None  # nothing was erased
    known_ND = np.asarray(engine.encoder.encode([pair.question for pair in lessons.taught]), dtype=np.float32)
    rows = []
    for part, label, asked, wanted in (
        ("taught", "taught questions", lessons.taught, 0.9),
        ("paraphrased", "in other words", lessons.asked, 0.5),
    ):
        thoughts = latent.thoughts_of(engine, [each.question for each in asked])
        groups = [each.group for each in asked]
        ours, plain = (
            Measured.of(mean_estimate(values, groups=groups))
            for values in (latent.said(decoder, thoughts, asked), latent.looked_up(thoughts, asked, known_ND))
        )
        target = Target(relation="at least", value=wanted)
        row = Row(
            name=f"{name}_{part}", label=f"{name}, {label}", unit="percent", ours=ours, plain=plain, target=target
        )
        rows.append(row)
    spent = Measured(value=seconds, n=len(lessons.taught))
    return [*rows, Row(name=f"{name}_seconds", label=f"{name}, seconds to consolidate", unit="seconds", ours=spent)]


def _of_hybrid(
    name: str,
    engine: Engine,
    model: LargeLanguageModel,
    lessons: Lessons,
    options: argparse.Namespace,
    show: Report,
    tables: dict[str, list[dict[str, Any]]],
) -> list[Row]:
    decoder = engine.consolidated()
    assert decoder is not None  # nothing was erased
    hybrid = Hybrid(engine, model, decoder, lessons, lambda stage, done, total: show(f"{name}, {stage}", done, total))
    texts = options.data / "lm_text"
    fitted = hybrid.fit(texts / "state_union.txt", options.seed)
    names = ("language model", *fitted.names)
    shares = {each: f"{share:.3f}" for each, share in zip(names, fitted.shares, strict=True)}
    tables["shares"].append({"set": name, **shares, "up to": f"{fitted.farthest:.3f}"})
    asked = hybrid.asked(fitting=False)
    groups = [each.group for each in lessons.asked if each.group % 2 == 0]
    unrelated = hybrid.paragraphs(texts / "wikitext2_valid.txt", options.seed)
    half, unharmed = Target(relation="at most", value=0.5), Target(relation="at most", value=1.01)
    rows = []
    for part, label, held, of, memory, target in (
        ("hybrid", "perplexity of answers, hybrid to model", asked, groups, True, half),
        ("without_memory", "the same without memory", asked, groups, False, half),
        ("unrelated", "perplexity of other texts, hybrid to model", unrelated, None, True, unharmed),
    ):
        losses = hybrid.losses(part.replace("_", " "), held, memory=memory)
        ratio = Measured.of(latent.perplexity_ratio(losses, of))
        rows.append(Row(name=f"{name}_{part}", label=f"{name}, {label}", unit="times", ours=ratio, target=target))
        tables["perplexity"].append({"set": name, "texts": label, **latent.perplexities(losses)})
    return rows


def _told(consolidated: dict[str, Any]) -> dict[str, Any]:
    return {
        "pairs": consolidated["pairs"],
        "recalled": f"{consolidated['recalled']:.1%}",
        "reworded": f"{consolidated['reworded']:.1%}",
        "parameters": f"{consolidated['parameters']:,}",
        "steps": consolidated["steps"],
        "seconds": f"{consolidated['seconds']:.0f}",
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder with a folder for each data set")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--home", type=Path, help="where the models are; ALEN_HOME when not given")
    parser.add_argument("--out", type=Path, default=OUT, help="result file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

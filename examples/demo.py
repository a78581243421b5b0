"""Teach ALEN the handbook of an invented instrument maker and ask it six questions. `make demo` runs this."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.progress import Progress
from rich.rule import Rule

from alen import Engine, LargeLanguageModel
from alen.cli.rendering import answer_plain, answer_text
from alen.errors import AlenError

HANDBOOK = Path(__file__).resolve().parent / "handbook"
NAMESPACE = "handbook"
SUM = "What is 17 + 25?"
QUESTIONS = (
    ("a fact that the handbook states once", "At what temperature are the capsules of the Merrow annealed?"),
    ("another wording of a taught question", "Could you engrave my name on the dial?"),
    ("a fact that needs two passages", "In which town is the foundry that supplies the capsules of the Merrow?"),
    ("a sum, computed and not guessed", SUM),
    ("an answer that stands nowhere", "Which bank does Corvane & Daughters use?"),
    ("a false premise", "Why did Corvane & Daughters move its workshop to Vesterholm?"),
)


def teach(engine: Engine, console: Console) -> None:
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("reading the handbook")

        def show(stage: str, done: int, total: int) -> None:
            progress.update(task, description=stage, completed=done, total=total)

        reports = [
            engine.teach(paths=[HANDBOOK], progress=show),
            engine.teach(qa=HANDBOOK / "qa.jsonl", progress=show),
        ]
    stored, known = sum(report.stored for report in reports), sum(report.duplicates for report in reports)
    seconds = sum(report.seconds for report in reports)
    console.print(
        f"Taught the handbook and 30 answers: {stored} pieces stored, {known} known before, {seconds:.1f} s.\n"
    )


def main() -> int:
    console = Console(highlight=False)
    with Engine.open(namespace=NAMESPACE) as engine:
        teach(engine, console)
        for number, (kind, question) in enumerate(QUESTIONS, 1):
            console.print(Rule(f"{number}. {kind}", align="left"))
            answer = engine.ask(question)
            console.print(f"[bold cyan]{question}[/]\n")
            shown = answer_text(answer) if console.is_terminal else answer_plain(answer)
            console.print(Padding(shown, (0, 0, 1, 2)))
            if question == SUM:
                alone = LargeLanguageModel.from_pretrained("smollm2-135m-instruct")
                console.print(f"  [dim]SmolLM2 alone says:[/dim] {alone.chat([{'role': 'user', 'content': SUM}])}\n")
    command = Path(sys.executable).with_name("alen")
    console.print(Rule("Ask your own", align="left"))
    console.print(f"  export ALEN_HOME={os.environ.get('ALEN_HOME', '')}")
    console.print(f'  {command} ask --namespace {NAMESPACE} "How long is the warranty on the Wick?"')
    console.print(f"  {command} teach --namespace mine your-notes.md")
    console.print(f"  {command} chat --namespace {NAMESPACE}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except AlenError as error:
        print(f"demo: {error}", file=sys.stderr)
        sys.exit(error.exit_code)

"""Teach ALEN the handbook of an invented instrument maker and ask it six questions. `make demo` runs this."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.progress import Progress
from rich.rule import Rule

from alen import Answer, Engine, LargeLanguageModel
from alen.cli.rendering import answer_plain, answer_text
from alen.errors import AlenError

HANDBOOK = Path(__file__).resolve().parent / "handbook"
NAMESPACE = "handbook"
SUM = "What is 17 + 25?"
QUESTIONS = (
    ("a fact that the handbook states once", "Who founded Corvane & Daughters?"),
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


def show(answer: Answer, console: Console) -> None:
    """As `alen ask` shows it: coloured on a terminal, plain and without trailing blanks in a pipe."""
    if console.is_terminal:
        console.print(Padding(answer_text(answer), (0, 0, 1, 2)))
        return
    for line in answer_plain(answer).splitlines():
        indent = "  " + line[: len(line) - len(line.lstrip())]
        wrapped = textwrap.wrap(
            line, console.width, initial_indent="  ", subsequent_indent=indent, drop_whitespace=True
        )
        print("\n".join(wrapped))
    print()


def from_here(path: str | Path) -> str:
    """A path below the working folder, named from there."""
    return str(path).removeprefix(os.path.join(os.getcwd(), ""))


def main() -> int:
    console = Console(highlight=False)
    with Engine.open(namespace=NAMESPACE) as engine:
        teach(engine, console)
        for number, (kind, question) in enumerate(QUESTIONS, 1):
            console.print(Rule(f"{number}. {kind}", align="left"))
            answer = engine.ask(question)
            console.print(f"[bold cyan]{question}[/]\n")
            show(answer, console)
            if question == SUM:
                alone = LargeLanguageModel.from_pretrained("smollm2-135m-instruct")
                said = alone.chat([{"role": "user", "content": SUM}])
                console.print(f"  [dim]SmolLM2 alone says:[/dim] {said.text}\n")
    command = from_here(Path(sys.executable).with_name("alen"))
    console.print(Rule("Ask your own", align="left"))
    # Printed as they are: a command that is broken over two lines cannot be copied.
    if "ALEN_HOME" in os.environ:
        print(f"  export ALEN_HOME={from_here(os.environ['ALEN_HOME'])}")
    print(f'  {command} ask --namespace {NAMESPACE} "How long is the warranty on the Wick?"')
    print(f"  {command} teach --namespace mine your-notes.md")
    print(f"  {command} chat --namespace {NAMESPACE}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except AlenError as error:
        print(f"demo: {error}", file=sys.stderr)
        sys.exit(error.exit_code)

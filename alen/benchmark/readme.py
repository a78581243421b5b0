"""The README's tables, from result files: ``python -m alen.benchmark.readme`` rewrites what lies between markers."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from alen.benchmark.report import target_text
from alen.benchmark.schema import Result, Row, load, shown
from alen.errors import BadInput

MARKED = re.compile(r"(<!-- numbers:(?P<name>\w+) -->\n).*?(<!-- /numbers:(?P=name) -->)", re.DOTALL)
TABLE = re.compile(r"(<!-- table:(?P<name>\w+)/(?P<table>[\w,]+) -->\n).*?(<!-- /table:(?P=name) -->)", re.DOTALL)
MAIN = "main_job"
ROWS = (
    "top1",
    "top5",
    "evidence",
    "f1",
    "exact",
    "coverage",
    "precision",
    "declined_unanswerable",
    "auroc",
    "auroc_right",
    "ece",
    "log_loss_gain",
    "seconds_median",
    "time_ratio",
    "encode_rate",
    "encode_ratio",
)
"""Which rows of the main job a reader of the README wants, in this order; the result file has all. Of other results
all rows are shown."""


def rewritten(text: str, results: Path) -> str:
    """``text`` with every marked place filled from ``results/<name>.json``. Raises BadInput when a file is missing."""

    def table(found: re.Match[str]) -> str:
        return f"{found[1]}\n{markdown(load(results / (found['name'] + '.json')))}\n\n{found[3]}"

    def plain(found: re.Match[str]) -> str:
        result = load(results / (found["name"] + ".json"))
        return f"{found[1]}\n{plain_markdown(result, found['table'])}\n\n{found[4]}"

    return TABLE.sub(plain, MARKED.sub(table, text))


def markdown(result: Result) -> str:
    """The table and the conditions under which it was measured."""
    known = {row.name: row for row in result.rows}
    chosen = [known[name] for name in ROWS if name in known] if result.name == MAIN else list(result.rows)
    beside = any(row.plain for row in chosen)
    lines = [
        f"| | ALEN | 95 % interval |{' plain |' if beside else ''} target |",
        f"|---|---:|---:|{'---:|' * beside}---:|",
    ]
    return "\n".join([*lines, *(_line(row, beside) for row in chosen), "", _conditions(result)])


def plain_markdown(result: Result, names: str) -> str:
    """Tables beside the rows, by names with commas between them, with the conditions. Raises BadInput when the result
    has no such table."""
    wanted = names.split(",")
    parts = []
    for name in wanted:
        found = result.tables.get(name)
        if not found:
            raise BadInput("table", name, ", ".join(result.tables), "Name one that the result file has.")
        headings = list(dict.fromkeys(heading for row in found for heading in row))
        lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
        lines += ["| " + " | ".join(_text(row.get(heading)) for heading in headings) + " |" for row in found]
        parts += [f"**{name.replace('_', ' ')}**", "\n".join(lines)] if len(wanted) > 1 else ["\n".join(lines)]
    return "\n\n".join([*parts, _conditions(result)])


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _conditions(result: Result) -> str:
    missed = [row.label for row in result.rows if row.reached is False]
    machine = result.machine
    verdict = f" Targets missed: {', '.join(missed)}." if missed else " Every target was reached."
    return (
        f"{result.title}; `{result.command}` at commit `{result.commit}` on {machine.get('processor')}, "
        f"{machine.get('cores')} cores, {result.created[:10]}."
        + (verdict if any(row.target for row in result.rows) else "")
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite README.md, or the file given, in place; results are looked for in benchmarks/results beside it or
    beside docs."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    page = Path(given[0] if given else "README.md")
    root = page.parent.parent if page.parent.name == "docs" else page.parent
    try:
        page.write_text(rewritten(page.read_text("utf-8"), root / "benchmarks" / "results"), "utf-8")
    except OSError as error:
        wrong = BadInput("page", f"{page} ({error.strerror})", "a Markdown file", "Run it in the root of the project.")
        print(f"readme: {wrong}", file=sys.stderr)
        return wrong.exit_code
    except BadInput as error:
        print(f"readme: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _line(row: Row, beside: bool) -> str:
    low, high = (shown(row.ours.model_copy(update={"value": end}), row.unit) for end in (row.ours.low, row.ours.high))
    target = target_text(row.target, row.ours, row.unit) if row.target else ""
    interval = "" if row.ours.low is None else f"{low} to {high}"
    plain = (f" {shown(row.plain, row.unit)} |" if row.plain else "  |") if beside else ""
    return f"| {row.label} | **{shown(row.ours, row.unit)}** | {interval} |{plain} {target} |"


if __name__ == "__main__":
    sys.exit(main())

"""The command ``alen``: finds the verb, runs it, and turns what went wrong into one clear line and an exit code."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Sequence

import click

from alen.cli import failure

INTERRUPTED = 130

VERBS: dict[str, tuple[str, str]] = {
    "ask": ("alen.cli.ask", "Ask a question, or a file of them."),
    "teach": ("alen.cli.teach", "Teach files, text, or questions with answers."),
    "feedback": ("alen.cli.feedback", "Say whether an answer was right."),
    "memory": ("alen.cli.memory", "Look into the memory, change it, keep it in order."),
    "chat": ("alen.cli.chat", "Talk in a full-screen window."),
    "serve": ("alen.cli.serve", "Serve the engine over HTTP, with OpenAI's API."),
    "generate": ("alen.cli.generate", "Continue a text with the language model alone."),
    "train": ("alen.cli.train", "Train a model by a recipe."),
    "models": ("alen.cli.models", "List, pull and describe models."),
    "bench": ("alen.cli.bench", "Measure speed and recall, beside others."),
    "calibrate": ("alen.cli.calibrate", "Fit the probabilities to your own questions."),
    "validate": ("alen.cli.validate", "Say how good answers and probabilities are."),
    "doctor": ("alen.cli.doctor", "Check that everything works, and say what to do."),
    "where": ("alen.cli.where", "Show where ALEN keeps its files."),
}
"""Module and one-line help of each verb: listed here so that ``alen --help`` imports none of them."""


class Verbs(click.Group):
    """Imports the module of a verb only when that verb is used. Other names are looked for among installed apps."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in VERBS:
            command: click.Command = importlib.import_module(VERBS[cmd_name][0]).command
            return command
        from alen.cli.apps import app_command

        return app_command(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            import difflib

            close = difflib.get_close_matches(args[0], VERBS, n=2)
            advice = f" Did you mean {' or '.join(close)}?" if close else ""
            ctx.fail(f"There is no command {args[0]!r}.{advice}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in VERBS.items()])


def _print_version(ctx: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        from alen import __version__

        click.echo(f"alen {__version__}")
        ctx.exit()


@click.group(cls=Verbs, no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def alen() -> None:
    """ALEN learns what you teach it, answers with evidence and a probability, and says when it does not know.

    Start with `alen doctor`, then `alen teach FILE` and `alen ask "…"`. Every command takes --json; `alen COMMAND
    --help` tells the rest.
    """


def main(args: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 the work failed, 2 the request was wrong, 130 interrupted.

    Never raises and never prints a traceback, except that ``--verbose`` shows one for an error that is not ALEN's own.
    """
    given = list(sys.argv[1:] if args is None else args)
    options = given[: given.index("--")] if "--" in given else given
    report = failure.Report(as_json="--json" in options, verbose="--verbose" in options)
    _make_streams_safe()
    try:
        with warnings.catch_warnings():
            if not report.verbose:
                warnings.simplefilter("ignore")
            result = alen.main(args=given or ["--help"], prog_name="alen", standalone_mode=False)
            sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt):
        report.interrupted()
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe has left (`alen … | head`); a closed stdout must not fail again at exit.
        sys.stdout = open("/dev/null", "w")  # noqa: SIM115 it lives until the process ends
        return 1
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except Exception as error:  # everything else that can go wrong must still end in one line
        return report.error(error)
    return result if isinstance(result, int) else 0


def _make_streams_safe() -> None:
    """A character that the terminal's encoding lacks is replaced instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace" if "utf" not in (stream.encoding or "").lower() else "backslashreplace")


if __name__ == "__main__":
    sys.exit(main())

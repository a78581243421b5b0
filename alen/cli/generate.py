"""``alen generate``: the language model alone, without memory, checks or any promise."""

from __future__ import annotations

import sys

import click

from alen.cli import opening
from alen.cli.interrupt import cancel_on_interrupt
from alen.cli.options import Common, common_options, readable_text
from alen.cli.output import emit_json, on_terminal
from alen.cli.printable import printable
from alen.errors import BadInput, Cancelled


@click.command("generate")
@click.argument("prompt", callback=readable_text)
@click.option("--max-tokens", type=int, default=128, show_default=True, help="Tokens to write at most.")
@click.option("--temperature", type=float, help="0, the default, always takes the likeliest token.")
@click.option("--top-k", type=int, help="Choose among the k likeliest tokens.")
@click.option("--top-p", type=float, help="Choose among the likeliest tokens that reach this probability together.")
@click.option("--seed", type=int, help="The same seed gives the same text.")
@common_options
def command(
    common: Common,
    prompt: str,
    max_tokens: int,
    temperature: float | None,
    top_k: int | None,
    top_p: float | None,
    seed: int | None,
) -> None:
    """Continue PROMPT (- reads it from stdin) with the language model alone.

    What it writes is free text: no memory, no evidence, no check.
    """
    if not prompt.strip():
        raise BadInput(
            "prompt", "an empty prompt", "a text", 'For example: alen generate "The barometer is falling, so"'
        )
    from alen.generation import GenerationConfig

    config = GenerationConfig(max_tokens=max_tokens, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
    with opening.open_language_model(common) as model, cancel_on_interrupt() as cancel:
        if on_terminal() and not common.as_json:
            for piece in model.stream(prompt, config, cancel=cancel):
                sys.stdout.write(printable(piece))
                sys.stdout.flush()
            print()
        else:
            completion = model.complete(prompt, config, cancel=cancel)
            if common.as_json:
                emit_json(
                    {
                        "text": completion.text,
                        "tokens": completion.tokens,
                        "finish_reason": completion.finish_reason,
                        "timings_ms": completion.timings_ms,
                    }
                )
            else:
                print(completion.text)
    if cancel.is_set() and not common.as_json:
        raise Cancelled("Generation was stopped.")

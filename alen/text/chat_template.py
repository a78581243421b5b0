"""Messages to the text a chat model was trained on, by its own Jinja template; templates come from files: untrusted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn

from jinja2 import Template, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment, SecurityError

from alen.errors import BadInput, CorruptWeights

_LONGEST = 4_000_000  # characters a template may write beyond those of the messages
_HINT = "Get the model again or use another one."
_MARKER = re.compile(r"<(?=[|｜][^|｜<>\s]{1,40}[|｜]>|/?s>|(?:start|end)_of_turn>)|\[(?=/?INST\])")


class _Refusal(TemplateError):
    """The template itself said that these messages are not allowed."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """Also refuses the operators that make a huge value out of a short line."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or not (isinstance(left, int | float) and isinstance(right, int | float)):
            raise SecurityError(f"{type(left).__name__} {operator} {type(right).__name__} is not allowed")
        return super().call_binop(context, operator, left, right)


def render(
    messages: Sequence[Mapping[str, Any]],
    template: str,
    *,
    add_generation_prompt: bool = True,
    bos_token: str = "",
    eos_token: str = "",
) -> str:
    """The text of a conversation, ending where the assistant is to speak when ``add_generation_prompt``.

    Raises BadInput when a message has no role or content or the template refuses the conversation, CorruptWeights when
    the template does not compile, fails, or reaches for what a template has no business with."""
    _check(messages)
    allowed = _LONGEST + 4 * sum(len(message["content"]) for message in messages)
    pieces: list[str] = []
    try:
        for piece in _compiled(template).generate(
            messages=[dict(message) for message in messages],
            add_generation_prompt=add_generation_prompt,
            bos_token=bos_token,
            eos_token=eos_token,
        ):
            pieces.append(piece)
            allowed -= len(piece)
            if allowed < 0:
                raise SecurityError("the text has no end")
    except _Refusal as refusal:
        said = f"It says: {refusal.message}"
        raise BadInput("messages", _roles(messages), "what the model's chat template takes", said) from None
    except SecurityError as error:
        raise CorruptWeights(f"Chat template refused: {error}.", _HINT) from None
    except TemplateSyntaxError as error:
        raise CorruptWeights(f"Chat template, line {error.lineno}: {error.message}.", _HINT) from None
    except Exception as error:  # a template is a program: it can fail in any way
        raise CorruptWeights(f"Chat template failed: {type(error).__name__}: {error}.", _HINT) from None
    return "".join(pieces)


def without_markers(message: Mapping[str, str]) -> Mapping[str, str]:
    """The message with the marks of turns broken up (``<|im_end|>``, ``<end_of_turn>``, ``[/INST]``, ``</s>``), so that
    what it quotes cannot end its own turn."""
    content = message.get("content")
    return message if not isinstance(content, str) else {**message, "content": _MARKER.sub(r"\g<0> ", content)}


def _check(messages: Sequence[Mapping[str, Any]]) -> None:
    hint = "Give each message a role and a content."
    if not messages:
        raise BadInput("messages", "none", "at least one message", hint)
    for place, message in enumerate(messages):
        for name in ("role", "content"):
            value = message.get(name) if isinstance(message, Mapping) else None
            if not isinstance(value, str):
                raise BadInput(f"messages[{place}].{name}", repr(value), "text", hint)


def _roles(messages: Sequence[Mapping[str, Any]]) -> str:
    return "roles " + ", ".join(message["role"] for message in messages)


@lru_cache(maxsize=8)
def _compiled(template: str) -> Template:
    environment = _Sandbox(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return environment.from_string(template)


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    # Jinja's own filter escapes for HTML, which no model was trained on.
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise(message: str) -> NoReturn:
    raise _Refusal(message)

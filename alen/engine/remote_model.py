"""A model that a server runs, as the core sees it: replies to a conversation, with log-probabilities if it tells."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from alen.engine.lazy_models import Once
from alen.engine.model_server import SECONDS, Address, ModelServer, Refusal
from alen.engine.remote_scorer import RemoteScorer, find_scorer
from alen.engine.served_reply import completion_of
from alen.errors import AlenError, BadInput, Cancelled, ModelServerFailed, UnknownModel
from alen.text.chat_template import without_markers
from alen.types import CancelToken, Completion, Messages

ALTERNATIVES = 5
"""Likeliest tokens asked for in each place: the most that every server grants."""

_SPARED = ("seed", "stop", "logprobs", "top_logprobs")
"""What a request can do without. Stop strings are cut here, too."""

_LENGTHS = ("max_tokens", "max_completion_tokens")
_UNSUPPORTED = re.compile(r"support|unknown|unrecogni[sz]ed|unexpected|extra|not permitted", re.IGNORECASE)
_LONGEST_SEED = 2**31


class RemoteModel:
    """Generator over an OpenAI-compatible server (vLLM, llama.cpp, SGLang, hosted ones …). ``url`` is
    ``http://HOST:PORT/v1#MODEL``; without ``#MODEL`` the server must have one model. Safe to use from many threads.

    Nothing is asked before first use. A field that the server refuses is left out from then on: without ``seed``
    replies cannot be repeated, without ``logprobs`` there are none, and a model that takes no ``temperature`` writes at
    its own. Several replies are several requests: servers bound what they write for one, and count its tokens in
    different ways.

    ``fingerprint`` covers URL and name: what else a server changes nobody can see."""

    def __init__(self, url: str, *, key: str | None = None, seconds: float = SECONDS) -> None:
        address = Address.parse(url)
        self._server = ModelServer(address.base, key=key, seconds=seconds)
        self._model = Once(lambda: address.model or self._only_model())
        self._scorer = Once(lambda: (find_scorer(self._server, self.name),))
        self._refused: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Raises ModelServerFailed, and BadInput when the server has several models and the URL names none."""
        return self._model()

    @property
    def family(self) -> str:
        return re.split(r"[-_:@.]", self.name.rstrip("/").rsplit("/", 1)[-1].lower())[0]

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self._server.base}#{self.name}".encode()).hexdigest()

    @property
    def scorer(self) -> RemoteScorer | None:
        """The same model as a Scorer, when the server tells how likely a given text is. Asks it once."""
        return self._scorer()[0]

    def models(self) -> tuple[str, ...]:
        """What the server says it has. Raises ModelServerFailed."""
        return self._server.models()

    def generate(
        self,
        messages: Messages,
        *,
        max_tokens: int,
        temperature: float = 0.0,
        n: int = 1,
        seed: int = 0,
        stop: Sequence[str] = (),
        cancel: CancelToken | None = None,
    ) -> list[Completion]:
        """``n`` replies, with seeds from ``seed`` on; with temperature 0 one is written and repeated. A cancel gives
        empty ones. For log-probabilities, margins and entropies see ``completion_of``; token ids are not told.

        Raises UnknownModel, BadInput when the conversation is too long, ModelServerFailed."""
        body = {
            "model": self.name,
            "messages": [dict(without_markers(message)) for message in messages],
            "max_tokens": max_tokens,
            "temperature": temperature,
            "logprobs": True,
            "top_logprobs": ALTERNATIVES,
        } | ({"stop": list(stop)} if stop else {})
        count = n if temperature > 0 else min(n, 1)
        try:
            replies = self._ask([body | {"seed": (seed + place) % _LONGEST_SEED} for place in range(count)], cancel)
        except Cancelled:
            return [Completion("", 0, 0, "cancelled")] * n
        made = [self._understood(reply, stop) for reply in replies]
        return made if temperature > 0 else made * n

    def _ask(self, bodies: Sequence[dict[str, Any]], cancel: CancelToken | None) -> list[dict[str, Any]]:
        before = self._refused
        while True:
            fitted = [self._fitted(body) for body in bodies]
            try:
                return self._server.post("/chat/completions", fitted, cancel=cancel)
            except Refusal as refusal:
                blamed = _blamed(refusal, fitted[0])
                if not blamed:
                    # What was left out on suspicion was not to blame.
                    self._refused = before
                    raise self._explained(refusal) from None
                self._refused |= blamed

    def _fitted(self, body: dict[str, Any]) -> dict[str, Any]:
        fitted = {name: value for name, value in body.items() if name not in self._refused}
        if "max_tokens" not in fitted:
            fitted["max_completion_tokens"] = body["max_tokens"]
        return fitted

    def _understood(self, reply: dict[str, Any], stop: Sequence[str]) -> Completion:
        made = completion_of(reply, stop)
        if made is None:
            found = ", ".join(map(str, reply))[:200] or "nothing"
            raise ModelServerFailed(
                f"The model server {self._server.base} answered without a text: {found}.", "Is it a chat model?"
            )
        return made

    def _explained(self, refusal: Refusal) -> AlenError:
        said = f"{refusal.said} ({refusal.status})"
        if refusal.status == 413 or "context" in refusal.said.lower():
            return BadInput("messages", said, "what the model has room for", "Shorten the conversation.")
        if refusal.status == 404 or "model" in refusal.said.lower():
            there = self._server.models()
            if there and self.name not in there:
                return UnknownModel("model", repr(self.name), _listed(there), f"The server said: {said}.")
        return ModelServerFailed(
            f"The model server {self._server.base} refused the request: {said}.", "Is it the right URL?"
        )

    def _only_model(self) -> str:
        there = self._server.models()
        if len(there) == 1:
            return there[0]
        hint = f"Write {self._server.base}#MODEL."
        raise BadInput("model", f"a server with {len(there) or 'no known'} models", _listed(there), hint)


def _blamed(refusal: Refusal, sent: dict[str, Any]) -> frozenset[str]:
    """The fields to leave out next time: those that the server names, or, when it names nothing, all that can be."""
    if refusal.status not in (400, 422):
        return frozenset()
    named = {name for name in sent if refusal.field == name or re.search(rf"(?<!\w){name}(?!\w)", refusal.said)}
    blamed = named & {*_SPARED, _LENGTHS[0]}
    if "temperature" in named and _UNSUPPORTED.search(refusal.said):
        blamed.add("temperature")
    blamed = blamed or {name for name in _SPARED if name in sent}
    return frozenset(blamed | ({"top_logprobs"} if "logprobs" in blamed else set()))


def _listed(models: Sequence[str]) -> str:
    return ", ".join(models[:20]) + (" …" if len(models) > 20 else "") or "none that it tells of"

"""From a question to an answer: think, recall, reason, remember."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from alen.core.abstention import Policy
from alen.core.openings import without_courtesy
from alen.core.operators import compute
from alen.core.reasoner import Reasoner, Verdict
from alen.core.situation import Situation, Solved, Tools
from alen.errors import BadInput, UnknownNamespace
from alen.thought import ThoughtState
from alen.types import Answer, Backend, CancelToken, Effort, Generator, Reader, Recollection

if TYPE_CHECKING:
    from alen.engine.engine import Engine

PASSAGES_RECALLED = 5
EPISODES_RECALLED = 4
LONGEST_QUESTION = 4000
"""Characters; a longer one is a document, and should be taught."""


def ask(
    engine: Engine,
    question: str,
    *,
    session: str | None = None,
    effort: Effort | None = None,
    private: bool = False,
    cancel: CancelToken | None = None,
    on_stage: Callable[[str], None] | None = None,
) -> Answer:
    """See Engine.ask."""
    begun = time.perf_counter()
    question = checked(engine, question)
    timings: dict[str, float] = {}
    situation = situate(engine, question, effort or engine.settings.effort, cancel, timings, on_stage)
    reasoner = Reasoner(engine.belief(), policy(engine))
    clock = Clock(timings)

    used = tools(engine, reasoner, clock, on_stage, cancel)
    with clock("propose"):
        proposals = reasoner.propose(situation, used)
    if on_stage:
        on_stage("checking")
    with clock("judge"):
        verdict = reasoner.judge(situation, proposals, used)
    timings["total"] = _milliseconds(begun)
    return _stored(engine, _answer(question, verdict, timings), session, private)


def tools(
    engine: Engine,
    reasoner: Reasoner,
    clock: Clock | None = None,
    on_stage: Callable[[str], None] | None = None,
    cancel: CancelToken | None = None,
) -> Tools:
    """What operators may use of this engine. ``reasoner`` is who asks, and answers the parts of a question too."""
    clock = clock or Clock({})

    def reader() -> Reader | None:
        with clock("load"):
            ready = engine.reader()
        if on_stage:
            on_stage("reading")
        return ready

    def solve(question: str) -> Solved | None:
        # Without ``solve`` of its own: a part is not taken apart again.
        return _solve(engine, reasoner, question, Tools(reader=reader), cancel)

    return Tools(
        reader=reader,
        generator=lambda: _generator(engine.model()),
        scorer=lambda: None if (model := engine.model()) is None else model.scorer,
        encoder=lambda: engine.encoder,
        second=lambda: _generator(engine.verifier()),
        solve=solve,
    )


def _generator(model: Backend | None) -> Generator | None:
    return None if model is None else model.generator


def policy(engine: Engine) -> Policy:
    """When this engine answers."""
    chosen = engine.settings
    if chosen.costs is not None:
        return Policy.of_costs(**chosen.costs.model_dump())
    return Policy(threshold=chosen.answer_threshold, risk=chosen.risk)


def _solve(engine: Engine, reasoner: Reasoner, question: str, used: Tools, cancel: CancelToken | None) -> Solved | None:
    verdict = reasoner.answer(situate(engine, question, "balanced", cancel), used)
    if verdict.decision != "answer":
        return None
    best = verdict.candidates[0]
    return Solved(question, best.text, best.confidence, best.interval, best.evidence, verdict.tokens)


def checked(engine: Engine, question: str, *, told: bool = False) -> str:
    """The question, stripped. ``told``: it is a statement, which may be the first of its namespace.

    Raises BadInput, and UnknownNamespace before any model is loaded."""
    if not isinstance(question, str) or not any(character.isalnum() for character in question):
        raise BadInput(
            "question", repr(question), "a text with at least one letter or digit", 'For example: "Who built it?"'
        )
    if len(question) > LONGEST_QUESTION:
        raise BadInput(
            "question", f"{len(question):,} characters", f"at most {LONGEST_QUESTION:,}", "Teach long texts, then ask."
        )
    namespace = engine.memory.namespace
    if not told and not engine.memory.has_namespace(namespace):
        known = ", ".join(engine.memory.namespaces()) or "none yet"
        raise UnknownNamespace("namespace", repr(namespace), known, "Teach it first: alen teach FILE")
    return question.strip()


def situate(
    engine: Engine,
    question: str,
    effort: Effort,
    cancel: CancelToken | None = None,
    timings: dict[str, float] | None = None,
    on_stage: Callable[[str], None] | None = None,
) -> Situation:
    """What the operators may look at. A sum needs neither encoder nor memory, so it gets neither."""
    clock = Clock(timings if timings is not None else {})
    asked, question = question, without_courtesy(question)
    bare = Situation(ThoughtState.from_input(question), Recollection(), effort, cancel)
    if compute(bare):
        return bare
    if on_stage:
        on_stage("recalling")
    with clock("encode"):
        thought = engine.think(question)
    with clock("recall"):
        found = engine.memory.recollect(
            question, thought.vector, passages=PASSAGES_RECALLED, episodes=EPISODES_RECALLED, asked=asked
        )
    return Situation(thought, found, effort, cancel)


class Clock:
    """Adds the milliseconds of a stage to a dict."""

    def __init__(self, timings: dict[str, float]) -> None:
        self._timings = timings
        self._open: list[tuple[str, float]] = []

    def __call__(self, stage: str) -> Clock:
        self._open.append((stage, time.perf_counter()))
        return self

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        stage, begun = self._open.pop()
        self._timings[stage] = round(self._timings.get(stage, 0.0) + _milliseconds(begun), 3)


def _milliseconds(begun: float) -> float:
    return round((time.perf_counter() - begun) * 1000, 3)


def _answer(question: str, verdict: Verdict, timings: dict[str, float]) -> Answer:
    best = verdict.candidates[0] if verdict.candidates else None
    return Answer(
        question=question,
        text=best.text if best and verdict.decision == "answer" else None,
        confidence=best.confidence if best else 0.0,
        interval=best.interval if best else (0.0, 1.0),
        decision=verdict.decision,
        reason=verdict.reason,
        candidates=verdict.candidates,
        evidence=verdict.evidence,
        timings_ms=timings,
        tokens=verdict.tokens,
    )


def _stored(engine: Engine, answer: Answer, session: str | None, private: bool) -> Answer:
    if private:
        return answer
    if session is not None:
        session = engine.memory.session(session)
    answer = replace(answer, session=session)
    return replace(answer, episode=engine.memory.record_answer(answer.to_json(), session))

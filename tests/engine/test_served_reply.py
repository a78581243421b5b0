"""What a reply says is read as far as it can be trusted, and no further."""

from __future__ import annotations

import math
from typing import Any

import pytest

from alen.engine.served_reply import completion_of, covering


def token(text: str, chance: float, *others: tuple[str, float], raw: list[int] | None = None) -> dict[str, Any]:
    listed = [{"token": name, "logprob": math.log(p)} for name, p in ((text, chance), *others)]
    return {"token": text, "bytes": raw, "logprob": math.log(chance), "top_logprobs": listed}


def reply(text: object, *tokens: dict[str, Any], finish: str | None = "stop", **more: Any) -> dict[str, Any]:
    choice = {"message": {"content": text}, "finish_reason": finish, "logprobs": {"content": list(tokens)}}
    return {"choices": [choice], "usage": {"prompt_tokens": 11, "completion_tokens": 4}, **more}


def test_margins_and_entropies_by_hand() -> None:
    """One token at 1/2 before 1/4, the rest 1/4: a lead of ln 2, and 1.5 bits. One at 1/8 that was chosen although 1/2
    and 1/4 led it, the rest 1/8: a lead of ln 2 again, and 1.75 bits."""
    made = completion_of(
        reply("So be", token("So", 0.5, ("No", 0.25)), {**token(" be", 0.125, ("a", 0.5), ("b", 0.25))})
    )
    assert made is not None
    assert made.logprobs == pytest.approx((math.log(0.5), math.log(0.125)))
    assert made.margins == pytest.approx((math.log(2), math.log(2)))
    assert made.entropies == pytest.approx((1.5 * math.log(2), 1.75 * math.log(2)))
    assert (made.text, made.tokens, made.prompt_tokens, made.finish_reason) == ("So be", 4, 11, "stop")


def test_the_chosen_token_counts_when_the_list_leaves_it_out() -> None:
    chosen = token(" be", 0.125, ("a", 0.5), ("b", 0.25))
    unlisted = {**chosen, "top_logprobs": chosen["top_logprobs"][1:]}
    made, whole = completion_of(reply(" be", unlisted)), completion_of(reply(" be", chosen))
    assert made is not None
    assert whole is not None
    assert made.entropies == pytest.approx(whole.entropies)


def test_a_list_of_one_gives_no_margin_and_no_entropy() -> None:
    made = completion_of(reply("So be", token("So", 0.5, ("No", 0.25)), token(" be", 0.5)))
    assert made is not None
    assert len(made.logprobs) == 2
    assert made.margins == made.entropies == ()


def test_certainty_has_no_entropy() -> None:
    made = completion_of(reply("So", token("So", 1.0, ("No", 1e-30))))
    assert made is not None
    assert made.entropies == pytest.approx((0.0,))


@pytest.mark.parametrize(
    "logprobs",
    [
        None,
        {},
        {"content": None},
        {"content": []},
        {"tokens": ["So"], "token_logprobs": [-1.0]},
        {"content": [{"token": "So", "logprob": None}]},
        {"content": [{"token": "So", "logprob": "high"}]},
        {"content": [{"token": "So", "logprob": float("-inf")}]},
        {"content": [{"token": "So", "logprob": float("nan")}]},
        {"content": [{"token": "So", "logprob": 0.7}]},
        {"content": [{"token": "So", "logprob": -1.0, "bytes": [999]}]},
        {"content": [{"token": "Other", "logprob": -1.0}]},
        "none",
        [1],
    ],
)
def test_log_probabilities_of_no_use_are_none(logprobs: object) -> None:
    made = completion_of({"choices": [{"message": {"content": "So"}, "logprobs": logprobs}]})
    assert made is not None
    assert (made.text, made.logprobs, made.margins, made.entropies) == ("So", (), (), ())


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"choices": None},
        {"choices": []},
        {"choices": ["So"]},
        {"choices": [{}]},
        {"choices": [{"message": "So"}]},
        {"choices": [{"message": {"content": 7}}]},
        {"choices": [{"message": {"content": [{"type": "text", "text": "So"}]}}]},
        {"choices": [{"text": "So"}]},
        {"error": "no"},
    ],
)
def test_a_reply_without_a_text_is_none(answer: dict[str, Any]) -> None:
    assert completion_of(answer) is None


def test_a_reply_of_nothing_is_empty() -> None:
    made = completion_of(reply(None, finish="length"))
    assert made is not None
    assert (made.text, made.finish_reason, made.logprobs) == ("", "length", ())


@pytest.mark.parametrize(
    ("told", "meant"), [("length", "length"), ("stop", "stop"), ("eos_token", "stop"), (None, "stop"), ("", "stop")]
)
def test_reasons_to_end(told: str | None, meant: str) -> None:
    made = completion_of(reply("So", finish=told))
    assert made is not None
    assert made.finish_reason == meant


@pytest.mark.parametrize("usage", [None, {}, "many", {"completion_tokens": -4}, {"completion_tokens": None}])
def test_without_usage_tokens_are_counted(usage: object) -> None:
    made = completion_of(reply("So be", token("So", 0.5), token(" be", 0.5), usage=usage))
    assert made is not None
    assert (made.tokens, made.prompt_tokens) == (2, 0)


def test_end_marks_and_thoughts_have_no_share() -> None:
    tokens = [token("So", 0.1), token("</think>", 0.2), token("So", 0.5), token(" be", 0.25), token("<|im_end|>", 0.9)]
    made = completion_of(reply(" So be\n", *tokens))
    assert made is not None
    assert made.logprobs == pytest.approx((math.log(0.5), math.log(0.25)))


def test_a_stop_string_that_the_server_ignored_is_cut_here() -> None:
    tokens = [token("One", 0.5), token("\n", 0.5), token("Two", 0.25)]
    made = completion_of(reply("One\nTwo", *tokens, finish="length"), ["Three", "\n", ""])
    assert made is not None
    assert (made.text, made.finish_reason, len(made.logprobs)) == ("One", "stop", 1)


def test_characters_may_be_split_between_tokens() -> None:
    umlaut = [token("�", 0.5, raw=[0xC3]), token("�", 0.25, raw=[0xA4])]
    made = completion_of(reply("ä!", *umlaut, token("!", 0.1, raw=[0x21])))
    assert made is not None
    assert made.logprobs == pytest.approx((math.log(0.5), math.log(0.25), math.log(0.1)))


def test_what_follows_a_known_text_is_found_there_alone() -> None:
    pieces = [b"2", b" and", b" 2", b" 2"]
    assert covering(pieces, "2") == slice(3, 4)
    assert covering(pieces, "2", before="2 and ") == slice(2, 3)
    assert covering(pieces, "3") is None
    assert covering(pieces, " ") is None

"""lm-evaluation-harness, unmodified: its numbers are those of the model."""

from __future__ import annotations

from pathlib import Path

import pytest

from alen.language_model import LargeLanguageModel
from alen.serving.service import Service

PAIRS = [("The kiln", " is hot"), ("Once upon a", " time"), ("x", "y"), ("a" * 300, "b" * 40)]


@pytest.fixture
def harness(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    models = pytest.importorskip("lm_eval.models.openai_completions")

    def made(**options: object):
        return models.LocalCompletionsAPI(
            model="tiny", base_url=f"{url}/v1/completions", max_length=2048, max_retries=1, **options
        )

    return made


def _instances(kind: str, arguments: list[tuple]) -> list:
    from lm_eval.api.instance import Instance

    return [Instance(kind, {}, each, place) for place, each in enumerate(arguments)]


def _scored(service: Service, before: list[int], after: list[int]) -> tuple[float, bool]:
    """In process: log-probability of ``after``, and whether it is the likeliest."""
    assert service.model is not None
    told = service.model.prompt_logprobs([*before, *after], 1)[len(before) :]
    greedy = all(each.others[0][0] == token for each, token in zip(told, after, strict=True))
    return sum(each.logprob or 0.0 for each in told), greedy


def _likely(model: LargeLanguageModel) -> tuple[str, str]:
    """A text and what the model itself would write, of whole characters."""
    for number in range(100):
        text = model.complete(f"Text {number}", max_tokens=2)
        if model.tokenizer.encode(text.text) == list(text.token_ids) and text.text.strip() == text.text:
            return f"Text {number}", text.text
    raise AssertionError("the model writes no whole characters")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("backend", ["auto", "huggingface"])
def test_its_scores_are_the_model_s(harness, service: Service, tmp_path: Path, backend: str) -> None:
    model = service.model
    assert model is not None
    options: dict = {"tokenizer_backend": backend, "batch_size": 3}
    if backend == "huggingface":
        model.tokenizer.save(tmp_path / "words")
        options["tokenizer"] = str(tmp_path / "words")
    lm = harness(**options)
    assert lm.tokenizer_backend == ("remote" if backend == "auto" else backend)
    pairs = [*PAIRS, _likely(model)]
    encode = model.tokenizer.encode
    scores = lm.loglikelihood(_instances("loglikelihood", pairs))
    for (before, after), (found, is_greedy) in zip(pairs, scores, strict=True):
        expected, is_likeliest = _scored(service, encode(before), encode(after))
        assert found == pytest.approx(expected, abs=1e-4)
        assert is_greedy == is_likeliest
    assert [is_greedy for _, is_greedy in scores] == [False] * len(PAIRS) + [True]
    text = "Rolling over a text that is a little longer."
    rolling = lm.loglikelihood_rolling(_instances("loglikelihood_rolling", [(text,)]))
    start = model.tokenizer.bos_id
    assert start is not None
    assert rolling == pytest.approx([_scored(service, [start], encode(text))[0]], abs=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_its_texts_are_the_model_s(harness, service: Service) -> None:
    assert service.model is not None
    lm = harness(tokenizer_backend="remote", batch_size=2)
    prompts = ["Once upon", "A kiln", "Third"]
    free = [service.model.complete(prompt, max_tokens=20).text for prompt in prompts]
    arguments = {"until": [free[0][6:8]], "max_gen_toks": 20, "do_sample": False, "temperature": 0}
    found = lm.generate_until(_instances("generate_until", [(prompt, dict(arguments)) for prompt in prompts]))
    expected = [service.model.complete(prompt, max_tokens=20, stop=(free[0][6:8],)).text for prompt in prompts]
    assert found == expected
    assert expected[0] == free[0][: free[0].index(free[0][6:8])]

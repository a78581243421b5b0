from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch

from alen.errors import BadInput, Cancelled
from alen.generation import reader as room
from alen.generation.reader import ADAPTER, SpanReader
from alen.generation.span_trees import ForkedTrees, MaskedTrees
from alen.neural import lora
from tests.byte_reader import byte_tokenizer, tiny_model
from tests.kernels import decoder, loaded_library

PASSAGE = "The kiln in Halden fires stoneware at 1,240 degrees. Its door is blue, and the key hangs behind it."
QUESTION = "How hot does the kiln get?"


def make_reader() -> SpanReader:
    tokenizer = byte_tokenizer()
    return SpanReader(MaskedTrees(tiny_model(tokenizer.vocab_size), 256), tokenizer, name="tiny", fingerprint="f")


def test_text_is_a_verbatim_span() -> None:
    (reading,) = make_reader().read(QUESTION, [PASSAGE])
    assert PASSAGE[reading.start : reading.end] == reading.text
    assert reading.logprob <= reading.min_logprob <= 0
    assert reading.margin >= 0
    assert reading.tokens > 0
    assert reading.prompt_tokens > len(PASSAGE)


def test_long_passage_is_read_where_the_question_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LONGEST_PASSAGE", 120)
    text = "Nothing of note is written here at all. " * 20 + PASSAGE + " Nothing more is written after that." * 20
    (reading,) = make_reader().read(QUESTION, [text])
    assert text[reading.start : reading.end] == reading.text
    assert abs(reading.start - text.index(PASSAGE)) < 240


def test_nothing_to_read_is_no_answer() -> None:
    empty, _ = make_reader().read(QUESTION, ["  ", PASSAGE])
    assert (empty.text, empty.start, empty.end) == ("", 0, 0)
    assert empty.answerable < -20


def test_empty_question_is_refused() -> None:
    with pytest.raises(BadInput, match="question"):
        make_reader().read(" ", [PASSAGE])


def test_cancel_stops() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        make_reader().read(QUESTION, [PASSAGE], cancel=stop)


def test_many_threads_read_as_one_does() -> None:
    reader = make_reader()
    questions = [f"{QUESTION} {number}" for number in range(6)]
    alone = [make_reader().read(question, [PASSAGE]) for question in questions]
    found: dict[int, object] = {}

    def work(number: int) -> None:
        found[number] = reader.read(questions[number], [PASSAGE])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number] for number in range(6)] == alone


def test_shipped_adapter_is_small_and_says_what_it_is() -> None:
    assert ADAPTER.stat().st_size <= 10 * 2**20
    about = lora.read_metadata(ADAPTER)
    assert about["licence"] == "CC BY-SA 4.0"
    assert "SQuAD" in about["attribution"]
    assert not set(about["recipe"]["training"]) & set(about["recipe"]["calibration"])
    assert len(about["base_sha256"]) == 64


@pytest.mark.models
def test_the_real_reader_answers(models_home: Path) -> None:
    from alen.models import locate

    files = locate("smollm2-135m-instruct", models_home)
    reader = SpanReader.load(files.path, name=files.name, fingerprint=files.fingerprint)
    assert reader.adapted
    hot, key, none = (
        reader.read(question, [PASSAGE])[0]
        for question in (QUESTION, "Where does the key hang?", "Who founded the Halden library in 1850?")
    )
    assert "1,240" in hot.text
    assert "behind" in key.text
    assert none.answerable < min(hot.answerable, key.answerable)
    plain = SpanReader.load(
        files.path, name=files.name, fingerprint=files.fingerprint, adapter=None, dtype=torch.bfloat16
    )
    assert not plain.adapted
    assert plain.fingerprint != reader.fingerprint


@pytest.mark.models
def test_kernels_read_as_torch_does_and_their_weights_are_kept(models_home: Path, tmp_path: Path) -> None:
    from alen.models import locate

    files = locate("smollm2-135m-instruct", models_home)
    names = {"name": files.name, "fingerprint": files.fingerprint}
    passages = [PASSAGE, "The library of Halden was founded in 1850 by two sisters, both of them bookbinders."]
    by_torch = SpanReader.load(files.path, **names, dtype=torch.float32)
    first = SpanReader.load(files.path, **names, kernels=loaded_library(), kept=tmp_path)
    assert [file.name[:7] for file in tmp_path.iterdir()] == ["reader-"]
    second = SpanReader.load(files.path, **names, kernels=loaded_library(), kept=tmp_path)
    assert by_torch.fingerprint == first.fingerprint == second.fingerprint
    for question in (QUESTION, "Where does the key hang?", "When was the library founded?"):
        expected, found = by_torch.read(question, passages), first.read(question, passages)
        assert found == second.read(question, passages)
        assert found == first.read(question, passages)  # the beginning of the prompt is known now
        best = max(range(2), key=lambda place: expected[place].answerable)
        assert found[best].text == expected[best].text
        for one, other in zip(found, expected, strict=True):
            assert one.answerable == pytest.approx(other.answerable, abs=0.6)
            assert one.prompt_tokens == other.prompt_tokens


def test_the_beginning_of_a_prompt_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = decoder()
    trees = ForkedTrees(made)
    counts: list[int] = []
    step = made.step
    monkeypatch.setattr(
        made, "step", lambda feeds, **more: (counts.append(len(feeds[0].tokens)), step(feeds, **more))[1]
    )
    prompt = [7 * n % 100 for n in range(200)]
    first, logits = trees.plant(prompt)
    first.end()
    second, again = trees.plant(prompt)
    second.end()
    assert counts == [200, 200 - 192]
    assert torch.equal(logits, again)

"""Text to tokens and back: the ids of the reference, exact character offsets, whole characters in a stream."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer as FastTokenizer
from tokenizers import decoders, models

from alen.errors import BadInput, CorruptWeights
from alen.models import locate
from alen.text import tokenizer as tokenizer_module
from alen.text.tokenizer import Tokenizer

TEXTS = (
    "The Halden kiln fires stoneware at 1,240 degrees Celsius.",
    "  two spaces,\ttabs\n\n\nand 2024 lines  ",
    "Wie heiß? – 日本語, Ελληνικά, 👩‍👩‍👧 and e\u0301",
    "don't we're I'LL 3.14159 x=1\r\n",
    "",
    " ",
)


def byte_words() -> list[str]:
    """How byte-level BPE writes each byte: printable ones as themselves, the others from U+0100 on."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(others)) for byte in range(256)]


def metadata(**changes: Any) -> dict[str, Any]:
    """A GGUF tokenizer of two markers, all bytes and three merges."""
    words = ["<|endoftext|>", "<|im_end|>", *byte_words(), "th", "the", "Ġthe"]
    found = {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": words,
        "tokenizer.ggml.token_type": [3, 3] + [1] * (len(words) - 2),
        "tokenizer.ggml.merges": ["t h", "th e", "Ġ the"],
        "tokenizer.ggml.eos_token_id": 1,
        "tokenizer.ggml.bos_token_id": 0,
        "tokenizer.chat_template": "{{ messages }}",
    }
    return {key: value for key, value in {**found, **changes}.items() if value is not None}


@pytest.fixture
def tokenizer() -> Tokenizer:
    return Tokenizer.from_gguf(metadata())


def test_merges_apply_and_markers_stay_whole(tokenizer: Tokenizer) -> None:
    words = metadata()["tokenizer.ggml.tokens"]
    ids = tokenizer.encode("the the<|im_end|>")
    assert [words[token] for token in ids] == ["the", "Ġthe", "<|im_end|>"]
    assert tokenizer.decode(ids) == "the the"
    assert tokenizer.decode(ids, skip_special=False) == "the the<|im_end|>"
    assert (tokenizer.eos_id, tokenizer.eos_ids, tokenizer.bos_id) == (1, (1, 0), 0)
    assert tokenizer.chat_template == "{{ messages }}"
    assert tokenizer.vocab_size == len(words)


@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_any_characters_come_back_and_are_covered_by_offsets(tokenizer: Tokenizer) -> None:
    draw = random.Random(0)
    for _ in range(200):
        kinds = [(32, 127), (160, 0xD800), (0x1F300, 0x1F700)]
        text = "".join(chr(draw.randrange(*draw.choice(kinds))) for _ in range(draw.randrange(1, 30)))
        ids, offsets = tokenizer.encode_with_offsets(text)
        assert tokenizer.decode(ids) == text
        assert len(offsets) == len(ids)
        covered = {place for start, end in offsets for place in range(start, end)}
        assert covered == set(range(len(text)))
        assert all(before[0] <= after[0] for before, after in itertools.pairwise(offsets))


def test_offsets_are_characters_not_bytes(tokenizer: Tokenizer) -> None:
    text = "ß the"
    offsets = tokenizer.encode_with_offsets(text)[1]
    assert offsets == [(0, 1), (0, 1), (1, 5)]
    assert text[slice(*offsets[-1])] == " the"


@pytest.mark.parametrize("text", TEXTS)
def test_stream_gives_whole_characters_and_loses_nothing(tokenizer: Tokenizer, text: str) -> None:
    stream = tokenizer.detokenizer()
    pieces = [stream.feed(token) for token in tokenizer.encode(text)]
    assert all("\ufffd" not in piece for piece in pieces)
    assert "".join(pieces) + stream.finish() == text


def test_stream_that_ends_inside_a_character_says_so_once(tokenizer: Tokenizer) -> None:
    stream = tokenizer.detokenizer()
    assert [stream.feed(token) for token in tokenizer.encode("a日")[:-1]] == ["a", "", ""]
    assert stream.finish() == "\ufffd"
    assert stream.finish() == ""


def test_bytes_that_are_no_text_do_not_stop_the_stream(tokenizer: Tokenizer) -> None:
    broken = 2 + 0xFF
    stream = tokenizer.detokenizer()
    text = "".join(stream.feed(token) for token in [broken] * 40 + tokenizer.encode("ok")) + stream.finish()
    assert text.count("\ufffd") == 40
    assert text.endswith("ok")


def test_bytes_of_tokens_join_to_those_of_the_text(tokenizer: Tokenizer) -> None:
    for text in TEXTS:
        found = [tokenizer.token_bytes(token) for token in tokenizer.encode(text)]
        assert b"".join(each for each in found if each is not None) == text.encode()
        assert None not in found


def test_a_long_text_has_the_tokens_of_its_parts(tokenizer: Tokenizer) -> None:
    line = "The Halden kiln fires stoneware.\n"
    long = line * (2 * tokenizer_module._LONG // len(line))
    assert tokenizer.encode(long) == tokenizer.encode(line) * long.count("\n")


def test_stream_keeps_the_spaces_that_a_decoder_drops_at_a_beginning() -> None:
    words = {"▁red": 0, "▁kiln": 1, "s": 2}
    fast = FastTokenizer(models.BPE(words, []))
    fast.decoder = decoders.Metaspace()
    stream = Tokenizer(fast, eos_ids=(), bos_id=None, chat_template=None).detokenizer()
    assert [stream.feed(token) for token in (0, 1, 2, 0)] == ["red", " kiln", "s", " red"]


@pytest.mark.parametrize(
    ("changes", "ends"),
    [
        ({}, (1, 0)),
        ({"tokenizer.ggml.eos_token_id": 0}, (0, 1)),
        ({"tokenizer.ggml.eot_token_id": 7}, (1, 7, 0)),
        ({"tokenizer.ggml.token_type": None}, (1,)),
    ],
)
def test_every_marker_that_ends_a_turn(changes: dict[str, Any], ends: tuple[int, ...]) -> None:
    assert Tokenizer.from_gguf(metadata(**changes)).eos_ids == ends


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"tokenizer.ggml.model": "llama"}, BadInput, "tokenizer llama"),
        ({"tokenizer.ggml.pre": "tekken"}, BadInput, "pre-tokenizer tekken"),
        ({"tokenizer.ggml.tokens": None}, CorruptWeights, "tokenizer.ggml.tokens"),
        ({"tokenizer.ggml.merges": None}, CorruptWeights, "tokenizer.ggml.merges"),
        ({"tokenizer.ggml.merges": ["alone"]}, CorruptWeights, "tokenizer"),
        ({"tokenizer.ggml.merges": ["not there"]}, CorruptWeights, "tokenizer"),
        ({"tokenizer.ggml.eos_token_id": None}, CorruptWeights, "eos_token_id"),
        ({"tokenizer.ggml.eos_token_id": 9999}, CorruptWeights, "eos_token_id"),
    ],
)
def test_wrong_metadata_is_named(changes: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        Tokenizer.from_gguf(metadata(**changes))


@pytest.mark.parametrize(("pre", "pieces"), [("smollm", 4), ("gpt-2", 1), ("llama-bpe", 2), ("qwen2", 4)])
def test_digits_are_grouped_as_the_model_learned_them(pre: str, pieces: int) -> None:
    words = [*metadata()["tokenizer.ggml.tokens"], "12", "123", "1234"]
    merges = [*metadata()["tokenizer.ggml.merges"], "1 2", "12 3", "123 4"]
    changes = {"tokenizer.ggml.pre": pre, "tokenizer.ggml.tokens": words, "tokenizer.ggml.merges": merges}
    assert len(Tokenizer.from_gguf(metadata(**changes)).encode("1234")) == pieces


def saved(tokenizer: Tokenizer, folder: Path, settings: dict[str, Any] | None = None) -> Path:
    tokenizer._fast.save(str(folder / "tokenizer.json"))
    if settings is not None:
        (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    return folder


def test_folder_gives_the_same_ids(tokenizer: Tokenizer, tmp_path: Path) -> None:
    settings = {"eos_token": "<|im_end|>", "bos_token": {"content": "<|endoftext|>"}, "chat_template": "x"}
    again = Tokenizer.from_folder(saved(tokenizer, tmp_path, settings))
    assert [again.encode(text) for text in TEXTS] == [tokenizer.encode(text) for text in TEXTS]
    assert (again.eos_id, again.bos_id, again.chat_template) == (1, 0, "x")


def test_folder_without_settings_knows_the_usual_ends(tokenizer: Tokenizer, tmp_path: Path) -> None:
    again = Tokenizer.from_folder(saved(tokenizer, tmp_path))
    assert (again.eos_ids, again.bos_id, again.chat_template) == ((1, 0), None, None)


@pytest.mark.parametrize(
    ("stated", "file", "expected"),
    [
        ("plain", None, "plain"),
        ("plain", "own", "own"),
        ([{"name": "tool_use", "template": "tools"}, {"name": "default", "template": "usual"}], None, "usual"),
        ([{"name": "tool_use", "template": "tools"}], None, None),
    ],
)
def test_template_from_wherever_the_folder_keeps_it(
    tokenizer: Tokenizer, tmp_path: Path, stated: Any, file: str | None, expected: str | None
) -> None:
    if file is not None:
        (tmp_path / "chat_template.jinja").write_text(file, "utf-8")
    assert Tokenizer.from_folder(saved(tokenizer, tmp_path, {"chat_template": stated})).chat_template == expected


@pytest.mark.parametrize("content", [None, "", "{}", '{"model": 3}'])
def test_damaged_folder(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(CorruptWeights, match=r"tokenizer\.json"):
        Tokenizer.from_folder(tmp_path)


@pytest.mark.models
def test_ids_of_the_reference(models_home: Path) -> None:
    from transformers import AutoTokenizer

    from alen.neural import load_decoder

    file = locate("smollm2-135m-instruct", models_home).path
    reference = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name, local_files_only=True)
    ours = Tokenizer.from_gguf(load_decoder(file).metadata)
    for text in (*TEXTS, "<|im_start|>user\nHi<|im_end|>\n", " ".join(TEXTS) * 3):
        assert ours.encode(text) == reference.encode(text, add_special_tokens=False)
        assert ours.decode(ours.encode(text), skip_special=False) == text
    assert reference.decode([ours.eos_id]) == "<|im_end|>"

"""Vectors in the order of the texts, whatever the batches; the same vectors as the reference on real weights."""

import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from alen import sentence_encoder
from alen.errors import BadInput, CorruptWeights, ModelNotInstalled
from alen.neural.torch_encoder import TorchEncoder
from alen.neural.transformer import Transformer
from alen.sentence_encoder import SentenceEncoder
from alen.types import Encoder, TokenCounter
from tests import kernels

WORDS = [f"w{number}" for number in range(40)]
SENTENCES = [
    "The kiln fires stoneware at 1,240 degrees Celsius.",
    "How hot does the kiln get?",
    "Naïve café owners – 12 of them – said “no”.",
    "short",
    "",
    "word " * 400,
]


class Bag:
    """Stands in for the model: a token's state is its row of a table; a padded place would poison the mean."""

    def __init__(self):
        self.config = SimpleNamespace(d_model=6)
        self.table = torch.randn(64, 6, generator=torch.Generator().manual_seed(0))
        self.shapes = []

    def eval(self):
        return self

    def hidden(self, tokens_BT, mask_BTS=None):
        self.shapes.append(tuple(tokens_BT.shape))
        states = self.table[tokens_BT]
        if mask_BTS is not None:
            states = states.masked_fill(~mask_BTS[:, 0, :, None], 1e6)
        return states


def word_tokenizer():
    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[CLS]", "[SEP]", "[UNK]", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return tokenizer


@pytest.fixture
def bag():
    return Bag()


@pytest.fixture
def encoder(bag):
    return SentenceEncoder(TorchEncoder(bag), word_tokenizer(), name="bag", fingerprint="f", max_tokens=16)


def expected(bag, text, max_words=14):
    ids = [1, *[4 + WORDS.index(word) for word in text.split()[:max_words]], 2]
    mean = bag.table[ids].mean(0)
    return (mean / mean.norm()).numpy()


def texts(count):
    random = np.random.default_rng(3)
    return [" ".join(random.choice(WORDS, size=random.integers(1, 20))) for _ in range(count)]


def test_order_and_mean_survive_the_sorting(encoder, bag, monkeypatch):
    monkeypatch.setattr(sentence_encoder, "TOKENS_PER_BATCH", 40)
    monkeypatch.setattr(sentence_encoder, "_TEXTS_PER_ROUND", 17)
    given = texts(50)
    vectors = encoder.encode(given)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, [expected(bag, text) for text in given], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    assert all(rows * length <= 40 for rows, length in bag.shapes)
    assert len(bag.shapes) < 50


def test_what_is_embedded_together_can_be_embedded_elsewhere(encoder, bag, monkeypatch):
    """The same rows, padded alike: the model sees the very same tensors, so that rounding cannot differ."""
    monkeypatch.setattr(sentence_encoder, "TOKENS_PER_BATCH", 40)
    monkeypatch.setattr(sentence_encoder, "_TEXTS_PER_ROUND", 17)
    given = texts(50)
    whole = encoder.encode(given)
    shapes = bag.shapes.copy()
    groups = encoder.batches(given)
    assert sorted(place for group in groups for place in group) == list(range(50))
    bag.shapes.clear()
    for group in groups:
        np.testing.assert_array_equal(encoder.encode([given[place] for place in group]), whole[group])
    assert bag.shapes == shapes


def test_one_text_longer_than_a_batch_is_still_encoded(encoder, bag, monkeypatch):
    monkeypatch.setattr(sentence_encoder, "TOKENS_PER_BATCH", 4)
    given = texts(3)
    np.testing.assert_allclose(encoder.encode(given), [expected(bag, text) for text in given], atol=1e-6)


def test_long_texts_are_cut(encoder, bag):
    assert encoder.max_tokens == 16
    encoder.encode([" ".join(WORDS)])
    assert bag.shapes == [(1, 16)]


def test_tokens_are_counted_as_they_are_read(encoder, bag):
    texts = [" ".join(WORDS), "w1", "w1 w2 w3"]
    assert isinstance(encoder, TokenCounter)
    assert encoder.count_tokens(texts) == [16, 3, 5]
    for text, count in zip(texts, encoder.count_tokens(texts), strict=True):
        bag.shapes.clear()
        encoder.encode([text])
        assert bag.shapes == [(1, count)]


def test_no_texts_and_one_text(encoder):
    assert encoder.encode([]).shape == (0, 6)
    with pytest.raises(BadInput, match="a list of texts"):
        encoder.encode("one text")


def test_it_is_an_encoder(encoder):
    assert isinstance(encoder, Encoder)
    assert (encoder.name, encoder.dim, encoder.fingerprint) == ("bag", 6, "f")


def test_many_threads_get_their_own_vectors(encoder, bag):
    given = [texts(5) for _ in range(8)]
    found = [None] * 8

    def work(place):
        found[place] = encoder.encode(given[place])

    threads = [threading.Thread(target=work, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for place in range(8):
        np.testing.assert_allclose(found[place], [expected(bag, text) for text in given[place]], atol=1e-6)


def test_a_model_that_is_not_there_or_not_an_encoder(tmp_path):
    with pytest.raises(ModelNotInstalled):
        SentenceEncoder.from_pretrained(home=tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(BadInput, match="an encoder"):
        SentenceEncoder.from_pretrained(tmp_path, home=tmp_path)


def test_a_folder_without_a_tokenizer(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(CorruptWeights, match=r"tokenizer\.json"):
        SentenceEncoder.from_pretrained(tmp_path, home=tmp_path)


@pytest.mark.models
@pytest.mark.parametrize(("dtype", "cosine"), [("float32", 0.9999), ("bfloat16", 0.999)])
def test_the_reference_gives_the_same_vectors(models_home, dtype, cosine):
    sentence_transformers = pytest.importorskip(
        "sentence_transformers", reason="needs sentence-transformers: pip install -e '.[dev]'"
    )
    ours = SentenceEncoder.from_pretrained("all-minilm-l6-v2", models_home, dtype=dtype)
    reference = sentence_transformers.SentenceTransformer(
        str(models_home / "models" / "all-minilm-l6-v2"), device="cpu"
    )
    found = ours.encode(SENTENCES)
    wanted = reference.encode(SENTENCES, show_progress_bar=False)
    assert ours.max_tokens == reference.max_seq_length == 256
    assert ours.dim == 384
    assert float((found * wanted).sum(1).min()) >= cosine


@pytest.mark.models
def test_kernels_are_used_once_they_were_compiled(models_home, tmp_path, monkeypatch):
    (tmp_path / "models").symlink_to(models_home / "models")
    by_torch = SentenceEncoder.from_pretrained(home=tmp_path, dtype="float32").encode(SENTENCES)
    if not kernels.loaded_library().alen_encodes():
        pytest.skip("needs AVX2 or more")
    (tmp_path / "kernels").symlink_to(kernels.FOLDER)
    encoder = SentenceEncoder.from_pretrained(home=tmp_path)
    monkeypatch.setattr(Transformer, "hidden", lambda *_, **__: pytest.fail("computed by torch"))
    found = encoder.encode(SENTENCES)
    assert float((found * by_torch).sum(1).min()) >= 0.999
    np.testing.assert_array_equal(np.concatenate([encoder.encode([text]) for text in SENTENCES]), found)


@pytest.mark.models
def test_kernels_need_no_torch(models_home, tmp_path):
    """Starting takes a third of the time without it."""
    if not kernels.loaded_library().alen_encodes():
        pytest.skip("needs AVX2 or more")
    (tmp_path / "models").symlink_to(models_home / "models")
    (tmp_path / "kernels").symlink_to(kernels.FOLDER)
    SentenceEncoder.from_pretrained(home=tmp_path)
    program = (
        "import sys; from alen.sentence_encoder import SentenceEncoder;"
        f"print(SentenceEncoder.from_pretrained(home={str(tmp_path)!r}).encode(['kilns']).shape);"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "(1, 384)\n"), done.stderr


@pytest.mark.models
def test_a_vector_does_not_depend_on_its_neighbours(models_home):
    encoder = SentenceEncoder.from_pretrained("all-minilm-l6-v2", models_home, dtype="float32")
    together = encoder.encode(SENTENCES)
    alone = np.concatenate([encoder.encode([text]) for text in SENTENCES])
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.models
def test_the_same_fingerprint_by_name_and_by_folder(models_home):
    named = SentenceEncoder.from_pretrained("all-minilm-l6-v2", models_home)
    by_folder = SentenceEncoder.from_pretrained(models_home / "models" / "all-minilm-l6-v2", models_home)
    assert named.fingerprint == by_folder.fingerprint

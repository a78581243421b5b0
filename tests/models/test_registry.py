"""The registry names models and says what to do about a name it does not know."""

import pytest

from alen.errors import UnknownModel
from alen.models.registry import REGISTRY, spec


def test_names_are_found_whatever_their_case():
    assert spec(" SmolLM2-135M-Instruct ").kind == "decoder"
    assert spec("all-minilm-l6-v2").kind == "encoder"


def test_an_unknown_name_is_answered_with_the_closest_one():
    with pytest.raises(UnknownModel) as caught:
        spec("smollm2-135m-instuct")
    assert caught.value.field == "model"
    assert "Did you mean smollm2-135m-instruct" in caught.value.hint
    assert "all-minilm-l6-v2" in caught.value.allowed


@pytest.mark.parametrize("model", REGISTRY.values(), ids=REGISTRY)
def test_every_file_is_pinned(model):
    assert model.weights == "." or model.weights in {file.path for file in model.files}
    for file in model.files:
        assert len(bytes.fromhex(file.sha256)) == 32
        assert file.size > 0
    assert len(model.hub.revision) == 40
    assert model.carrier.prefix.endswith("/")

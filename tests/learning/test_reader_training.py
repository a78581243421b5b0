from __future__ import annotations

from pathlib import Path

import pytest
import torch

from alen.errors import BadInput
from alen.learning.reader_recipe import ReaderRecipe, read_recipe
from alen.learning.reader_training import ReaderTraining
from alen.learning.reading_data import Exercise, Page
from alen.neural import lora
from tests.byte_reader import byte_tokenizer, tiny_model

RECIPE = ReaderRecipe(
    training=("T",), rank=4, alpha=8, epochs=6, passages_a_step=1, learning_rate=0.02, checkpoint_every=2
)


def pages() -> list[Page]:
    made = []
    for number, (name, year) in enumerate((("Ada", "1931"), ("Bo", "1842"), ("Cy", "1765"))):
        text = f"{name} came in {year}."
        start = text.index(year)
        exercises = (
            Exercise(f"{number}a", "When?", True, ((start, start + 4, 1.0),), (year,)),
            Exercise(f"{number}b", "Who left?", False, ((0, len(name), 1.0),)),
        )
        made.append(Page(str(number), "T", text, exercises))
    return made


def training(recipe: ReaderRecipe = RECIPE) -> ReaderTraining:
    tokenizer = byte_tokenizer()
    return ReaderTraining(tiny_model(tokenizer.vocab_size), tokenizer, recipe, pages())


def test_training_lowers_both_losses_and_moves_only_the_adapter() -> None:
    run = training()
    state = run.model.state_dict()
    frozen = {name: value.clone() for name, value in state.items() if not name.endswith(("_RM", "_NR"))}
    before = run.quality(pages())
    run.run()
    after = run.quality(pages())
    assert after.span < before.span
    assert after.answerable < before.answerable
    assert all(torch.equal(run.model.state_dict()[name], value) for name, value in frozen.items())


def test_resumed_training_ends_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    whole = training()
    whole.run()
    checkpoint = tmp_path / "run.pt"
    broken = training()

    def pull_the_plug(stage: str, done: int, total: int) -> None:
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken.run(checkpoint=checkpoint, report=pull_the_plug)
    resumed = training()
    steps: list[int] = []
    resumed.run(checkpoint=checkpoint, report=lambda stage, done, total: steps.append(done))
    assert steps[0] == 7
    for ours, theirs in zip(resumed.parameters, whole.parameters, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_checkpoint_of_another_recipe_is_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "run.pt"
    training().run(checkpoint=checkpoint)
    with pytest.raises(BadInput, match="checkpoint"):
        training(RECIPE.model_copy(update={"rank": 2})).run(checkpoint=checkpoint)


def test_saved_adapter_merges_to_what_was_trained(tmp_path: Path) -> None:
    run = training()
    run.run()
    lora.save(run.model, tmp_path / "adapter.safetensors", {"width": 32})
    merged = tiny_model(byte_tokenizer().vocab_size)
    lora.merge(merged, tmp_path / "adapter.safetensors")
    tokens = torch.tensor([[0, 5, 9, 20]])
    torch.testing.assert_close(merged(tokens), run.model(tokens), atol=0.05, rtol=0.05)


def test_recipe_file_names_what_is_wrong(tmp_path: Path) -> None:
    shipped = Path(__file__).resolve().parents[2] / "configs" / "reader" / "smollm2-135m.yaml"
    recipe = read_recipe(shipped)
    assert not set(recipe.training) & set(recipe.calibration)
    file = tmp_path / "recipe.yaml"
    file.write_text(shipped.read_text().replace("rank: 16", "rank: 0"))
    with pytest.raises(BadInput, match="rank"):
        read_recipe(file)
    file.write_text(shipped.read_text() + "\nspeed: 9\n")
    with pytest.raises(BadInput, match="speed"):
        read_recipe(file)

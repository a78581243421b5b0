"""Train the reader's adapter: ``python -m alen.learning.reader_training RECIPE --data SQUAD2 --model GGUF``."""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from alen.errors import AlenError, BadInput
from alen.learning.packing import Block, Pack, pack
from alen.learning.reader_loss import pack_loss
from alen.learning.reader_recipe import ReaderRecipe, read_recipe
from alen.learning.reading_data import Exercise, Page, read_pages, strangers
from alen.neural import lora
from alen.neural.host_memory import keep_freed
from alen.neural.transformer import Transformer
from alen.neural.weights import load_decoder
from alen.text.reading_prompt import PassageTokens, encode_passage, encode_question
from alen.text.tokenizer import Tokenizer

Report = Callable[[str, int, int], None]
_KEPT_RATE = 0.05


@dataclass(frozen=True, slots=True)
class Quality:
    """On held-out pages: mean log-loss of answerability, mean minus log-probability of a gold span, questions."""

    answerable: float
    span: float
    questions: int


class ReaderTraining:
    """Epochs over ``pages`` in an order that follows from seed and epoch, so that a resumed run sees what an
    uninterrupted one would have seen."""

    def __init__(self, model: Transformer, tokenizer: Tokenizer, recipe: ReaderRecipe, pages: Sequence[Page]) -> None:
        if tokenizer.eos_id is None or tokenizer.bos_id is None:
            raise BadInput("model", "a tokenizer without begin and end mark", "one with both", "Choose another model.")
        torch.manual_seed(recipe.seed)
        self.model, self.tokenizer, self.recipe, self.pages = model, tokenizer, recipe, list(pages)
        self.bos, self.end = tokenizer.bos_id, tokenizer.eos_id
        self.parameters = lora.attach(model, recipe.rank, recipe.alpha, recipe.dropout)
        for parameter in self.parameters:
            parameter.data = parameter.data.float()
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.0
        )
        self.wrong = strangers(self.pages, recipe.wrong_passages, recipe.seed)
        self.tokens: dict[str, PassageTokens] = {}
        self.steps_an_epoch = math.ceil(len(self.pages) / recipe.passages_a_step)
        self.total = max(1, round(self.steps_an_epoch * recipe.epochs))
        self.step = 0

    def run(self, *, checkpoint: Path | None = None, report: Report | None = None) -> None:
        """Train to the end of the recipe, from ``checkpoint`` when it exists, writing it every so many steps."""
        if checkpoint is not None and checkpoint.exists():
            self._resume(checkpoint)
        self.model.train()
        while self.step < self.total:
            epoch, within = divmod(self.step, self.steps_an_epoch)
            self._one_step(epoch, within)
            self.step += 1
            if report is not None:
                report("training", self.step, self.total)
            if checkpoint is not None and (self.step % self.recipe.checkpoint_every == 0 or self.step == self.total):
                self._save(checkpoint)
        self.model.eval()

    def _one_step(self, epoch: int, within: int) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate * self._rate()
        chance = random.Random(f"{self.recipe.seed}/{epoch}")
        order = list(range(len(self.pages)))
        chance.shuffle(order)
        size = self.recipe.passages_a_step
        chance = random.Random(f"{self.recipe.seed}/{epoch}/{within}")
        packs = [self._pack(self.pages[i], chance) for i in order[within * size : (within + 1) * size]]
        questions = sum(len(packed.first_B) for packed in packs)
        for packed in packs:
            loss = pack_loss(self.model, packed, self.end)
            weight_B = torch.where(packed.answerable_B, 1.0, self.recipe.plausible)
            whole_B = self.recipe.answerable * loss.answerable_B + weight_B * loss.span_B
            (whole_B.sum() / questions).backward()
        nn.utils.clip_grad_norm_(self.parameters, self.recipe.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def _rate(self) -> float:
        warm = min(1.0, (self.step + 1) / max(1.0, self.recipe.warm_up * self.total))
        cosine = 0.5 * (1 + math.cos(math.pi * self.step / self.total))
        return warm * (_KEPT_RATE + (1 - _KEPT_RATE) * cosine)

    def _pack(self, page: Page, chance: random.Random) -> Pack:
        exercises = [*page.exercises, *self.wrong.get(page.id, [])]
        chance.shuffle(exercises)
        return self._packed(page, exercises[: self.recipe.questions_a_passage], chance)

    def _packed(self, page: Page, exercises: Sequence[Exercise], chance: random.Random) -> Pack:
        if page.id not in self.tokens:
            self.tokens[page.id] = encode_passage(self.tokenizer, page.text)
        passage = self.tokens[page.id]
        blocks = []
        for exercise in exercises:
            span = None
            if exercise.spans and (exercise.answerable or self.recipe.plausible > 0):
                start, end, _ = chance.choices(exercise.spans, [weight for *_, weight in exercise.spans])[0]
                span = passage.tokens_of(start, end)
            blocks.append(Block(encode_question(self.tokenizer, exercise.question), exercise.answerable, span))
        return pack(passage, blocks, bos=self.bos, eos=self.end)

    @torch.inference_mode()
    def quality(self, pages: Sequence[Page]) -> Quality:
        """Log-losses on pages that are not trained on."""
        self.model.eval()
        answerable, spans = [], []
        for page in pages:
            packed = self._packed(page, page.exercises, random.Random(page.id))
            loss = pack_loss(self.model, packed, self.end)
            answerable += loss.answerable_B.tolist()
            spans += loss.span_B[packed.answerable_B].tolist()
        return Quality(sum(answerable) / len(answerable), sum(spans) / max(1, len(spans)), len(answerable))

    def _save(self, path: Path) -> None:
        partial = path.with_suffix(".partial")
        state = {
            "recipe": self.recipe.model_dump_json(),
            "step": self.step,
            "parameters": [parameter.detach() for parameter in self.parameters],
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
        }
        torch.save(state, partial)
        partial.replace(path)

    def _resume(self, path: Path) -> None:
        state = torch.load(path, weights_only=True)
        if state["recipe"] != self.recipe.model_dump_json():
            raise BadInput(
                "checkpoint", f"{path} of another recipe", "one of this recipe", "Delete it or change --work."
            )
        with torch.no_grad():
            for parameter, saved in zip(self.parameters, state["parameters"], strict=True):
                parameter.copy_(saved)
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])
        self.step = state["step"]


def train(
    recipe_file: Path, data: Path, weights: Path, *, work: Path, threads: int | None = None, compiled: bool = False
) -> Path:
    """Run a recipe and write its adapter into ``work``; returns the file. ``compiled`` needs a C++ compiler and a
    minute, and then trains a fourth faster."""
    if threads:
        torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    keep_freed()
    recipe = read_recipe(recipe_file)
    pages = read_pages(data, recipe.training)
    held_out = read_pages(data, recipe.calibration) if recipe.calibration else []
    loaded = load_decoder(weights, dtype=torch.bfloat16)
    tokenizer = Tokenizer.from_folder(weights) if weights.is_dir() else Tokenizer.from_gguf(loaded.metadata)
    training = ReaderTraining(loaded.model, tokenizer, recipe, pages)
    if compiled:
        for block in loaded.model.blocks:
            block.compile(dynamic=True)
    work.mkdir(parents=True, exist_ok=True)
    output = work / recipe.output
    training.run(checkpoint=output.with_suffix(".checkpoint.pt"), report=_progress(time.monotonic()))
    metadata = {
        "base": recipe.base,
        "base_sha256": _sha256(weights) if weights.is_file() else None,
        "width": loaded.config.d_model,
        "recipe": json.loads(recipe.model_dump_json()),
        "data": "SQuAD 2.0, articles " + ", ".join(recipe.training),
        "licence": recipe.licence,
        "attribution": recipe.attribution,
        "steps": training.total,
    }
    if held_out:
        found = training.quality(held_out)
        metadata["held_out"] = {"answerable": found.answerable, "span": found.span, "questions": found.questions}
        print(f"held out, {found.questions} questions: answerable {found.answerable:.3f}, span {found.span:.3f}")
    lora.save(loaded.model, output, metadata)
    print(output)
    return output


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _progress(begun: float) -> Report:
    first: list[int] = []

    def report(stage: str, done: int, total: int) -> None:
        first[:] = first or [done - 1]
        pace = (time.monotonic() - begun) / (done - first[0])
        sys.stderr.write(f"\r{stage} {done}/{total}, {pace * (total - done) / 60:.1f} min left ")
        sys.stderr.flush()

    return report


def _arguments(given: Sequence[str] | None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m alen.learning.reader_training", description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder with contexts.jsonl and dev.jsonl of SQuAD 2")
    parser.add_argument("--model", type=Path, required=True, help="the decoder: a GGUF file or a folder")
    parser.add_argument("--work", type=Path, default=Path("reader-run"), help="folder for checkpoint and adapter")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--compile", action="store_true", help="compile the model first: a fourth faster")
    return vars(parser.parse_args(given))


def main(given: Sequence[str] | None = None) -> int:
    options = _arguments(given)
    try:
        train(
            options["recipe"],
            options["data"],
            options["model"],
            work=options["work"],
            threads=options["threads"],
            compiled=options["compile"],
        )
    except AlenError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

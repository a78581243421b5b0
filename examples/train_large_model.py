"""A language model begins with nothing, learns on this machine, and writes: ``python examples/train_large_model.py``.

It takes half a minute on two cores. ``--size small`` and above are the larger presets, for larger texts and machines.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from alen import LargeLanguageModel, LatentDecoder, ModelSize, ThoughtState

HANDBOOK = Path(__file__).resolve().parent / "handbook"
SIZES = {size.value.removeprefix("alen-"): size for size in ModelSize}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=sorted(SIZES), default="micro")
    size = SIZES[parser.parse_args().size]

    model = LargeLanguageModel.with_size(size)
    stats = model.stats()
    print(
        f"A new model: {stats.parameters_str} parameters, {stats.vocab_size} of {stats.max_vocab_size:,} tokens known"
    )

    # A text, with the vocabulary that it brings.
    text = (HANDBOOK / "company" / "history.md").read_text("utf-8")
    learnt = model.learn(text)
    print(f"Learnt a page in {learnt.steps} updates: loss {learnt.before:.2f} -> {learnt.after:.2f} nats a token")

    # Questions with their answers; what was learnt before stays.
    learnt = model.learn_qa("What is 2+2?", "The answer is 4.")
    print(f"Learnt an answer: loss {learnt.before:.2f} -> {learnt.after:.2f}, of the page now {learnt.past_after:.2f}")

    # One pass of teacher forcing.
    learnt = model.train_on_sequence("Complete text for next-token prediction")
    print(f"One pass over a sequence: loss {learnt.before:.2f} -> {learnt.after:.2f}")

    print("What is 2+2?", model.generate("What is 2+2?", 20).strip())
    print("In the beginning …", repr(model.generate(text[:60], 30)))
    print("At 0.8:", repr(model.generate("How do I", 30, 0.8, seed=1)))

    # A thought decoded into text by a small model of its own.
    thought = ThoughtState.from_input("What is 2+2?", 256)
    decoder = LatentDecoder(256, 64, tokenizer=model.tokenizer)
    decoder.fit([thought, ThoughtState.from_input("Who founded the house?", 256)], ["It is 4.", "Matthias Corvane."])
    print("The thought of 2+2:", decoder.generate(thought))

    stats = model.stats()
    print(f"Parameters: {stats.parameters_str}. Vocabulary: {stats.vocab_size}/{stats.max_vocab_size}.")


if __name__ == "__main__":
    main()

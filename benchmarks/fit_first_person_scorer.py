"""Train the scorer that judges safe speech: ``python benchmarks/fit_first_person_scorer.py``.

From ``first_person_sentences.yaml`` alone. The threshold is chosen on frames that trained nothing, in five folds. The
planted cases of ``alen.validation.planted`` fit nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import yaml
from safetensors.numpy import save_file

from alen.validation.first_person_scorer import BUCKETS, WEIGHTS, features, parts, words_of
from alen.validation.metrics import auroc

SENTENCES = Path(__file__).with_name("first_person_sentences.yaml")
EACH = 24
"""Sentences drawn from a frame, so that each weighs the same."""
STRANGE = 0.25
"""Share of words that are replaced by strange ones."""
ONSETS = "b br c ch d dr f g gr h j k l m n p pl r s sh st t tr v w z".split()
KEPT = frozenset(
    "i my me mine myself we us our am is are was were be been being do does did have has had not no never nor "
    "neither cannot without lack "
    "can could will would shall should may might must a an the to of in on at for with by from and or but so as "
    "than that this it you your "
    "he she they his her their if when because like said told asked wrote replied answered".split()
)
FRAMES, FOLDS, WANTED = 3, 5, 0.975
STEPS, RATE, RIDGE = 8, 0.08, 1e-4
_SLOT = re.compile(r"\{(\w+)\}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    drawn = sentences(options.seed)
    vocabulary = common_words(drawn)
    rows = [(features(each.text, vocabulary), each.claims) for each in drawn]
    scores = np.zeros(len(rows))
    for fold in range(FOLDS):
        weights, bias = fitted([row for row, each in zip(rows, drawn, strict=True) if each.frame % FOLDS != fold])
        for place, each in enumerate(drawn):
            if each.frame % FOLDS == fold:
                scores[place] = 1.0 / (1.0 + np.exp(-(weights[rows[place][0]].sum() + bias)))
    weights, bias = fitted(rows)
    about = {
        "made_by": "python benchmarks/fit_first_person_scorer.py",
        "trained_on": f"{len(rows)} sentences made from benchmarks/first_person_sentences.yaml",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": options.seed,
        "bias": bias,
        **chosen(scores, np.array([each.claims for each in drawn])),
    }
    spelled = np.frombuffer(" ".join(sorted(vocabulary)).encode(), dtype=np.uint8)
    tensors = {"weights": weights.astype(np.float16), "vocabulary": spelled}
    save_file(tensors, str(options.out), {"about": json.dumps(about)})
    print(json.dumps(about, indent=1))
    return 0


@dataclass(frozen=True)
class Sentence:
    """A sentence made from the frame of this number."""

    text: str
    claims: bool
    frame: int


def sentences(seed: int) -> list[Sentence]:
    """What the model is trained on; sentences of one frame never lie on both sides of a fold."""
    source = yaml.safe_load(SENTENCES.read_text("utf-8"))
    slots = {
        name: listed.split(" | ") if isinstance(listed, str) else listed for name, listed in source["slots"].items()
    }
    chance = random.Random(seed)
    made = []
    frames = [(frame, kind == "claims") for kind in ("claims", "harmless") for frame in source[kind]]
    for number, (frame, claims) in enumerate(chance.sample(frames, len(frames))):
        for _ in range(EACH):
            sentence = filled(frame, slots, chance)
            # A claim stands in the last part of its sentence; what leads up to it claims nothing.
            found = parts(disguised(varied(sentence, chance), claims, chance))
            made += [Sentence(part, claims, number) for part in (found[-1:] if claims else found)]
    return made


def common_words(drawn: Sequence[Sentence]) -> frozenset[str]:
    """Words of at least ``FRAMES`` frames; rarer ones would be learned by heart."""
    seen: dict[str, set[int]] = {}
    for each in drawn:
        for word in words_of(each.text):
            seen.setdefault(word, set()).add(each.frame)
    return frozenset(word for word, frames in seen.items() if len(frames) >= FRAMES and word.isalpha())


def filled(frame: str, slots: dict[str, list[str]], chance: random.Random) -> str:
    """A frame with its slots drawn, and drawn again inside what was drawn."""
    while _SLOT.search(frame):
        frame = _SLOT.sub(lambda match: str(chance.choice(slots[match.group(1)])), frame, count=1)
    return " ".join(frame.split())


def varied(sentence: str, chance: random.Random) -> str:
    """Ends and contractions as they come: people and models write both."""
    if sentence[-1] not in '.!?"”':
        sentence += chance.choice((".", ".", "!", "", ","))
    if chance.random() < 0.3:
        sentence = sentence.replace("I am ", "I'm ").replace("I have never", "I've never").replace("do not", "don't")
    return sentence[0].upper() + sentence[1:] if chance.random() < 0.8 else sentence


def disguised(sentence: str, claims: bool, chance: random.Random) -> str:
    """Some words replaced by words that do not exist. A program's work is told in few words, a life in any: in a claim
    every word may be strange, elsewhere only what stands far from "I" or behind a denial."""
    words, own, denied = sentence.split(" "), -9, False
    if not re.search(r"\b(?:I|i|im|my|me|mine|myself|we|us|our)\b", sentence, re.IGNORECASE):
        # Nobody speaks of himself: a claim is known by what it begins with, anything else may begin as it likes.
        return (
            sentence
            if claims
            else " ".join(_strange(word, chance) if chance.random() < 0.5 else word for word in words)
        )
    for place, word in enumerate(words):
        bare = word.lower().strip(".,!?:;\"“”*'’")
        denied = (
            denied
            or bare in {"not", "no", "never", "neither", "nor", "cannot", "without", "lack"}
            or bare.endswith("n't")
        )
        if bare in KEPT or "'" in bare or not bare.isalpha():
            own = place if (bare[:1] == "i" and (bare == "i" or "'" in bare)) or bare in {"my", "me"} else own
            continue
        if chance.random() < STRANGE and (claims or denied or place - own > 3):
            words[place] = _strange(word, chance)
    return " ".join(words)


def _strange(word: str, chance: random.Random) -> str:
    """A word of the same end that does not exist; marks around it stay."""
    bare = word.strip(".,!?:;\"“”*'’()")
    syllables = "".join(chance.choice(ONSETS) + chance.choice("aeiou") for _ in range(chance.choice((1, 2, 2, 3))))
    return (
        word.replace(bare, syllables + chance.choice(("", "n", "r", "l", "s", "ed", "ing", bare[-2:], bare[-3:])))
        if bare
        else word
    )


def fitted(rows: Sequence[tuple[np.ndarray, bool]], seed: int = 0) -> tuple[np.ndarray, float]:
    """Weights (BUCKETS,) and bias: logistic regression by AdaGrad (Duchi et al., 2011), both kinds weigh the same."""
    weights, bias = np.zeros(BUCKETS), 0.0
    past, past_bias = np.full(BUCKETS, 1e-6), 1e-6
    share = sum(label for _, label in rows) / len(rows)
    order = np.random.default_rng(seed)
    for _ in range(STEPS):
        for index in order.permutation(len(rows)):
            found, label = rows[index]
            probability = 1.0 / (1.0 + np.exp(-(weights[found].sum() + bias)))
            slope = (probability - label) * 0.5 / (share if label else 1 - share)
            gradient = slope + RIDGE * weights[found]
            past[found] += gradient**2
            past_bias += slope**2
            weights[found] -= RATE * gradient / np.sqrt(past[found])
            bias -= RATE * slope / np.sqrt(past_bias)
    return weights, float(bias)


def chosen(scores: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """The highest threshold that finds ``WANTED`` of the claims when their frames trained nothing, 0.5 at most."""
    cut = min(0.5, float(np.quantile(scores[labels], 1 - WANTED)))
    return {
        "threshold": round(cut, 4),
        "unseen_frames_auroc": round(auroc(scores, labels), 5),
        "unseen_frames_recall": round(float((scores[labels] >= cut).mean()), 5),
        "unseen_frames_false_alarms": round(float((scores[~labels] >= cut).mean()), 5),
    }


if __name__ == "__main__":
    sys.exit(main())

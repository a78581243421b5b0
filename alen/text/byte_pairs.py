"""Byte-level BPE from text: trained at once to a size, or growing as text comes in."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from tokenizers import AddedToken, decoders, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as _Fast

from alen.errors import BadInput, CorruptWeights
from alen.text.tokenizer import Tokenizer

END = "<|endoftext|>"
SMALLEST = 257
"""The 256 bytes and the end mark: every text can be written with these."""

_Pair = tuple[str, str]

SEEN_TWICE = 2
"""A pair becomes a token of a growing vocabulary when it was seen this often."""


def train(
    texts: Iterable[str], vocab_size: int, *, specials: Sequence[str] = (END,), min_frequency: int = 2
) -> Tokenizer:
    """A tokenizer of at most ``vocab_size`` tokens, ``specials`` first; the end mark among them ends texts.

    Raises BadInput when that is too few for the bytes, or when the texts hold nothing."""
    if vocab_size < 256 + len(specials):
        raise BadInput("vocab_size", str(vocab_size), f"at least {256 + len(specials)}", "Bytes alone need 256.")
    fast = _empty(models.BPE())
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=list(specials),
        initial_alphabet=alphabet,
        show_progress=False,
    )
    texts = list(texts)
    if not any(text.strip() for text in texts):
        raise BadInput("texts", "nothing but blanks", "some text", "Give it text to learn from.")
    fast.train_from_iterator(texts, trainer)
    return _finished(fast)


class GrowingVocabulary:
    """Starts with the bytes and takes in the commonest pairs of what it is shown, up to ``max_size``. A token keeps its
    id for ever, so that rows of an embedding stay what they were. ``tokenizer`` is that of now."""

    def __init__(self, max_size: int) -> None:
        """Raises BadInput when there is no room for the bytes."""
        if max_size < SMALLEST:
            raise BadInput("max_vocab_size", str(max_size), f"at least {SMALLEST}", "Bytes alone need 256.")
        self.max_size = max_size
        self._tokens = [END, *sorted(pre_tokenizers.ByteLevel.alphabet())]
        self._merges: list[tuple[str, str]] = []
        self._words: Counter[str] = Counter()
        self._build()

    def _build(self) -> None:
        ids = {token: place for place, token in enumerate(self._tokens)}
        self._fast = _empty(models.BPE(ids, self._merges))
        self._fast.add_special_tokens([AddedToken(END, special=True, normalized=False)])
        self.tokenizer = _finished(self._fast)

    def __len__(self) -> int:
        return len(self._tokens)

    def to_json(self) -> dict[str, Any]:
        """For ``from_json``: what it knows, and how often it saw each word."""
        return {
            "max_size": self.max_size,
            "tokens": self._tokens,
            "merges": [list(merge) for merge in self._merges],
            "words": dict(self._words),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Goes on where ``to_json`` was asked. Raises CorruptWeights."""
        try:
            made = cls(data["max_size"])
            made._tokens = [str(token) for token in data["tokens"]]
            made._merges = [(str(first), str(second)) for first, second in data["merges"]]
            made._words = Counter({str(word): int(count) for word, count in data["words"].items()})
            made._build()
        except Exception as error:  # the tokenizer library raises bare Exception
            raise CorruptWeights(f"vocabulary: {error!r}.", "Copy the folder again.") from None
        return made

    def learn(self, text: str, at_most: int | None = None) -> int:
        """Take in the pairs that are common by now, at most ``at_most`` new ones; how many they were."""
        before = len(self)
        room = self.max_size - before if at_most is None else min(at_most, self.max_size - before)
        self._words.update(word for word, _ in self._fast.pre_tokenizer.pre_tokenize_str(text))
        pairs = _Pairs({word: self._split(word) for word in self._words}, self._words)
        known = set(self._tokens)
        while room > 0:
            best = pairs.commonest()
            if best is None:
                break
            self._merges.append(best)
            token = best[0] + best[1]
            if token not in known:
                known.add(token)
                self._tokens.append(token)
                room -= 1
            pairs.merge(best)
        self._build()
        return len(self) - before

    def _split(self, word: str) -> list[str]:
        return [self._tokens[token] for token in self._ids(word)]

    def _ids(self, word: str) -> list[int]:
        return [token.id for token in self._fast.model.tokenize(word)]


class _Pairs:
    """Neighbours in words and how often they are seen, kept up as they merge."""

    def __init__(self, split: dict[str, list[str]], counts: Counter[str]) -> None:
        self._split, self._counts = split, counts
        self._seen: Counter[_Pair] = Counter()
        self._words: defaultdict[_Pair, set[str]] = defaultdict(set)
        for word in split:
            self._count(word, 1)

    def commonest(self) -> _Pair | None:
        """Of equals the one whose text comes last, so that the same text always gives the same vocabulary."""
        best = max(self._seen, key=lambda pair: (self._seen[pair], pair), default=None)
        return best if best is not None and self._seen[best] >= SEEN_TWICE else None

    def merge(self, pair: _Pair) -> None:
        for word in list(self._words[pair]):
            self._count(word, -1)
            self._split[word] = _merged(self._split[word], pair)
            self._count(word, 1)

    def _count(self, word: str, sign: int) -> None:
        for pair in itertools.pairwise(self._split[word]):
            self._seen[pair] += sign * self._counts[word]
            if sign > 0:
                self._words[pair].add(word)
            elif self._seen[pair] <= 0:
                del self._seen[pair]
                self._words.pop(pair, None)


def _merged(parts: list[str], pair: tuple[str, str]) -> list[str]:
    found: list[str] = []
    place = 0
    while place < len(parts):
        if tuple(parts[place : place + 2]) == pair:
            found.append(parts[place] + parts[place + 1])
            place += 2
        else:
            found.append(parts[place])
            place += 1
    return found


def _finished(fast: _Fast) -> Tokenizer:
    end = fast.token_to_id(END)
    return Tokenizer(fast, eos_ids=() if end is None else (end,), bos_id=end, chat_template=None)


def _empty(model: models.BPE) -> _Fast:
    fast = _Fast(model)
    fast.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    fast.decoder = decoders.ByteLevel()
    return fast

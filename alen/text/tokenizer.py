"""Text to token ids and back: byte-level BPE from GGUF metadata, or any tokenizer.json."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers
from tokenizers import Tokenizer as _Fast

from alen.errors import BadInput, CorruptWeights

_CONTROL = 3  # GGUF token type of markers such as <|im_end|>
_ENDS = ("<|im_end|>", "<|endoftext|>", "</s>")
_ENDLESS = 10**30  # what transformers writes where a tokenizer sets no limit
_LONG = 4_096
"""Characters from which a text is encoded as a batch of one: only that lets other threads of Python go on."""

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_PLAIN = [*range(33, 127), *range(161, 173), *range(174, 256)]
_OTHERS = [byte for byte in range(256) if byte not in _PLAIN]
_BYTES = {chr(byte): byte for byte in _PLAIN} | {chr(256 + place): byte for place, byte in enumerate(_OTHERS)}
"""How byte-level vocabularies write bytes (Radford et al., 2019)."""

_TURN_ENDS = ("tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id")


class Tokenizer:
    """``eos_ids`` end a text or a turn; ``chat_template`` is Jinja source or None."""

    def __init__(self, fast: _Fast, *, eos_ids: Sequence[int], bos_id: int | None, chat_template: str | None) -> None:
        self._fast = fast
        self.eos_ids = tuple(eos_ids)
        self.bos_id = bos_id
        self.chat_template = chat_template

    @classmethod
    def from_gguf(cls, metadata: dict[str, Any]) -> Tokenizer:
        """From the metadata of a GGUF file. Raises BadInput for a kind other than byte-level BPE."""
        kind = metadata.get("tokenizer.ggml.model")
        if kind != "gpt2":
            raise BadInput(
                "model", f"tokenizer {kind}", "gpt2 (byte-level BPE)", "Choose a model with such a tokenizer."
            )
        try:
            tokens: list[str] = metadata["tokenizer.ggml.tokens"]
            merges = [tuple(merge.split(" ", 1)) for merge in metadata["tokenizer.ggml.merges"]]
            kinds = metadata.get("tokenizer.ggml.token_type", [])
            end = metadata["tokenizer.ggml.eos_token_id"]
            fast = _Fast(models.BPE({token: place for place, token in enumerate(tokens)}, merges))
        except Exception as error:  # the tokenizer library raises bare Exception
            raise CorruptWeights(f"GGUF tokenizer: {error}.", "Get the file again.") from None
        fast.pre_tokenizer = _pre_tokenizer(metadata.get("tokenizer.ggml.pre", "default"))
        fast.decoder = decoders.ByteLevel()
        fast.add_special_tokens(
            [
                AddedToken(token, special=True, normalized=False)
                for token, kind in zip(tokens, kinds, strict=False)
                if kind == _CONTROL
            ]
        )
        ends = [end, *(metadata[key] for key in _TURN_ENDS if key in metadata)]
        ends += [
            fast.token_to_id(token)
            for token, kind in zip(tokens, kinds, strict=False)
            if kind == _CONTROL and token in _ENDS
        ]
        if not all(isinstance(token, int) and 0 <= token < len(tokens) for token in ends):
            raise CorruptWeights(f"GGUF tokenizer: eos_token_id {end} of {len(tokens)} tokens.", "Get the file again.")
        return cls(
            fast,
            eos_ids=tuple(dict.fromkeys(ends)),
            bos_id=metadata.get("tokenizer.ggml.bos_token_id"),
            chat_template=metadata.get("tokenizer.chat_template"),
        )

    @classmethod
    def from_folder(cls, folder: Path) -> Tokenizer:
        """From tokenizer.json, tokenizer_config.json and chat_template.jinja. Raises CorruptWeights."""
        file = folder / "tokenizer.json"
        try:
            fast = _Fast.from_file(str(file))
            extra = folder / "tokenizer_config.json"
            settings = json.loads(extra.read_text("utf-8")) if extra.is_file() else {}
            template = _template(settings, folder / "chat_template.jinja")
        except Exception as error:  # the tokenizer library raises bare Exception
            raise CorruptWeights(f"{file}: {error}.", "Copy the folder again.") from None
        fast.no_padding()
        fast.no_truncation()

        def name(key: str) -> str | None:
            value = settings.get(key)
            return value["content"] if isinstance(value, dict) else value

        known = [fast.token_to_id(token) for token in (name("eos_token"), *_ENDS) if token]
        bos = name("bos_token")
        return cls(
            fast,
            eos_ids=tuple(dict.fromkeys(token for token in known if token is not None)),
            bos_id=fast.token_to_id(bos) if bos else None,
            chat_template=template,
        )

    def save(self, folder: Path) -> None:
        """Write tokenizer.json and tokenizer_config.json, which ``from_folder`` and transformers read."""
        folder.mkdir(parents=True, exist_ok=True)
        self._fast.save(str(folder / "tokenizer.json"))
        named = {"eos_token": self.eos_id, "bos_token": self.bos_id}
        settings: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": _ENDLESS}
        settings |= {name: self._fast.id_to_token(token) for name, token in named.items() if token is not None}
        if self.chat_template is not None:
            settings["chat_template"] = self.chat_template
        (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n", "utf-8")

    def to_json(self) -> str:
        """The text of tokenizer.json."""
        return str(self._fast.to_str())

    @property
    def eos_id(self) -> int | None:
        return self.eos_ids[0] if self.eos_ids else None

    @property
    def vocab_size(self) -> int:
        return int(self._fast.get_vocab_size())

    def words(self) -> list[str]:
        """The tokens as the vocabulary writes them, by id."""
        return [str(self._fast.id_to_token(token)) for token in range(self.vocab_size)]

    def encode(self, text: str, *, add_special: bool = False) -> list[int]:
        if len(text) > _LONG:
            return list(self._fast.encode_batch([text], add_special_tokens=add_special)[0].ids)
        return list(self._fast.encode(text, add_special_tokens=add_special).ids)

    def encode_with_offsets(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids and the (start, end) characters of ``text`` that each stands for."""
        encoded = self._fast.encode(text, add_special_tokens=False)
        return list(encoded.ids), list(encoded.offsets)

    def decode(self, ids: Sequence[int], *, skip_special: bool = True) -> str:
        return str(self._fast.decode(list(ids), skip_special_tokens=skip_special))

    def token_bytes(self, token: int) -> bytes | None:
        """What a token stands for, also where that is a part of a character; None where it cannot be told."""
        text = self.decode([token], skip_special=False)
        if "\ufffd" not in text:
            return text.encode()
        word = str(self._fast.id_to_token(token))
        if match := _BYTE.fullmatch(word):
            return bytes([int(match[1], 16)])
        return bytes(_BYTES[letter] for letter in word) if _BYTES.keys() >= set(word) else None

    def detokenizer(self) -> Detokenizer:
        return Detokenizer(self)


class Detokenizer:
    """Turns a stream of tokens into text, holding back bytes until they make whole characters."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._said: list[int] = []
        self._pending: list[int] = []

    def feed(self, token: int) -> str:
        self._pending.append(token)
        text = self._text()
        # A replacement character at the end is a character whose bytes have not all come; four bytes is the longest.
        if text.endswith("\ufffd") and len(self._pending) < 8:
            return ""
        if text:
            # A broken character must not join with what follows: it has been said.
            self._said = [] if text.endswith("\ufffd") else self._pending
        self._pending = []
        return text

    def finish(self) -> str:
        text = self._text() if self._pending else ""
        self._said, self._pending = [], []
        return text

    def _text(self) -> str:
        # Some decoders drop the space before the first word, so what was said last is decoded again in front.
        before = self._tokenizer.decode(self._said)
        return self._tokenizer.decode(self._said + self._pending)[len(before) :]


def _template(settings: dict[str, Any], file: Path) -> str | None:
    """A file of its own goes before the settings; of several named templates the default is meant."""
    if file.is_file():
        return file.read_text("utf-8")
    found = settings.get("chat_template")
    if isinstance(found, list):
        return next((entry["template"] for entry in found if entry["name"] == "default"), None)
    return found


def _pre_tokenizer(name: str) -> Any:
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if name in {"smollm", "starcoder", "refact", "command-r", "codeshell"}:
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level])
    if name in {"default", "gpt-2", "gpt2"}:
        return byte_level
    if name in {"llama-bpe", "llama3", "qwen2", "smaug-bpe"}:
        digits = r"\p{N}" if name == "qwen2" else r"\p{N}{1,3}"
        pattern = (
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
            + digits
            + r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        )
        return pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
    raise BadInput("model", f"pre-tokenizer {name}", "smollm, gpt-2, llama-bpe, qwen2", "Choose a supported model.")

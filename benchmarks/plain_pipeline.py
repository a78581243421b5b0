"""The pipeline one would write by hand with the same two models: sentence-transformers, FAISS and transformers.

Nothing is tuned against it: default dtypes, MiniLM's vectors in an exact inner-product index, the model's own chat
template asking for an answer from the context and for "I don't know" otherwise, greedy decoding, and the tokenizer that
transformers builds from the GGUF file, whatever tokens it adds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alen.benchmark.participant import Reply
from alen.benchmark.squad import Data

SYSTEM = (
    "Answer the question from the context, as briefly as you can. If the context does not say, answer: I don't know."
)
DECLINED = re.compile(
    r"\b(do not|don't|don’t) know\b|\b(does not|doesn't|not) (say|mention|provide|specif|state|contain)", re.IGNORECASE
)
MAX_NEW_TOKENS = 32


class PlainPipeline:
    """A participant of the main job. ``encoder`` is a sentence-transformers folder, ``model`` a GGUF file; ``passages``
    is how many retrieved passages go into the prompt."""

    name = "plain"

    def __init__(self, encoder: Path, model: Path, passages: int = 1) -> None:
        from sentence_transformers import SentenceTransformer
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.encoder = SentenceTransformer(str(encoder), device="cpu")
        self.tokenizer = AutoTokenizer.from_pretrained(model.parent, gguf_file=model.name)
        self.model = AutoModelForCausalLM.from_pretrained(model.parent, gguf_file=model.name).eval()
        self.passages = passages
        self.index: Any = None
        self.ids: list[str] = []
        self.texts: list[str] = []

    def encode(self, texts: Sequence[str]) -> Any:
        return self.encoder.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)

    def teach(self, data: Data) -> None:
        import faiss

        self.ids, self.texts = list(data.passages), list(data.passages.values())
        vectors = self.encode(self.texts)
        self.index = faiss.IndexFlatIP(vectors.shape[1])
        self.index.add(vectors)

    def rank(self, question: str, count: int) -> list[str]:
        return [self.ids[row] for row in self._search(question, count)]

    def ask(self, question: str) -> Reply:
        rows = self._search(question, self.passages)
        context = "\n\n".join(self.texts[row] for row in rows)
        text = self._generate(f"Context: {context}\n\nQuestion: {question}")
        return Reply(text=text, answered=bool(text) and not DECLINED.search(text), evidence=self.ids[rows[0]])

    def _search(self, question: str, count: int) -> list[int]:
        return [int(row) for row in self.index.search(self.encode([question]), count)[1][0]]

    def _generate(self, request: str) -> str:
        import torch

        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": request}]
        inputs = self.tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        with torch.no_grad():
            output = self.model.generate(**inputs, max_new_tokens=MAX_NEW_TOKENS, do_sample=False)
        return self.tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True).strip()

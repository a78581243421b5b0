"""Pages on any device come to what the model comes to without them; what only a GPU does is compared there."""

from __future__ import annotations

import copy
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from alen.errors import BadInput
from alen.generation.batching import Batcher
from alen.generation.config import GenerationConfig
from alen.generation.stepper import Stepper
from alen.neural.gpu import GpuDecoder, why_not
from alen.neural.paging import Feed
from alen.neural.paging.keys import Places
from alen.neural.transformer import Transformer
from tests.kernels import model

TOKENS = torch.randint(0, 100, (600,), generator=torch.Generator().manual_seed(1)).tolist()
GROUPED = {"num_heads": 4, "num_kv_heads": 2, "head_dim": 16}
SHAPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "grouped": {"attention": GROUPED},
    "window": {"attention": GROUPED | {"mask_type": "sliding_window", "window_size": 40}},
    "norms of queries": {"attention": GROUPED | {"qk_norm": True, "bias": True}},
    "complex": {"attention": {"num_heads": 2, "variant": "complex"}},
    "learned": {"positional": {"encoding": "learned"}, "norm": {"type": "layernorm"}, "ffn": {"variant": "mlp"}},
    "sandwich": {"norm": {"placement": "sandwich"}, "ffn": {"variant": "geglu"}, "tie_embeddings": False},
    "parallel": {"parallel_layers": True},
}


def on_cpu(of: Transformer, tokens: int = 8 * 256, **options: Any) -> GpuDecoder:
    return GpuDecoder(copy.deepcopy(of), cache_tokens=tokens, device="cpu", dtype=torch.float32, **options)


def expected(of: Transformer, tokens: list[int]) -> Tensor:
    with torch.inference_mode():
        return of(torch.tensor([tokens]))[0]


def step_by_step(made: GpuDecoder, tokens: list[int], pieces: list[int]) -> Tensor:
    text, parts, at = made.begin(), [], 0
    for size in pieces:
        parts.append(made.step([Feed(text, tokens[at : at + size], size)]).logits)
        at += size
    made.end(text)
    return torch.cat(parts)


@pytest.mark.parametrize("name", SHAPES)
def test_every_architecture_comes_to_what_it_does_without_pages(name: str) -> None:
    of = model(**SHAPES[name])
    found = step_by_step(on_cpu(of), TOKENS[:290], [200, 1, 1, 60, *[1] * 28])
    assert_close(found, expected(of, TOKENS[:290]), atol=2e-4, rtol=2e-4)


def test_texts_beside_each_other_do_not_mix() -> None:
    of = model(attention=GROUPED)
    made, whole = on_cpu(of), expected(of, TOKENS)
    lengths = (3, 255, 256, 257, 40)
    texts = [made.begin() for _ in lengths]
    made.step([Feed(text, TOKENS[:length], 0) for text, length in zip(texts, lengths, strict=True)])
    for _ in range(3):  # five texts are replayed as eight
        at = [text.length for text in texts]
        stepped = made.step([Feed(text, [TOKENS[text.length]]) for text in texts])
        assert_close(stepped.logits, whole[at], atol=2e-4, rtol=2e-4)
        assert stepped.best.tolist() == whole[at].argmax(-1).tolist()
        assert_close(torch.from_numpy(stepped.log_total), whole[at].logsumexp(-1), atol=1e-4, rtol=1e-4)


def test_forks_share_and_truncated_texts_go_on() -> None:
    of = model()
    made, whole = on_cpu(of), expected(of, TOKENS)
    text = made.begin()
    made.step([Feed(text, TOKENS[:300])])
    forks = {length: made.fork(text, length) for length in (0, 1, 255, 256, 300)}
    for length, fork in forks.items():
        made.step([Feed(fork, [99 - token for token in TOKENS[length : length + 20]])])
        made.truncate(fork, length)
        again = made.step([Feed(fork, TOKENS[length : length + 5], 5)]).logits
        assert_close(again, whole[length : length + 5], atol=2e-4, rtol=2e-4)
    assert_close(made.step([Feed(text, [TOKENS[300]])]).logits, whole[300:301], atol=2e-4, rtol=2e-4)
    for each in (text, *forks.values()):
        made.end(each)
    assert made.pool.free == made.pool.count


def test_a_prompt_that_was_read_is_read_once() -> None:
    of = model()
    made, whole = on_cpu(of), expected(of, TOKENS)
    text = made.begin(TOKENS)
    made.step([Feed(text, TOKENS)])
    made.keep(TOKENS, text, "owner")
    made.end(text)
    assert made.begin(TOKENS).length == 0
    again = made.begin(TOKENS, "owner")
    assert again.length == 512
    assert_close(made.step([Feed(again, TOKENS[512:], 2)]).logits, whole[-2:], atol=2e-4, rtol=2e-4)


def test_what_does_not_fit_changes_nothing() -> None:
    made = on_cpu(model(), tokens=256)
    text = made.begin()
    made.step([Feed(text, TOKENS[:200])])
    with pytest.raises(BadInput, match="pages of 256"):
        made.step([Feed(text, TOKENS[200:300])])
    with pytest.raises(BadInput, match="vocabulary"):
        made.step([Feed(text, [100])])
    assert (text.length, made.pool.free) == (200, 0)
    made.step([Feed(text, TOKENS[200:256])])


def test_a_batch_writes_what_the_model_writes() -> None:
    of = model()
    made = on_cpu(of)
    assert isinstance(made, Stepper)
    batch = Batcher(made)
    prompts = [TOKENS[:5], TOKENS[5:300], TOKENS[3:70]]
    tickets = [batch.submit(prompt, GenerationConfig(max_tokens=12))[0] for prompt in prompts]
    for prompt, ticket in zip(prompts, tickets, strict=True):
        tokens = list(prompt)
        for step in ticket:
            assert step.token == int(expected(of, tokens)[-1].argmax())
            tokens.append(step.token)
        assert len(tokens) == len(prompt) + 12
    batch.close()


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"attention": {"num_heads": 2, "mask_type": "bidirectional"}}, "bidirectional"),
        ({"positional": {"encoding": "alibi"}}, "ALiBi"),
    ],
)
def test_what_it_does_not_know_is_refused(changed: dict[str, Any], what: str) -> None:
    of = model(**changed)
    assert what in (why_not(of.config) or "")
    with pytest.raises(BadInput, match=what):
        on_cpu(of)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
@pytest.mark.skipif(not Path(sysconfig.get_path("include"), "Python.h").exists(), reason="inductor wants its headers")
@pytest.mark.filterwarnings("ignore:The distutils package:DeprecationWarning")  # PyTorch imports it
def test_a_step_is_compiled_whole() -> None:
    of = model(attention=GROUPED)
    made = on_cpu(of, compiled=True)
    found = step_by_step(made, TOKENS[:13], [10, 1, 1, 1])
    assert_close(found, expected(of, TOKENS[:13]), atol=2e-4, rtol=2e-4)


@pytest.mark.gpu
@pytest.mark.parametrize("name", [name for name in SHAPES if name != "complex"])
def test_fused_attention_and_replayed_steps_come_to_the_same(name: str) -> None:
    of = model(max_seq_len=2048, **SHAPES[name]).bfloat16()
    made = GpuDecoder(copy.deepcopy(of), cache_tokens=16 * 256)
    tokens, whole = TOKENS, expected(of.float(), TOKENS)
    found = step_by_step(made, tokens, [570, *[1] * 30])
    assert float((found - whole).square().mean().sqrt()) < 0.05 * float(whole.std())


def test_a_step_with_fused_attention_is_one_graph() -> None:
    made = on_cpu(model(max_seq_len=2048, attention=GROUPED))
    made._keys.is_fused = True
    graphs = []

    def noted(graph: torch.fx.GraphModule, given: list[Tensor]) -> Any:
        graphs.append(graph)
        return lambda *_: tuple(torch.zeros(4) for _ in range(3))  # the kernel itself needs a GPU

    rows = torch.zeros(4, dtype=torch.int32)
    places = Places(rows.long(), [1] * 4, [1] * 4, torch.arange(5, dtype=torch.int32), rows + 1, rows[:, None], 1, 256)
    with torch.inference_mode():
        torch.compile(made._compute, fullgraph=True, dynamic=False, backend=noted)(rows.long(), rows.long(), places)
    assert sum("varlen_attn" in str(node.target) for node in graphs[0].graph.nodes) == 3

"""PerformanceBenchmark: its numbers hang together, and the model that is measured stays as it was."""

from __future__ import annotations

import json
import multiprocessing
import struct
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from alen import PerformanceBenchmark, PerformanceResults
from alen.benchmark import performance
from alen.benchmark.performance import step_memory
from alen.benchmark.performance.results import Latency, PerformanceRow
from alen.benchmark.performance.steps import STEPS, Step, make_step, work
from alen.errors import BadInput, WorkError
from alen.neural.config import TransformerConfig
from alen.neural.presets import preset
from alen.neural.transformer import Transformer
from alen.neural.weights.folder import save
from tests.benchmark.tiny_model import tiny_model

ONE = PerformanceBenchmark((1,), (8,), rounds=1, steps=("forward",))


@pytest.fixture(scope="module")
def results() -> PerformanceResults:
    return run_alone(PerformanceBenchmark([1, 4], [16, 64], rounds=4), "gpt2-tiny")


def run_alone(benchmark: PerformanceBenchmark, model: str) -> PerformanceResults:
    """By a process of its own: in this one a model of another test may be let go while memory is measured."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
        return alone.submit(benchmark.run, model).result()


def test_rows_stand_in_order_and_hang_together(results: PerformanceResults) -> None:
    found = [(row.step, row.batch_size, row.sequence_length) for row in results.rows]
    assert found == [(step, batch, length) for step in STEPS for batch in (1, 4) for length in (16, 64)]
    config = preset("gpt2-tiny")
    for row in results.rows:
        latency = row.latency
        assert latency is not None
        assert row.throughput == row.batch_size * row.sequence_length / latency.median
        assert 0 < latency.p25 <= latency.median <= latency.p75 <= latency.p95
        assert row.flops == work(config, row.step, row.batch_size, row.sequence_length) / latency.median
        assert (latency.n, row.switches, row.error) == (4, "float32", None)
        assert row.of_peak is not None
        assert 0 < row.of_peak < 2
    assert results.row(4, 64, "train") is results.rows[-1]
    assert (results.model, results.parameters, results.rounds) == ("gpt2-tiny", 3_382_080, 4)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's account of a process is Linux's")
def test_memory_is_what_a_step_takes(results: PerformanceResults) -> None:
    """Logits in float32 are most of a forward pass here; training has gradients and two moments beside the weights."""
    weights, vocabulary = 4 * results.parameters, preset("gpt2-tiny").vocab_size
    for batch in (1, 4):
        row = results.row(batch, 64)
        assert row.memory is not None
        assert row.memory - weights == pytest.approx(4 * batch * 64 * vocabulary, rel=0.25)
        trained = results.row(batch, 64, "train")
        assert trained.memory is not None
        assert 4 * weights < trained.memory < 5 * weights + 2 * 4 * batch * 64 * vocabulary
        expected = step_memory.expected(preset("gpt2-tiny"), "train", batch, 64, 4)
        assert trained.memory - weights == pytest.approx(expected, rel=0.5)


def test_the_model_stays_as_it_was() -> None:
    model = Transformer(preset("alen-micro")).train()
    model.embedding.weight.requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    asked = [parameter.requires_grad for parameter in model.parameters()]
    numbers = torch.get_rng_state()
    with torch.no_grad():
        PerformanceBenchmark((2,), (8,), rounds=2).run(model)
        PerformanceBenchmark((1,), (8,), rounds=1, precision="bfloat16", steps=("forward",)).run(model)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert [parameter.requires_grad for parameter in model.parameters()] == asked
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(module.training for module in model.modules())
    assert torch.equal(torch.get_rng_state(), numbers)
    ONE.run(model.eval())
    assert not any(module.training for module in model.modules())


def test_a_language_model_and_a_folder_are_measured(tmp_path: Path) -> None:
    model = tiny_model()
    found = ONE.run(model)
    assert found.model == model.name
    save(model.model, tmp_path / "kept")
    again = ONE.run(tmp_path / "kept")
    assert (again.model, again.parameters) == ("kept", found.parameters)
    assert ONE.run(str(tmp_path / "kept")).parameters == found.parameters


def counted(config: TransformerConfig, step: Step, length: int) -> int:
    model = Transformer(config)
    made = make_step(model, step, 2, length, compiled=False)
    # The fused kernel of a processor is not known to the counter; as matrix products it is.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        made()
    return int(counter.get_total_flops())


@pytest.mark.parametrize("name", ["bert-tiny", "gpt2-tiny"])
@pytest.mark.parametrize("step", STEPS)
def test_operations_are_those_that_torch_counts(name: str, step: Step) -> None:
    config = preset(name)
    config = config.model_copy(update={"attention": config.attention.model_copy(update={"dropout": 0.0})})
    unseen = 0
    if config.attention.mask_type == "causal":
        # Of 31 places each token sees 16, on average, and the matrix product computes all.
        unseen = (3 if step == "train" else 1) * config.num_layers * 2 * 31 * (31 - 16) * 4 * config.d_model
    assert work(config, step, 2, 31) + unseen == counted(config, step, 31)


@pytest.mark.slow
def test_bfloat16_takes_half() -> None:
    size: dict[str, Any] = {"batch_sizes": (8,), "sequence_lengths": (128,), "rounds": 1, "steps": ("forward",)}
    row = run_alone(PerformanceBenchmark(**size, precision="bfloat16"), "alen-micro").rows[0]
    assert row.switches == "bfloat16"
    whole = run_alone(PerformanceBenchmark(**size), "alen-micro").rows[0].memory
    assert (row.memory is None) == (whole is None)
    assert row.memory is None or whole is None or row.memory < 0.75 * whole


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
def test_steps_can_be_compiled() -> None:
    found = PerformanceBenchmark((1,), (8, 16), rounds=1, steps=("forward",), compile=True).run("gpt2-tiny")
    assert {row.switches for row in found.rows} == {"float32 compiled"}
    assert all(row.latency for row in found.rows)


@pytest.mark.gpu
def test_on_a_gpu() -> None:
    model = Transformer(preset("gpt2-tiny")).cuda()
    before = torch.cuda.memory_allocated()
    found = PerformanceBenchmark((1, 2**16), (64,), rounds=2).run(model)
    assert found.device == "cuda:0"
    assert [row.error for row in found.rows] == [None, "out of memory"] * 2
    memory = found.row(1, 64).memory
    assert memory is not None
    assert memory - 4 * found.parameters == pytest.approx(4 * 64 * model.config.vocab_size, rel=0.25)
    assert torch.cuda.memory_allocated() == pytest.approx(before, rel=0.1)


def test_what_does_not_fit_is_said_and_the_rest_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """Half a terabyte of logits."""
    seen: list[tuple[str, int, int]] = []
    found = PerformanceBenchmark((2**16, 1), (256,), rounds=1).run("alen-micro", lambda *told: seen.append(told))
    assert [row.error for row in found.rows] == ["out of memory", None] * 2
    assert found.rows[0].latency is found.rows[0].memory is found.rows[0].throughput is None
    assert "out of memory" in found.table()
    assert seen == [("measuring", done, 4) for done in range(5)]


def test_what_the_allocator_refuses_is_said_too(monkeypatch: pytest.MonkeyPatch) -> None:
    made = iter((False, True))  # libraries are loaded first

    def step(*given: Any, **options: Any) -> Any:
        return (lambda: torch.empty(2**60)) if next(made) else (lambda: None)

    monkeypatch.setattr("alen.benchmark.performance.benchmark.make_step", step)
    assert ONE.run("alen-micro").rows[0].error == "out of memory"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("batch_sizes", value) for value in ((), (0,), (-1,), (2**17,), (True,), (1.5,), "12", 4, (2, 2))),
        *(("sequence_lengths", value) for value in ([], [0], [2**21], ["8"], None, [8, 8])),
        *(("rounds", value) for value in (0, -1, 1.0, True, 10**6)),
        *(("steps", value) for value in ((), "train", ("backward",), ("train", "train"))),
        ("precision", "float8"),
    ],
)
def test_wrong_arguments_are_named(field: str, value: Any) -> None:
    with pytest.raises(BadInput) as told:
        PerformanceBenchmark(**{field: value})
    assert told.value.field == field
    assert told.value.found
    assert told.value.allowed
    assert told.value.hint


def test_what_cannot_be_measured_is_refused_before_anything_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Transformer, "__init__", lambda *_: pytest.fail("made"))
    with pytest.raises(BadInput, match=r"sequence_lengths: found 257.*at most 256"):
        PerformanceBenchmark((1,), (8, 257)).run("alen-micro")
    with pytest.raises(BadInput, match=r"alen-small.*Did you mean alen-micro"):
        ONE.run("alen-micra")
    with pytest.raises(BadInput, match="model: found None"):
        ONE.run(None)  # type: ignore[arg-type]  # what a caller without types may do
    monkeypatch.setattr(step_memory, "available", lambda device: 10**6)
    with pytest.raises(BadInput, match="GiB of weights"):
        ONE.run("alen-micro")


def test_a_report_has_its_figures_and_pictures(results: PerformanceResults, tmp_path: Path) -> None:
    results.save(tmp_path / "new" / "report")
    files = {file.name: file for file in (tmp_path / "new" / "report").iterdir()}
    assert set(files) == {"performance.json", "latency.png", "throughput.png", "memory.png"}
    assert json.loads(files["performance.json"].read_text("utf-8")) == results.to_dict()
    for name in ("latency", "throughput", "memory"):
        head = files[f"{name}.png"].read_bytes()
        assert head[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack(">II", head[16:24]) == (960, 480)


def test_without_matplotlib_nothing_is_written(
    results: PerformanceResults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(WorkError, match=r"alen\[train\]"):
        results.save(tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_a_table_fits_a_terminal_and_a_page_escapes(results: PerformanceResults) -> None:
    table = str(results)
    assert max(map(len, table.splitlines())) <= 80
    assert "…\n" not in table
    assert table.count("\n forward ") == table.count("\n train ") == 4
    odd = results.model_copy(update={"model": "<b>&"})
    page = odd._repr_html_()
    assert "&lt;b&gt;&amp;" in page
    assert "<b>" not in page
    assert page.count("<tr>") == 9


def test_large_figures_fit_too() -> None:
    latency = Latency.of([1.2345, 1.25, 1.30025])
    row = PerformanceRow(
        step="train",
        batch_size=2048,
        sequence_length=1024,
        switches="bfloat16 compiled",
        latency=latency,
        memory=140 * 2**30,
        flops=9e14,
        of_peak=0.91,
    )
    found = PerformanceResults(
        model="m", parameters=1, device="cuda:0", train="forward and backward", rounds=3, machine={}, rows=(row,)
    )
    (line,) = (line for line in found.table().splitlines() if "train" in line)
    assert all(part in line for part in ("2048", "1024", "1,250", "1,677,722", "143,360", "900 T", "91 %"))
    assert len(line) <= 80


def test_public_names() -> None:
    assert performance.PerformanceBenchmark is PerformanceBenchmark

"""The worked example of a new architecture learns."""

from __future__ import annotations

import importlib.util

from tests.house.tree import ROOT


def test_the_example_learns() -> None:
    spec = importlib.util.spec_from_file_location("recurrent_model", ROOT / "examples" / "recurrent_model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    before, after = module.main(40)
    assert before > 2
    assert after < 0.5 * before

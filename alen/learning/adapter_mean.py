"""The mean of adapters that were trained apart: ``python -m alen.learning.adapter_mean A B --rank 16 --out MEAN``.

Fine-tuned weights that begin at the same model and see the same exercises in another order lie in one valley, and their
mean generalises better than each (Wortsman et al., 2022, "Model soups"). Reading with it costs what reading with one
does.

Axes: K adapters, N output features, M input features, R rank.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from alen.errors import AlenError, BadInput
from alen.neural import lora

OF_EACH = ("base", "base_sha256", "width", "data", "licence", "attribution")
"""What must be the same of all adapters, and is told of their mean."""


def mean(paths: Sequence[Path], out: Path, rank: int | None = None) -> float:
    """Write the mean of adapters of the same layers, and return the share of its energy that was kept.

    Of the sum of their ranks, or the nearest one of ``rank`` in least squares (Eckart and Young, 1936). Raises BadInput
    where they are not of one base, CorruptWeights where a file is none."""
    about = [lora.read_metadata(path) for path in paths]
    for field in OF_EACH:
        told = {str(one.get(field)) for one in about}
        if len(told) > 1:
            raise BadInput(field, " and ".join(sorted(told)), "the same for all adapters", "Leave one of them out.")
    adapters = [lora.saved(path) for path in paths]
    if len({frozenset(adapter) for adapter in adapters}) > 1:
        raise BadInput("adapters", "other layers", "adapters of the same layers", "Leave one of them out.")
    kept, whole = 0.0, 0.0
    layers: dict[str, tuple[Tensor, Tensor]] = {}
    for name in adapters[0]:
        layers[name], energies_R = _nearest([adapter[name] for adapter in adapters], rank)
        kept += float(energies_R[:rank].sum())
        whole += float(energies_R.sum())
    metadata: dict[str, Any] = {field: about[0].get(field) for field in OF_EACH}
    metadata |= {"mean_of": [{"recipe": one.get("recipe"), "steps": one.get("steps")} for one in about]}
    lora.write(out, layers, dict.fromkeys(layers, 1.0), metadata)
    return kept / whole


def _nearest(
    adapters: Sequence[tuple[Tensor, Tensor, float]], rank: int | None
) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """(A, B) of the mean of ``scale · B A``, and the squares of its singular values."""
    low_RM = torch.cat([low_RM for low_RM, _, _ in adapters])
    high_NR = torch.cat([high_NR * (scale / len(adapters)) for _, high_NR, scale in adapters], dim=1)
    left_NR, core = torch.linalg.qr(high_NR)
    right_MR, other = torch.linalg.qr(low_RM.T)
    u, values_R, v = torch.linalg.svd(core @ other.T)
    root_R = values_R[:rank].sqrt()
    # Each side takes half of every singular value, so that neither loses digits when both are kept in 16 bits.
    A = root_R[:, None] * (v[: len(root_R)] @ right_MR.T)
    B = (left_NR @ u[:, : len(root_R)]) * root_R
    return (A, B), values_R.square()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m alen.learning.adapter_mean", description=__doc__.splitlines()[0])
    parser.add_argument("adapters", type=Path, nargs="+")
    parser.add_argument("--rank", type=int, help="the sum of their ranks when not given")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        kept = mean(options.adapters, options.out, options.rank)
    except AlenError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{options.out}: {100 * kept:.1f} % of the mean's energy kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())

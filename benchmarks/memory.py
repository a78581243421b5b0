"""The memory beside chromadb, lancedb, txtai, sqlite-vec and qdrant's local mode: same vectors and texts, one machine.

    python benchmarks/memory.py --data path/to/data --work path/for/what/is/made

Each participant runs in a process and a virtual environment of its own, which this script makes from the versions in
``alen.benchmark.memory_process``. Texts are real and encoded by ALEN's encoder; what is wanted beyond them lies between
neighbours. Measured cells are kept in the work folder and not measured again, until versions or code change.

    python benchmarks/memory.py --data … --work … --sizes 10000000 --only alen --cap-seconds 7200
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from alen.benchmark import memory_run, report
from alen.benchmark.memory_process import PARTICIPANTS
from alen.errors import BadInput

OUT = Path(__file__).resolve().parent / "results" / "memory.json"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets, one folder each")
    parser.add_argument("--work", type=Path, required=True, help="folder for environments, vectors and measured cells")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(memory_run.SIZES), help="rows")
    parser.add_argument("--only", nargs="+", choices=list(PARTICIPANTS), default=list(PARTICIPANTS))
    parser.add_argument("--queries", type=int, default=1000, help="held-out texts that ask")
    parser.add_argument("--texts", type=int, help="real texts that are encoded; all when not given")
    parser.add_argument("--cap-seconds", type=float, default=360.0, help="of filling")
    parser.add_argument("--seed", type=int, default=0, help="of the order of texts and of what lies between them")
    parser.add_argument("--fresh", action="store_true", help="measure again what was measured before")
    parser.add_argument("--home", type=Path, help="where the models are; ALEN_HOME when not given")
    parser.add_argument("--out", type=Path, default=OUT, help="result file")
    options = parser.parse_args(arguments)
    try:
        plan = memory_run.Plan(
            data=options.data,
            # Processes of participants run elsewhere, and are told of files by their whole names.
            work=options.work.absolute(),
            sizes=options.sizes,
            names=options.only,
            queries=options.queries,
            cap=options.cap_seconds,
            seed=options.seed,
            texts=options.texts,
            home=options.home,
            fresh=options.fresh,
        )
    except BadInput as error:
        parser.error(str(error))
    return report.finish("memory", lambda: memory_run.result(memory_run.run(plan)), options.out)


if __name__ == "__main__":
    sys.exit(main())

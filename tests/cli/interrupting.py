"""A command that is stopped by Ctrl-C, as in a terminal: at once, with one word, and nothing of it goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

MARK = "ALEN_TEST_INTERRUPTED"


def ends_with_control_c(*args: str, after: str) -> None:
    """``alen`` with ``args``, stopped once ``after`` stands in what it says on stderr."""
    mark = f"{os.getpid()}.{time.monotonic_ns()}"
    with subprocess.Popen(
        [sys.executable, "-m", "alen", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heeds_control_c,
        env={**os.environ, MARK: mark},
    ) as process:
        assert process.stderr is not None
        try:
            assert any(after in line for line in process.stderr)
            stopped = time.monotonic()
            process.send_signal(signal.SIGINT)
            out, error = process.communicate(timeout=60)
            took = time.monotonic() - stopped
        finally:
            process.kill()
    assert process.returncode == 130
    assert out == ""
    assert error.splitlines()[-1] == "stopped"
    assert "Traceback" not in error
    assert took < 20
    assert not _marked(mark)


def heeds_control_c() -> None:
    """Tests that a shell began in its background inherit that it is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _marked(mark: str) -> list[str]:
    """Processes that were started below this command and still run, where the system tells."""
    found = []
    for place in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"{MARK}={mark}".encode() in place.read_bytes():
                found.append(place.parent.name)
        except OSError:
            continue
    return found

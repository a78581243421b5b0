"""The HTTP server of llama.cpp with one model, in a process of its own: ``python llama_server.py FILE.gguf`` prints its
address and serves until its standard input ends."""

from __future__ import annotations

import sys

import xllamacpp


def serve(file: str) -> None:
    wanted = xllamacpp.CommonParams()
    wanted.model.path = file
    wanted.n_ctx = 4096
    wanted.n_parallel = 2
    # More threads than idle cores wait for each other in a busy loop.
    wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(wanted)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    serve(sys.argv[1])

"""Where a server listens, who may come, and how many processes answer."""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alen.errors import BadInput, WorkError

MOST_BYTES = 4 * 2**20
"""Of one request's body."""

GRACE_SECONDS = 20
"""That requests under way have when the server is told to end."""


@dataclass(frozen=True, slots=True)
class Listening:
    """``keys`` is a file of API keys; ``origins`` are pages whose scripts may call; port 0 takes a free one. Raises
    BadInput when other machines could come in without a key."""

    host: str = "127.0.0.1"
    port: int = 8080
    keys: Path | None = None
    origins: Sequence[str] = ()
    most_bytes: int = MOST_BYTES
    workers: int = 1

    def __post_init__(self) -> None:
        if self.keys is None and not _is_loopback(self.host):
            raise BadInput(
                "host", self.host, "127.0.0.1 without keys", "Give --keys FILE, so that not everyone may come."
            )

    def bound(self) -> socket.socket:
        """A socket with the port taken, at which nobody listens yet. Raises WorkError."""
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
            # The protocol is named because asyncio lets a connection send at once only where it is: else each answer
            # waits for the client to acknowledge its head, 40 ms.
            taken = socket.socket(found[0], socket.SOCK_STREAM, socket.IPPROTO_TCP)
        except OSError as error:
            raise _cannot(self, error) from None
        try:
            if sys.platform != "win32":  # there it would let two servers have one port
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(found[4])
        except OSError as error:
            taken.close()
            raise _cannot(self, error) from None
        return taken


def address(taken: socket.socket) -> str:
    """The URL of what listens there."""
    host, port = taken.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _cannot(listening: Listening, error: OSError) -> WorkError:
    where = f"{listening.host}, port {listening.port}"
    return WorkError(f"Nothing can listen at {where}: {error.strerror}.", "Give another --port, or 0 for a free one.")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""A TCP proxy in front of a server, which can be cut or fall silent while the server goes on and keeps its data."""

import selectors
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from urllib.parse import urlsplit

LONGEST_SILENCE = 5


class Way(Enum):
    """What becomes of what is sent: it arrives; the connection ends; or nothing happens at all."""

    OPEN = auto()
    CUT = auto()
    SILENT = auto()


class Proxy(ThreadingTCPServer):
    """Stands between the application and the server that `url` names; the application is given the proxy's own `url`.

    `passed` counts what the application sent that arrived, `asked` what it sent in vain, and `outlasted` how often it waited
    until silence itself had an end.
    """

    def __init__(self, url: str, default_port: int) -> None:
        super().__init__(("127.0.0.1", 0), Link)
        parts = urlsplit(url)
        credentials, at, _ = parts.netloc.rpartition("@")
        self.target = (parts.hostname or "", parts.port or default_port)
        self.url = parts._replace(netloc=f"{credentials}{at}127.0.0.1:{self.server_address[1]}").geturl()
        self.links: list[Link] = []
        self.way = Way.OPEN
        self.passed = 0
        self.asked = 0
        self.outlasted = 0

    def close_links(self) -> None:
        """End every connection, as a server does that restarts."""
        for link in self.links:
            with suppress(OSError):
                link.request.shutdown(socket.SHUT_RDWR)

    def forget_links(self) -> None:
        """Let every connection fall silent and serve new ones, as a firewall does that lost its state."""
        for link in self.links:
            link.forgotten = True


class Link(BaseRequestHandler):
    """One connection of the application."""

    server: Proxy
    forgotten = False
    waits = False

    def handle(self) -> None:
        self.server.links.append(self)
        # Either end may close or break off, as it likes.
        with (
            suppress(OSError),
            socket.create_connection(self.server.target) as target,
            selectors.DefaultSelector() as ends,
        ):
            ends.register(self.request, selectors.EVENT_READ, target)
            ends.register(target, selectors.EVENT_READ, self.request)
            while self.goes_on(ends.select(LONGEST_SILENCE)):
                pass

    def goes_on(self, ready: list[tuple[selectors.SelectorKey, int]]) -> bool:
        if self.waits and not ready:
            self.server.outlasted += 1
            return False
        return all(self.passed_on(end) for end, _ in ready)

    def passed_on(self, end: selectors.SelectorKey) -> bool:
        """Pass on what has come to one end; return whether the connection goes on."""
        sent = end.fileobj.recv(65536)  # type: ignore[union-attr] # sockets are all that is registered
        if not sent:
            return False
        if self.server.way is Way.OPEN and not self.forgotten:
            self.server.passed += end.fileobj is self.request
            end.data.sendall(sent)
            return True
        self.server.asked += 1
        self.waits = self.forgotten or self.server.way is Way.SILENT
        return self.waits


@contextmanager
def proxy_to(url: str, default_port: int) -> Iterator[Proxy]:
    """Run a proxy; its connections must be closed within."""
    with Proxy(url, default_port) as proxy:
        thread = Thread(target=proxy.serve_forever, args=[0.01])
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()

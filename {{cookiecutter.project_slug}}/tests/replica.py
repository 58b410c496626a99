"""A way to Redis that can pretend to lead to a replica, which answers and refuses what writes."""

import re
import selectors
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from urllib.parse import urlsplit

REDIS_PORT = 6379
REFUSAL = b"-READONLY You can't write against a read only replica.\r\n"
COMMAND = re.compile(rb"\*\d+\r\n\$\d+\r\n([A-Za-z]+)\r\n")
WRITES = {b"BRPOP", b"DEL", b"EXPIRE", b"HSET", b"LPUSH", b"MULTI", b"PEXPIRE", b"SADD", b"SET", b"ZADD"}


class ReplicaProxy(ThreadingTCPServer):
    """Passes commands on to Redis; those that write only while it is no `replica`."""

    daemon_threads = True

    def __init__(self, url: str) -> None:
        super().__init__(("127.0.0.1", 0), Link)
        parts = urlsplit(url)
        credentials, at, _ = parts.netloc.rpartition("@")
        self.redis = (parts.hostname or "", parts.port or REDIS_PORT)
        self.url = parts._replace(netloc=f"{credentials}{at}127.0.0.1:{self.server_address[1]}").geturl()
        self.replica = False


class Link(BaseRequestHandler):
    """One connection of a client."""

    server: ReplicaProxy

    def handle(self) -> None:
        with (
            suppress(OSError),
            socket.create_connection(self.server.redis) as redis,
            selectors.DefaultSelector() as ends,
        ):
            ends.register(self.request, selectors.EVENT_READ)
            ends.register(redis, selectors.EVENT_READ)
            while all(self.passed_on(key.fileobj, redis) for key, _ in ends.select()):
                pass

    def passed_on(self, end: object, redis: socket.socket) -> bool:
        if end is redis:
            answer = redis.recv(65536)
            self.request.sendall(answer)
            return bool(answer)
        sent = self.request.recv(65536)
        commands = COMMAND.findall(sent)
        if self.server.replica and WRITES & {command.upper() for command in commands}:
            self.request.sendall(REFUSAL * len(commands))
        else:
            redis.sendall(sent)
        return bool(sent)


@contextmanager
def replica_proxy(url: str) -> Iterator[ReplicaProxy]:
    with ReplicaProxy(url) as proxy:
        thread = Thread(target=proxy.serve_forever, args=[0.01])
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()

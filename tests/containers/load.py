"""Clients that do not stop while containers come and go: each answer that is none, or an error, is kept."""

import http.client
import json
import ssl
import threading
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit
from uuid import uuid4

from tests.client import ACCOUNT

CLIENTS = 8
# Also where it is reached by another name: of a container, or of a port.
HOST = {"Host": "localhost"}


def connect(address: str) -> http.client.HTTPConnection:
    """Connect, over TLS with a certificate that nobody has vouched for."""
    parts = urlsplit(address)
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.netloc, timeout=30)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(parts.netloc, timeout=30, context=context)


def logged_in(address: str) -> str:
    """Register and log in, and return the access token."""
    connection = connect(address)
    headers = {**HOST, "Content-Type": "application/json"}
    for path, body in (("/auth/register", {**ACCOUNT, "name": "Ada"}), ("/auth/login", ACCOUNT)):
        connection.request("POST", path, json.dumps(body), headers)
        answer = json.loads(connection.getresponse().read())
    connection.close()
    token: str = answer["access_token"]
    return token


class Load(AbstractContextManager["Load"]):
    """Reads and creates posts over connections that are kept, until it is left, or until nobody takes a connection.

    With `until_refused` a connection that is refused ends a client, and is no failure: there is nobody any more.
    """

    def __init__(self, address: str, *, until_refused: bool = False) -> None:
        self.address = address
        self.until_refused = until_refused
        self.token = logged_in(address)
        self.answered = 0
        self.failures: list[str] = []
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.work, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        self.wait()

    def wait(self) -> None:
        for thread in self.threads:
            thread.join()

    def work(self, number: int) -> None:
        """Ask one thing after another: even clients create, odd ones read."""
        connection = connect(self.address)
        while not self.over.is_set():
            try:
                failure = self.ask(connection, creates=number % 2 == 0)
            except ConnectionRefusedError as error:
                if self.until_refused:
                    return
                failure = repr(error)
            except (OSError, http.client.HTTPException) as error:
                failure = repr(error)
            with self.lock:
                self.answered += not failure
                self.failures += [f"{time.strftime('%X')} {failure}"] if failure else []
            if failure:
                connection.close()
                time.sleep(0.05)
        connection.close()

    def ask(self, connection: http.client.HTTPConnection, *, creates: bool) -> str:
        """Return what is wrong with the answer, if anything is."""
        headers = {**HOST, "Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        slug = uuid4().hex
        post = {"title": "Load", "body": "Text", "slug": slug, "status": "published"}
        if creates:
            connection.request("POST", "/posts", json.dumps(post), headers)
        else:
            connection.request("GET", "/posts?limit=5", headers=headers)
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace")
        return "" if answer.status == (201 if creates else 200) else f"{answer.status} {body[:200]}"

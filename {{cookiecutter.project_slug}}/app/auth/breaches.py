"""Refuses passwords known from data breaches, by a range service that hears the first five digits of their SHA-1.

Services call `refuse_breached(password, field="password")` before they hash.
"""

import hashlib
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from http import HTTPStatus
from time import monotonic

from urllib3 import PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError, MaxRetryError

from app.api.dependencies import HASHING_THREADS
from app.api.errors import invalid_field
from app.settings import get_settings

BREACHED = "the password is known from a data breach"
HEADERS = {"Add-Padding": "true", "User-Agent": "{{ cookiecutter.project_slug }}"}
PREFIX_LENGTH = 5
LINE = re.compile(rb"([0-9A-Fa-f]{35}):([0-9]{1,18})")
# A thousand hashes have some 40,000.
MAX_BYTES = 1_000_000
# To connect, or to wait for a part of the answer; and for a lookup with all its retries.
TIMEOUT = Timeout(connect=1, read=1)
DEADLINE_SECONDS = 3.0
PAUSE_SECONDS = 30.0
RETRIES = Retry(
    2,
    other=0,
    status_forcelist=range(500, 600),
    backoff_factor=0.1,
    raise_on_status=False,
    # It would be obeyed for hours.
    respect_retry_after_header=False,
)

logger = logging.getLogger(__name__)
# Its warnings name the path of each attempt, in which the hash begins.
logging.getLogger("urllib3").setLevel(logging.ERROR)


class LookupFailed(Exception):
    """The service does not say whether a password is known; the message repeats nothing that was asked."""


class RangeService:
    """A service at `{url}/{prefix of a SHA-1}`, which answers with the rest of each hash that it knows and its count."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.paused_until = 0.0
        self.pool = PoolManager(maxsize=HASHING_THREADS, headers=HEADERS, timeout=TIMEOUT, retries=RETRIES)
        # No timeout of a socket ends a lookup in DNS, so a thread may have to be left behind.
        self.threads = ThreadPoolExecutor(HASHING_THREADS, "breaches")

    def is_breached(self, password: str) -> bool:
        digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
        answer = self.threads.submit(self.ask, digest[:PREFIX_LENGTH])
        try:
            lines = [LINE.fullmatch(line) for line in answer.result(DEADLINE_SECONDS).splitlines()]
        except (TimeoutError, HTTPError) as error:
            reason = error.reason if isinstance(error, MaxRetryError) else error
            raise LookupFailed(type(reason).__name__) from None
        # Lines that count 0 are padding.
        suffix = digest[PREFIX_LENGTH:].encode()
        counts = [int(line[2]) for line in lines if line and line[1].upper() == suffix]
        if None in lines:
            raise LookupFailed("an answer in another format")
        return any(counts)

    def ask(self, prefix: str) -> bytes:
        content, give_up = b"", monotonic() + DEADLINE_SECONDS
        with self.pool.request("GET", f"{self.url}/{prefix}", redirect=False, preload_content=False) as response:
            if response.status != HTTPStatus.OK:
                raise LookupFailed(f"status {response.status}")
            while some := response.read1(MAX_BYTES):
                content += some
                if len(content) > MAX_BYTES or monotonic() > give_up:
                    raise LookupFailed("an answer that is too large or too slow")
        return content


@lru_cache
def service_at(url: str) -> RangeService:
    return RangeService(url)


def refuse_breached(password: str, field: str = "password") -> None:
    """Raise the 422 of a field whose password is known; does nothing unless the settings name a service to ask.

    When a lookup fails, that is logged, and every password passes without one for a while.
    """
    url = get_settings().breached_passwords_url
    if not url:
        return
    service = service_at(str(url))
    if monotonic() < service.paused_until:
        return
    try:
        breached = service.is_breached(password)
    except LookupFailed as error:
        service.paused_until = monotonic() + PAUSE_SECONDS
        logger.warning("For %d seconds, no password is looked up among the breached: %s", PAUSE_SECONDS, error)
        return
    if breached:
        raise invalid_field(field, BREACHED)

"""Whether a password is among those stolen elsewhere, asked of a service that hears only how its hash begins.

Services call `refuse_breached(password, field="password")` before they hash.
"""

import hashlib
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from http import HTTPStatus
from time import monotonic
from typing import Any, Self

from urllib3 import BaseHTTPResponse, PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError, MaxRetryError, ReadTimeoutError

from app.api.errors import invalid_field
from app.api.routing import HASHING_THREADS
from app.settings import get_settings

BREACHED = "the password is known from a data breach"
HEADERS = {"Add-Padding": "true", "User-Agent": "{{ cookiecutter.project_slug }}"}
PREFIX_LENGTH = 5
LINE = re.compile(rb"([0-9A-Fa-f]{35}):([0-9]{1,18})")
# A thousand hashes have some 40,000.
MOST_BYTES = 1_000_000
# Of a step, such as to connect; of all steps and tries together; and how long nobody tries again.
TIMEOUT_SECONDS = 1.0
LONGEST_SECONDS = 3.0
PAUSE_SECONDS = 30.0
RETRIES = 2
# Before the second; the first comes at once.
BACKOFF_SECONDS = 0.2

logger = logging.getLogger(__name__)
# It tells the path of each try, in which the hash begins.
logging.getLogger("urllib3").setLevel(logging.ERROR)


class RangeError(Exception):
    """The service does not say whether a password is known; the message repeats nothing that was asked."""


class NoAnswer(RangeError):
    """It can't be reached, or takes too long."""


class StrangeAnswer(RangeError):
    """It answers, but not with hashes and how often each was seen."""


class OnceInTime(Retry):
    """Tries again where that may help at once: not when the answer takes too long."""

    def increment(self, *arguments: Any, **options: Any) -> Self:
        error = options.get("error")
        if isinstance(error, ReadTimeoutError):
            raise error
        return super().increment(*arguments, **options)


class RangeService:
    """A service at `{url}/{the first five digits of a SHA-1}`, which answers with the rest of each that it knows."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.paused_until = 0.0
        retries = OnceInTime(
            RETRIES,
            other=0,
            status_forcelist=range(500, 600),
            # For the second retry, which it doubles.
            backoff_factor=BACKOFF_SECONDS / 2,
            raise_on_status=False,
            # It would be obeyed for hours.
            respect_retry_after_header=False,
        )
        self.pools = PoolManager(
            maxsize=HASHING_THREADS,
            headers=HEADERS,
            cert_reqs="CERT_REQUIRED",
            timeout=Timeout(connect=TIMEOUT_SECONDS, read=TIMEOUT_SECONDS),
            retries=retries,
        )
        self.threads = ThreadPoolExecutor(HASHING_THREADS, "breaches")

    def is_breached(self, password: str) -> bool:
        """Return whether the password is known; raises `RangeError` when the service does not say."""
        digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
        # In a thread that can be left behind: no timeout ends the search for the address of a host, or an answer that
        # comes byte by byte.
        answer = self.threads.submit(self.ask, digest[:PREFIX_LENGTH])
        try:
            return has_counted(answer.result(LONGEST_SECONDS), digest[PREFIX_LENGTH:])
        except TimeoutError:
            answer.cancel()
            raise NoAnswer(f"no answer in {LONGEST_SECONDS} seconds") from None

    def ask(self, prefix: str) -> bytes:
        try:
            with self.pools.request("GET", f"{self.url}/{prefix}", redirect=False, preload_content=False) as response:
                content = read_in_time(response)
        except HTTPError as error:
            reason = error.reason if isinstance(error, MaxRetryError) else error
            raise NoAnswer(f"no answer, {type(reason).__name__}") from None
        if response.status != HTTPStatus.OK:
            raise StrangeAnswer(f"an answer with status {response.status}")
        if len(content) > MOST_BYTES:
            raise StrangeAnswer(f"an answer of more than {MOST_BYTES} bytes")
        return content


def read_in_time(response: BaseHTTPResponse) -> bytes:
    """Return up to one byte more than there may be; one that comes byte by byte is given up, and its thread is free again."""
    content = b""
    give_up = monotonic() + LONGEST_SECONDS
    while len(content) <= MOST_BYTES and (some := response.read1(MOST_BYTES)):
        content += some
        if monotonic() > give_up:
            raise NoAnswer(f"no whole answer in {LONGEST_SECONDS} seconds")
    return content


def has_counted(answer: bytes, suffix: str) -> bool:
    """Return whether the hash that ends so was seen; those seen 0 times only hide how many there are."""
    seen = 0
    for line in answer.splitlines():
        match = LINE.fullmatch(line)
        if match is None:
            raise StrangeAnswer("an answer in another format")
        if match[1].upper() == suffix.encode():
            seen += int(match[2])
    return seen > 0


@lru_cache
def service_at(url: str) -> RangeService:
    return RangeService(url)


def refuse_breached(password: str, field: str = "password") -> None:
    """Raise the 422 of a field whose password is known; does nothing unless the settings name a service to ask.

    A service that fails is logged, lets every password pass, and is left alone for a while.
    """
    url = get_settings().breached_passwords_url
    if not url:
        return
    service = service_at(str(url))
    if monotonic() < service.paused_until:
        return
    try:
        breached = service.is_breached(password)
    except RangeError as error:
        service.paused_until = monotonic() + PAUSE_SECONDS
        logger.warning("For %d seconds, no password is looked up among the breached: %s", PAUSE_SECONDS, error)
        return
    if breached:
        raise invalid_field(field, BREACHED)

"""The client of the service of breached passwords, against a server of the tests."""

import re
from time import monotonic

import pytest

from app.auth import breaches
from app.auth.breaches import LookupFailed, RangeService
from tests.range_service import PADDING, Answer, RangeServer, sha1

PASSWORD = "pässword1 🦊"
PREFIX, SUFFIX = sha1(PASSWORD)[:5], sha1(PASSWORD)[5:]


@pytest.fixture
def service(range_service: RangeServer) -> RangeService:
    return RangeService(f"{range_service.url}/")


@pytest.mark.parametrize(
    ("lines", "known"),
    [
        (f"{PADDING}\r\n{SUFFIX}:1\r\n{PADDING}\r\n", True),
        (f"{SUFFIX.lower()}:12345678901234567", True),
        (f"{SUFFIX}:0", False),
        (f"{'1' + SUFFIX[1:]}:7", False),
        ("", False),
    ],
)
def test_a_password_is_known_where_its_line_counts(
    service: RangeService, range_service: RangeServer, lines: str, *, known: bool
) -> None:
    range_service.first = [Answer(200, lines.encode())]
    assert service.is_breached(PASSWORD) is known


def test_no_more_than_five_digits_of_the_hash_are_sent(service: RangeService, range_service: RangeServer) -> None:
    service.is_breached(PASSWORD)
    (head,) = range_service.asked
    assert head.startswith(f"GET /range/{PREFIX} HTTP/1.1\n")
    assert re.search(r"^Add-Padding: true$", head, re.MULTILINE)
    assert SUFFIX[:5].lower() not in head.lower()


@pytest.mark.parametrize("bad", [Answer(500), Answer(0)])
def test_a_passing_failure_is_retried_twice(service: RangeService, range_service: RangeServer, bad: Answer) -> None:
    range_service.breached = {PASSWORD: 1}
    range_service.first = [bad] * 2
    assert service.is_breached(PASSWORD)
    range_service.first = [bad] * 3
    with pytest.raises(LookupFailed):
        service.is_breached(PASSWORD)
    assert len(range_service.asked) == 6


@pytest.mark.parametrize(
    "answer",
    [
        Answer(429),
        Answer(302, location=f"/range/{PREFIX}"),
        Answer(200, b"<!DOCTYPE html><p>Log in to this network"),
        Answer(200, f"{SUFFIX}:-1".encode()),
        Answer(200, f"{SUFFIX}:{'9' * 5000}".encode()),
        Answer(200, f"{SUFFIX}:1\r\nand more".encode()),
        Answer(200, f"{PADDING}\r\n".encode() * 1000, endless=True),
    ],
)
def test_any_other_answer_is_a_failure(service: RangeService, range_service: RangeServer, answer: Answer) -> None:
    range_service.first = [answer]
    with pytest.raises(LookupFailed):
        service.is_breached(PASSWORD)
    assert len(range_service.asked) == 1


def test_a_lookup_has_a_deadline(
    service: RangeService, range_service: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaches, "DEADLINE_SECONDS", 0.1)
    range_service.silent = True
    began = monotonic()
    with pytest.raises(LookupFailed, match="TimeoutError"):
        service.is_breached(PASSWORD)
    assert monotonic() - began < 1
    # Nor does its thread go on with an answer that has no end.
    range_service.silent = False
    monkeypatch.setattr(breaches, "MAX_BYTES", 10**9)
    range_service.first = [Answer(200, f"{PADDING}\r\n".encode(), endless=True)]
    with pytest.raises(LookupFailed, match="too slow"):
        service.ask(PREFIX)

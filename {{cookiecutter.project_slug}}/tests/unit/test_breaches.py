"""The client of the service of breached passwords, against a server of the tests."""

import logging
import re

import pytest

from app.auth import breaches
from app.auth.breaches import NoAnswer, RangeError, RangeService, StrangeAnswer
from tests.postbox import free_port
from tests.range_service import PADDING, Answer, RangeServer, range_server, sha1

PASSWORD = "Password1"
PREFIX, SUFFIX = sha1(PASSWORD)[:5], sha1(PASSWORD)[5:]


@pytest.fixture
def service(range_service: RangeServer) -> RangeService:
    return RangeService(range_service.url)


def tells(secret: str, error: BaseException | None) -> bool:
    """Return whether an error, or what it was raised from, has the secret in its message."""
    while error is not None:
        if secret.lower() in f"{error!r} {error}".lower():
            return True
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return False


class TestAnswer:
    def test_a_password_that_was_seen_is_known(self, service: RangeService, range_service: RangeServer) -> None:
        range_service.breached = {PASSWORD: 3, "Password2": 1}
        assert [service.is_breached(text) for text in (PASSWORD, "Password2", "Password3")] == [True, True, False]

    @pytest.mark.parametrize("password", ["pässwörter 🦊", "x" * 128, "\0       "])
    def test_any_text_is_looked_up(self, service: RangeService, range_service: RangeServer, password: str) -> None:
        assert not service.is_breached(password)
        range_service.breached = {password: 1}
        assert service.is_breached(password)

    @pytest.mark.parametrize(
        ("lines", "known"),
        [
            (f"{SUFFIX}:1", True),
            (f"{SUFFIX.lower()}:12345678901234567", True),
            (f"{PADDING}\r\n{SUFFIX}:1\r\n{PADDING}\r\n", True),
            (f"{PADDING}\n{SUFFIX}:1\n", True),
            (f"{SUFFIX}:0", False),
            (f"{SUFFIX}:000", False),
            (f"{SUFFIX}:0\r\n{SUFFIX}:1", True),
            (f"{'1' + SUFFIX[1:]}:7", False),
            (PADDING, False),
            ("", False),
        ],
    )
    def test_it_is_known_where_its_line_counts(
        self, service: RangeService, range_service: RangeServer, lines: str, *, known: bool
    ) -> None:
        range_service.first = [Answer(200, lines.encode())]
        assert service.is_breached(PASSWORD) is known

    @pytest.mark.parametrize("end", ["", "/"])
    def test_no_more_than_five_digits_of_the_hash_are_sent(self, range_service: RangeServer, end: str) -> None:
        RangeService(range_service.url + end).is_breached(PASSWORD)
        (head,) = range_service.asked
        assert head.startswith(f"GET /range/{PREFIX} HTTP/1.1\n")
        assert re.search(r"^Add-Padding: true$", head, re.MULTILINE)
        for secret in (PASSWORD, SUFFIX, SUFFIX[:5]):
            assert secret.lower() not in head.lower()

    def test_a_connection_is_used_again(self, service: RangeService, range_service: RangeServer) -> None:
        for _ in range(3):
            service.is_breached(PASSWORD)
        assert (len(range_service.asked), range_service.connections) == (3, 1)

    def test_the_certificate_is_checked(self) -> None:
        pool = RangeService("https://host/range").pools.connection_from_url("https://host/range")
        assert getattr(pool, "cert_reqs", None) == "CERT_REQUIRED"


class TestRetries:
    @pytest.mark.parametrize("bad", [Answer(500), Answer(503, headers={"Retry-After": "3600"}), Answer(0)])
    @pytest.mark.parametrize("times", [1, 2])
    def test_what_may_be_over_at_once_is_tried_again(
        self, service: RangeService, range_service: RangeServer, bad: Answer, times: int
    ) -> None:
        range_service.breached = {PASSWORD: 1}
        range_service.first = [bad] * times
        assert service.is_breached(PASSWORD)
        assert range_service.paths == [f"/range/{PREFIX}"] * (times + 1)

    @pytest.mark.parametrize(
        ("bad", "kind", "message"),
        [
            (Answer(500), StrangeAnswer, "an answer with status 500"),
            (Answer(599), StrangeAnswer, "an answer with status 599"),
            (Answer(0), NoAnswer, "no answer, ProtocolError"),
        ],
    )
    def test_three_times_and_no_more(
        self, service: RangeService, range_service: RangeServer, bad: Answer, kind: type[RangeError], message: str
    ) -> None:
        range_service.first = [bad] * 3
        with pytest.raises(kind, match=f"^{message}$"):
            service.is_breached(PASSWORD)
        assert len(range_service.asked) == 3

    @pytest.mark.parametrize("status", [204, 400, 401, 403, 404, 413, 429])
    def test_another_status_is_final(self, service: RangeService, range_service: RangeServer, status: int) -> None:
        range_service.first = [Answer(status, headers={"Retry-After": "1"})]
        with pytest.raises(StrangeAnswer, match=f"^an answer with status {status}$"):
            service.is_breached(PASSWORD)
        assert len(range_service.asked) == 1

    def test_between_them_it_waits_longer_each_time(
        self, range_service: RangeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pauses: list[float] = []
        monkeypatch.setattr("urllib3.util.retry.time.sleep", pauses.append)
        monkeypatch.setattr(breaches, "BACKOFF_SECONDS", 0.25)
        range_service.first = [Answer(500)] * 2
        assert not RangeService(range_service.url).is_breached(PASSWORD)
        assert pauses == [0.25]

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_a_redirect_is_not_followed(self, service: RangeService, range_service: RangeServer, status: int) -> None:
        with range_server() as elsewhere:
            location = f"{elsewhere.url}/{PREFIX}"
            range_service.first = [Answer(status, headers={"Location": location})]
            with pytest.raises(StrangeAnswer, match=f"^an answer with status {status}$"):
                service.is_breached(PASSWORD)
            assert elsewhere.asked == []
        assert len(range_service.asked) == 1


class TestFailure:
    @pytest.mark.parametrize(
        "body",
        [
            b"<!DOCTYPE html><p>Log in to this network",
            b"{}",
            SUFFIX.encode(),
            f"{SUFFIX}:".encode(),
            f"{SUFFIX}:-1".encode(),
            f"{SUFFIX}:1.5".encode(),
            f"{SUFFIX}:{'9' * 5000}".encode(),
            f"{PREFIX}{SUFFIX}:1".encode(),
            f"{PADDING}\r\n\r\n{SUFFIX}:1".encode(),
            f"{SUFFIX}:1\r\nand more".encode(),
            f"{SUFFIX}:\N{ARABIC-INDIC DIGIT ONE}".encode(),
            b"\xff\xfe\0",
        ],
    )
    def test_what_is_no_list_of_hashes_is_no_answer(
        self, service: RangeService, range_service: RangeServer, body: bytes
    ) -> None:
        range_service.first = [Answer(200, body)]
        with pytest.raises(StrangeAnswer, match=r"^an answer in another format$"):
            service.is_breached(PASSWORD)
        assert len(range_service.asked) == 1

    def test_an_answer_without_an_end_is_cut(self, service: RangeService, range_service: RangeServer) -> None:
        range_service.first = [Answer(200, f"{PADDING}\r\n".encode() * 1000, endless=True)]
        with pytest.raises(StrangeAnswer, match=r"^an answer of more than 1000000 bytes$"):
            service.is_breached(PASSWORD)

    def test_an_answer_that_is_cut_short_is_none(self, service: RangeService, range_service: RangeServer) -> None:
        range_service.first = [Answer(200, PADDING.encode(), {"Content-Length": "4000", "Connection": "close"})]
        with pytest.raises(NoAnswer, match=r"^no answer, \w+$"):
            service.is_breached(PASSWORD)

    def test_a_slow_answer_is_not_waited_for_and_not_asked_for_again(
        self, range_service: RangeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(breaches, "TIMEOUT_SECONDS", 0.05)
        range_service.silent = True
        with pytest.raises(NoAnswer, match=r"^no answer, ReadTimeoutError$"):
            RangeService(range_service.url).is_breached(PASSWORD)
        assert len(range_service.asked) == 1

    def test_all_together_has_a_limit(self, range_service: RangeServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(breaches, "LONGEST_SECONDS", 0.05)
        service = RangeService(range_service.url)
        # As a search for the address of a host may take, which knows no timeout.
        monkeypatch.setattr(service, "ask", lambda _prefix: range_service.released.wait(5))
        with pytest.raises(NoAnswer, match=r"^no answer in 0\.05 seconds$"):
            service.is_breached(PASSWORD)

    def test_an_answer_that_comes_bit_by_bit_is_given_up(
        self, service: RangeService, range_service: RangeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(breaches, "LONGEST_SECONDS", 0.05)
        monkeypatch.setattr(breaches, "MOST_BYTES", 10**9)
        range_service.first = [Answer(200, f"{PADDING}\r\n".encode(), endless=True)]
        # As the thread has it that is not waited for any more, and would never be free again.
        with pytest.raises(NoAnswer, match=r"^no whole answer in 0\.05 seconds$"):
            service.ask(PREFIX)

    def test_nobody_listens(self, range_service: RangeServer) -> None:
        with pytest.raises(NoAnswer, match=r"^no answer, NewConnectionError$"):
            RangeService(f"http://127.0.0.1:{free_port()}/range").is_breached(PASSWORD)

    def test_no_tls_is_no_answer(self, range_service: RangeServer) -> None:
        with pytest.raises(NoAnswer, match=r"^no answer, SSLError$"):
            RangeService(range_service.url.replace("http:", "https:")).is_breached(PASSWORD)
        assert range_service.asked == []

    @pytest.mark.parametrize("bad", [Answer(500), Answer(404), Answer(0), Answer(200, sha1(PASSWORD).encode())])
    def test_neither_an_error_nor_a_log_tells_what_was_asked(
        self, service: RangeService, range_service: RangeServer, caplog: pytest.LogCaptureFixture, bad: Answer
    ) -> None:
        caplog.set_level(logging.DEBUG)
        range_service.first = [bad] * 3
        with pytest.raises(RangeError) as raised:
            service.is_breached(PASSWORD)
        for secret in (PASSWORD, PREFIX, SUFFIX):
            assert not tells(secret, raised.value)
            assert secret.lower() not in caplog.text.lower()

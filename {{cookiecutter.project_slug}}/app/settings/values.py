"""Types of settings that Pydantic lacks, each with a sentence that says what is allowed."""

import json
import re
from typing import Annotated

from limits import parse_many
from pydantic import AfterValidator, BeforeValidator, EmailStr

NAME = r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"
IPV6 = r"\[[0-9a-f:.]+\]"


def like(pattern: str, what: str) -> AfterValidator:
    """Return a validator for texts that match a pattern; `what` describes them, with examples."""

    def check(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise ValueError(f"{text!r} is not {what}")
        return text

    return AfterValidator(check)


def without_encoded_word(value: str) -> str:
    """Refuse RFC 2047 encoded words, in which a mail program may read another address."""
    if "=?" in value:
        raise ValueError("must not contain an encoded word (=?)")
    return value


def is_rate(text: str) -> str:
    try:
        rates = parse_many(text)
    except ValueError:
        rates = []
    if len(rates) != 1 or rates[0].amount == 0:
        raise ValueError("must be a number of times per period, as in 10/5 minutes or 3/hour")
    return text


def from_json(value: object) -> object:
    """Decode the value of an environment variable; an error doesn't repeat it, since it may be secret."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError("must be JSON, in double quotes, as .env.example shows") from None


MailAddress = Annotated[EmailStr, AfterValidator(without_encoded_word), AfterValidator(str.lower)]
Rate = Annotated[str, AfterValidator(is_rate)]
# As TrustedHosts compares them: without scheme and port.
Host = Annotated[
    str, like(rf"\*|(?i:(\*\.)?{NAME})|{IPV6}", "a host, as in api.example.com, *.example.com, 127.0.0.1, [::1] or *")
]
# As browsers send them: without a path and without the default port.
Origin = Annotated[
    str,
    like(
        rf"\*|(?!http:.*:80$|https:.*:443$)https?://({NAME}|{IPV6})(:[0-9]+)?",
        "an origin, as in https://www.example.com without a path, or *",
    ),
]
# A list or an object that an environment variable holds as JSON.
FromJSON = BeforeValidator(from_json)

"""Kinds of values that settings have, each with a sentence that says what is allowed."""

import json
import re
from ipaddress import IPv6Address, ip_network
from typing import Annotated

from limits import parse_many
from pydantic import AfterValidator, BeforeValidator, EmailStr, Field

WORDS = r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"
NAME = re.compile(rf"\*|(?:\*\.)?{WORDS}", re.IGNORECASE)
ORIGIN = re.compile(rf"(?P<scheme>https?)://(?:{WORDS}|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]+))?")
# What a browser leaves out.
USUAL_PORTS = {"http": "80", "https": "443"}


def without_encoded_word(value: str) -> str:
    """Refuse RFC 2047 encoded words, in which a mail program may read another address."""
    if "=?" in value:
        raise ValueError("must not contain an encoded word (=?)")
    return value


def is_rate(text: str) -> str:
    """Refuse what is not a number of times in a time."""
    try:
        rates = parse_many(text)
        allowed = len(rates) == 1 and rates[0].amount > 0
    except ValueError:
        allowed = False
    if not allowed:
        raise ValueError("must be so many in a time, as in 10/5 minutes or 3/hour")
    return text


def is_network(text: str) -> str:
    """Refuse what is no address and no network of addresses; names are none, since whoever answers for one may change."""
    try:
        ip_network(text)
    except ValueError:
        raise ValueError(f"{text!r} is no address or network, as in 10.0.0.1 or 10.0.0.0/8") from None
    return text


def is_host(text: str) -> str:
    """Refuse what no `Host` would ever be compared to: it is without scheme and port, and an address of IPv6 in brackets."""
    if NAME.fullmatch(text) is None and not is_bracketed(text):
        raise ValueError(f"{text!r} is no host, as in api.example.com, *.example.com, 127.0.0.1 or [::1], or *")
    return text


def is_bracketed(text: str) -> bool:
    try:
        return text == f"[{IPv6Address(text[1:-1])}]"
    except ValueError:
        return False


def is_origin(text: str) -> str:
    """Refuse what a browser would not send as the origin of a page."""
    origin = ORIGIN.fullmatch(text)
    if text != "*" and (origin is None or origin["port"] == USUAL_PORTS[origin["scheme"]]):
        raise ValueError(f"{text!r} is no origin, as in https://www.example.com without a path, or *")
    return text


def from_json(value: object) -> object:
    """Read what a variable of the environment says; what cannot be read is not repeated, since it may be secret."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError("must be JSON, in double quotes, as .env.example shows") from None


MailAddress = Annotated[EmailStr, AfterValidator(without_encoded_word), AfterValidator(str.lower)]
Rate = Annotated[str, AfterValidator(is_rate)]
Network = Annotated[str, AfterValidator(is_network)]
Origin = Annotated[str, AfterValidator(is_origin)]
Host = Annotated[str, AfterValidator(is_host)]
# A text that signs.
SigningKey = Annotated[str, Field(min_length=1)]
# A list, or an object, that a variable holds in JSON.
FromJSON = BeforeValidator(from_json)

"""Kinds of values that settings have, each with a sentence that says what is allowed."""

from ipaddress import ip_network
from typing import Annotated
from urllib.parse import urlsplit

from limits import parse_many
from pydantic import AfterValidator, Field


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


def is_origin(text: str) -> str:
    """Refuse what a browser would not send as the origin of a page."""
    parts = urlsplit(text)
    if text != "*" and not (parts.scheme in {"http", "https"} and text == f"{parts.scheme}://{parts.netloc.lower()}"):
        raise ValueError(f"{text!r} is no origin, as in https://www.example.com without a path, or *")
    return text


Rate = Annotated[str, AfterValidator(is_rate)]
Network = Annotated[str, AfterValidator(is_network)]
Origin = Annotated[str, AfterValidator(is_origin)]
# A text that signs.
SigningKey = Annotated[str, Field(min_length=1)]

"""Columns for whole files."""

from sqlalchemy import LargeBinary
from sqlalchemy.ext.compiler import compiles


class Document(LargeBinary):
    """Bytes, up to 16 MB."""


@compiles(Document)
def document_column(*_: object, **__: object) -> str:
    """Return the type of this engine that holds so many bytes."""
    return "{{ cookiecutter.__document_column }}"

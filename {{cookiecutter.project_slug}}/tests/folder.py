"""The database that the tests run on where none is named: a file in a temporary folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def database() -> Iterator[str]:
    """Yield the URL of a file that does not exist yet, and remove it in the end."""
    with TemporaryDirectory(prefix="test-", ignore_cleanup_errors=True) as folder:
        yield f"sqlite:///{Path(folder, 'app_test.db').as_posix()}"

"""What the log says of statements that failed: not what was in them."""

import logging

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session


def test_the_values_of_a_statement_that_failed_are_not_logged(db: Session, caplog: pytest.LogCaptureFixture) -> None:
    secret = "hunter2"
    with pytest.raises(DBAPIError) as failed, db.begin_nested():
        db.execute(text("INSERT INTO nowhere (hash) VALUES (:hash)"), {"hash": secret})
    logging.getLogger("app").error("It failed", exc_info=failed.value)
    assert "INSERT INTO nowhere" in caplog.text
    assert secret not in str(failed.value) + caplog.text

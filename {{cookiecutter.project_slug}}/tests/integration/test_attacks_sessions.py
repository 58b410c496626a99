"""Sessions that outlived their end on other projects, played again: after a logout, a theft, a new password."""

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import RefreshToken, User
from tests.client import Client
from tests.factories import PASSWORD
from tests.postbox import Postbox, text_of, token_in
from tests.rows import age_spent_tokens

CREDENTIALS = {"email": "user@example.com", "password": PASSWORD}

Pair = dict[str, str]


def log_in(client: Client) -> Pair:
    body: Pair = client.post("/auth/login", json=CREDENTIALS).json()
    return body


def bearer(pair: Pair) -> dict[str, str]:
    return {"Authorization": f"Bearer {pair['access_token']}"}


def me(client: Client, pair: Pair) -> int:
    return client.get("/users/me", headers=bearer(pair)).status_code


def refresh(client: Client, pair: Pair) -> int:
    return client.post("/auth/refresh", json={"refresh_token": pair["refresh_token"]}).status_code


def open_sessions(db: Session, user: User) -> int:
    """Return how many refresh tokens would still be taken."""
    good = (RefreshToken.spent_at.is_(None), RefreshToken.revoked_at.is_(None))
    return len(db.scalars(select(RefreshToken).where(*good, RefreshToken.version == user.token_version)).all())


def change_password(client: Client, pair: Pair, _postbox: Postbox) -> int:
    change = {"current_password": PASSWORD, "new_password": "Password2"}
    return client.put("/users/me/password", json=change, headers=bearer(pair)).status_code


def reset_password(client: Client, _pair: Pair, postbox: Postbox) -> int:
    client.post("/auth/password/forgot", json={"email": CREDENTIALS["email"]})
    body = {"token": token_in(postbox.mails[-1]), "password": "Password2"}
    return client.post("/auth/password/reset", json=body).status_code


def log_out_everywhere(client: Client, pair: Pair, _postbox: Postbox) -> int:
    return client.delete("/auth/sessions", headers=bearer(pair)).status_code


End = Callable[[Client, Pair, Postbox], int]


@pytest.mark.parametrize("end", [change_password, reset_password, log_out_everywhere])
def test_no_session_or_access_token_survives_a_new_password_or_the_end_of_all(
    anon_client: Client, db: Session, user: User, postbox: Postbox, end: End
) -> None:
    mine, thiefs = log_in(anon_client), log_in(anon_client)
    assert end(anon_client, mine, postbox) == 204
    for pair in (mine, thiefs):
        assert (me(anon_client, pair), refresh(anon_client, pair)) == (401, 401)
    assert (open_sessions(db, user), user.token_version) == (0, 1)


def test_a_reset_that_a_thief_asked_for_before_a_new_password_is_good_no_more(
    anon_client: Client, user: User, postbox: Postbox
) -> None:
    anon_client.post("/auth/password/forgot", json={"email": user.email})
    token = token_in(postbox.mails[-1])
    assert change_password(anon_client, log_in(anon_client), postbox) == 204
    body = {"token": token, "password": "Password3"}
    assert anon_client.post("/auth/password/reset", json=body).status_code == 400
    assert anon_client.post("/auth/login", json=CREDENTIALS | {"password": "Password2"}).status_code == 200


def test_a_logout_ends_the_session_and_not_only_the_clients_memory_of_it(
    anon_client: Client, db: Session, user: User
) -> None:
    here, elsewhere = log_in(anon_client), log_in(anon_client)
    body = {"refresh_token": here["refresh_token"]}
    assert anon_client.post("/auth/logout", json=body).status_code == 204
    assert (refresh(anon_client, here), open_sessions(db, user)) == (401, 1)
    assert refresh(anon_client, elsewhere) == 200


def test_a_logout_with_a_token_that_was_spent_ends_what_came_of_it(
    anon_client: Client, db: Session, user: User
) -> None:
    stolen = log_in(anon_client)
    newer: Pair = anon_client.post("/auth/refresh", json={"refresh_token": stolen["refresh_token"]}).json()
    assert anon_client.post("/auth/logout", json={"refresh_token": stolen["refresh_token"]}).status_code == 204
    assert (refresh(anon_client, newer), open_sessions(db, user)) == (401, 0)


def test_the_401_for_a_spent_token_does_not_undo_the_end_of_its_session(
    anon_client: Client, db: Session, user: User
) -> None:
    stolen = log_in(anon_client)
    thiefs: Pair = anon_client.post("/auth/refresh", json={"refresh_token": stolen["refresh_token"]}).json()
    age_spent_tokens(db)
    assert refresh(anon_client, stolen) == 401
    assert (refresh(anon_client, thiefs), open_sessions(db, user)) == (401, 0)
    assert None not in db.scalars(select(RefreshToken.revoked_at)).all()


def test_nobody_ends_or_sees_the_session_of_another(
    anon_client: Client, client: Client, db: Session, other_user: User
) -> None:
    theirs: Pair = anon_client.post("/auth/login", json=CREDENTIALS | {"email": other_user.email}).json()
    name = db.scalars(select(RefreshToken.family)).one()
    assert client.get("/auth/sessions").json()["items"] == []
    assert client.delete(f"/auth/sessions/{name}").status_code == 404
    assert (me(anon_client, theirs), refresh(anon_client, theirs)) == (200, 200)


@pytest.mark.parametrize("gone", ["deleted", "deactivated"])
def test_nobody_who_is_gone_goes_on_by_refreshing(
    anon_client: Client, admin_client: Client, db: Session, user: User, gone: str
) -> None:
    pair, path = log_in(anon_client), f"/users/{user.id}"
    ended = admin_client.delete(path) if gone == "deleted" else admin_client.patch(path, json={"is_active": False})
    assert ended.is_success
    assert (me(anon_client, pair), refresh(anon_client, pair)) == (401, 401)
    assert anon_client.post("/auth/login", json=CREDENTIALS).status_code == 401


def test_reactivating_a_user_brings_no_token_back(
    anon_client: Client, admin_client: Client, db: Session, user: User, postbox: Postbox
) -> None:
    pair, path = log_in(anon_client), f"/users/{user.id}"
    anon_client.post("/auth/password/forgot", json={"email": user.email})
    for active in (False, True):
        assert admin_client.patch(path, json={"is_active": active}).json()["is_active"] is active
    assert (me(anon_client, pair), refresh(anon_client, pair), open_sessions(db, user)) == (401, 401, 0)
    mailed = {"token": token_in(postbox.mails[-1]), "password": "Password2"}
    assert anon_client.post("/auth/password/reset", json=mailed).status_code == 400
    again = log_in(anon_client)
    assert admin_client.patch(path, json={"is_active": True}).status_code == 200
    assert (me(anon_client, again), refresh(anon_client, again)) == (200, 200)


@pytest.mark.parametrize("header", ["X-Forwarded-Host", "X-Forwarded-Proto", "Origin", "Referer", "Forwarded"])
def test_the_link_of_a_reset_does_not_lead_where_a_request_says(
    anon_client: Client, user: User, postbox: Postbox, header: str
) -> None:
    headers = {header: "https://evil.example.net"}
    anon_client.post("/auth/password/forgot", json={"email": user.email}, headers=headers)
    (message,) = postbox.mails
    assert "evil" not in message.as_string() + text_of(message) + text_of(message, "html")
    assert token_in(message)

"""Mail goes to the address as it is stored, and no spelling of it gets around that or the rate."""

import pytest
from pydantic import ValidationError
from sqlalchemy.orm import Session

from app.models import User
from app.settings import Settings
from tests.client import Client
from tests.factories import PASSWORD, UserFactory
from tests.postbox import Postbox

# Some parsers read attacker@evil.example here.
ENCODED = "=?x?q?attacker=40evil.example=3e=20?=ceo@victim.example"
NEWCOMER = {"name": "New", "password": "Password2"}
LONG = f"{'a' * 64}@{'.'.join(['b' * 60] * 3)}.de"


class TestEncodedWords:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/auth/register"),
            ("POST", "/auth/login"),
            ("POST", "/auth/password/forgot"),
            ("POST", "/users"),
            ("PATCH", "/users/me"),
        ],
    )
    @pytest.mark.parametrize("email", [ENCODED, "ceo=?utf-8?b?QGV2aWw=?=@victim.example"])
    def test_no_body_may_have_one(
        self, admin_client: Client, postbox: Postbox, method: str, path: str, email: str
    ) -> None:
        response = admin_client.request(method, path, json=NEWCOMER | {"email": email})
        assert (response.status_code, response.json()["detail"][0]["loc"]) == (422, ["body", "email"])
        assert postbox.recipients == []

    def test_the_sender_of_mails_has_none(self, settings: Settings) -> None:
        with pytest.raises(ValidationError, match="mail_from"):
            Settings.model_validate(settings.model_dump() | {"mail_from": ENCODED})


class TestEnvelope:
    @staticmethod
    def mail(client: Client, email: str) -> None:
        """Have somebody mailed who has the address, whatever it is."""
        UserFactory(email=email)
        login = client.post("/auth/token", data={"username": email, "password": PASSWORD})
        headers = {"Authorization": f"Bearer {login.json()['access_token']}"}
        change = {"current_password": PASSWORD, "new_password": "Password2"}
        assert client.put("/users/me/password", json=change, headers=headers).status_code == 204

    @pytest.mark.parametrize("email", [LONG, "zoë@bücher.example", "o'neil+tag@example.com"])
    def test_mail_goes_to_what_is_stored_and_says_so(
        self, anon_client: Client, db: Session, postbox: Postbox, email: str
    ) -> None:
        self.mail(anon_client, email)
        assert postbox.recipients == [[email]]
        (shown,) = [value for name, value in postbox.mails[0].raw_items() if name == "To"]
        assert shown.encode(errors="surrogateescape").decode() == email

    def test_an_encoded_word_that_is_stored_since_long_goes_nowhere_else(
        self, anon_client: Client, db: Session, postbox: Postbox
    ) -> None:
        self.mail(anon_client, ENCODED)
        # Some servers take it, and that of the tests does not.
        assert postbox.recipients in ([], [[ENCODED]])


class TestRate:
    def test_all_spellings_of_a_mailbox_share_it(self, anon_client: Client, user: User, postbox: Postbox) -> None:
        spellings = [f"user+{number}@example.com" for number in range(10)]
        spellings += ["u.ser@example.com", "U.S.E.R@Example.com", "\uff55ser@example.com", "user+\u00e9@example.com"]
        answers = [anon_client.post("/auth/register", json=NEWCOMER | {"email": email}) for email in spellings]
        assert [answer.status_code for answer in answers] == [201] * 3 + [429] * (len(spellings) - 3)
        assert len(postbox.mails) == 3

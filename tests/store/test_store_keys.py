"""Keys that were made elsewhere: registered once, replaced by another, never by a look-alike."""

from __future__ import annotations

import pytest

from reelsense.errors import InputError
from reelsense.store.database import Database
from reelsense.store.keys import SCOPES, adopt_key, list_keys, revoke_key, verify_key

FIRST = "rs_0123456789ab_" + "a" * 40
SECOND = "rs_ba9876543210_" + "b" * 40


def test_an_adopted_key_is_good_however_often_it_is_adopted(db: Database) -> None:
    for _ in range(2):
        with db.begin() as connection:
            adopt_key(connection, "page", SCOPES, FIRST)
    with db.connect() as connection:
        known = verify_key(connection, FIRST)
        assert known is not None
        assert known.scopes == SCOPES
        assert len(list_keys(connection)) == 1


def test_a_known_key_gets_the_scopes_it_is_adopted_with_now(db: Database) -> None:
    for scopes in (["admin"], ["read"], ["read", "label"]):
        with db.begin() as connection:
            assert list(adopt_key(connection, "page", scopes, FIRST).scopes) == scopes
        with db.connect() as connection:
            assert [list(key.scopes) for key in list_keys(connection)] == [scopes]
    with pytest.raises(InputError, match="no scope"), db.begin() as connection:
        adopt_key(connection, "page", ["everything"], FIRST)


def test_another_key_of_the_name_ends_the_one_before(db: Database) -> None:
    with db.begin() as connection:
        adopt_key(connection, "other", ["read"], "rs_aaaaaaaaaaaa_" + "c" * 40)
        adopt_key(connection, "page", SCOPES, FIRST)
        adopt_key(connection, "page", SCOPES, SECOND)
    with db.connect() as connection:
        assert verify_key(connection, FIRST) is None
        assert verify_key(connection, SECOND) is not None
        assert {key.name for key in list_keys(connection) if key.revoked_at is None} == {"page", "other"}


def test_a_known_id_with_another_secret_and_a_revoked_key_are_refused(db: Database) -> None:
    with db.begin() as connection:
        adopt_key(connection, "page", SCOPES, FIRST)
    with pytest.raises(InputError, match="another secret"), db.begin() as connection:
        adopt_key(connection, "page", SCOPES, FIRST[:-1] + "x")
    with db.begin() as connection:
        revoke_key(connection, "0123456789ab")
    with pytest.raises(InputError, match="revoked"), db.begin() as connection:
        adopt_key(connection, "page", SCOPES, FIRST)


@pytest.mark.parametrize("text", ["", "rs_0123456789ab_short", "xx_0123456789ab_" + "a" * 40, FIRST + "\n"])
def test_a_text_of_another_form_is_refused_without_being_told(db: Database, text: str) -> None:
    with pytest.raises(InputError) as refused, db.begin() as connection:
        adopt_key(connection, "page", SCOPES, text)
    assert not text or text not in str(refused.value)

"""Who may ask, for what and how often."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from reelsense.errors import Forbidden, InputError, NotThere, RateLimited, Unauthorized
from reelsense.sections import ServingSettings
from reelsense.serving.access import LOCAL, Access, Caller
from reelsense.serving.limits import RateLimit
from reelsense.settings import Settings
from reelsense.store.database import Database, open_database
from reelsense.store.keys import create_key, list_keys, revoke_key, verify_key

HERE = Caller(None, "127.0.0.1", "127.0.0.1", "localhost:8000", False, "")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path / 'reviews.db'}")
    yield opened
    opened.close()


def test_a_key_may_burst_and_then_asks_at_its_rate() -> None:
    clock = Clock()
    limit = RateLimit(10, 5, clock)
    for _ in range(10):
        limit.take("a")
    with pytest.raises(RateLimited) as error:
        limit.take("a")
    assert error.value.retry_after == pytest.approx(0.1)
    limit.take("b")
    clock.now += 0.1
    limit.take("a")
    with pytest.raises(RateLimited):
        limit.take("a")


def test_a_key_with_a_rate_of_its_own_has_that() -> None:
    clock = Clock()
    limit = RateLimit(1000, 1, clock)
    limit.take("slow", 0.5)
    with pytest.raises(RateLimited) as error:
        limit.take("slow", 0.5)
    assert error.value.retry_after == pytest.approx(2)


def test_a_key_is_kept_as_a_hash_and_works_until_it_is_revoked(db: Database) -> None:
    with db.begin() as connection:
        key, text = create_key(connection, "ui", ["predict", "read"])
    with db.connect() as connection:
        stored = str(connection.exec_driver_sql("SELECT * FROM api_keys").all())
        assert text.rpartition("_")[2] not in stored
        assert verify_key(connection, text) == key
        for wrong in (text + "x", text[:-1], "", "rs_", "rs_nothing_there", text.replace("rs_", "xx_")):
            assert verify_key(connection, wrong) is None
    with db.begin() as connection:
        revoke_key(connection, key.id)
        assert verify_key(connection, text) is None
        assert [one.revoked_at is None for one in list_keys(connection)] == [False]
        with pytest.raises(NotThere):
            revoke_key(connection, key.id)


def test_scopes_are_known_words_and_admin_is_all_of_them(db: Database) -> None:
    with db.begin() as connection:
        for wrong in ([], ["write"], ["read", "Admin"]):
            with pytest.raises(InputError, match="read, predict, label, admin"):
                create_key(connection, "x", wrong)
        reader, _ = create_key(connection, "reader", ["read"])
        admin, _ = create_key(connection, "admin", ["admin"])
    assert reader.may("read")
    assert not reader.may("predict")
    assert all(admin.may(scope) for scope in ("read", "predict", "label", "admin"))


def access(db: Database, **serving: object) -> tuple[Access, Clock]:
    clock = Clock()
    return Access(Settings(serving=ServingSettings(**serving)), db, clock), clock  # type: ignore[arg-type]


def test_the_person_at_the_machine_needs_no_key_in_embedded_mode(db: Database) -> None:
    embedded, _ = access(db)
    for host in ("localhost", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST"):
        assert embedded.known(HERE._replace(host=host)) is LOCAL
        assert embedded.known(HERE._replace(host=host, origin=f"http://{host.lower()}")) is LOCAL  # /docs
    for _ in range(1000):
        embedded.allow(LOCAL, "admin")  # never limited


@pytest.mark.parametrize(
    "other",
    [
        {"client": "192.168.0.7"},
        {"server": "10.0.0.2"},
        {"forwarded": True},  # somebody behind a proxy of this machine
        {"host": "rebound.example:8000"},  # a web page that points its own name here
        {"origin": "https://web.example"},  # a web page that is open in this person's browser
        {"origin": "http://localhost:3000"},  # one of another program of this machine
        {"origin": "null"},  # a file, or a page in a frame without rights
        {"host": ""},
        {"client": ""},
    ],
)
def test_anybody_else_does(db: Database, other: dict[str, object]) -> None:
    embedded, _ = access(db)
    with pytest.raises(Unauthorized):
        embedded.known(HERE._replace(**other))


def test_with_a_server_database_or_when_asked_so_everybody_does(db: Database) -> None:
    always, _ = access(db, auth="always")
    with pytest.raises(Unauthorized):
        always.known(HERE)
    served = Access(Settings(database_url=SecretStr("postgresql://x")), db)
    with pytest.raises(Unauthorized):
        served.known(HERE)


def test_a_key_is_looked_up_once_in_a_while_and_good_for_its_scopes(db: Database) -> None:
    with db.begin() as connection:
        key, text = create_key(connection, "ui", ["predict"])
    checks, clock = access(db)
    caller = HERE._replace(key=text)
    assert checks.known(caller) is None
    assert checks.look_up(caller) == key
    assert checks.known(caller) == key
    with pytest.raises(Forbidden, match="predict"):
        checks.allow(key, "label")
    with db.begin() as connection:
        revoke_key(connection, key.id)
    clock.now += 11
    assert checks.known(caller) is None
    with pytest.raises(Unauthorized):
        checks.look_up(caller)
    with pytest.raises(Unauthorized):
        checks.known(caller)

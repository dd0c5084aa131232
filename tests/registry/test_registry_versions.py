"""Versions and their aliases: one champion at every moment, every step repeatable."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mlflow import MlflowClient
from small_models import log_folder, small_baseline

from reelsense.errors import Conflict, NotThere, RegistryError
from reelsense.registry.client import experiment_id, registry_client
from reelsense.registry.tracking import KEY_TAG
from reelsense.registry.versions import (
    archive,
    find_version,
    list_versions,
    make_candidate,
    promote,
    register,
    roll_back,
)
from reelsense.settings import Settings


def aliases(settings: Settings) -> dict[str, int]:
    return {alias: found.version for found in list_versions(settings) for alias in found.aliases}


class Stopped(BaseException):
    """Stands for kill -9 where only the order of writes matters (test_registry_kill.py really kills)."""


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with versions 1, 2, 3; 2 is champion, 1 previous, 3 candidate."""
    home = tmp_path_factory.mktemp("three")
    settings = Settings(home=home)
    for number in (1, 2, 3):
        folder = small_baseline(home / f"trained-{number}", number)
        run_id = log_folder(settings, folder, f"train-{number}", "kcbert" if number == 3 else "baseline")
        register(settings, run_id, f"train-{number}")
    promote(settings, 1)
    promote(settings, 2)
    make_candidate(settings, 3)
    return home / "mlflow.db"


@pytest.fixture
def three(tmp_path: Path, made_once: Path) -> Settings:
    """A copy of the three versions for this test alone."""
    (tmp_path / "home").mkdir()
    shutil.copy2(made_once, tmp_path / "home" / "mlflow.db")
    return Settings(home=tmp_path / "home")


@contextmanager
def stopped_before_write(number: int) -> Iterator[None]:
    """Everything ends at the given write to the registry, counted from 0."""
    done = 0

    def guarded(original):
        def call(self, *args, **kwargs):
            nonlocal done
            if done >= number:
                raise Stopped
            done += 1
            return original(self, *args, **kwargs)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for subject in ("registered_model_alias", "registered_model_tag", "model_version_tag"):
            for verb in ("set", "delete"):
                name = f"{verb}_{subject}"
                patch.setattr(MlflowClient, name, guarded(getattr(MlflowClient, name)))
        with pytest.raises(Stopped):
            yield


def test_asking_for_versions_makes_no_registry(tmp_path: Path) -> None:
    assert list_versions(Settings(home=tmp_path / "home")) == []
    assert not (tmp_path / "home").exists()


def test_an_empty_registry_has_no_versions(settings: Settings) -> None:
    assert list_versions(settings) == []
    assert find_version(settings, "champion") is None


def test_a_version_tells_where_it_comes_from(settings: Settings, log_one) -> None:
    run_id = log_one("train-1", recipe="kcbert")

    made = register(settings, run_id, "train-1")

    assert (made.version, made.key, made.recipe, made.data_version) == (1, "train-1", "kcbert", "data0")
    assert made.run_id == run_id
    assert made.aliases == ()
    assert not made.archived
    assert made.macro_f1 == made.metrics["test/macro_f1"]
    assert made.accuracy == made.metrics["test/accuracy"]
    assert abs(datetime.now(UTC) - made.created) < timedelta(minutes=5)


def test_registering_the_same_key_twice_makes_one_version(settings: Settings, log_one) -> None:
    run_id = log_one()
    first = register(settings, run_id, "train-1")
    second = register(settings, run_id, "train-1")

    assert first == second
    assert [found.version for found in list_versions(settings)] == [1]


def test_an_unfinished_run_is_not_registered(settings: Settings) -> None:
    client = registry_client(settings)
    run = client.create_run(experiment_id(client), tags={KEY_TAG: "k"})

    with pytest.raises(RegistryError, match="RUNNING"):
        register(settings, run.info.run_id, "k")


def test_versions_come_newest_first_and_are_found_by_alias_number_and_latest(three: Settings) -> None:
    assert [found.version for found in list_versions(three)] == [3, 2, 1]
    assert find_version(three, "champion").version == 2
    assert find_version(three, "2").version == 2
    assert find_version(three, 1).aliases == ("previous",)
    assert find_version(three, "latest").version == 3
    assert find_version(three, 9) is None


def test_the_old_champion_becomes_previous_and_the_candidate_is_one_no_more(three: Settings) -> None:
    assert aliases(three) == {"champion": 2, "previous": 1, "candidate": 3}

    promote(three, 3)

    assert aliases(three) == {"champion": 3, "previous": 2}
    promote(three, 3)
    assert aliases(three) == {"champion": 3, "previous": 2}


def test_the_previous_champion_can_be_promoted_again(three: Settings) -> None:
    promote(three, 1)

    assert aliases(three) == {"champion": 1, "previous": 2, "candidate": 3}


@pytest.mark.parametrize("writes", range(4))
def test_a_promotion_cut_short_leaves_a_champion_and_is_finished_when_repeated(three: Settings, writes: int) -> None:
    with stopped_before_write(writes):
        promote(three, 3)

    assert aliases(three)["champion"] in (2, 3)
    promote(three, 3)
    assert aliases(three) == {"champion": 3, "previous": 2}


def test_rolling_back_swaps_champion_and_previous(three: Settings) -> None:
    assert roll_back(three).version == 1
    assert aliases(three) == {"champion": 1, "previous": 2, "candidate": 3}
    assert roll_back(three).version == 2


def test_of_two_who_leave_the_same_champion_at_once_one_does(three: Settings) -> None:
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(roll_back, three, 2) for _ in range(2)]
    (refused,) = [one.exception() for one in asked if one.exception()]
    assert isinstance(refused, Conflict)
    assert "Version 2 is not the champion (1 is)" in str(refused)
    assert aliases(three) == {"champion": 1, "previous": 2, "candidate": 3}


def test_a_roll_back_cut_short_is_finished_by_who_leaves_the_same_champion(three: Settings) -> None:
    with stopped_before_write(2):
        roll_back(three, 2)

    assert roll_back(three, 2).version == 1
    assert aliases(three) == {"champion": 1, "previous": 2, "candidate": 3}


@pytest.mark.parametrize("writes", range(1, 4))
def test_a_roll_back_cut_short_leaves_a_champion_and_is_finished_when_repeated(three: Settings, writes: int) -> None:
    with stopped_before_write(writes):
        roll_back(three)

    assert aliases(three)["champion"] in (1, 2)
    assert roll_back(three).version == 1
    assert aliases(three) == {"champion": 1, "previous": 2, "candidate": 3}


@pytest.mark.parametrize(("change", "version"), [(archive, 1), (make_candidate, 2)])
def test_a_roll_back_cut_short_is_not_finished_over_what_was_decided_since(change, version, three: Settings) -> None:
    with stopped_before_write(1):
        roll_back(three)
    change(three, version)
    champion = aliases(three)["champion"]

    with pytest.raises(Conflict, match="no previous"):
        roll_back(three)
    assert aliases(three)["champion"] == champion


def test_without_a_previous_champion_there_is_nothing_to_roll_back_to(settings: Settings, register_one) -> None:
    register_one()
    promote(settings, 1)

    with pytest.raises(Conflict, match="no previous"):
        roll_back(settings)


def test_archiving_the_champion_is_refused(three: Settings) -> None:
    with pytest.raises(Conflict, match="is the champion"):
        archive(three, 2)
    assert aliases(three)["champion"] == 2


def test_an_archived_version_loses_its_alias_and_is_not_the_latest(three: Settings) -> None:
    assert archive(three, 3).archived
    archive(three, 3)

    assert aliases(three) == {"champion": 2, "previous": 1}
    assert find_version(three, "latest").version == 2


def test_promoting_an_archived_version_takes_it_out_of_the_archive(three: Settings) -> None:
    archive(three, 1)

    assert not promote(three, 1).archived
    assert aliases(three)["champion"] == 1


def test_a_demoted_champion_hands_over_to_the_previous_one(three: Settings) -> None:
    make_candidate(three, 2)

    assert aliases(three) == {"champion": 1, "candidate": 2}
    make_candidate(three, 2)
    assert aliases(three) == {"champion": 1, "candidate": 2}


def test_the_only_champion_is_not_demoted(settings: Settings, register_one) -> None:
    register_one()
    promote(settings, 1)

    with pytest.raises(Conflict, match="promote another first"):
        make_candidate(settings, 1)
    assert aliases(settings) == {"champion": 1}


def test_a_version_that_is_not_there_is_named_with_those_that_are(three: Settings) -> None:
    with pytest.raises(NotThere, match=r"no version 7.*3, 2, 1"):
        promote(three, 7)


def test_promotions_and_roll_backs_at_once_come_one_after_another(three: Settings) -> None:
    for _ in range(4):
        promote(three, 2)
        # From champion 2: whichever comes first, the other's version becomes what can be rolled back to.
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda version: promote(three, version), (1, 3)))
        now = aliases(three)
        assert {now["champion"], now["previous"]} == {1, 3}


def test_a_champion_by_roll_back_is_no_candidate_any_more(three: Settings) -> None:
    make_candidate(three, 1)
    assert aliases(three) == {"champion": 2, "candidate": 1, "previous": 1}
    roll_back(three)
    assert aliases(three) == {"champion": 1, "previous": 2}


def test_a_note_of_a_roll_back_that_is_none_is_passed_over(three: Settings) -> None:
    registry_client(three).set_registered_model_tag(three.registered_model, "reelsense.rolling_back", "edited by hand")
    assert roll_back(three).version == 1
    assert aliases(three) == {"champion": 1, "previous": 2, "candidate": 3}

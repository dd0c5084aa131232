"""Trainings that Airflow does: how they are asked for, what is told of them, and what is said when Airflow is not well.

Airflow itself is asked in tests/airflow/test_airflow_runs.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from airflow_server import PASSWORD, STEPS, TOKEN, AirflowServer, airflow_server

from reelsense.errors import Conflict, InputError, ServiceAway
from reelsense.serving.trainings import Trainings
from reelsense.settings import Settings, load_settings
from reelsense.store.database import Database, open_database
from reelsense.store.notices import add_notice
from reelsense.store.runs import find_run_row, finish_run, start_run

NOBODY = "http://127.0.0.1:9"
DONE = dict.fromkeys(STEPS, "success")


@pytest.fixture
def airflow() -> Iterator[AirflowServer]:
    with airflow_server() as running:
        yield running


def to(url: str, password: str = PASSWORD) -> Settings:
    told = {"airflow_api": f"{url}/", "airflow_password": password, "airflow": "https://airflow.example/x/"}
    return load_settings(overrides={f"links.{name}": value for name, value in told.items()}, env_file=None)


@pytest.fixture
def settings(airflow: AirflowServer) -> Settings:
    return to(airflow.url)


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    opened = open_database(settings.resolved_database_url)
    yield opened
    opened.close()


def refused(settings: Settings, db: Database) -> str:
    """Why no training could be begun; nothing of it is left, and no secret is told."""
    trainings = Trainings(settings)
    with pytest.raises(ServiceAway) as caught:
        trainings.start("baseline")
    assert trainings.all(db) == []
    assert trainings.running() is None
    said = str(caught.value)
    assert PASSWORD not in said
    assert TOKEN not in said
    return said


@pytest.mark.parametrize("finetune", [False, True])
def test_a_training_is_a_run_of_its_dag_and_ends_as_the_store_says(
    airflow: AirflowServer, settings: Settings, db: Database, finetune: bool
) -> None:
    trainings = Trainings(settings)
    assert trainings.where == "airflow"
    begun = trainings.start("baseline", force=True, finetune=finetune)
    dag, run = ("model_finetune" if finetune else "model_retrain"), f"page__{begun.id}"
    assert airflow.runs == {(dag, run): {"state": "queued", "conf": {"recipe": "baseline", "force": True}}}
    assert trainings.running() is None  # no process of ours

    seen = trainings.find(db, begun.id)
    assert (seen.state, seen.outcome, seen.progress) == ("running", None, {"event": "queued", "step": 0, "steps": 9})
    assert seen.link == f"https://airflow.example/x/dags/{dag}/runs/{run}"

    with db.begin() as connection:
        row = start_run(connection, "finetune" if finetune else "retrain", "the-key", {"recipe": "baseline"})
    airflow.runs[dag, run]["state"] = "running"
    airflow.tasks, airflow.planned = {"plan": "success", "train": "running", "gate": "scheduled"}, "the-key"
    seen = trainings.find(db, begun.id)
    assert (seen.state, seen.progress) == ("running", {"event": "train", "step": 1, "steps": 9})
    assert seen.run == row
    with pytest.raises(Conflict, match=run):
        trainings.start("baseline", finetune=not finetune)

    with db.begin() as connection:
        finish_run(connection, row.id, "succeeded", {"outcome": "promoted", "version": 7}, "유의하게 나음")
    airflow.runs[dag, run]["state"], airflow.tasks = "success", DONE
    ended = trainings.find(db, begun.id)
    assert (ended.state, ended.outcome, ended.version) == ("succeeded", "promoted", 7)
    assert ended.reason == "유의하게 나음"

    airflow.broken = (500, "")  # it is not asked again, not even by a service that was started anew
    assert Trainings(settings).find(db, begun.id) == ended
    assert Trainings(settings).all(db) == [ended]


def test_what_is_not_worth_training_on_is_skipped_with_its_reason(
    airflow: AirflowServer, settings: Settings, db: Database
) -> None:
    begun = Trainings(settings).start("baseline")
    with db.begin() as connection:
        row = start_run(connection, "retrain", "skipped-1", {"recipe": "baseline"})
        finish_run(connection, row.id, "skipped", {"stored_labels": 3}, "새 라벨이 3개뿐")
    airflow.runs["model_retrain", f"page__{begun.id}"]["state"] = "success"
    airflow.tasks, airflow.planned = {"plan": "success", "train": "skipped"}, '"skipped-1"'

    found = Trainings(settings).find(db, begun.id)

    assert (found.state, found.outcome, found.reason) == ("skipped", "skipped", "새 라벨이 3개뿐")


def test_what_was_learned_before_is_not_shown_as_learned_again(
    airflow: AirflowServer, settings: Settings, db: Database
) -> None:
    with db.begin() as connection:
        row = start_run(connection, "retrain", "the-key", {"recipe": "baseline"})
        finish_run(connection, row.id, "succeeded", {"outcome": "promoted", "version": 7}, "유의하게 나음")
    begun = Trainings(settings).start("baseline", force=True)
    airflow.runs["model_retrain", f"page__{begun.id}"]["state"] = "success"
    airflow.tasks, airflow.planned = {"plan": "success", "train": "skipped"}, "the-key"

    found = Trainings(settings).find(db, begun.id)

    assert (found.state, found.outcome, found.version) == ("skipped", "skipped", None)


def test_a_failed_run_is_told_with_the_error_that_people_were_told(
    airflow: AirflowServer, settings: Settings, db: Database
) -> None:
    trainings = Trainings(settings)
    begun = [trainings.start("baseline")]
    run = f"page__{begun[0].id}"
    airflow.runs["model_retrain", run]["state"] = "failed"
    airflow.tasks = {"plan": "failed", "train": "upstream_failed"}
    text = "❌ *model_retrain* 실패: `plan` (시도 1)\n> There is &lt;nothing&gt; to train on\n<http://x|기록>"
    with db.begin() as connection:
        add_notice(connection, f"failed:model_retrain:{run}:plan", "model_retrain", text, "kept")
    assert trainings.find(db, begun[0].id).reason == "plan: There is <nothing> to train on"

    begun.append(trainings.start("baseline"))
    airflow.runs["model_retrain", f"page__{begun[1].id}"]["state"] = "failed"
    newest, oldest = trainings.all(db)
    assert (newest.state, oldest.state) == ("failed", "failed")
    assert "(plan)" in newest.reason
    assert (newest.asked.id, oldest.asked.id) == (begun[1].id, begun[0].id)


def test_a_run_that_airflow_no_longer_has_is_told_so(airflow: AirflowServer, settings: Settings, db: Database) -> None:
    begun = Trainings(settings).start("baseline")
    airflow.runs.clear()

    found = Trainings(settings).find(db, begun.id)

    assert found.state == "failed"
    assert f"does not know dags/model_retrain/dagRuns/page__{begun.id}" in found.reason


def test_while_airflow_is_away_trainings_are_listed_as_they_were(
    airflow: AirflowServer, settings: Settings, db: Database
) -> None:
    begun = Trainings(settings).start("baseline")
    airflow.broken = (502, "<html>bad gateway</html>")

    (found,) = Trainings(settings).all(db)

    assert (found.asked.id, found.state) == (begun.id, "running")
    assert "HTTP 502" in found.reason


def test_a_service_that_no_longer_knows_airflow_says_where_to_look(settings: Settings, db: Database) -> None:
    begun = Trainings(settings).start("baseline")
    here = Trainings(load_settings(overrides={"links.airflow": "https://airflow.example"}, env_file=None))

    found = here.find(db, begun.id)

    assert here.where == "here"
    assert (found.state, found.link) == (
        "failed",
        f"https://airflow.example/dags/model_retrain/runs/page__{begun.id}",
    )
    assert "AIRFLOW_API" in found.reason


def test_an_unknown_recipe_reaches_nobody(airflow: AirflowServer, settings: Settings) -> None:
    with pytest.raises(InputError, match="Known: baseline"):
        Trainings(settings).start("nothing")
    assert airflow.asked == []


def test_an_airflow_that_is_away_is_named_with_what_to_check(db: Database) -> None:
    said = refused(to(NOBODY.replace("//", "//somebody:secret@")), db)
    assert said.startswith("Airflow at http://127.0.0.1:9 does not answer (ConnectionError)")
    assert "REELSENSE_LINKS__AIRFLOW_API" in said
    assert "secret" not in said


def test_what_is_no_address_is_told_so(db: Database) -> None:
    said = refused(to("http://[1"), db)
    assert said.startswith("Airflow at an address that is none does not answer")
    assert "REELSENSE_LINKS__AIRFLOW_API" in said


def test_a_wrong_password_is_told_without_it(airflow: AirflowServer, settings: Settings, db: Database) -> None:
    airflow.password = "another one"
    said = refused(settings, db)
    assert "does not take the user 'admin' with its password (HTTP 401)" in said
    assert "REELSENSE_LINKS__AIRFLOW_PASSWORD" in said


def test_without_a_password_the_setting_is_named(airflow: AirflowServer, db: Database) -> None:
    assert "REELSENSE_LINKS__AIRFLOW_PASSWORD is not set" in refused(to(airflow.url, ""), db)
    assert airflow.asked == []


def test_a_user_without_rights_is_told_so(airflow: AirflowServer, settings: Settings, db: Database) -> None:
    airflow.broken = (403, '{"detail": "Forbidden"}')
    said = refused(settings, db)
    assert "its user 'admin'" in said
    assert "REELSENSE_LINKS__AIRFLOW_USER" in said


def test_an_unknown_dag_is_named(airflow: AirflowServer, settings: Settings, db: Database) -> None:
    airflow.dags.clear()
    assert "has no DAG 'model_retrain': look at its import errors" in refused(settings, db)


@pytest.mark.parametrize(
    "body", ["<html>welcome</html>", "", "[]", "5", "[" * 100_000, '{"dag_runs": 5}', '{"dag_runs": [5]}']
)
def test_what_is_not_airflow_is_told_so(body: str, airflow: AirflowServer, settings: Settings, db: Database) -> None:
    airflow.broken = (200, body)
    assert "does not answer as Airflow 3 does" in refused(settings, db)


def test_what_airflow_objects_to_is_passed_on(airflow: AirflowServer, settings: Settings, db: Database) -> None:
    airflow.broken = (400, '{"detail": "the DAG has import errors"}')
    assert "HTTP 400 (the DAG has import errors)" in refused(settings, db)


def test_a_paused_dag_is_not_given_a_run_that_would_wait_for_ever(
    airflow: AirflowServer, settings: Settings, db: Database
) -> None:
    airflow.paused.add("model_retrain")
    with pytest.raises(Conflict, match="paused"):
        Trainings(settings).start("baseline")
    assert airflow.runs == {}
    assert Trainings(settings).all(db) == []


def test_while_airflow_trains_by_itself_none_is_begun(airflow: AirflowServer, settings: Settings, db: Database) -> None:
    airflow.runs["model_finetune", "scheduled__2026-09-01"] = {"state": "running", "conf": {}}
    with pytest.raises(Conflict, match="scheduled__2026-09-01") as caught:
        Trainings(settings).start("baseline")
    assert caught.value.retry_after
    assert len(airflow.runs) == 1
    assert Trainings(settings).all(db) == []


def test_a_token_is_used_again_and_replaced_when_it_has_run_out(
    airflow: AirflowServer, settings: Settings, db: Database
) -> None:
    begun = Trainings(settings).start("baseline")
    Trainings(settings).find(db, begun.id)
    assert airflow.asked.count(("POST", "/auth/token")) == 1

    airflow.token = "another.token"
    assert Trainings(settings).find(db, begun.id).reason == ""
    assert airflow.asked.count(("POST", "/auth/token")) == 2
    with db.connect() as connection:
        assert find_run_row(connection, "the-key") is None


@pytest.mark.parametrize("planned", ['"', '"half', '"' + "[" * 5000, ""])
def test_a_step_that_hands_on_what_is_no_key_is_looked_at_without_it(
    planned: str, airflow: AirflowServer, settings: Settings, db: Database
) -> None:
    begun = Trainings(settings).start("baseline")
    airflow.tasks, airflow.planned = DONE, planned
    assert Trainings(settings).find(db, begun.id).state == "running"


@pytest.mark.parametrize("tasks", [5, "abc", [5], [None]])
def test_tasks_of_another_form_say_nothing_of_the_training(
    tasks: object, airflow: AirflowServer, settings: Settings, db: Database
) -> None:
    begun = Trainings(settings).start("baseline")
    airflow.broken = (200, json.dumps({"state": "running", "task_instances": tasks}))
    found = Trainings(settings).find(db, begun.id)
    assert (found.state, "does not answer as Airflow 3 does" in found.reason) == ("running", True)

"""Settings: every key can be set in every way, the nearest way wins, and mistakes are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from reelsense.errors import SettingsError
from reelsense.sections import ModelPrice
from reelsense.settings import Settings, known_keys, load_settings, read_recipe, recipe_folder

# For each key a value that is not its default, as text, and what becomes of it.
VALUES: dict[str, tuple[str, Any]] = {
    "home": ("/tmp/elsewhere", Path("/tmp/elsewhere")),  # noqa: S108
    "language": ("en", "en"),
    "recipe": ("spare", "spare"),
    "database_url": ("postgresql://me:hunter2@db/x", SecretStr("postgresql://me:hunter2@db/x")),
    "mlflow_tracking_uri": ("http://127.0.0.1:5001", "http://127.0.0.1:5001"),
    "mlflow_artifacts": ("s3://bucket/models", "s3://bucket/models"),
    "object_store": ("s3://bucket/data", "s3://bucket/data"),
    "registered_model": ("other", "other"),
    "morphemes": ("okt", "okt"),
    "neutral_below": ("0.8", 0.8),
    "log_level": ("DEBUG", "DEBUG"),
    "log_format": ("json", "json"),
    "dataset.name": ("store", "store"),
    "dataset.folder": ("corpus", Path("corpus")),
    "dataset.extra_files": ('["a.tsv", "b.csv"]', (Path("a.tsv"), Path("b.csv"))),
    "dataset.lukewarm_weight": ("0.5", 0.5),
    "dataset.sampling_rate": ("0.5", 0.5),
    "dataset.max_length": ("64", 64),
    "dataset.validation_share": ("0.1", 0.1),
    "dataset.person_weight": ("5", 5.0),
    "model.name": ("beomi/kcbert-base", "beomi/kcbert-base"),
    "model.members": ('["baseline", "small"]', ("baseline", "small")),
    "model.teachers": ('["small", "7"]', ("small", "7")),
    "model.hidden": ("64", 64),
    "model.layers": ("3", 3),
    "model.unfrozen_layers": ("4", 4),
    "model.dropout": ("0.2", 0.2),
    "model.start": ("models/one", Path("models/one")),
    "model.register_threshold": ("0.9", 0.9),
    "model.longest_ngram": ("4", 4),
    "model.hash_bits": ("20", 20),
    "model.weight_levels": ("63", 63),
    "model.rating_head": ("true", True),
    "training.epochs": ("7", 7),
    "training.batch_size": ("16", 16),
    "training.learning_rate": ("3e-5", 3e-5),
    "training.warmup_share": ("0.2", 0.2),
    "training.weight_decay": ("0.02", 0.02),
    "training.accumulate": ("2", 2),
    "training.teacher_share": ("0.5", 0.5),
    "training.consistency": ("0.5", 0.5),
    "training.patience": ("3", 3),
    "training.evaluations_per_epoch": ("4", 4),
    "training.precision": ("fp32", "fp32"),
    "training.seed": ("7", 7),
    "crawl.enabled": ("megabox, cgv", ("megabox", "cgv")),
    "crawl.base_urls": ('{"megabox": "http://127.0.0.1:1"}', {"megabox": "http://127.0.0.1:1"}),
    "crawl.films": ('{"megabox": ["1", "2"]}', {"megabox": ("1", "2")}),
    "crawl.schedule": ('{"megabox": "@hourly"}', {"megabox": "@hourly"}),
    "crawl.films_per_task": ("7", 7),
    "crawl.min_delay_seconds": ("2.5", 2.5),
    "crawl.jitter_seconds": ("0.25", 0.25),
    "crawl.timeout_seconds": ("5", 5.0),
    "crawl.retries": ("2", 2),
    "crawl.max_body_megabytes": ("1.5", 1.5),
    "crawl.max_passes": ("9", 9),
    "crawl.overlap_days": ("1", 1),
    "crawl.user_agent": ("mine/1", "mine/1"),
    "crawl.naver_client_id": ("hunter2", SecretStr("hunter2")),
    "crawl.naver_client_secret": ("hunter2", SecretStr("hunter2")),
    "crawl.hash_salt": ("hunter2", SecretStr("hunter2")),
    "retrain.min_new_labels": ("50", 50),
    "retrain.drift_psi": ("0.3", 0.3),
    "retrain.holdout_share": ("0.3", 0.3),
    "retrain.newest": ("100", 100),
    "retrain.gate_alpha": ("0.01", 0.01),
    "retrain.min_corrections": ("3", 3),
    "monitoring.measures": ("score, length", ("score", "length")),
    "monitoring.rating_psi": ("0.3", 0.3),
    "monitoring.length_ks": ("0.25", 0.25),
    "monitoring.vocabulary_js": ("0.05", 0.05),
    "monitoring.false_alarm": ("0.05", 0.05),
    "monitoring.least_reviews": ("30", 30),
    "monitoring.films": ("5", 5),
    "monitoring.weeks": ("8", 8),
    "monitoring.texts": ("500", 500),
    "monitoring.keep_pages_days": ("10", 10),
    "serving.model": ("bundled", "bundled"),
    "serving.follow_seconds": ("2", 2.0),
    "serving.shadow_share": ("0.25", 0.25),
    "serving.batch_ms": ("8", 8.0),
    "serving.batch_tokens": ("1024", 1024),
    "serving.batch_rows": ("16", 16),
    "serving.queue_ms": ("90", 90.0),
    "serving.in_flight": ("64", 64),
    "serving.cache_texts": ("0", 0),
    "serving.timeout_seconds": ("5", 5.0),
    "serving.most_texts": ("10", 10),
    "serving.longest_text": ("500", 500),
    "serving.body_megabytes": ("1.5", 1.5),
    "serving.upload_megabytes": ("3", 3.0),
    "serving.job_megabytes": ("50", 50.0),
    "serving.unpacked_megabytes": ("90", 90.0),
    "serving.most_jobs": ("3", 3),
    "serving.job_days": ("1", 1.0),
    "serving.auth": ("always", "always"),
    "serving.rate_per_second": ("2.5", 2.5),
    "serving.burst": ("7", 7),
    "serving.access_log": ("true", True),
    "serving.cors_origins": ("https://a.example, https://b.example", ("https://a.example", "https://b.example")),
    "serving.root_path": ("/api", "/api"),
    "serving.otlp_endpoint": ("http://127.0.0.1:4318/v1/traces", "http://127.0.0.1:4318/v1/traces"),
    "page.viewer_password": ("hunter2", SecretStr("hunter2")),
    "page.labeller_password": ("hunter2", SecretStr("hunter2")),
    "page.admin_password": ("hunter2", SecretStr("hunter2")),
    "page.oidc_metadata_url": ("https://id.example/x", "https://id.example/x"),
    "page.oidc_client_id": ("page", "page"),
    "page.oidc_client_secret": ("hunter2", SecretStr("hunter2")),
    "page.oidc_redirect_url": ("https://a.example/oauth2callback", "https://a.example/oauth2callback"),
    "page.cookie_secret": ("hunter2", SecretStr("hunter2")),
    "page.salt": ("hunter2", SecretStr("hunter2")),
    "page.viewers": ("a@x.kr, b@x.kr", ("a@x.kr", "b@x.kr")),
    "page.labellers": ("a@x.kr", ("a@x.kr",)),
    "page.admins": ("a@x.kr", ("a@x.kr",)),
    "page.studio_role": ("admin", "admin"),
    "studio.api_key": ("hunter2", SecretStr("hunter2")),
    "studio.base_url": ("http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1"),
    "studio.chat_model": ("chatty", "chatty"),
    "studio.image_model": ("painter", "painter"),
    "studio.moderation_model": ("strict", "strict"),
    "studio.timeout_seconds": ("5", 5.0),
    "studio.most_images": ("2", 2),
    "studio.dollars_per_day": ("none", None),
    "studio.won_per_dollar": ("1300", 1300.0),
    "studio.prices": ('{"mine": {"input": 0.1}}', {"mine": ModelPrice(input=0.1)}),
    "backup.to": ("s3://bucket/backups", "s3://bucket/backups"),
    "backup.keep": ("7", 7),
    "backup.databases": (
        '{"mlflow": "postgresql://me:hunter2@db/x"}',
        {"mlflow": SecretStr("postgresql://me:hunter2@db/x")},
    ),
    "backup.folders": ('{"plans": "/srv/plans"}', {"plans": "/srv/plans"}),
    "backup.postgres_programs": ("programs", Path("programs")),
    "automation.retrain": ("15 4 * * *", "15 4 * * *"),
    "automation.finetune": ("none", "none"),
    "automation.model_check": ("5 6 * * *", "5 6 * * *"),
    "automation.maintenance": ("7 8 * * 1", "7 8 * * 1"),
    "automation.slack_bot": ("none", "none"),
    "automation.retries": ("1", 1),
    "automation.retry_seconds": ("5", 5.0),
    "automation.training_hours": ("2.5", 2.5),
    "automation.training_queue": ("gpu", "gpu"),
    "automation.deadline_minutes": ("30", 30.0),
    "automation.older_export": ("true", True),
    "automation.keep_snapshots_days": ("30", 30),
    "automation.keep_versions": ("5", 5),
    "automation.keep_runs_days": ("10", 10),
    "slack.webhook_url": ("https://hooks.example/hunter2", SecretStr("https://hooks.example/hunter2")),
    "slack.bot_token": ("hunter2", SecretStr("hunter2")),
    "slack.channel": ("C1", "C1"),
    "slack.review_channel": ("C2", "C2"),
    "slack.api_url": ("http://127.0.0.1:1/api/", "http://127.0.0.1:1/api/"),
    "links.ui": ("http://ui", "http://ui"),
    "links.mlflow": ("http://mlflow", "http://mlflow"),
    "links.airflow": ("http://airflow", "http://airflow"),
    "links.airflow_api": ("http://airflow-api:8080", "http://airflow-api:8080"),
    "links.airflow_user": ("trainer", "trainer"),
    "links.airflow_password": ("hunter2", SecretStr("hunter2")),
    "links.api": ("http://api", "http://api"),
    "links.api_key": ("hunter2", SecretStr("hunter2")),
}
KEYS = tuple(known_keys())
# HOME is set for every test; the recipe can't be chosen by a recipe.
RECIPE_KEYS = tuple(key for key in KEYS if key not in ("home", "recipe"))
SECRETS = tuple(key for key, (text, _) in VALUES.items() if "hunter2" in text)


def value_of(settings: Settings, key: str) -> Any:
    value: Any = settings
    for part in key.split("."):
        value = getattr(value, part)
    return value


def variable(key: str) -> str:
    return "REELSENSE_" + key.upper().replace(".", "__")


def of_yaml(key: str) -> Any:
    """The value as YAML gives it: typed, and a list as a list."""
    return yaml.safe_load(VALUES[key][0]) if key != "training.learning_rate" else 3e-5


@pytest.fixture(autouse=True)
def recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of recipes of our own, and a working directory without an .env."""
    folder = tmp_path / "project" / "configs"
    folder.mkdir(parents=True)
    (folder / "baseline.yaml").write_text("")
    (folder / "spare.yaml").write_text("")
    monkeypatch.setattr("reelsense.settings.ROOT", folder.parent)
    monkeypatch.chdir(folder.parent)
    return folder


def write_recipe(folder: Path, key: str, value: Any, name: str = "baseline") -> None:
    tree: dict[str, Any] = {}
    node = tree
    *parents, leaf = key.split(".")
    for parent in parents:
        node = node.setdefault(parent, {})
    node[leaf] = value
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(tree, allow_unicode=True))


def test_every_key_is_tried_here() -> None:
    assert set(VALUES) == set(KEYS)


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_set_by_the_environment(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written, expected = VALUES[key]
    assert value_of(load_settings(), key) != expected
    monkeypatch.setenv(variable(key), written)
    assert value_of(load_settings(), key) == expected


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_set_by_an_override(key: str) -> None:
    written, expected = VALUES[key]
    given = yaml.safe_load(written) if written[0] in "[{" else written
    assert value_of(load_settings(overrides={key: given}, recipe=None), key) == expected


@pytest.mark.parametrize("key", [key for key in KEYS if key != "home"])
def test_a_key_is_set_by_the_env_file(key: str) -> None:
    written, expected = VALUES[key]
    Path(".env").write_text(f"# mine\n{variable(key)}='{written}'\nOTHER=1\n")
    assert value_of(load_settings(), key) == expected


@pytest.mark.parametrize("key", RECIPE_KEYS)
def test_a_key_is_set_by_a_recipe(key: str, recipes: Path) -> None:
    write_recipe(recipes, key, of_yaml(key))
    assert value_of(load_settings(), key) == VALUES[key][1]


def test_the_nearest_way_wins(recipes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_recipe(recipes, "training.epochs", 4)
    assert load_settings().training.epochs == 4
    Path(".env").write_text("REELSENSE_TRAINING__EPOCHS=5\n")
    assert load_settings().training.epochs == 5
    monkeypatch.setenv("REELSENSE_TRAINING__EPOCHS", "6")
    assert load_settings().training.epochs == 6
    assert load_settings(overrides={"training.epochs": 7}).training.epochs == 7
    assert load_settings(env_file=None, overrides={}).training.epochs == 6


def test_one_key_from_each_place_keeps_the_others(recipes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (recipes / "baseline.yaml").write_text("training: {epochs: 4, seed: 1, patience: 5}\n")
    Path(".env").write_text("REELSENSE_TRAINING__SEED=2\n")
    monkeypatch.setenv("REELSENSE_TRAINING__BATCH_SIZE", "8")
    found = load_settings(overrides={"training.accumulate": 3}).training
    assert (found.epochs, found.seed, found.patience, found.batch_size, found.accumulate) == (4, 2, 5, 8, 3)


def test_an_empty_variable_sets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELSENSE_TRAINING__EPOCHS", "")
    assert load_settings().training.epochs == 3


def test_the_recipe_is_chosen_by_name_before_the_environment(recipes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_recipe(recipes, "training.epochs", 9, "spare")
    assert load_settings("spare").training.epochs == 9
    monkeypatch.setenv("REELSENSE_RECIPE", "spare")
    assert load_settings().training.epochs == 9
    assert load_settings().recipe == "spare"
    assert load_settings("baseline").training.epochs == 3


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("trainig.epochs", "training.epochs"),
        ("training.epoch", "training.epochs"),
        ("model.unfrozen_layer", "model.unfrozen_layers"),
        ("dataset.samplingrate", "dataset.sampling_rate"),
        ("neutral_bellow", "neutral_below"),
        ("databse_url", "database_url"),
    ],
)
def test_an_unknown_key_names_its_nearest_neighbour_and_where_it_stands(
    wrong: str, nearest: str, recipes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = f"unknown key '{wrong}'; the nearest is '{nearest}'"
    with pytest.raises(SettingsError, match=said) as caught:
        load_settings(overrides={wrong: 1})
    assert "--set" in str(caught.value)
    write_recipe(recipes, wrong, 1, "spare")
    with pytest.raises(SettingsError, match=said) as caught:
        load_settings("spare")
    assert "spare.yaml" in str(caught.value)
    Path(".env").write_text(f"{variable(wrong)}=1\n")
    with pytest.raises(SettingsError, match=said):
        load_settings()
    Path(".env").unlink()
    monkeypatch.setenv(variable(wrong), "1")
    with pytest.raises(SettingsError, match=said) as caught:
        load_settings()
    assert variable(wrong) in str(caught.value)


def test_one_source_s_base_url_is_set_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELSENSE_CRAWL__BASE_URLS__MEGABOX", "http://127.0.0.1:1")
    assert load_settings().crawl.base_urls == {"megabox": "http://127.0.0.1:1"}
    found = load_settings(overrides={"crawl.base_urls.cgv": "http://127.0.0.1:2"})
    assert found.crawl.base_urls == {"megabox": "http://127.0.0.1:1", "cgv": "http://127.0.0.1:2"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("training.epochs", "many"),
        ("training.epochs", "0"),
        ("dataset.sampling_rate", "1.5"),
        ("neutral_below", "0.4"),
        ("language", "fr"),
        ("dataset.max_length", "100000"),
    ],
)
def test_a_bad_value_is_an_error_that_names_key_and_value(
    key: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(overrides={key: value})
    assert key in str(caught.value)
    assert value in str(caught.value)
    monkeypatch.setenv(variable(key), value)
    with pytest.raises(SettingsError, match=key):
        load_settings()


def test_every_bad_value_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(overrides={"training.epochs": 0, "language": "fr"})
    assert "training.epochs" in str(caught.value)
    assert "language" in str(caught.value)


@pytest.mark.parametrize("key", SECRETS)
def test_a_secret_is_never_shown(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable(key), VALUES[key][0])
    settings = load_settings()
    shown = (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json())
    assert not any("hunter2" in text for text in shown)


@pytest.mark.parametrize("key", SECRETS)
def test_a_secret_of_the_wrong_kind_is_not_shown_in_the_error(key: str, recipes: Path) -> None:
    write_recipe(recipes, key, ["hunter2"])
    with pytest.raises(SettingsError, match=key) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


def test_a_missing_recipe_names_the_nearest_and_those_there_are() -> None:
    with pytest.raises(SettingsError, match=r"did you mean 'spare'\?.*Known: baseline, spare"):
        load_settings("spar")


@pytest.mark.parametrize(
    ("content", "said"),
    [("- a\n- b\n", "expected keys and values, found list"), ("just text", "found str"), ("a: [1,\n", "not YAML")],
)
def test_a_recipe_that_is_none_is_an_error_that_names_the_file(content: str, said: str, recipes: Path) -> None:
    (recipes / "spare.yaml").write_text(content)
    with pytest.raises(SettingsError, match=said) as caught:
        load_settings("spare")
    assert "spare.yaml" in str(caught.value)


def test_a_section_that_is_a_value_is_an_error(recipes: Path) -> None:
    (recipes / "spare.yaml").write_text("training: 5\n")
    with pytest.raises(SettingsError, match="training"):
        load_settings("spare")


def test_the_embedded_mode_needs_no_setting(tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.resolved_database_url == f"sqlite:///{tmp_path / 'home' / 'reelsense.db'}"
    assert settings.resolved_tracking_uri == f"sqlite:///{tmp_path / 'home' / 'mlflow.db'}"
    assert settings.resolved_artifacts == str(tmp_path / "home" / "artifacts")
    assert settings.corpus_folder == tmp_path / "home" / "nsmc"
    assert settings.crawl.enabled == ()


def test_the_project_s_recipes_all_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reelsense.settings.ROOT", Path(__file__).resolve().parents[1])
    names = sorted(path.stem for path in recipe_folder().glob("*.yaml"))
    assert "baseline" in names
    for name in names:
        assert load_settings(name).recipe == name
        assert read_recipe(name)


def test_loading_makes_no_file(tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    load_settings()
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "content",
    [
        "a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)),
        "&a {training: *a}",
        "training: {seed: 0x_}",
        "training: {seed: 2001-99-99}",
        "training: " + "[" * 5000,
        "training:\n" + "".join(" " * n + "a:\n" for n in range(1, 400)),
        "1: {a: {b: c}}",
        "#" * 300_000,
        "dataset:\nmodel:\n",
    ],
)
def test_yaml_that_has_no_end_or_no_meaning_is_an_error(content: str, recipes: Path) -> None:
    (recipes / "odd.yaml").write_text(content)
    with pytest.raises(SettingsError, match="odd"):
        load_settings("odd", env_file=None)


def test_an_env_file_that_is_no_text_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "env").write_bytes(b"REELSENSE_LANGUAGE=\xff\xfe")
    with pytest.raises(SettingsError, match="env"):
        load_settings(env_file=tmp_path / "env")


def test_a_mapping_that_is_no_json_is_an_error_that_does_not_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELSENSE_BACKUP__DATABASES", '{"mlflow": "postgresql://me:hunter2@db/x"')
    with pytest.raises(SettingsError, match="backup") as told:
        load_settings(env_file=None)
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("whole", ["x", {"lotte": "http://localhost"}])
def test_a_key_beside_its_whole_mapping_is_an_error(whole: object, order: int) -> None:
    pairs = [("crawl.base_urls", whole), ("crawl.base_urls.megabox", "http://localhost")]
    with pytest.raises(SettingsError, match="as a whole"):
        load_settings(overrides=dict(pairs[::order]), env_file=None)

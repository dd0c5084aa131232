"""The sections of the settings: what each part of reelsense can be told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from reelsense.types import ROLES, DriftMeasure, Role


def _split(value: Any) -> Any:
    """`a, b` as ("a", "b"); anything else as it is."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


# From the environment: comma-separated.
_Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_default=True)


class DatasetSettings(_Section):
    """What a model learns from."""

    name: Literal["nsmc", "store", "people"] = Field(
        "nsmc", description="nsmc: corpus and store; store: reviews only; people: their labels and a share of ratings"
    )
    folder: Path | None = Field(None, description="where ratings_train.txt and ratings_test.txt lie; default HOME/nsmc")
    extra_files: tuple[Path, ...] = Field((), description="further rated files (columns of NSMC's raw reviews)")
    lukewarm_weight: float = Field(
        0.0, ge=0, description="what a review of extra_files rated 5-8 counts, its rating as its target (encoders)"
    )
    sampling_rate: float = Field(1.0, gt=0, le=1, description="share of the training rows used")
    max_length: int = Field(128, ge=8, le=512, description="tokens a text is cut to (transformers)")
    validation_share: float = Field(0.05, gt=0, lt=0.5, description="share of the training texts kept for validation")
    person_weight: float = Field(3.0, gt=0, description="what a text labelled by people counts beside a rated one")


class ModelSettings(_Section):
    """Which model, and when it is good enough to be registered."""

    name: str = Field("baseline", description="baseline, scratch, blend, a Hugging Face name, or a local folder")
    members: tuple[str, ...] = Field((), description="recipes whose models answer as one (blend)")
    unfrozen_layers: int | None = Field(None, ge=0, description="encoder layers that learn, from the top; none: all")
    teachers: tuple[str, ...] = Field((), description="better models whose answers are learned too (encoders)")
    dropout: float = Field(0.1, ge=0, lt=1, description="share of numbers hidden while learning (encoders)")
    hidden: int = Field(128, ge=16, le=1024, multiple_of=16, description="numbers a token becomes (scratch)")
    layers: int = Field(1, ge=1, le=12, description="of LSTMs (scratch)")
    start: Path | None = Field(None, description="model folder a baseline or blend starts at; baseline: bundled")
    register_threshold: float = Field(0.80, ge=0, le=1, description="macro-F1 under which nothing is registered")
    longest_ngram: int = Field(5, ge=1, le=8, description="characters of the longest n-gram (baseline)")
    hash_bits: int = Field(22, ge=10, le=24, description="2 to this power weights (baseline)")
    rating_head: bool = Field(
        False, description="also fit the rating, from dataset.extra_files, for benchmarks/neutral.py; it is not served"
    )
    weight_levels: int = Field(31, ge=1, le=127, description="int8 steps up to the 99.9th percentile (baseline)")


class TrainingSettings(_Section):
    """How it learns. Transformers use all keys; the baseline's fit is exact and uses epochs and weight_decay only."""

    epochs: int = Field(3, ge=1, description="passes over the data (baseline: L-BFGS iterations)")
    batch_size: int = Field(32, ge=1, description="texts a step learns from")
    learning_rate: float = Field(2e-5, gt=0, description="at its highest, after the warm-up")
    warmup_share: float = Field(0.1, ge=0, lt=1, description="of the steps, in which the learning rate rises")
    weight_decay: float = Field(0.01, ge=0, description="how strongly weights are pulled to zero")
    teacher_share: float = Field(0.7, ge=0, le=1, description="what teachers say counts this much, labels the rest")
    consistency: float = Field(
        0.0, ge=0, description="answers under two draws of dropout are held together (R-Drop); twice the time, 0: off"
    )
    accumulate: int = Field(1, ge=1, description="batches whose gradients are added before a step")
    patience: int = Field(2, ge=1, description="evaluations without gain on the validation split before stopping")
    evaluations_per_epoch: int = Field(1, ge=1, description="on the validation split")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto", description="auto: bf16 or fp16 on a GPU, fp32 on a CPU"
    )
    seed: int = Field(42, description="of every random choice")


class CrawlSettings(_Section):
    """Manners and reach of the crawler. Live sites stay off until named in `enabled`."""

    enabled: _Words = Field((), description="sources an operator has turned on")
    base_urls: dict[str, str] = Field({}, description="source name to another base URL (a devsite)")
    films: dict[str, tuple[str, ...]] = Field({}, description="source name to film codes; default what it lists")
    schedule: dict[str, str] = Field({}, description="source name to @hourly, @daily, none or a cron line (daily)")
    films_per_task: int = Field(20, ge=1, description="films that one task of the crawl DAG reads")
    min_delay_seconds: float = Field(1.0, ge=0, description="least time between two requests to one host")
    jitter_seconds: float = Field(0.5, ge=0, description="most that is added to the delay, by chance")
    timeout_seconds: float = Field(20.0, gt=0, description="of one request")
    retries: int = Field(5, ge=0, description="of a request that failed, with growing pauses")
    max_body_megabytes: float = Field(20.0, gt=0, description="an answer that is larger is not read")
    max_passes: int = Field(5, ge=1, description="passes over a film's pages while they shift")
    overlap_days: int = Field(3, ge=0, description="days read again before the last complete crawl")
    user_agent: str = Field(
        "reelsense/0.1 (+https://github.com/reelsense/reelsense; review research)",
        description="how the crawler introduces itself",
    )
    naver_client_id: SecretStr | None = Field(None, description="of Naver's search API, for news and blogs")
    naver_client_secret: SecretStr | None = Field(None, description="of Naver's search API")
    hash_salt: SecretStr | None = Field(None, description="salt of author hashes; made and kept in HOME if not given")


class RetrainSettings(_Section):
    """When the daily loop trains, and what the gate asks."""

    min_new_labels: int = Field(200, ge=1, description="new labels that are worth a training")
    drift_psi: float = Field(0.2, gt=0, description="population stability index that counts as drift")
    holdout_share: float = Field(0.2, gt=0, lt=0.9, description="store texts never trained on, kept for the gate")
    newest: int = Field(5000, ge=1, description="how many of the newest held-out labels the gate compares on")
    gate_alpha: float = Field(0.05, gt=0, lt=1, description="significance level of McNemar's test")
    min_corrections: int = Field(20, ge=1, description="new labels of people that are worth a fine-tuning")


class MonitoringSettings(_Section):
    """What counts as drift of a week against the 28 days before it; the scores' threshold is `retrain.drift_psi`."""

    measures: Annotated[tuple[DriftMeasure, ...], NoDecode, BeforeValidator(_split)] = Field(
        ("score", "rating", "length", "vocabulary"), description="what is looked at, and may raise alarms and retrain"
    )
    rating_psi: float = Field(0.2, gt=0, description="population stability index of the ratings")
    length_ks: float = Field(0.15, gt=0, le=1, description="largest gap of the cumulative shares of text lengths")
    vocabulary_js: float = Field(
        0.02, gt=0, le=1, description="bits (0-1) of Jensen-Shannon divergence of n-grams beyond that of random splits"
    )
    false_alarm: float = Field(
        0.01, gt=0, lt=1, description="probability of an alarm in a week without drift, over all measures and films"
    )
    least_reviews: int = Field(50, ge=10, description="reviews of a week, and before it, under which nothing is said")
    films: int = Field(20, ge=0, description="films looked at one by one, those with most reviews first")
    weeks: int = Field(12, ge=1, le=104, description="weeks on the page")
    texts: int = Field(2000, ge=100, description="reviews of a week (and film) whose words are counted")
    keep_pages_days: int = Field(90, ge=1, description="days that the daily pages are kept in the object store")


class ServingSettings(_Section):
    """The inference service: what it serves, how much it takes on, and for whom."""

    model: str = Field("champion", description="champion (followed), or a version, recipe, folder or bundled (fixed)")
    follow_seconds: float = Field(10.0, gt=0, description="how often the champion alias is looked at")
    shadow_share: float = Field(0.0, ge=0, le=1, description="share of the texts that the candidate scores as well")
    batch_ms: float = Field(5.0, gt=0, description="work a lane takes at once, as measured on this machine")
    batch_tokens: int = Field(4096, ge=1, description="padded tokens (or characters) of a batch at most")
    batch_rows: int = Field(64, ge=1, description="texts of a batch at most")
    queue_ms: float = Field(200.0, gt=0, description="expected wait beyond which a request is refused at once")
    in_flight: int = Field(512, ge=1, description="requests at once beyond which the next are refused")
    cache_texts: int = Field(10_000, ge=0, description="texts whose answers are kept")
    timeout_seconds: float = Field(30.0, gt=0, description="of one request, then it is answered 504")
    most_texts: int = Field(1000, ge=1, description="texts of one request")
    longest_text: int = Field(10_000, ge=1, description="characters of one text")
    body_megabytes: float = Field(8.0, gt=0, description="a JSON body")
    upload_megabytes: float = Field(20.0, gt=0, description="a file that is answered at once")
    job_megabytes: float = Field(1000.0, gt=0, description="a file that becomes a job")
    unpacked_megabytes: float = Field(4000.0, gt=0, description="what a compressed file may grow to")
    most_jobs: int = Field(20, ge=1, description="jobs of one key that have not ended")
    job_days: float = Field(7.0, gt=0, description="days that a finished job's files are kept")
    auth: Literal["auto", "always"] = Field("auto", description="auto: no key is asked on loopback in embedded mode")
    rate_per_second: float = Field(50.0, gt=0, description="requests of one key, over time")
    burst: int = Field(100, ge=1, description="requests of one key at once")
    access_log: bool = Field(False, description="a log line for each request, not only for slow and failed ones")
    cors_origins: _Words = Field((), description="web origins that browsers may call from")
    root_path: str = Field("", pattern=r"^(/[\w.-]+)*$", description="path under which a proxy shows the API (/api)")
    otlp_endpoint: str | None = Field(None, description="OpenTelemetry traces go to http://HOST:4318/v1/traces")


class AutomationSettings(_Section):
    """When the DAGs run (cron lines are Korean time), how stubborn they are, and what they keep."""

    retrain: str = Field("30 3 * * *", description="@daily, none or a cron line; so are the next four")
    finetune: str = Field("30 5 * * 1", description="learning from people's corrections")
    model_check: str = Field("0 8 * * *", description="the champion, the service and drift")
    maintenance: str = Field("0 5 * * 0", description="clearing away what is old")
    slack_bot: str = Field("* * * * *", description="how often the review channel is read, where one is named")
    retries: int = Field(3, ge=0, description="how often a failed task is tried again")
    retry_seconds: float = Field(60.0, gt=0, description="before the first retry; doubled for each further one")
    training_hours: float = Field(12.0, gt=0, description="time limit of the training task")
    training_queue: str = Field("", description="Celery queue of the training task (a worker with a GPU)")
    deadline_minutes: float = Field(240.0, gt=0, description="a run that takes longer is reported as late")
    older_export: bool = Field(False, description="also write the earlier systems' cinema/… files")
    keep_snapshots_days: int = Field(365, ge=1, description="snapshots kept in the object store")
    keep_versions: int = Field(20, ge=3, description="versions without an alias kept in the registry, newest first")
    keep_runs_days: int = Field(180, ge=1, description="pipeline runs and notices kept in the store")


class BackupSettings(_Section):
    """Where backups go, and what else than reelsense's own they hold."""

    to: str = Field("", description="folder or s3://bucket/prefix of the backups")
    keep: int | None = Field(None, ge=1, description="backups kept there; none: all")
    databases: dict[str, SecretStr] = Field({}, description="name to URL of further databases (mlflow, airflow)")
    folders: dict[str, str] = Field({}, description="name to folder or s3://bucket/prefix of further files")
    postgres_programs: Path | None = Field(None, description="folder of pg_dump, pg_restore and psql; default PATH")


class SlackSettings(_Section):
    """Where reports go: an incoming webhook, or a bot token and a channel. Without either: the log and the store."""

    webhook_url: SecretStr | None = Field(None, description="incoming webhook that reports go to")
    bot_token: SecretStr | None = Field(
        None, description="of a Slack app; it writes to channel and reads review_channel"
    )
    channel: str = Field("", description="id of the channel the bot reports to")
    review_channel: str = Field("", description="id of the channel whose messages the bot scores")
    api_url: str = Field("https://slack.com/api/", description="Slack's Web API")


class PageSettings(_Section):
    """Who may use the web page: a password for each role, or OIDC with lists of people.

    With neither, the page asks nobody in embedded mode, where there is one person, and refuses to start elsewhere.
    """

    viewer_password: SecretStr | None = Field(None, description="signs in to look")
    labeller_password: SecretStr | None = Field(None, description="signs in to look and to label")
    admin_password: SecretStr | None = Field(None, description="signs in to do everything")
    oidc_metadata_url: str = Field("", description="the provider's .well-known/openid-configuration")
    oidc_client_id: str = Field("", description="what the provider calls the page")
    oidc_client_secret: SecretStr | None = Field(None, description="given by the provider")
    oidc_redirect_url: str = Field("", description="the page's address with /oauth2callback")
    cookie_secret: SecretStr | None = Field(None, description="signs the sign-in cookie of OIDC")
    salt: SecretStr | None = Field(None, description="of the hashes of people; made and kept in HOME if not given")
    viewers: _Words = Field((), description="e-mail addresses; none: whoever signs in")
    labellers: _Words = Field((), description="e-mail addresses that may label")
    admins: _Words = Field((), description="e-mail addresses that may do everything")
    studio_role: Role = Field("labeller", description="who may make the studio's calls that cost, and everyone above")

    def passwords(self) -> dict[Role, str]:
        """The passwords that are set, by role."""
        given: dict[Role, SecretStr | None] = {role: getattr(self, f"{role}_password") for role in ROLES}
        return {role: text for role, secret in given.items() if secret and (text := secret.get_secret_value())}


class ModelPrice(_Section):
    """What a model costs in US dollars: tokens by the million, images each, by size."""

    input: float | None = Field(None, ge=0, description="a million tokens that are sent")
    output: float | None = Field(None, ge=0, description="a million tokens that are written")
    images: dict[str, float] = Field({}, description="size (1024x1024) to the price of one image")


class StudioSettings(_Section):
    """The studio's model provider: OpenAI, or any server that speaks its API. Without a key it works offline."""

    api_key: SecretStr | None = Field(None, description="for a server that asks for none: any word")
    base_url: str = Field("https://api.openai.com/v1", description="of the API; any server that speaks OpenAI's")
    chat_model: str = Field("gpt-5-mini", description="writes prompts, characters and answers")
    image_model: str = Field("gpt-image-1", description="draws the pictures")
    moderation_model: str = Field("omni-moderation-latest", description="looks at prompts before a picture is drawn")
    timeout_seconds: float = Field(120.0, gt=0, description="of one call; it is tried three times")
    most_images: int = Field(4, ge=1, le=4, description="images of one request")
    dollars_per_day: float | None = Field(
        5.0, ge=0, le=1_000_000, description="most that its calls may cost a Korean day, by estimate; none: no limit"
    )
    won_per_dollar: float = Field(1400.0, gt=0, description="for the estimates of costs")
    prices: dict[str, ModelPrice] = Field({}, description="model to its price, where the studio's table lacks it")

    @field_validator("dollars_per_day", mode="before")
    @classmethod
    def _no_limit(cls, value: Any) -> Any:
        return None if isinstance(value, str) and value.strip().casefold() == "none" else value


class LinkSettings(_Section):
    """Addresses people click in messages; the API's is also asked by smoke checks.

    `airflow_…` is how the API starts trainings in Airflow, of version 3.
    """

    ui: str = Field("", description="the web page")
    mlflow: str = Field("", description="MLflow's pages")
    airflow: str = Field("", description="Airflow's pages")
    api: str = Field("", description="the inference service")
    api_key: SecretStr | None = Field(None, description="a key: predict for smoke checks, all scopes for the page")
    airflow_api: str = Field("", description="where the API reaches Airflow; empty: trainings run beside the API")
    airflow_user: str = Field("admin", description="starts the DAGs of trainings")
    airflow_password: SecretStr | None = Field(None, description="of airflow_user")

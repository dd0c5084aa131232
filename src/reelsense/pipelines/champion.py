"""There is always a champion: an empty registry gets the bundled model."""

from __future__ import annotations

from reelsense.models.loading import BUNDLED, load_bundled, read_facts
from reelsense.registry.tracking import LABELS_TAG, log_run
from reelsense.registry.versions import ModelVersion, list_versions, promote, register
from reelsense.settings import Settings
from reelsense.training.evaluate import evaluate
from reelsense.training.sealed import open_sealed

BUNDLED_RECIPE = "bundled"


def ensure_champion(settings: Settings) -> ModelVersion:
    """The champion; in a registry without one that could be it, the bundled baseline is registered and promoted."""
    versions = list_versions(settings)
    for version in versions:
        if "champion" in version.aliases:
            return version
    usable = [version.version for version in versions if not version.archived]
    if usable:
        return promote(settings, max(usable))
    facts = read_facts(BUNDLED)
    key = f"bundled-{facts['data_version']}"
    sealed = open_sealed(settings.corpus_folder, "evaluate")
    evaluations = {"test": evaluate(load_bundled(), sealed.texts, sealed.labels)} if sealed else {}
    run_id = log_run(
        settings,
        key=key,
        recipe=BUNDLED_RECIPE,
        parameters=facts.get("parameters", {}),
        metrics={},
        folder=BUNDLED,
        data_version=facts["data_version"],
        evaluations=evaluations,
        samples=[],
        model_card=(BUNDLED / "MODEL_CARD.md").read_text(encoding="utf-8"),
        tags={LABELS_TAG: "0"},
    )
    return promote(settings, register(settings, run_id, key).version)

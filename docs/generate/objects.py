"""The reference of the object store: where what lies, by the functions that name the keys."""

from __future__ import annotations

from datetime import date
from typing import Any

from generate.markdown import cell, code, table

_HEAD = """# Object store

Files by key, in the folder or the `s3://bucket/prefix` of `object_store` (default `HOME/objects`). Each file is there
whole or not at all.

"""
_HOME = """
## Backups

In their own place (`backup.to`): `backup-YYYYMMDDTHHMMSSZ/PART/PATH`, and when all is there
`backup-YYYYMMDDTHHMMSSZ/manifest.json` with sizes and sums.

## The rest of HOME

In embedded mode `REELSENSE_HOME` (default `.reelsense`) also holds:

| path | what |
|---|---|
| `reelsense.db` | the review store ([tables](tables.md)) |
| `mlflow.db`, `artifacts/` | MLflow's runs and versions, and the files of models |
| `salt`, `page-salt` | of the hashes of authors and of people who label, unless settings give them; never change them |
| `cache/` | models fetched from the registry; may be deleted |
| `jobs/`, `trainings/`, `collections/` | files to score, trainings and films that people asked for, and their state |
| `training/` | trainings under way, with their checkpoints |
| `reports/` | pages written by `report`, `compare`, `drift` and `data describe` |
| `nsmc/` | the corpus, where `reelsense fetch` brought it and `dataset.folder` names no other place |
| `tuning/` | searches of `reelsense tune` |

A backup holds what of it can't be got again ([back up and restore](../how-to/back-up-and-restore.md)).
"""


def objects_page() -> str:
    """The page `reference/objects.md`."""
    from reelsense.pipelines import drift, export, labels_snapshot, snapshot

    day = date(2026, 11, 22)
    rows = [
        (snapshot.snapshot_key("SOURCE", day), "reviews of a source as they were that day", "review_crawl_SITE"),
        (labels_snapshot._key("HASH"), "the labels a training was planned on, by the hash of what they say", "retrain"),
        ("candidates/KEY/…", "a trained model until it is registered or refused", "retrain"),
        (export.SUMMARIES, "all films' numbers by the champion", "review_predict"),
        (f"{drift._PAGES}{day}.html", "the page of the daily drift check", "model_check, reelsense drift --tell"),
        ("cinema/SOURCE/review/CODE_reviews.csv", "the earlier systems' reviews (automation.older_export)", "crawl"),
        ("cinema/SOURCE/predict/CODE_sentiment.json", "the earlier systems' scores (automation.older_export)", "score"),
    ]
    written = [(code(key), cell(what), cell(by)) for key, what, by in rows]
    parts = [_HEAD, table(("key", "what", "written by"), written)]
    parts.append("\n## Columns of a snapshot\n\n" + _columns(_schema(snapshot)))
    parts.append("\n## Columns of the labels of a training\n\n" + _columns(labels_snapshot._SCHEMA))
    return "\n".join(parts) + _HOME


def _schema(module: Any) -> Any:
    import pyarrow as pa

    return next(value for value in vars(module).values() if isinstance(value, pa.Schema))


def _columns(schema: Any) -> str:
    return table(("column", "type"), [(code(field.name), code(field.type)) for field in schema])

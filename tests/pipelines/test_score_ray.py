"""`score --engine ray` on an embedded Ray: the same rows and values as the single machine, here and on S3."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto_server import moto_server
from pyarrow import fs

from reelsense.errors import InputError, ModelError, SettingsError
from reelsense.models.loading import BUNDLED, load_bundled
from reelsense.pipelines.ray_session import ray_session
from reelsense.pipelines.score_ray import packed, score_with_ray, unpacked
from reelsense.settings import Settings, load_settings
from reelsense.tables.bulk_files import list_files, put
from reelsense.tables.scoring import score_file

ROWS = 900


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """An empty bucket of moto's S3 over HTTP, which the environment points to."""
    boto3 = pytest.importorskip("boto3")
    with moto_server() as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", address)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "x")
        boto3.client("s3").create_bucket(Bucket="bulk")
        yield "s3://bulk"


@pytest.fixture(scope="module")
def ray(bucket: str) -> Iterator[Any]:
    """One Ray for all tests; its workers know the bucket by the environment that they were started in."""
    if find_spec("ray") is None:  # not imported: that is for the session to do
        pytest.skip("no Ray: make setup-full")
    with ray_session() as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(overrides={"home": str(tmp_path / "home")}, env_file=None)


def texts(begin: int, count: int) -> list[str | None]:
    """Reviews, each third blank or missing in turn."""
    found: list[str | None] = []
    for number in range(begin, begin + count):
        good = f"{number}번째로 본 {'최고의 감동적인' if number % 2 else '지루하고 돈 아까운'} 영화"
        found.append((None, " ")[number % 2] if number % 3 == 2 else good)
    return found


def parquet(path: Path, begin: int, count: int, text: str = "document") -> Path:
    columns = {"id": range(begin, begin + count), "label": [0.5] * count, text: texts(begin, count)}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({name: list(values) for name, values in columns.items()}), path, row_group_size=100)
    return path


def aside(folder: Path) -> list[tuple[int, str, str]]:
    lines = [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()]
    return [(row["line"], row["reason"], row["raw"]) for row in map(json.loads, lines)]


@pytest.mark.slow
def test_one_file_comes_out_byte_by_byte_as_from_the_single_machine(
    ray: Any, settings: Settings, tmp_path: Path
) -> None:
    source = tmp_path / "in.csv"
    rows = [f'{at},"{text or ""}"' for at, text in enumerate(texts(0, 2 * 4096 + 50))]
    source.write_text("\n".join(["id,text", *rows[:5], "too,many,cells", *rows[5:]]) + "\n", encoding="utf-8")
    alone = score_file(load_bundled(), source, tmp_path / "alone.csv", neutral_below=settings.neutral_below)
    done = score_with_ray(settings, str(source), str(tmp_path / "ray.csv"), "bundled", workers=1)
    assert (done.rows, done.scored, done.bad, done.column) == (alone.rows, alone.scored, alone.bad, "text")
    assert done.bad > 2000
    for name in ("{}.csv", "{}.bad.jsonl"):
        assert (tmp_path / name.format("ray")).read_bytes() == (tmp_path / name.format("alone")).read_bytes()


@pytest.mark.exhaustive
def test_a_folder_of_parquet_gets_the_same_scores_in_parts(ray: Any, settings: Settings, tmp_path: Path) -> None:
    files = [parquet(tmp_path / "in" / f"{at}.parquet", at * ROWS, ROWS) for at in range(3)]
    expected, bad = [], []
    for path in files:
        alone = tmp_path / "alone" / path.name
        score_file(load_bundled(), path, alone, neutral_below=settings.neutral_below)
        expected.append(pq.read_table(alone))
        bad += aside(alone.parent)
        (alone.parent / f"{path.stem}.bad.jsonl").unlink()
    out = tmp_path / "out"
    out.mkdir()
    (out / "part-000009-00009.parquet").write_bytes(b"left by a run that was killed")
    seen: list[int] = []
    done = score_with_ray(
        settings, str(tmp_path / "in"), str(out), "bundled", workers=2, part_rows=200, progress=seen.append
    )
    assert (done.rows, done.scored, done.bad) == (3 * ROWS, 2 * ROWS, ROWS)
    assert (done.files, seen[-1]) == (15, 3 * ROWS)
    found = pq.read_table(out).sort_by("id")
    assert found.equals(pa.concat_tables(expected).sort_by("id"))
    assert found.column_names[:3] == ["id", "original_label", "document"]
    assert sorted(aside(out / "_bad")) == sorted(bad)
    assert json.loads((out / "_summary.json").read_text("utf-8"))["model_version"] == load_bundled().version

    with pytest.raises(InputError, match="finished result"):
        score_with_ray(settings, str(tmp_path / "in"), str(out), "bundled")


@pytest.mark.exhaustive
def test_parquet_on_s3_is_read_and_written_there(ray: Any, settings: Settings, tmp_path: Path, bucket: str) -> None:
    local = [parquet(tmp_path / "in" / f"{at}.parquet", at * 300, 300) for at in range(2)]
    for at, path in enumerate(local):
        put(f"{bucket}/in/day={at}/a.parquet", path.read_bytes())
        score_file(load_bundled(), path, tmp_path / "alone" / path.name, neutral_below=settings.neutral_below)
    done = score_with_ray(settings, f"{bucket}/in", f"{bucket}/out/", "bundled", workers=1, part_rows=100)
    assert (done.rows, done.scored, done.bad, done.files) == (600, 400, 200, 6)
    assert done.bad_file == f"{bucket}/out/_bad"
    parts = list_files(f"{bucket}/out")
    assert len(parts) == 6
    s3 = fs.S3FileSystem(endpoint_override=os.environ["AWS_ENDPOINT_URL"].removeprefix("http://"), scheme="http")
    found = pa.concat_tables(pq.read_table(path.removeprefix("s3://"), filesystem=s3) for path in parts)
    expected = pa.concat_tables(pq.read_table(tmp_path / "alone" / path.name) for path in local)
    assert found.sort_by("id").equals(expected.sort_by("id"))
    with pytest.raises(InputError, match="finished result"):
        score_with_ray(settings, f"{bucket}/in", f"{bucket}/out", "bundled")
    put(f"{bucket}/texts/in.csv", b"text")
    with pytest.raises(InputError, match="only Parquet"):
        score_with_ray(settings, f"{bucket}/texts", f"{bucket}/other", "bundled")


def test_what_can_not_be_scored_so_is_said_before_ray_starts(settings: Settings, tmp_path: Path) -> None:
    two = parquet(tmp_path / "two" / "a.parquet", 0, 3).parent
    parquet(two / "b.parquet", 0, 3, text="comment")
    (tmp_path / "mixed").mkdir()
    for name in ("a.csv", "b.jsonl"):
        (tmp_path / "mixed" / name).write_text("text\n", encoding="utf-8")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "diary.txt").write_text("mine", encoding="utf-8")
    one = str(parquet(tmp_path / "one.parquet", 0, 3))
    for source, out, said in (
        (str(two), "out", "other columns"),
        (str(tmp_path / "mixed"), "out", "several kinds"),
        (str(tmp_path / "none.csv"), "out", "does not exist"),
        (str(two), "out.csv", "into a folder"),
        (one, str(tmp_path / "full"), "diary.txt"),
    ):
        with pytest.raises(InputError, match=said):
            score_with_ray(settings, source, str(tmp_path / out), "bundled")
    assert (tmp_path / "full" / "diary.txt").read_text("utf-8") == "mine"
    with pytest.raises(InputError, match="ray://far:10001"):
        score_with_ray(settings, one, str(tmp_path / "o.csv"), "bundled", address="ray://far:10001")


def test_a_packed_model_answers_as_before() -> None:
    model = unpacked(packed(BUNDLED), "5")
    assert model.version == "5"
    assert (model.predict_proba(["최고의 영화"]) == load_bundled().predict_proba(["최고의 영화"])).all()


def test_without_ray_it_says_which_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SettingsError, match=r"\.\[scale\]"), ray_session():
        pass


@pytest.mark.slow
def test_errors_of_workers_come_out_as_plain_ones(ray: Any, settings: Settings, tmp_path: Path) -> None:
    source = parquet(tmp_path / "in.parquet", 0, 500)
    whole = source.read_bytes()
    source.write_bytes(whole[:200] + b"\xff" * 400 + whole[600:])  # the footer at the end is still right
    with pytest.raises((InputError, ModelError), match=r"in\.parquet"):
        score_with_ray(settings, str(source), str(tmp_path / "out"), "bundled", text_column="document", workers=1)
    assert not (tmp_path / "out" / "_summary.json").exists()

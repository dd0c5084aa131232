"""The object store: the same promises on a folder and on S3 (moto over HTTP)."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import boto3
import pytest
from moto_server import moto_server

from reelsense.errors import StoreError
from reelsense.objects import ObjectStore, get_folder, open_objects, put_folder
from reelsense.settings import s3_endpoint


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with moto_server() as url:
        client = boto3.client(
            "s3", endpoint_url=url, aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1"
        )
        client.create_bucket(Bucket="objects")
        yield url


@pytest.fixture(params=["folder", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    if request.param == "folder":
        return open_objects(str(tmp_path / "objects"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", request.getfixturevalue("endpoint"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return open_objects(f"s3://objects/{tmp_path.name}")


def test_what_was_written_is_read_and_replaced_and_gone_after_deletion(objects: ObjectStore) -> None:
    assert objects.read("a/b.txt") is None
    objects.write("a/b.txt", b"one")
    objects.write("a/b.txt", "둘".encode())
    assert objects.read("a/b.txt") == "둘".encode()
    objects.delete(["a/b.txt", "never/was"])
    assert objects.read("a/b.txt") is None
    assert objects.keys() == []


def test_keys_are_listed_by_prefix_in_order(objects: ObjectStore) -> None:
    for key in ("reviews/source=b/2", "reviews/source=a/1", "reviews/source=ab/3", "other"):
        objects.write(key, b"x")
    assert objects.keys("reviews/") == ["reviews/source=a/1", "reviews/source=ab/3", "reviews/source=b/2"]
    assert objects.keys("reviews/source=a") == ["reviews/source=a/1", "reviews/source=ab/3"]
    assert objects.keys("nothing/") == []


@pytest.mark.parametrize("key", ["../outside", "/absolute", "a/../../b", "", "a\x00b"])
def test_no_key_leads_out_of_the_store(objects: ObjectStore, key: str) -> None:
    with pytest.raises(StoreError, match="no key"):
        objects.write(key, b"x")


def test_a_folder_arrives_as_it_was_sent(objects: ObjectStore, tmp_path: Path) -> None:
    sent, got = tmp_path / "sent", tmp_path / "got"
    (sent / "deep").mkdir(parents=True)
    (sent / "deep" / "weights.npz").write_bytes(bytes(range(256)))
    (sent / "model.json").write_text("{}")
    put_folder(objects, "candidates/x", sent, last="model.json")
    get_folder(objects, "candidates/x", got)
    assert {path.relative_to(got).as_posix(): path.read_bytes() for path in got.rglob("*") if path.is_file()} == {
        "deep/weights.npz": bytes(range(256)),
        "model.json": b"{}",
    }


@pytest.mark.skipif(os.getuid() == 0, reason="root may delete anywhere")
def test_a_file_that_may_not_be_deleted_is_an_error(tmp_path: Path) -> None:
    objects = open_objects(str(tmp_path))
    objects.write("a/b", b"x")
    (tmp_path / "a").chmod(0o500)
    with pytest.raises(StoreError, match="can't be deleted"):
        objects.delete(["a/b"])
    (tmp_path / "a").chmod(0o700)


def test_a_path_that_is_a_folder_is_not_deleted(tmp_path: Path) -> None:
    objects = open_objects(str(tmp_path))
    objects.write("a/b/c", b"x")
    with pytest.raises(StoreError, match="can't be deleted"):
        objects.delete(["a/b"])
    assert objects.keys() == ["a/b/c"]


@pytest.mark.parametrize("objects", ["s3"], indirect=True)
def test_a_bucket_that_does_not_delete_is_an_error(objects: ObjectStore, endpoint: str) -> None:
    objects.write("a/b", b"x")
    client = boto3.client("s3", endpoint_url=endpoint)
    denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::objects/*"}
    client.put_bucket_policy(Bucket="objects", Policy=json.dumps({"Statement": [denied]}))
    try:
        with pytest.raises(StoreError, match="AccessDenied"):
            objects.delete(["a/b"])
    finally:
        client.delete_bucket_policy(Bucket="objects")
    assert objects.keys() == ["a/b"]


@pytest.mark.parametrize(
    ("name", "value"), [("AWS_ENDPOINT_URL_S3", "minio:9000"), ("AWS_PROFILE", "nobody"), ("AWS_ENDPOINT_URL", "x")]
)
def test_what_boto3_can_t_use_is_an_error_that_names_the_bucket(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(StoreError, match="s3://objects"):
        open_objects("s3://objects/a")


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "MLFLOW_S3_ENDPOINT_URL"])
def test_a_server_of_one_s_own_is_named_by_any_of_three_variables(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert s3_endpoint() is None
    monkeypatch.setenv(name, "http://s3:9000")
    assert s3_endpoint() == "http://s3:9000"


def test_an_unreachable_bucket_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reelsense.objects._ATTEMPTS", 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    with pytest.raises(StoreError, match="s3://gone refused"):
        open_objects("s3://gone").keys()


def test_an_address_without_a_bucket_is_an_error() -> None:
    with pytest.raises(StoreError, match="names no bucket"):
        open_objects("s3:///prefix")


def test_folders_that_others_make_and_delete_meanwhile_are_passed_over(tmp_path: Path) -> None:
    objects, over = open_objects(str(tmp_path / "objects")), Event()
    objects.write("kept/a.json", b"1")

    def come_and_go() -> None:
        number = 0
        while not over.is_set():
            keys = [f"gone/{number}/{part}/x" for part in range(5)]
            for key in keys:
                objects.write(key, b"1")
            objects.delete(keys)
            number += 1

    with ThreadPoolExecutor() as pool:
        busy = pool.submit(come_and_go)
        try:
            until = time.monotonic() + 1
            while time.monotonic() < until:
                assert "kept/a.json" in objects.keys("")
        finally:
            over.set()
        busy.result()

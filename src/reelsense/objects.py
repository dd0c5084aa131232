"""Files by key: a folder in embedded mode, an S3 bucket in production. Each is there whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.parse import urlsplit

from reelsense.errors import InputError, StoreError, installing
from reelsense.settings import s3_endpoint
from reelsense.tables.opening import replacing

_CONNECT_SECONDS = 5
_READ_SECONDS = 60
_ATTEMPTS = 5
_MOST_DELETED = 1000  # keys of one S3 request
# S3 takes 10,000 pieces of a file: 320 GB. Two of them are in memory at a time.
_PIECE_BYTES = 32 * 1024 * 1024


class Readable(Protocol):
    """What can be read in pieces; fewer bytes than asked for are the last."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes; none at the end."""


class ObjectStore(Protocol):
    """Keys are relative paths with `/`. Every method raises StoreError when the store can't be reached."""

    def write(self, key: str, data: bytes) -> None:
        """Store or replace a file."""

    def read(self, key: str) -> bytes | None:
        """A file's content; None when there is none."""

    def write_from(self, key: str, stream: Readable) -> None:
        """Store or replace a file of any size, read in pieces; nothing is stored when reading fails."""

    def opened(self, key: str) -> AbstractContextManager[Readable]:
        """A file to read in pieces. Raises StoreError when there is none."""

    def keys(self, prefix: str = "") -> list[str]:
        """All keys that begin with `prefix`, sorted."""

    def delete(self, keys: list[str]) -> None:
        """Remove files; missing ones are no error."""

    def address(self, key: str) -> str:
        """Where a person finds a file."""


def open_objects(location: str) -> ObjectStore:
    """The store at a folder or at `s3://bucket/prefix`; Raises StoreError."""
    if not location.startswith("s3://"):
        return _Folder(Path(location))
    parts = urlsplit(location)
    if not parts.netloc:
        raise StoreError(f"'{location}' names no bucket; expected s3://bucket/prefix.")
    return _Bucket(parts.netloc, parts.path.strip("/"))


def files_below(folder: Path) -> Iterator[Path]:
    """All files of a folder and its folders; one that somebody deletes meanwhile is passed over."""
    for place, _, names in os.walk(folder):
        yield from (path for name in names if (path := Path(place, name)).is_file())


def put_folder(objects: ObjectStore, prefix: str, folder: Path, last: str) -> None:
    """Store all files of a folder; the one called `last` at the end, so that with it the whole is there."""
    paths = sorted(files_below(folder), key=lambda path: path.name == last)
    for path in paths:
        objects.write(f"{prefix}/{path.relative_to(folder).as_posix()}", path.read_bytes())


def get_folder(objects: ObjectStore, prefix: str, folder: Path) -> None:
    """Bring all files under a prefix into a folder."""
    for key in objects.keys(f"{prefix}/"):
        data = objects.read(key)
        if data is not None:
            path = folder / key.removeprefix(f"{prefix}/")
            with replacing(path) as part:
                part.write_bytes(data)


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, key: str, data: bytes) -> None:
        try:
            with replacing(self._path(key)) as part:
                part.write_bytes(data)
        except InputError as error:
            raise StoreError(str(error)) from error

    def read(self, key: str) -> bytes | None:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"'{self._path(key)}' can't be read: {error}") from error

    def write_from(self, key: str, stream: Readable) -> None:
        try:
            with replacing(self._path(key)) as part, part.open("wb") as file:
                shutil.copyfileobj(stream, file)
                file.flush()
                os.fsync(file.fileno())
        except InputError as error:
            raise StoreError(str(error)) from error

    @contextmanager
    def opened(self, key: str) -> Iterator[Readable]:
        try:
            file = self._path(key).open("rb")
        except OSError as error:
            raise StoreError(f"'{self._path(key)}' can't be read: {error}") from error
        with file:
            yield file

    def keys(self, prefix: str = "") -> list[str]:
        # Only the folder that the prefix names is walked.
        base = self._root / PurePosixPath(prefix).parent if not prefix.endswith("/") else self._root / prefix
        paths = (path for path in files_below(base) if not path.name.startswith("."))
        found = (path.relative_to(self._root).as_posix() for path in paths)
        return sorted(key for key in found if key.startswith(prefix))

    def delete(self, keys: list[str]) -> None:
        for key in keys:
            path = self._path(key)
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise StoreError(f"'{path}' can't be deleted: {error}") from error
            for parent in path.parents:
                if parent == self._root:
                    break
                try:
                    parent.rmdir()
                except OSError:  # another file lies in it, or comes into it right now
                    break

    def address(self, key: str) -> str:
        return str(self._path(key))

    def _path(self, key: str) -> Path:
        return self._root / _checked(key)


class _Bucket:
    def __init__(self, bucket: str, prefix: str) -> None:
        try:
            import boto3
            from botocore.config import Config
        except ModuleNotFoundError as error:
            raise StoreError(f"S3 needs '{error.name}': {installing('s3')}.") from None
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        )
        with self._reached():
            try:
                self._client: Any = boto3.session.Session().client("s3", endpoint_url=s3_endpoint(), config=config)
            except ValueError:  # it repeats the address, in which a password may stand
                raise StoreError(
                    f"The endpoint of s3://{bucket} is no address: check AWS_ENDPOINT_URL_S3, expected http://HOST:PORT."
                ) from None

    def write(self, key: str, data: bytes) -> None:
        with self._reached():
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + _checked(key), Body=data)

    def read(self, key: str) -> bytes | None:
        with self._reached():
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + _checked(key))
            except self._client.exceptions.NoSuchKey:
                return None
            return bytes(found["Body"].read())

    def write_from(self, key: str, stream: Readable) -> None:
        from boto3.exceptions import S3UploadFailedError
        from boto3.s3.transfer import TransferConfig

        # Without threads only the piece at hand is in memory.
        pieces = TransferConfig(multipart_threshold=_PIECE_BYTES, multipart_chunksize=_PIECE_BYTES, use_threads=False)
        with self._reached():
            try:
                self._client.upload_fileobj(stream, self._bucket, self._prefix + _checked(key), Config=pieces)
            except S3UploadFailedError as error:
                raise StoreError(f"The object store s3://{self._bucket} refused: {error}") from error

    @contextmanager
    def opened(self, key: str) -> Iterator[Readable]:
        with self._reached():
            found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + _checked(key))
            body = found["Body"]
            try:
                yield body
            finally:
                body.close()

    def keys(self, prefix: str = "") -> list[str]:
        with self._reached():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix
            )
            found = [row["Key"] for page in pages for row in page.get("Contents", ())]
        return sorted(key.removeprefix(self._prefix) for key in found)

    def delete(self, keys: list[str]) -> None:
        with self._reached():
            for begin in range(0, len(keys), _MOST_DELETED):
                listed = [{"Key": self._prefix + _checked(key)} for key in keys[begin : begin + _MOST_DELETED]]
                answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": listed, "Quiet": True})
                if failed := answer.get("Errors"):
                    why = f"{failed[0].get('Key')}: {failed[0].get('Code')} {failed[0].get('Message')}"
                    raise StoreError(f"s3://{self._bucket} keeps {len(failed)} files that were to be deleted: {why}")

    def address(self, key: str) -> str:
        return f"s3://{self._bucket}/{self._prefix}{key}"

    @contextmanager
    def _reached(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise StoreError(f"The object store s3://{self._bucket} refused: {error}") from error


def _checked(key: str) -> str:
    parts = PurePosixPath(key).parts
    if not parts or key.startswith("/") or ".." in parts or "\x00" in key:
        raise StoreError(f"'{key}' is no key of an object: a relative path without '..' is needed.")
    return key

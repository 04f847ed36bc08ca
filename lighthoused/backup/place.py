"""Where backups are: a directory, or a bucket of an S3-compatible store. Objects are written whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from lighthoused.core.errors import Invalid, LighthouseError, NotFound
from lighthoused.credentials import read_secret


class PlaceFailed(LighthouseError):
    """Where the backups are could not be read or written."""

    code = "backup_place_failed"


class Place(Protocol):
    """Named objects. Names have slashes; all methods raise PlaceFailed."""

    def put(self, name: str, content: bytes) -> None:
        """Write an object, durably, in place of one of that name."""

    def get(self, name: str) -> bytes:
        """The content of an object. Raises NotFound, too."""

    def names(self, prefix: str) -> Iterator[str]:
        """Whole names of all objects below ``prefix/``, in their order."""

    def delete(self, name: str) -> None:
        """Remove an object, if it is there."""


def place_of(target: str, keys: Path | Literal[""] = "") -> Place:
    """A path, or ``s3://bucket/prefix``. `keys`: a file with the bucket's credentials; without it boto3 finds them.

    Its form is that of AWS's shared credentials; its profile `default` may hold region and endpoint_url, too:
    https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html. Raises Invalid.
    """
    if not target:
        raise Invalid("No place for backups is named.", 'Use --to, or [backup] target = "/var/backups/lighthouse".')
    if target.startswith("s3://"):
        parts = urlsplit(target)
        return Bucket(parts.netloc, parts.path.strip("/"), keys)
    return Directory(Path(target))


class Directory:
    """A directory, made at the first write."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, name: str, content: bytes) -> None:
        path = self._root / name
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(temporary, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(path)
            _sync_directory(path.parent)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            raise PlaceFailed(f"{path} could not be written: {error.strerror}.") from None

    def get(self, name: str) -> bytes:
        try:
            return (self._root / name).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"There is no {self._root / name}.") from None
        except OSError as error:
            raise PlaceFailed(f"{self._root / name} could not be read: {error.strerror}.") from None

    def names(self, prefix: str) -> Iterator[str]:
        folder = self._root / prefix
        if folder.is_dir():
            yield from sorted(f"{prefix}/{path.name}" for path in folder.iterdir() if not path.name.startswith("."))

    def delete(self, name: str) -> None:
        (self._root / name).unlink(missing_ok=True)


class Bucket:
    """Objects of an S3-compatible store."""

    def __init__(self, bucket: str, prefix: str, keys: Path | Literal[""] = "") -> None:
        try:
            import boto3
            import botocore.session
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError:
            raise Invalid("s3:// needs boto3.", "pip install 'lighthoused[s3]'") from None
        self._errors: tuple[type[Exception], ...] = (BotoCoreError, ClientError)
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        session = botocore.session.Session()
        if keys:
            read_secret(keys, "The S3 store's credentials")
            session.set_config_variable("credentials_file", str(keys))
        try:
            self._client: Any = boto3.Session(botocore_session=session).client("s3")
        except (BotoCoreError, ValueError) as error:
            raise Invalid(f"The S3 store's settings cannot be used: {error}.") from None

    def put(self, name: str, content: bytes) -> None:
        self._call("put_object", Key=self._prefix + name, Body=content)

    def get(self, name: str) -> bytes:
        return bytes(self._call("get_object", Key=self._prefix + name)["Body"].read())

    def names(self, prefix: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2")
        try:
            for page in pages.paginate(Bucket=self._bucket, Prefix=f"{self._prefix}{prefix}/"):
                for found in page.get("Contents", ()):
                    yield found["Key"][len(self._prefix) :]
        except self._errors as error:
            raise PlaceFailed(f"The bucket {self._bucket} could not be listed: {error}.") from None

    def delete(self, name: str) -> None:
        self._call("delete_object", Key=self._prefix + name)

    def _call(self, method: str, **options: Any) -> Any:
        try:
            return getattr(self._client, method)(Bucket=self._bucket, **options)
        except self._errors as error:
            code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
            if code in ("NoSuchKey", "404"):
                raise NotFound(f"There is no {options['Key']} in the bucket {self._bucket}.") from None
            raise PlaceFailed(f"s3://{self._bucket}/{options['Key']}: {error}") from None


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Directories and buckets, held to the same; the bucket is a local server that speaks S3."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lighthoused.backup.place import Directory, Place, PlaceFailed, place_of
from lighthoused.core.errors import Invalid, NotFound


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """URL of a running S3-compatible server."""
    server_module = pytest.importorskip("moto.server")
    server = server_module.ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["directory", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    if request.param == "directory":
        return place_of(str(tmp_path / "backups"))
    import boto3

    for name, value in {
        "AWS_ENDPOINT_URL": request.getfixturevalue("s3"),
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    bucket = f"b{abs(hash(str(tmp_path)))}"
    boto3.client("s3").create_bucket(Bucket=bucket)
    return place_of(f"s3://{bucket}/some/prefix")


def test_a_bucket_is_reached_by_a_file_of_credentials_alone(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "private-of-s3"}
    boto3.client("s3", endpoint_url=s3, region_name="us-east-1", **keys).create_bucket(Bucket="byfile")
    settings = {**keys, "region": "us-east-1", "endpoint_url": s3}
    file = tmp_path / "keys"
    file.write_text("[default]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items()))
    place = place_of("s3://byfile/here", file)
    place.put("packs/one", b"1")
    assert place.get("packs/one") == b"1"
    with pytest.raises(PlaceFailed):
        place_of("s3://other/here", file).put("packs/one", b"1")
    file.write_text("nonsense private-of-s3")
    with pytest.raises(Invalid) as refused:
        place_of("s3://byfile", file)
    assert "private-of-s3" not in refused.value.message
    with pytest.raises(Invalid, match="cannot be read"):
        place_of("s3://byfile", tmp_path / "nowhere")


def test_what_is_put_is_there_until_it_is_deleted(place: Place) -> None:
    assert list(place.names("packs")) == []
    place.put("packs/one", b"1")
    place.put("packs/two", b"2" * 100_000)
    place.put("manifests/m", b"")
    assert sorted(place.names("packs")) == ["packs/one", "packs/two"]
    assert place.get("packs/two") == b"2" * 100_000
    place.put("packs/one", b"again")
    assert place.get("packs/one") == b"again"
    place.delete("packs/one")
    place.delete("packs/one")
    assert list(place.names("packs")) == ["packs/two"]
    with pytest.raises(NotFound):
        place.get("packs/one")


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(PlaceFailed, match="could not be written"):
        Directory(tmp_path / "file").put("packs/one", b"1")


def test_no_place_is_no_default() -> None:
    with pytest.raises(Invalid, match="No place for backups"):
        place_of("")

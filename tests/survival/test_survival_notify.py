"""The service's side of sd_notify(3), on a real socket."""

import array
import os
import socket
from pathlib import Path

import pytest

from lighthoused.survival import notify


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    return listening


def test_states_arrive(supervisor: socket.socket) -> None:
    notify.notify("READY=1", "STATUS=up")
    assert supervisor.recv(1000) == b"READY=1\nSTATUS=up"


def test_a_kept_descriptor_replaces_the_one_before(supervisor: socket.socket) -> None:
    descriptor = os.memfd_create("it")
    os.write(descriptor, b"content")
    notify.keep("it", descriptor)
    assert supervisor.recv(1000) == b"FDSTOREREMOVE=1\nFDNAME=it"
    message, passed, _, _ = supervisor.recvmsg(1000, 1000)
    assert message == b"FDSTORE=1\nFDNAME=it\nFDPOLL=0"
    received = array.array("i", passed[0][2])[0]
    assert os.pread(received, 100, 0) == b"content"
    os.close(received)
    os.close(descriptor)


def test_without_a_supervisor_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify.notify("READY=1")
    notify.processed()
    assert not notify.supervised()
    assert notify.passed_descriptors() == {}


def test_descriptors_of_another_process_are_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", str(os.getpid() + 1))
    monkeypatch.setenv("LISTEN_FDS", "2")
    assert notify.passed_descriptors() == {}


def test_the_watchdog_of_another_process_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "3000000")
    assert notify.watchdog_interval() == 3.0
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid() + 1))
    assert notify.watchdog_interval() == 0.0

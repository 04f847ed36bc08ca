"""`lighthousectl approvals` against a real daemon: shown whole, answered once, bound to what was shown."""

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests_support.asking import FORCE, Askers, careful, code_of
from tests_support.running import Running, serving
from tests_support.terminal import Terminal

from lighthoused.core.errors import Conflict, Invalid
from lighthoused.gate.approvals import MAX_PARKED
from lighthoused.protocol.messages.base import MAX_FRAME
from lighthoused.protocol.messages.gate import ApprovalAnswerRequest, ApprovalListRequest, ApprovalShowRequest

NASTY = "git push --force '\x1b[2K\r\u202e[bold red]x[/]\x9b\ud7ff' ; #\nagent       owner"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(careful(tmp_path_factory.mktemp("approvals"))) as daemon:
        yield daemon


@pytest.mark.parametrize(("answer", "verdict"), [("approve", "allow"), ("deny", "deny")])
def test_a_person_answers(running: Running, asks: Askers, answer: str, verdict: str) -> None:
    asked = asks()
    assert running.ctl("approvals", "list").stdout.startswith(f"{asked.id}\tclaude\tgit push --force\t")
    seen = ("--seen", code_of(running, asked.id)) if answer == "approve" else ()
    told = running.ctl("approvals", answer, asked.id, "--reason", "because", *seen).stdout
    assert told == f"{'approved' if answer == 'approve' else 'denied'}: git push --force\n"
    assert (asked.verdict().verdict, asked.verdict().tier, asked.verdict().reason) == (verdict, "human", "because")
    again = running.ctl("approvals", "deny", asked.id, check=False)
    assert again.returncode == 1
    assert re.match(rf'error: The approval {asked.id} was answered by owner \d+ s ago, with "{verdict}".', again.stderr)
    assert "hint: " in again.stderr


def test_all_of_it_is_shown(running: Running, asks: Askers) -> None:
    asked = asks()
    shown = running.ctl("approvals", "show", asked.id).stdout
    for expected in (
        rf"^approval +{asked.id}$",
        r"^left +4:5\d \(until ",
        r"^agent +claude, uid \d+$",
        rf"^where +{running.current}$",
        r"^command +git push --force$",
        r"^would +- rewrites or removes history: .*on a remote host, cannot be undone",
        r"^rule +work\.rewrite-shared$",
        r"^why +It rewrites what others have already seen",
        r"^instead +git push without force",
        r"^seen +\w{16}$",
    ):
        assert re.search(expected, shown, re.MULTILINE), expected


def test_an_approval_says_what_was_seen(running: Running, asks: Askers) -> None:
    asked = asks()
    for options in ((), ("--seen", "0" * 16), ("--seen", code_of(running, asked.id)[:8])):
        refused = running.ctl("approvals", "approve", asked.id, *options, check=False)
        assert refused.returncode == 1
        assert "hint: " in refused.stderr
    found = json.loads(running.ctl("approvals", "show", asked.id, "--json").stdout)
    assert found["approval"]["input"] == FORCE
    with running.client() as client:
        with pytest.raises(Invalid, match="has to say what it is for"):
            client.call(ApprovalAnswerRequest(id=0, approval=asked.id, answer="allow"))
        with pytest.raises(Conflict, match="another request than the one that was shown"):
            client.call(ApprovalAnswerRequest(id=0, approval=asked.id, answer="allow", request="0" * 64))
    done = running.ctl("approvals", "approve", asked.id, "--seen", found["seen"], "--json")
    assert json.loads(done.stdout) == {"ok": True}
    assert asked.verdict().verdict == "allow"


def test_on_a_terminal_it_is_shown_before_it_is_asked(running: Running, asks: Askers) -> None:
    asked = asks()
    terminal = Terminal(running, "approvals", "approve", asked.id)
    assert "git push --force" in terminal.expect("Let this happen, once? [y/N]:")
    terminal.type("n\n")
    assert terminal.end() == 1
    terminal = Terminal(running, "approvals", "approve", asked.id)
    terminal.expect("[y/N]:")
    terminal.type("y\n")
    assert terminal.end() == 0
    assert "approved: git push --force" in terminal.shown
    assert asked.verdict().verdict == "allow"


def test_a_write_is_shown_as_a_diff_and_bound_to_the_file(running: Running, asks: Askers) -> None:
    path = running.current / "a.txt"
    path.write_text("one\ntwo\nthree\n")
    asked = asks({"file_path": "a.txt", "content": "one\n\x1b[2Ktwo\nthree"}, tool="Write")
    shown = running.ctl("approvals", "show", asked.id).stdout
    assert f"--- {path}\n+++ {path}\n@@ -1,3 +1,3 @@\n one\n-two\n-three\n+\\x1b[2Ktwo\n+three\n\\ No newline" in shown
    code = code_of(running, asked.id)
    path.write_text("another\n")
    refused = running.ctl("approvals", "approve", asked.id, "--seen", code, check=False)
    assert refused.returncode == 1
    assert "is not what was seen" in refused.stderr
    running.ctl("approvals", "approve", asked.id, "--seen", code_of(running, asked.id))
    assert asked.verdict().verdict == "allow"


def test_an_edit_outside_of_the_mount_is_read_by_who_answers(running: Running, asks: Askers, tmp_path: Path) -> None:
    path = tmp_path / "b.txt"
    path.write_text("red\nblue\n")
    asked = asks({"file_path": str(path), "old_string": "blue", "new_string": "green"}, tool="Edit")
    assert "\n-blue\n+green" in running.ctl("approvals", "show", asked.id).stdout
    code = code_of(running, asked.id)
    path.write_text("red\n")
    assert "is not in the file as it is now" in running.ctl("approvals", "show", asked.id).stdout
    assert running.ctl("approvals", "approve", asked.id, "--seen", code, check=False).returncode == 1


def test_the_daemon_itself_refuses_what_has_changed(running: Running, asks: Askers) -> None:
    path = running.current / "c.txt"
    asked = asks({"file_path": str(path), "content": "new\n"}, tool="Write")
    with running.client() as client:
        view = client.call(ApprovalShowRequest(id=0, approval=asked.id))
        assert [(each.path, each.state) for each in view.files] == [(str(path), "absent")]
        path.write_text("somebody was faster\n")
        answer = ApprovalAnswerRequest(id=0, approval=asked.id, answer="allow", request=view.approval.request)
        answer.seen = view.seen
        with pytest.raises(Conflict, match="is not as it was when it was shown"):
            client.call(answer)


def test_a_link_is_not_followed(running: Running, asks: Askers) -> None:
    (running.current / "link").symlink_to("/etc/passwd")
    asked = asks({"file_path": "link", "content": "new\n"}, tool="Write")
    shown = running.ctl("approvals", "show", asked.id).stdout
    assert "symbolic link, which is not followed" in shown
    assert "root:" not in shown


def test_an_agents_words_obey_nobody(running: Running, asks: Askers, tmp_path: Path) -> None:
    directory = tmp_path / "a\nagent       owner\x1b[1A[bold]"
    directory.mkdir()
    asked = asks({"command": NASTY}, cwd=str(directory))
    for arguments in (("approvals",), ("approvals", "show", asked.id)):
        terminal = Terminal(running, *arguments)
        terminal.end()
        for shown in (running.ctl(*arguments).stdout, terminal.shown):
            assert all(letter.isprintable() or letter in "\n\t" for letter in shown), repr(shown)
            assert "[bold red]x[/]" in shown
            assert "\\u202e" in shown
            assert sum(line.startswith("agent ") for line in shown.splitlines()) == (
                len(arguments) == 3 or "deadline" in shown
            )
    told = running.ctl("approvals", "deny", asked.id).stdout
    assert told.count("\n") == 1
    assert told[:-1].isprintable()


def test_long_inputs_are_listed_short_and_shown_whole(running: Running, asks: Askers) -> None:
    command = "git push --force # " + "x" * 9000
    asked = asks({"command": command})
    assert "more characters)" in running.ctl("approvals").stdout
    assert command in running.ctl("approvals", "show", asked.id).stdout


def test_all_that_may_wait_can_be_listed(running: Running, asks: Askers) -> None:
    many = {f"{number}{chr(0x1F600) * 3000}": chr(0x1F600) * 3000 for number in range(100)}
    asked = asks({"command": "git push --force", **many}, cwd="/" + "d" * 100_000)
    (found,) = calling(running, ApprovalListRequest(id=0)).approvals
    assert len(msgspec.msgpack.encode(found)) * MAX_PARKED < MAX_FRAME
    assert found.input["..."] == "91 more keys"
    shown = calling(running, ApprovalShowRequest(id=0, approval=asked.id))
    assert len(shown.approval.input) == 101


def test_a_patch_is_shown_as_it_is(running: Running, asks: Askers) -> None:
    patch = "*** Begin Patch\n*** Update File: /root/.bashrc\n@@\n-old\n+alias ls=\x1b[2Kx\n*** End Patch"
    asked = asks({"input": patch}, tool="apply_patch")
    shown = running.ctl("approvals", "show", asked.id).stdout
    assert shown.endswith(patch.replace("\x1b", "\\x1b") + "\n")


def test_of_many_who_answer_at_once_one_counts(running: Running, asks: Askers) -> None:
    asked = asks()
    view = calling(running, ApprovalShowRequest(id=0, approval=asked.id))
    answers: list[Any] = []
    begin = threading.Barrier(8)

    def answer(number: int) -> None:
        given = "allow" if number % 2 else "deny"
        request = ApprovalAnswerRequest(
            id=0, approval=asked.id, answer=given, request=view.approval.request, seen=view.seen
        )
        begin.wait()
        try:
            calling(running, request)
            answers.append(given)
        except Conflict as error:
            answers.append(error)

    people = [threading.Thread(target=answer, args=(number,)) for number in range(8)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    (counted,) = [given for given in answers if isinstance(given, str)]
    assert asked.verdict().verdict == counted
    late = [error for error in answers if isinstance(error, Conflict)]
    assert len(late) == 7
    assert all(f'was answered by owner 0 s ago, with "{counted}"' in error.message for error in late)


def calling(running: Running, request: Any) -> Any:
    with running.client() as client:
        return client.call(request)

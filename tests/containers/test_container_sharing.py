"""A daemon in a container, agents in others: what they see of each other, through kill, restart and stop."""

import json
import subprocess
from pathlib import Path

from tests_support.engine import Container
from tests_support.sharing import SHARED, Place
from tests_support.waiting import until

RIGHTS = ("CapInh", "CapPrm", "CapEff", "CapAmb")
CURRENT = f"{SHARED}/mnt/demo/current"


def with_project(place: Place, container: Container) -> Container:
    place.ready(container)
    container.exec(
        "sh", "-c", "mkdir -m 0777 /tmp/demo && echo hi > /tmp/demo/a && lighthousectl project import /tmp/demo"
    )
    return container


def token(daemon: Container, agent: str) -> str:
    return daemon.exec("lighthousectl", "token", "issue", "--agent", agent).stdout.strip()


def events(daemon: Container, *filters: str) -> list[dict[str, object]]:
    said = daemon.exec("lighthousectl", "log", "query", "--json", *filters).stdout
    return [json.loads(line) for line in said.splitlines()]


def test_the_daemon_has_no_capabilities_and_is_nobody_special(place: Place) -> None:
    daemon = place.ready(place.daemon())
    (leader,) = (place.engine.inspect("container", daemon.name)["State"]["Pid"],)
    of_all = Path(f"/proc/{leader}/task/{leader}/children").read_text().split()
    for pid in (leader, *of_all):
        status = dict(
            line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line
        )
        assert status["Uid"].split() == ["10001"] * 4
        if pid != leader:
            assert {status[name] for name in RIGHTS} == {"0" * 16}
    assert daemon.stop() == 0


def test_host_and_other_containers_see_the_mount(place: Place) -> None:
    daemon = with_project(place, place.daemon())
    assert (place.mount / "demo/current/a").read_text() == "hi\n"
    agent = place.agent(f"cat {CURRENT}/a")
    assert agent.exit_code() == 0
    assert agent.logs() == "hi\n"
    assert daemon.stop() == 0
    assert not place.is_mounted()
    assert not (place.directory / "lighthouse.sock").exists()


def test_an_agent_with_a_token_is_known_by_what_it_does(place: Place) -> None:
    daemon = with_project(place, place.daemon())
    script = f"lighthousectl run --agent ada -- sh -c 'echo new > {CURRENT}/by-ada; lighthousectl check ls'"
    agent = place.agent(script, "--user=1000:1000", f"--env=LIGHTHOUSE_TOKEN={token(daemon, 'ada')}")
    assert agent.exit_code() == 0, agent.logs()
    assert agent.logs().startswith("allow")
    assert (place.mount / "demo/current/by-ada").stat().st_uid == 1000
    until(lambda: events(daemon, "--type", "file.written", "--agent", "ada"))


def test_root_of_an_agents_container_may_nothing(place: Place) -> None:
    daemon = place.ready(place.daemon())
    agent = place.agent("lighthousectl approvals; lighthousectl token issue --agent me --role admin", "--user=0")
    assert agent.exit_code() == 1
    assert agent.logs().count("'stranger'") == 2
    assert not events(daemon, "--type", "token.issued")


def test_after_kill_9_the_same_container_goes_on_and_agents_see_it(place: Place) -> None:
    daemon = with_project(place, place.daemon())
    agent = place.agent("exec sleep 600", "--init")
    (place.mount / "demo/current/kept").write_text("kept")
    subprocess.run(["sync", "-f", place.mount / "demo/current/kept"], check=True)
    daemon.kill()
    assert agent.exec("ls", f"{SHARED}/mnt", check=False).returncode
    daemon.start()
    place.ready(daemon)
    assert agent.exec("cat", f"{CURRENT}/kept").stdout == "kept"
    assert (place.mount / "demo/current/kept").read_text() == "kept"
    assert place.is_mounted()
    assert Path("/proc/self/mounts").read_text().count(f" {place.mount} ") == 1


def test_another_container_takes_over_the_state(place: Place) -> None:
    daemon = with_project(place, place.daemon("--volume=lighthouse-test-state:/var/lib/lighthouse"))
    daemon.kill()
    daemon.remove()
    after = place.ready(place.daemon("--volume=lighthouse-test-state:/var/lib/lighthouse", name="newer"))
    assert (place.mount / "demo/current/a").read_text() == "hi\n"
    assert "whole" in after.exec("lighthousectl", "log", "verify").stdout
    assert "whole" in after.exec("lighthousectl", "fsck").stdout


def test_metrics_are_reached_over_the_containers_network(place: Place) -> None:
    daemon = place.ready(place.daemon())
    leader = place.engine.inspect("container", daemon.name)["State"]["Pid"]
    ask = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.2:9464/health/ready').read().decode())"
    inside = ["nsenter", "--net", f"--target={leader}", "python3", "-c", ask]
    assert json.loads(subprocess.run(inside, capture_output=True, check=True).stdout)["ready"]

"""The example in docs/gate.md works as it says."""

import re
from pathlib import Path

from lighthoused.core.effects import World
from lighthoused.core.verdicts import Request
from lighthoused.gate.local import local_gate

DOCS = Path(__file__).parents[2] / "docs" / "gate.md"
WORLD = World(home="/home/ann", roots=("/home/ann/src",), user="ann")


def test_the_example_does_what_it_says(tmp_path: Path) -> None:
    source, *_ = (
        found
        for found in re.findall(r"```rego\n(package.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
        if "team.push-main" in found
    )
    (tmp_path / "team.rego").write_text(source)
    gate = local_gate(policy_dirs=(tmp_path,))

    def rule(command: str, agent: str = "claude") -> str:
        return gate.judge(Request("Bash", {"command": command}, "/home/ann/src", agent), WORLD).rule

    assert rule("git push origin main") == "team.push-main"
    assert rule("git push origin topic") == "default.harmless"
    assert rule("git branch -D old") == "default.harmless"
    assert rule("curl https://x.org", "tester") == "team.offline"
    assert rule("curl https://x.org") == "default.harmless"

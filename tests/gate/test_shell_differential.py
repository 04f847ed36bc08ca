"""The analyser runs what bash runs: generated scripts, in a real bash, with marker programs.

Every command that bash runs must be said; in scripts without branches nothing else may be.
"""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests_support.bash_sandbox import Sandbox, invented, missing
from tests_support.script_pieces import ASSIGNMENTS, EXPANSIONS, HIDDEN, PLAIN, QUOTED

word = st.one_of(
    st.sampled_from(PLAIN),
    st.sampled_from(QUOTED),
    st.sampled_from(EXPANSIONS),
    st.builds("".join, st.lists(st.sampled_from((*PLAIN, *QUOTED, *EXPANSIONS)), min_size=2, max_size=3)),
)
marked = st.builds(
    lambda name, words: " ".join([name, *words]),
    st.sampled_from(("mark", "touchy", "third")),
    st.lists(word, max_size=4),
)
assignment = st.sampled_from(ASSIGNMENTS)
statement = st.one_of(assignment, assignment, marked, marked, st.sampled_from(HIDDEN))
PREFIX = "v=abc; w='p q'; l=(a 'b c'); n=4; r=v; declare -A m=([k]=kk); set -- one 'two three'\n"
pytestmark = pytest.mark.skipif(not Path("/bin/bash").exists(), reason="There is no bash.")
relaxed = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    return Sandbox(tmp_path_factory.mktemp("bash"))


def assert_said(sandbox: Sandbox, script: str, exactly: bool) -> None:
    said = sandbox.said(PREFIX + script)
    if said is None:
        return
    real = sandbox.executed(PREFIX + script)
    assert not missing(said, real), f"bash ran, we did not say: {missing(said, real)}; we said {said}"
    if exactly:
        assert not invented(said, real), f"we said, bash did not run: {invented(said, real)}; it ran {real}"


@pytest.mark.parametrize("text", HIDDEN)
def test_each_way_to_run_a_command(sandbox: Sandbox, text: str) -> None:
    assert_said(sandbox, text, exactly=False)


@pytest.mark.parametrize("text", [*QUOTED, *EXPANSIONS])
def test_each_kind_of_word(sandbox: Sandbox, text: str) -> None:
    assert_said(
        sandbox, f'mark {text}; mark a{text}b; v={text}; mark "$v" $v; for i in {text}; do mark $i; done', exactly=True
    )


@pytest.mark.parametrize("text", ASSIGNMENTS)
def test_each_assignment(sandbox: Sandbox, text: str) -> None:
    script = f'{text}\nmark "$v" $v "$w" $w "${{l[@]}}" ${{l[@]}} $n "$@" ${{m[k]}} "$u" "$a"'
    assert_said(sandbox, script, exactly=True)


@relaxed
@given(st.lists(statement, min_size=1, max_size=6))
def test_what_bash_runs_is_said(sandbox: Sandbox, statements: list[str]) -> None:
    assert_said(sandbox, "\n".join(statements), exactly=False)


@relaxed
@given(st.lists(st.one_of(assignment, marked), min_size=1, max_size=6))
def test_without_branches_nothing_else_is_said(sandbox: Sandbox, statements: list[str]) -> None:
    assert_said(sandbox, "\n".join(statements), exactly=True)

"""A command is judged for what it does, whatever it is wrapped in."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests_support.wrappings import wrapped, wrappers

from lighthoused.core.effects import World
from lighthoused.core.verdicts import Request, Verdict
from lighthoused.gate.gate import Gate
from lighthoused.gate.local import local_gate

CWD = "/home/ann/src"
WORLD = World(home="/home/ann", roots=(CWD,), mount="/mnt/lh", user="ann")
SEEN, SUSPECT = wrappers("seen"), wrappers("suspect")
_WHOLE = """
bash_lc bash_c_opts full_path bin_sh dash zsh dollar_shell bash_s sh_dash dev_stdin herestring source_procsub
bash_redirect_procsub exec_fd exec_stdin eval_arr eval_eval builtin_eval command_eval b64_d b64_long b64_here
b64_sub b64_procsub b64_double b64_rev b64_file_out printf_octal_pipe printf_hex_pipe printf_b xxd_hex gzip_sub
hex_printf_loop cut head_tail sed_s_re awk_print file_sh file_tee file_cp file_mv file_redirect_in file_sub
trap_exit sudo_sh su_c flock_c script ssh watch tmux_new py_argv py_env py_stdin_read perl_shift node_argv awk_v
  find_exec_plus systemd_inhibit make_env entr_s npx_c
"""
NESTING = tuple(SEEN[name] for name in _WHOLE.split() if name in SEEN and "<c>" not in SEEN[name])
"""Those that read the whole of their command as a shell does, and add nothing to it."""
HARMFUL = {"rm -rf /srv/data": ("delete", "/srv/data"), "chmod -R 777 /etc": ("permission", "/etc")}
HARMLESS = {"cat /srv/notes": ("read", "/srv/notes"), "wc -l README.md": ("read", f"{CWD}/README.md")}


@pytest.fixture(scope="module")
def gate() -> Gate:
    return local_gate()


def judge(gate: Gate, command: str) -> Verdict:
    return gate.judge(Request("Bash", {"command": command}, CWD, "ann"), WORLD)


def effects(verdict: Verdict) -> set[tuple[str, str]]:
    return {(effect.kind, effect.target) for effect in verdict.effects}


@pytest.mark.parametrize("name", SEEN)
def test_what_is_inside_is_seen(gate: Gate, name: str) -> None:
    verdict = judge(gate, wrapped(SEEN[name], "rm -rf /srv/data"))
    assert ("delete", "/srv/data") in effects(verdict)
    assert verdict.verdict != "allow"


@pytest.mark.parametrize("name", SEEN)
def test_a_harmless_command_stays_harmless(gate: Gate, name: str) -> None:
    verdict = judge(gate, wrapped(SEEN[name], "cat /srv/notes"))
    assert verdict.verdict == "allow", verdict.reason


@pytest.mark.parametrize("name", SUSPECT)
def test_a_suspect_wrapper_is_stopped(gate: Gate, name: str) -> None:
    assert judge(gate, wrapped(SUSPECT[name], "rm -rf /srv/data")).verdict != "allow"


nested = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@nested
@given(st.sampled_from(sorted(HARMFUL)), st.lists(st.sampled_from(NESTING), min_size=2, max_size=3))
def test_nested_wrappers_hide_nothing(gate: Gate, command: str, templates: list[str]) -> None:
    whole = command
    for template in templates:
        whole = wrapped(template, whole)
    verdict = judge(gate, whole)
    assert verdict.verdict != "allow", whole


@nested
@given(st.sampled_from(sorted(HARMLESS)), st.lists(st.sampled_from(NESTING), min_size=2, max_size=3))
def test_nested_wrappers_add_nothing(gate: Gate, command: str, templates: list[str]) -> None:
    """A harmless command has no more effects in them than one that does nothing has, besides its own."""
    whole, nothing = command, ":"
    for template in templates:
        whole, nothing = wrapped(template, whole), wrapped(template, nothing)
    kinds = {effect.kind for effect in judge(gate, whole).effects}
    assert kinds <= {effect.kind for effect in judge(gate, nothing).effects} | {"read", "execute"}, whole


@nested
@given(st.sampled_from(sorted(SEEN)), st.sampled_from(sorted(HARMFUL)))
def test_the_effects_include_those_of_the_command(gate: Gate, name: str, command: str) -> None:
    assert effects(judge(gate, wrapped(SEEN[name], command))) >= {HARMFUL[command]}

"""No command takes long to understand: what is over a bound is said to be unresolved. The limit of time is pytest's."""

import pytest

from lighthoused.core.effects import World
from lighthoused.core.verdicts import Request
from lighthoused.gate.analysis import Analyser, standard
from lighthoused.gate.local import local_gate

CWD = "/home/ann/src"
WORLD = World(home="/home/ann", roots=(CWD,), user="ann")
LONG = "a" * 4000
pytestmark = pytest.mark.timeout(20)


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    return standard()


def here_documents(depth: int, inner: str) -> str:
    opened = "".join(f"bash <<E{level}\n" for level in range(depth))
    return opened + inner + "\n" + "".join(f"E{level}\n" for level in reversed(range(depth)))


def python(line: str, times: int = 40, start: str = 'x = "aaaa"') -> str:
    return "python3 - <<'E'\nimport os\n" + start + "\n" + (line + "\n") * times + "os.system(x)\nE"


OVER = {
    "substitutions": "echo " + "$(" * 500 + ")" * 500,
    "words": "x " * 600_000,
    "array": "a=(1 2 3 4); " + "a+=(${a[@]} ${a[@]}); " * 40,
    "arguments": "set -- " + "a " * 1000 + "; " + "set -- $@ $@; " * 10,
    "braces": "echo " + "{a,b}" * 30,
    "nested braces": "echo " + "{a," * 500 + "b" + "}" * 500,
    "pattern": f"x={LONG}; echo ${{x//*a*a*a*a*a*b/}}",
    "patterns": "x=" + "a" * 20_000 + "; echo " + "${x//a/b}" * 1000,
    "functions": "".join(f"f{n}() {{ f{n + 1}; f{n + 1}; }};" for n in range(40)) + "f0",
    "aliases": "".join(f"alias x{n}='x{n + 1}; x{n + 1}';" for n in range(40)) + "x0",
    "parallel": "seq 1 900 | while read a; do seq 1 900 | while read b; do echo $a$b; done; done",
    "loops": "for a in {a..z}; do for b in {a..z}; do for c in {a..z}; do ls; done; done; done",
    "here-documents": here_documents(60, "x=$((1<<y))"),
    "eval": "eval " * 3000 + "ls",
    "ways": "".join(f"if a; then v{n}=1; else v{n}=2; fi; " for n in range(9)) + "$v0$v1$v2$v3$v4$v5$v6$v7$v8 /",
    "python replace": python('x = x.replace("a", x) + x'),
    "python text": python('x = f"{x}{x}{x}{x}"'),
    "python list": python("x = x + x + x + x", start="x = [1, 2]"),
    "python loops": "python3 - <<'E'\nx = [1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
    + "".join(" " * n + f"for a{n} in x:\n" for n in range(12))
    + " " * 12
    + "pass\nE",
    "sql": "psql -c '" + "update a set " * 10_000 + "where'",
    "editor": "vim -c '" + " " * 50_000 + "'",
    "perl": "perl -e '" + "system(x);" * 5000 + "'",
}
OVER_TIME = {
    "redirections": ">" * 100_000,
    "inputs": "<" * 100_000,
    "parameters": "${x" * 40_000,
}
SLOW = {
    "arithmetic": "cat <<A\nx=$((1<<y))\nA\n" * 100,
    "nested arithmetic": here_documents(5, "echo $((1<<y)) $((1<<2))"),
    "power": "echo $((9**99999999)); x=$((9**9**9**9)); python3 -c 'print(9**99999999)'",
    "strip": f"x={LONG}; echo ${{x##*a*a*a*a*a*a*b}} ${{x%%b*a*a*a*a*a*a*}}",
    "glob": "rm " + "*a" * 2000,
    "root glob": "rm /" + "*e" * 30 + "*c; rm /" + "*" * 3000 + "x; rm /" + "*t" * 40 + "z",
    "extended glob": "rm " + "+(a|+(a|" * 100 + "b+))" * 100,
    "range": "echo {1..99999999999999999999999} {a..b..99999999999999999}{1..200}",
    "digits": "echo ${x:"
    + "9" * 5000
    + "}; a["
    + "9" * 5000
    + "]=1; shift "
    + "9" * 5000
    + "; printf %x "
    + "9" * 5000,
    "other digits": "a[²]=1; echo ${a[²]} ${x:²}; shift ²; printf %x ²; echo {²..³}",
    "python digits": "python3 -c 'x=chr(0x" + "f" * 5000 + "); y=chr(99999999999999999999)'",
    "chains": "perl -e '" + "a.b." * 20_000 + "system'",
    "blanks": "perl -e 'unlink" + " " * 50_000 + "'; awk '|" + " " * 50_000 + "'",
    "quotes": "perl -e '" + "qx{" * 10_000 + "'; awk '" + "print > " * 10_000 + "'",
    "braces of perl": "perl -e 'system(q{" + "q[" * 10_000 + "'",
    "pending": "cat " + "<<E " * 3000 + "\n" + "x\n" * 30_000,
    "characters": "{\U000771a8 ${\U000ee563} $\U000d6963 <<\U000771a8 [[ \U000771a8 =~ \U000771a8 ]]" * 100,
    "tabs": ("cat <<-E\n" + "\t" * 3000 + "x\n") * 100,
    "functions unfinished": "f() " * 5000,
    "redirections unfinished": "<<" * 5000,
    "growing file": "echo " + "a" * 10_000 + " > x; " + "cat x x x x >> x; " * 100,
    "loop without reading": "while true; do ls; done <<< 'a\nb'",
}


@pytest.mark.parametrize("command", OVER.values(), ids=OVER.keys())
def test_over_a_bound_is_unresolved(analyser: Analyser, command: str) -> None:
    assert analyser.analyse(command, CWD, WORLD).unresolved


@pytest.mark.parametrize("command", OVER_TIME.values(), ids=OVER_TIME.keys())
def test_the_parser_is_stopped(analyser: Analyser, command: str) -> None:
    assert "ms to understand" in analyser.analyse(command, CWD, WORLD).unresolved


@pytest.mark.parametrize("command", SLOW.values(), ids=SLOW.keys())
def test_work_is_bounded(analyser: Analyser, command: str) -> None:
    assert len(analyser.analyse(command, CWD, WORLD).effects) <= 512


@pytest.mark.parametrize("command", OVER.values(), ids=OVER.keys())
def test_unresolved_is_never_allowed(command: str) -> None:
    assert local_gate().judge(Request("Bash", {"command": command}, CWD, "ann"), WORLD).verdict != "allow"


@pytest.mark.parametrize(
    "command",
    [
        "for c in " + " ".join(f"a{n}" for n in range(40)) + " rm; do $c -rf /; done",
        "while read c; do $c; done <<E\n" + "ls\n" * 40 + "rm -rf /\nE",
        "(seq 100; echo /) | xargs rm -rf",
        "(seq 100; echo /) | xargs -I% rm -rf %",
        "{rm,-rf,/,{1..5000}}",
        "env " + "a=1 " * 3000 + "rm -rf /",
        "find " + "a " * 100 + "/ -exec rm -rf {} +",
        "parallel rm -rf ::: " + " ".join(f"a{n}" for n in range(100)) + " /",
    ],
    ids=range(8),
)
def test_nothing_hides_behind_a_bound(command: str) -> None:
    assert local_gate().judge(Request("Bash", {"command": command}, CWD, "ann"), WORLD).verdict != "allow"


def test_long_but_plain(analyser: Analyser) -> None:
    """What people really write is within the bounds."""
    for command in (
        "for i in $(seq 1 1000); do curl -s localhost:$i; sleep 1; done",
        "cat > a.py <<'EOF'\n" + "print('$(rm -rf /)')\n" * 5000 + "EOF",
        "echo {1..1000}",
        "git add " + " ".join(f"src/file_{n}.py" for n in range(500)),
    ):
        assert not analyser.analyse(command, CWD, WORLD).unresolved

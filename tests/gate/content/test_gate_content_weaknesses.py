"""Weak code is told from its safe sibling, in several languages; recall and false alarms cannot get worse unnoticed."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lighthoused.gate.content.needles import needles
from lighthoused.gate.content.weaknesses import MAX_TEXT, reviewer

ROOT = Path(__file__).parents[3]
CORPUS = ROOT.parent / "shared" / "corpora" / "insecure_code.jsonl"
PAIRS = [
    ("python", "command-injection", "os.system('ls ' + name)", "subprocess.run(['ls', name], check=True)"),
    ("python", "command-injection", "subprocess.run(line, shell=True)", "subprocess.run(words, shell=False)"),
    ("python", "code-injection", "value = eval(text)", "value = ast.literal_eval(text)"),
    ("python", "unsafe-yaml", "yaml.load(text)", "yaml.load(text, Loader=yaml.SafeLoader)"),
    ("python", "unsafe-deserialisation", "pickle.loads(data)", "json.loads(data)"),
    ("python", "weak-hash", "hashlib.md5(data)", "hashlib.md5(data, usedforsecurity=False)"),
    ("python", "no-tls-check", "requests.get(url, verify=False)", "requests.get(url, verify=True)"),
    ("python", "sql-injection", "db.execute(f'select * from t where a = {a}')", "db.execute('select ?', (a,))"),
    ("python", "weak-random", "token = random.choice(letters)", "token = secrets.token_hex()"),
    ("javascript", "cross-site-scripting", "box.innerHTML = name", "box.textContent = name"),
    ("javascript", "code-injection", "eval(text)", "JSON.parse(text)"),
    ("javascript", "sql-injection", "db.query(`select a from t where b = ${b}`)", "db.query('select ?', [b])"),
    ("java", "weak-hash", 'MessageDigest.getInstance("MD5")', 'MessageDigest.getInstance("SHA-256")'),
    ("java", "unsafe-deserialisation", "new ObjectInputStream(in)", "new BufferedInputStream(in)"),
    ("csharp", "unsafe-deserialisation", "new BinaryFormatter()", "JsonSerializer.Deserialize<T>(x)"),
    ("php", "code-injection", "eval($x);", "$x->evaluate();"),
    ("php", "weak-hash", "$h = md5($x);", "$h = hash('sha256', $x);"),
    ("rust", "unsafe-code", "unsafe { *p }", "let safe = p;"),
    ("go", "no-tls-check", "InsecureSkipVerify: true", "InsecureSkipVerify: false"),
    ("ruby", "sql-injection", 'User.where("a = #{a}")', 'User.where("a = ?", a)'),
    ("c", "buffer-overflow", "strcpy(a, b);", "strlcpy(a, b, sizeof a);"),
    ("cpp", "auto-ptr", "std::auto_ptr<int> p;", "std::unique_ptr<int> p;"),
    ("cpp", "buffer-overflow", "sprintf(a, b);", "snprintf(a, sizeof a, b);"),
    ("shell", "code-injection", 'eval "$x"', 'echo "$x"'),
]

LANGUAGES = sorted({pair[0] for pair in PAIRS})


@pytest.mark.parametrize(("language", "id", "weak", "safe"), PAIRS)
def test_weak_code_is_told_from_safe_code(language: str, id: str, weak: str, safe: str) -> None:
    found = {one.id: one for one in reviewer().review(f"\n\n  {weak}\n", language)}
    assert found[id].line == 3
    assert found[id].note
    assert found[id].instead
    assert id not in [one.id for one in reviewer().review(safe, language)]
    assert (
        reviewer().review(f"  // {weak}\n" if language not in ("python", "ruby", "shell") else f"# {weak}", language)
        == []
    )


def test_the_language_is_known_by_name_and_first_line() -> None:
    named = {
        "a.py": "python",
        "b/C.JS": "javascript",
        "x.tsx": "javascript",
        "a.txt": "",
        ".bashrc": "",
        "Makefile": "",
    }
    assert {path: reviewer().language_of(path, "") for path in named} == named
    assert reviewer().language_of("run", "#!/usr/bin/env python3\n") == "python"
    assert reviewer().language_of("run", "#!/bin/sh\n") == "shell"
    assert reviewer().review("eval(x)", "") == []


def test_it_is_bounded() -> None:
    assert reviewer().review("x" * MAX_TEXT + "\neval(x)", "python") == []
    assert reviewer().review("x" * 5000 + "eval(x)\neval(y)", "python")[0].line == 2
    assert reviewer().review("os.system(" * 6000, "python")[0].line == 1


@given(st.sampled_from(LANGUAGES), st.text("evalos.syt('\" \n#/*${}=;+%[]<>:0aZ", max_size=200))
def test_any_text_can_be_reviewed(language: str, text: str) -> None:
    assert all(1 <= one.line <= text.count("\n") + 1 for one in reviewer().review(text, language))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"\beval\s*\(", ("eval",)),
        (r"(?:os\.system|popen)\(", ("os.system", "popen")),
        (r"a(?:bc)?d+", ()),
        (r"(?i)SELECT\s", ("select",)),
        (r"[abc]+", ()),
        (r"\w+|foo", ()),
    ],
)
def test_needles(pattern: str, expected: tuple[str, ...]) -> None:
    assert needles(pattern) == expected


@given(st.text("aevloszt.( \n", max_size=60))
def test_every_match_has_a_needle(text: str) -> None:
    for pattern in (r"\beval\s*\(", r"(?:os\.system|eval)\(", r"(?:a|ev)+al"):
        found = re.search(pattern, text)
        assert found is None or not needles(pattern) or any(one in text.lower() for one in needles(pattern))


def test_own_code_is_hardly_ever_told() -> None:
    files = list((ROOT / "lighthoused").rglob("*.py"))
    told = [path.name for path in files if reviewer().review(path.read_text("utf-8"), "python")]
    assert len(told) / len(files) < 0.03, told


@pytest.mark.skipif(not CORPUS.exists(), reason="The corpora are not here.")
def test_recall_on_the_corpus() -> None:
    rows = [json.loads(line) for line in CORPUS.read_text("utf-8").splitlines()]
    told = [bool(reviewer().review(row["code"], row["language"])) for row in rows]
    assert sum(told) / len(told) > 0.82

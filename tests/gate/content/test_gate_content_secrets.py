"""Secrets are found by their forms, and nothing else is."""

import string
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lighthoused.gate.content.secrets import MAX_FOUND, entropy, scanner

LETTERS = "R4nD0mLetters8ndD1gitsOf36Charact3rsAndSomeMoreZq7Xw2Kp9Vb5Tn3Hj6Fd8Gs1Lm4"
HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
KEY = "MIIEowIBAAKCAQEAx3Wk7nqJm0bM5Q2vZr8uYpLs9TfGhDc4E6aXw1KiNo=" * 3
SECRETS = {
    "private-key": f"-----BEGIN RSA PRIVATE KEY-----\n{KEY}\n-----END RSA PRIVATE KEY-----",
    "aws-access-key": "aws_access_key_id = AKIAQ3EGRZ7KDPWM2TVL",
    "aws-secret-key": f'aws_secret_access_key="{LETTERS[:40]}"',
    "github-token": f"token: ghp_{LETTERS[:36]}",
    "gitlab-token": f"glpat-{LETTERS[:20]}",
    "slack-token": "xoxb-" + "2748461937-9Kx4Zq7Rt2",
    "google-api-key": f"AIza{LETTERS[:35]}",
    "anthropic-key": f"sk-ant-api03-{LETTERS[:64]}",
    "openai-key": f"OPENAI_API_KEY=sk-proj-{LETTERS[:48]}",
    "npm-token": f"//registry.npmjs.org/:_authToken=npm_{LETTERS[:36]}",
    "stripe-key": "sk_live" + f"_{LETTERS[:24]}",
    "digitalocean-token": f"dop_v1_{HEX}",
    "vault-token": f"hvs.{LETTERS[:30]}",
    "url-password": "postgres://app:k3Vx81mQz0@prod.internal.net/app",
    "assigned-secret": 'client_secret = "k3Vx81mQz0pLw7Rt2"',
}
HARMLESS = (
    "AKIAIOSFODNN7EXAMPLE",
    "token: ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "password = os.environ['PASSWORD']",
    'password = "correct horse battery staple"',
    'secret_name = "projects/app/secrets/database"',
    "postgres://user:password@localhost/db",
    "postgres://$USER:$PASSWORD@db/app",
    "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
    "-----BEGIN PUBLIC KEY-----\n" + KEY,
    f"sha256:{HEX}",
    "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    "a4e1b2c3-9f86-4d08-8188-4c7d659a2fea",
    'token_type = "application/x-www-form-urlencoded"',
    "sk-learn and sk-image",
)


@pytest.mark.parametrize(("id", "text"), SECRETS.items(), ids=SECRETS.keys())
def test_secrets_are_found_where_they_are(id: str, text: str) -> None:
    found = scanner().scan(f"# first\n# second\n{text}\n# last\n")
    assert id in [one.id for one in found]
    assert all(one.line >= 3 for one in found)
    assert not any(text in str(one) or LETTERS[:20] in str(one) for one in found)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_one_is_none(text: str) -> None:
    assert scanner().scan(text) == []


def test_this_repository_and_the_standard_library_have_hardly_any() -> None:
    own = Path(__file__).parents[3] / "lighthoused"
    assert [path for path in own.rglob("*.py") if scanner().scan(path.read_text("utf-8"))] == []
    library = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    assert [path.name for path in library if scanner().scan(path.read_text("utf-8", "replace"))] == []


def test_it_is_bounded() -> None:
    many = "\n".join(f"ghp_{LETTERS[n : n + 36]}" for n in range(30))
    assert len(scanner().scan(many)) == MAX_FOUND
    assert scanner().scan("x" * 300_000 + f" ghp_{LETTERS[:36]}") == []


@given(st.text(string.printable, max_size=300))
def test_any_text_can_be_scanned(text: str) -> None:
    assert all(1 <= one.line <= text.count("\n") + 1 for one in scanner().scan(text))


def test_entropy() -> None:
    assert entropy("") == entropy("aaaa") == 0
    assert entropy("abcd") == 2

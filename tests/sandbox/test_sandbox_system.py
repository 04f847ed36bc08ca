"""What a confined agent may read holds no secret, however its user's machine is set up."""

from pathlib import Path

from lighthoused.sandbox import own, system

SECRETS = (
    *(".ssh/id_rsa", ".aws/credentials", ".gnupg/key", ".netrc", ".npmrc", ".pypirc", ".docker/config.json"),
    *(".kube/config", ".config/gh/hosts.yml", ".config/gcloud/x", ".git-credentials", ".config/git/credentials"),
    *(".local/share/keyrings/login", ".password-store/x", ".mozilla/x", ".config/google-chrome/x", ".bash_history"),
    *(".cargo/credentials.toml", ".cargo/config.toml", ".azure/x", ".terraform.d/credentials.tfrc.json", ".bashrc"),
    *(".m2/settings.xml", ".gradle/gradle.properties", ".claude/.credentials.json", ".codex/auth.json", ".env"),
)


def test_no_secret_of_a_home_is_readable(tmp_path: Path) -> None:
    home = tmp_path / "home"
    searched = f"{home}:{tmp_path}:/:{home}/.local/bin:relative:{home}/.config/../..:/usr/bin"
    readable = [Path(path) for path in system.readable(str(home), {"PATH": searched}, ("/opt/lighthouse",))]
    for secret in SECRETS:
        assert not [path for path in readable if (home / secret).is_relative_to(path)], secret
    assert {Path("/opt/lighthouse"), home / ".gitconfig", home / ".local/bin", Path("/usr/bin")} <= set(readable)


def test_configuration_is_read_but_for_its_secrets(tmp_path: Path) -> None:
    for name in ("passwd", "shadow", "ssl/certs/ca", "ssl/private/key", "ssh/ssh_host_key", "hosts", "pki/tls/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = [str(Path(path).relative_to(tmp_path)) for path in system.configuration(str(tmp_path))]
    assert found == ["hosts", "passwd", "pki/tls/x", "ssl/certs"]
    assert list(system.configuration(str(tmp_path / "none"))) == []


def test_an_agents_own_directories(tmp_path: Path) -> None:
    made = own.make("ada", str(tmp_path), {})
    again = own.make("ada", str(tmp_path), {})
    assert made.cache == again.cache == str(tmp_path / ".cache/lighthouse/agents/ada")
    assert made.temporary != again.temporary
    assert Path(made.temporary).stat().st_mode & 0o777 == 0o700
    given = {"SSH_AUTH_SOCK": "/x", "HOME": "/home/x", "XDG_CACHE_HOME": "/elsewhere"}
    told = made.environment(given)
    assert (told["TMPDIR"], told["XDG_CACHE_HOME"], told["HOME"]) == (made.temporary, made.cache, "/home/x")
    assert "SSH_AUTH_SOCK" not in told
    assert Path(told["npm_config_userconfig"]).read_text() == ""
    for one in (made, again):
        one.remove()
    assert not Path(made.temporary).exists()

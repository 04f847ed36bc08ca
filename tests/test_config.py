"""What the configuration accepts, which source wins, and the sentence for everything it refuses."""

from pathlib import Path

import pytest

from lighthoused.config import Config
from lighthoused.configfile import BadConfig
from lighthoused.configured import Flags, load


def load_text(tmp_path: Path, text: str, uid: int = 1000, **env: str) -> Config:
    file = tmp_path / "config.toml"
    file.write_text(text)
    return load(Flags(config=str(file)), {"HOME": "/home/ann", **env}, uid=uid)


def test_root_defaults() -> None:
    paths = load(Flags(), {"HOME": "/nowhere"}, uid=0).paths
    assert paths.state == Path("/var/lib/lighthouse")
    assert paths.mount == Path("/mnt/lighthouse")
    assert paths.socket == Path("/run/lighthouse/lighthouse.sock")


def test_user_defaults() -> None:
    paths = load(Flags(), {"HOME": "/home/ann"}, uid=1000).paths
    assert paths.state == Path("/home/ann/.local/state/lighthouse")
    assert paths.mount == Path("/home/ann/lighthouse")
    assert paths.socket == Path("/home/ann/.local/state/lighthouse/lighthouse.sock")


def test_user_defaults_follow_xdg() -> None:
    env = {"HOME": "/home/ann", "XDG_STATE_HOME": "/xs", "XDG_RUNTIME_DIR": "/run/user/1000"}
    paths = load(Flags(), env, uid=1000).paths
    assert paths.state == Path("/xs/lighthouse")
    assert paths.socket == Path("/run/user/1000/lighthouse/lighthouse.sock")


@pytest.mark.parametrize("flags", [Flags(state="/s"), Flags()])
def test_a_chosen_state_moves_mount_socket_and_metrics_port(flags: Flags) -> None:
    config = load(flags, {"HOME": "/home/ann", "LIGHTHOUSE_STATE": "/s"}, uid=0)
    assert config.paths.mount == Path("/s/mnt")
    assert config.paths.socket == Path("/s/lighthouse.sock")
    assert config.metrics.port == 0


def test_flag_over_environment_over_file_over_default(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[paths]\nstate = "/f/state"\nmount = "/f/mount"\nsocket = "/f/socket"\n[metrics]\nport = 7000\n')
    env = {"HOME": "/home/ann", "LIGHTHOUSE_STATE": "/e/state", "LIGHTHOUSE_MOUNT": "/e/mount"}
    config = load(Flags(config=str(file), state="/flag/state"), env, uid=1000)
    assert config.paths.state == Path("/flag/state")
    assert config.paths.mount == Path("/e/mount")
    assert config.paths.socket == Path("/f/socket")
    assert config.metrics.port == 7000
    assert config.file == str(file)


def test_relative_paths_of_flags_are_taken_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert load(Flags(state="here"), {"HOME": "/home/ann"}, uid=1000).paths.state == tmp_path / "here"


def test_every_kind_of_value(tmp_path: Path) -> None:
    config = load_text(
        tmp_path,
        """
        [log]
        level = "debug"
        format = "json"
        [store]
        map_size = "1.5GiB"
        [rpc]
        socket_mode = "0660"
        socket_group = "agents"
        [gate]
        profile = "strict"
        policy_dirs = ["/etc/policies", "~/policies"]
        approval_deadline_s = 60
        cache_bytes = 1048576
        [mount]
        enabled = false
        """,
    )
    assert config.store.map_size == 3 << 29
    assert config.rpc.socket_mode == 0o660
    assert config.gate.policy_dirs == (Path("/etc/policies"), Path("~/policies").expanduser())
    assert config.gate.approval_deadline_s == 60.0
    assert not config.mount.enabled


def test_flags_for_format_and_mount(tmp_path: Path) -> None:
    config = load(Flags(log_format="json", no_mount=True), {"HOME": "/home/ann"}, uid=1000)
    assert config.log.format == "json"
    assert not config.mount.enabled


def test_policies_are_beside_the_config_file_by_default(tmp_path: Path) -> None:
    assert load_text(tmp_path, "").gate.policy_dirs == (tmp_path / "policies",)


REFUSED = [
    ("[logs]", '[logs] is no section; did you mean "log".'),
    ("[zzz]", "[zzz] is no section; known are access, "),
    ("log = 3", "log must be a section: [log] with its keys below it."),
    ("[log]\nlevle = 1", 'log.levle is no setting; did you mean "level".'),
    ('[log]\nlevel = "loud"', 'log.level must be one of "debug", "info", "warning", "error", not "loud".'),
    ("[metrics]\nenabled = 1", "metrics.enabled must be true or false, not 1."),
    ('[metrics]\nhost = "0.0.0.0"', 'metrics.host must be a loopback address: "127.0.0.1", "::1", not "0.0.0.0".'),
    ("[metrics]\nport = 65536", "metrics.port must be a whole number from 0 to 65535, not 65536."),
    ("[metrics]\nport = true", "metrics.port must be a whole number from 0 to 65535, not true."),
    ('[store]\nmap_size = "1 parsec"', 'store.map_size must be a size such as "64MiB", from 1MiB to 64TiB, not'),
    ("[store]\nmap_size = 1", 'store.map_size must be a size such as "64MiB", from 1MiB to 64TiB, not 1.'),
    ('[rpc]\nsocket_mode = "0777"', "rpc.socket_mode must be permission bits such as"),
    ('[rpc]\nsocket_mode = "rw"', "rpc.socket_mode must be permission bits such as"),
    ("[rpc]\nsocket_mode = 660", "rpc.socket_mode must be permission bits such as"),
    ('[rpc]\nsocket_group = "a\\nb"', "rpc.socket_group must be a line of text, not"),
    ("[gate]\napproval_deadline_s = 0", "gate.approval_deadline_s must be a number of seconds from 1 to 3600, not 0."),
    ('[gate]\npolicy_dirs = "x"', 'gate.policy_dirs must be a list of at most 64 absolute paths, not "x".'),
    ('[gate]\npolicy_dirs = ["x"]', "gate.policy_dirs must be a list of at most 64 absolute paths, not ['x']."),
    (
        '[paths]\nstate = "relative"',
        'paths.state must be an absolute path (or one that begins with ~/), not "relative".',
    ),
]


@pytest.mark.parametrize(("text", "sentence"), REFUSED)
def test_refusals_name_file_key_and_what_is_allowed(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(BadConfig) as refused:
        load_text(tmp_path, text)
    assert refused.value.problems[0].startswith(f"{tmp_path / 'config.toml'}: ")
    assert sentence in refused.value.problems[0]


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as refused:
        load_text(tmp_path, '[log]\nlevel = "x"\nformat = "y"\n[nope]\n')
    assert len(refused.value.problems) == 3


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"is not valid TOML: .*line 2"):
        load_text(tmp_path, "[log]\nlevel = \n")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(BadConfig, match="is not UTF-8 text"):
        load(Flags(config=str(file)), {"HOME": "/home/ann"}, uid=1000)


def test_a_named_file_must_exist_but_the_default_one_need_not(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="there is no such file"):
        load(Flags(config=str(tmp_path / "none")), {"HOME": str(tmp_path)}, uid=1000)
    assert load(Flags(), {"HOME": str(tmp_path)}, uid=1000).file == ""


def test_a_directory_or_a_huge_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="cannot be read: Is a directory"):
        load(Flags(config=str(tmp_path)), {"HOME": str(tmp_path)}, uid=1000)
    with pytest.raises(BadConfig, match="the file is over 1048576 bytes"):
        load_text(tmp_path, "#" * (1 << 20) + "#")


@pytest.mark.parametrize("name", ["state", "socket"])
def test_state_and_socket_must_not_be_under_the_mount(name: str) -> None:
    flags = Flags(mount="/m")._replace(**{name: "/m/inside"})
    with pytest.raises(BadConfig, match=rf"paths.{name} \(/m/inside\) must not be under paths.mount"):
        load(flags, {"HOME": "/home/ann"}, uid=1000)


def test_a_socket_path_has_a_greatest_length() -> None:
    assert load(Flags(socket="/" + "s" * 106), {"HOME": "/home/ann"}, uid=1000)
    with pytest.raises(BadConfig, match="must be at most 107 bytes"):
        load(Flags(socket="/" + "s" * 107), {"HOME": "/home/ann"}, uid=1000)

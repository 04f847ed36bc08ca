"""What lies where, on Linux, BSD, macOS and Windows."""

import pytest

from lighthoused.core.effects import World
from lighthoused.gate.places import place_of
from lighthoused.gate.targets import Targets

PLACES = {
    "secret": """
/home/ann/.ssh
/home/ann/.ssh/id_rsa
/home/ann/.ssh/work_key
/home/ann/.aws/credentials
/home/ann/.azure/accessTokens.json
/home/ann/.netrc
/home/ann/.docker/config.json
/home/ann/.config/gh/hosts.yml
/home/ann/.mozilla/firefox/x.default/logins.json
/home/ann/.config/google-chrome/Default/Login Data
/Users/ann/Library/Keychains/login.keychain-db
/etc/krb5.keytab
/proc/1/environ
/srv/app/.env
/srv/app/.env.production
/srv/app/key.pem
""",
    "account": """
/etc/passwd
/etc/sudoers.d/ann
/usr/local/etc/sudoers
/private/etc/pam.d/sudo
/etc/master.passwd
/home/ann/.ssh/authorized_keys
/C:/Windows/System32/config/SAM
""",
    "guard": """
/home/ann/.claude
/home/ann/.claude/settings.json
/srv/app/.claude/settings.local.json
/home/ann/.claude.json
/home/ann/.codex/hooks.json
./.mcp.json
/etc/codex/requirements.toml
/home/ann/.config/lighthouse/config.toml
""",
    "startup": """
/home/ann/.bashrc
/home/ann/.ssh/rc
/home/ann/.config/autostart/x.desktop
/etc/rc.local
/etc/rc.common
/etc/ld.so.preload
/etc/udev/rules.d/99-x.rules
/etc/apt/apt.conf.d/x
/Users/ann/Library/LaunchAgents/x.plist
/usr/lib/systemd/system/x.service
/venv/lib/python3.11/site-packages/x.pth
/srv/app/.git/hooks/pre-commit
""",
    "log": """
/var/log/syslog
/private/var/log/system.log
/var/spool/mail/ann
/Users/ann/Library/Logs/x
""",
    "history": "/home/ann/.bash_history\n/home/ann/.psql_history\n/home/ann/.python_history\n/home/ann/.zhistory",
    "": """
/home/ann/.ssh/known_hosts
/home/ann/.ssh/id_ed25519.pub
/home/ann/.aws-sam/x
/srv/app/.env.example
/srv/app/certs/fullchain.pem
/srv/app/src/login.py
/srv/app/etc/x
/etc/hosts
./etc/passwd
./Library/Logs/x
""",
}


@pytest.mark.parametrize(("place", "paths"), PLACES.items())
def test_places(place: str, paths: str) -> None:
    assert {path: place_of(path) for path in paths.strip().splitlines()} == dict.fromkeys(
        paths.strip().splitlines(), place
    )


@pytest.mark.parametrize(
    ("path", "scope", "place"),
    [
        ("C:\\", "system", "root"),
        ("c:/Windows", "system", "top"),
        ("C:\\Windows\\System32\\drivers", "system", ""),
        ("C:\\Users", "system", "top"),
        ("C:\\Users\\ann", "elsewhere", "root"),
        ("C:\\Users\\ann\\x.txt", "home", ""),
        ("D:\\data\\x", "elsewhere", ""),
        ("/mnt/c/Windows/x", "system", ""),
        ("\\\\server\\share\\x", "elsewhere", ""),
        ("c:x", "project", ""),
    ],
)
def test_drives_of_windows(path: str, scope: str, place: str) -> None:
    found = Targets(World(home="/home/ann", roots=("/home/ann/src",)), "/home/ann/src").resolve(path, "/home/ann/src")
    assert (found.scope, found.place) == (scope, place)

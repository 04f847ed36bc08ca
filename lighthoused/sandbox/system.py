"""What every confined agent may read of the machine, so that compilers, git, npm and python work, and no secret.

Landlock allows by list: what is not here, or configured, cannot be opened. Names of files and their metadata can still
be seen. Must not know Landlock.
"""

import os
from collections.abc import Iterable, Iterator, Mapping

SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix/store", "/snap", "/gnu/store"),
    *("/proc", "/sys", "/run/systemd/resolve", "/run/current-system", "/home/linuxbrew"),
    *("/var/lib/dpkg", "/var/lib/rpm", "/var/lib/apt/lists", "/var/lib/pacman", "/var/cache/man"),
)
CONFIGURATION = "/etc"
SECRET_CONFIGURATION = frozenset(
    (
        *("shadow", "shadow-", "gshadow", "gshadow-", "opasswd", "security/opasswd", "sudoers", "sudoers.d"),
        *(
            "ssh",
            "ssl/private",
            "pki/tls/private",
            "letsencrypt",
            "krb5.keytab",
            "ipsec.d",
            "ipsec.secrets",
            "wireguard",
            "openvpn",
        ),
        *(
            "NetworkManager",
            "wpa_supplicant",
            "fstab",
            "crypttab",
            "luks",
            "credstore",
            "credstore.encrypted",
            "lighthouse",
        ),
        *("docker", "kubernetes", "rancher", "cni", "samba", "postgresql", "mysql", "redis", "rabbitmq"),
        *("msmtprc", "exim4", "dovecot", "cups"),
    )
)
"""Below /etc; others may hold secrets too where they are readable by all, as then they are to every program."""
DEVICES = (
    *("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts"),
    *("/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr"),
)
SHARED_MEMORY = "/dev/shm"
HOME = (
    *(".gitconfig", ".config/git/config", ".config/git/ignore", ".config/git/attributes", ".editorconfig"),
    *(".local/bin", ".local/lib", ".local/share/uv", ".local/share/pnpm", ".local/share/mise", ".local/share/fnm"),
    *(".nvm", ".pyenv", ".rbenv", ".asdf", ".volta", ".sdkman/candidates", ".bun/bin", ".deno/bin", ".rustup"),
    *(".cargo/bin", "go/bin", "go/pkg/mod", ".npm-global"),
)
"""Below the home directory: tools and how git is set up, but nothing that holds a credential."""


def readable(home: str, environ: Mapping[str, str], own: Iterable[str], root: str = "") -> Iterator[str]:
    """Everything that may be read. `own`: what Lighthouse's own commands need to run."""
    yield from SYSTEM
    yield from configuration(root + CONFIGURATION)
    yield from (os.path.join(home, name) for name in HOME)
    yield from own
    for directory in environ.get("PATH", "").split(":"):
        if os.path.isabs(directory) and not _holds(os.path.realpath(directory), home):
            yield directory


def configuration(directory: str) -> Iterator[str]:
    """A directory like /etc, entry by entry, but for those that hold secrets."""
    yield from _but_for(directory, "")


def _but_for(directory: str, within: str) -> Iterator[str]:
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return
    for name in names:
        place = f"{within}{name}"
        if place in SECRET_CONFIGURATION:
            continue
        if any(secret.startswith(f"{place}/") for secret in SECRET_CONFIGURATION):
            yield from _but_for(os.path.join(directory, name), f"{place}/")
        else:
            yield os.path.join(directory, name)


def _holds(directory: str, home: str) -> bool:
    """Whether a directory is the home directory or holds it: then it holds its secrets too."""
    return (os.path.realpath(home) + "/").startswith(directory.rstrip("/") + "/")

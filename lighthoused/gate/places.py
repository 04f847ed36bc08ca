"""What lies at a path: secrets, accounts, logs, what runs at start. Must not know scopes, projects or policies.

Places go by what systems agree on: hier(7), the XDG base directories, Apple's and Microsoft's folders, and where
well-known programs keep credentials. `PLACES` says what the words mean.
"""

import re

PLACES: dict[str, str] = {
    "root": "All of its scope: the whole project, home or filesystem, or a directory that contains it.",
    "top": "A directory that the system or all users need, such as /etc or /home.",
    "vcs": "The history of a version control system.",
    "secret": "Keys, tokens, passwords.",
    "guard": "Says what watches over agents: hooks and settings of their programs, and of Lighthouse.",
    "startup": "Runs when somebody logs in, the machine starts or a version control system acts.",
    "account": "Says who exists and what they may do.",
    "log": "Records of what happened.",
    "history": "What somebody typed.",
    "cache": "Only makes things faster; filled again by use.",
    "generated": "Can be made again by a build or an install.",
    "program": "Programs and libraries of the system.",
    "sink": "Takes what is written and keeps nothing.",
}
_ETC = r"^(?:/private|/usr/local|/opt/homebrew)?/etc/"
_VAR = r"^(?:/private)?/var/"
_LIBRARY = r"^/(?:.*/)?Library/"
_PATTERNS: dict[str, tuple[str, ...]] = {
    "vcs": (r"/\.(git|hg|svn|jj)(/(?!hooks/|[\w./-]*\.lock$)|$)",),
    "account": (
        _ETC + r"(passwd|shadow|gshadow|group|sudoers|security/|pam\.d|pam\.conf|doas\.conf|ssh/sshd_config"
        r"|login\.defs|master\.passwd|spwd\.db|pwd\.db|polkit-1|nsswitch\.conf|sub[ug]id|authorization)",
        r"/\.ssh/authorized_keys",
        _VAR + r"db/(dslocal|sudo)|^/usr/lib/pam|/pam_[\w-]+\.so",
        r"(?i:/windows/system32/config/(sam|security|system)|/ntds\.dit$)",
    ),
    "secret": (
        r"/\.ssh(/(?!known_hosts|config$|rc$|environment$|[\w.-]+\.pub$)|$)",
        r"/\.(gnupg|aws|azure|kube|docker/config\.json|netrc|npmrc|pypirc|pgpass|my\.cnf|git-credentials"
        r"|vault-token|password-store|config/(gcloud|gh/hosts|op|rclone|sops|doctl|hub|containers/auth|filezilla)"
        r"|local/share/(keyrings|kwalletd)|kde/share/apps/kwallet|mozilla|thunderbird|boto|s3cfg|dockercfg|passwd-s3fs"
        r"|databrickscfg|snowsql|bitcoin|ethereum|electrum|purple|remmina|vnc|rhosts|htpasswd|pgp|gem/credentials"
        r"|config/(google-chrome|chromium|BraveSoftware|microsoft-edge|opera|vivaldi|Signal|Slack|discord|Bitwarden)"
        r"|cargo/credentials|terraform\.d/credentials|msal_token_cache)(\.[\w.]+)?(/|$)",
        r"/\.env(\.(?!example|sample|template|dist)[\w.-]+)?$|/\.envrc\.(local|private)$",
        r"/id_(rsa|dsa|ecdsa|ed25519)(_sk)?$|\.(p12|pfx|keystore|jks|kdbx?|ppk|ovpn|agilekeychain|keytab|wallet)$",
        r"/(?!fullchain|chain|cert|ca[-.]|cacert|public|dhparam)[\w.-]*\.pem$",
        r"/(private|server|tls)[\w.-]*\.key$",
        r"/(credentials|secrets?|accessTokens|azureProfile|service[-_]account[\w-]*|client_secret[\w-]*|master\.key)"
        r"(\.(json|ya?ml|toml|ini|env|enc|key|txt|db))?$",
        _ETC + r"(ssl/private|ssh/ssh_host_\w+key$|krb5\.keytab|wpa_supplicant|ipsec\.secrets|ppp/(chap|pap)-secrets"
        r"|NetworkManager/system-connections|openvpn/.*\.(key|conf)|kubernetes/(admin\.conf|pki)|shadow-|letsencrypt)",
        r"^/proc/[^/]+/(environ|mem)$|^/dev/(mem|kmem)$|^/proc/kcore$|^/run/secrets|/serviceaccount/token$",
        r"^(/tmp|/run/user/\d+)/(krb5cc|keyring|ssh-\w+)|^/var/lib/(sss/secrets|samba/private|kubelet/pki)",
        _LIBRARY + r"(Keychains|Cookies|Application Support/(Google/Chrome|Firefox|BraveSoftware|com\.apple\.TCC"
        r"|1Password|Bitwarden|Signal|MobileSync)|Messages/chat\.db|Safari/|Mail/|Accounts/)",
        r"/(Login Data|Cookies|Web Data|key[34]\.db|logins\.json|cookies\.sqlite|Local State|signons\.sqlite"
        r"|kcpassword|wp-config\.php|unattend\.xml|sysprep\.inf|web\.config|Groups\.xml|login\.keychain(-db)?)$",
        r"(?i:/appdata/(roaming|local)/(microsoft/(credentials|protect|vault)|google/chrome|mozilla))",
    ),
    "history": (
        r"/\.(bash|zsh|z|sh|ksh|tcsh|python|mysql|psql|node_repl|lesshst|sqlite|rediscli|irb|php|mongo|dbshell)_?"
        r"history(-\w+)?$|/fish_history$|/\.(lesshst|histfile|history|viminfo|zsh_sessions(/|$))",
        r"(?i:/consolehost_history\.txt$)",
    ),
    "guard": (
        r"/\.claude(/settings(\.local)?\.json$|/hooks(/|$)|\.json$|$)|/\.codex(/(config\.toml|hooks\.json)$|$)",
        r"/\.mcp\.json$|/\.config/lighthouse(/|$)|" + _ETC + r"(claude-code|codex|lighthouse)(/|$)",
    ),
    "startup": (
        r"/\.(bashrc|bash_profile|bash_login|bash_logout|bash_aliases|profile|zshrc|zshenv|zprofile|zlogin|zlogout"
        r"|kshrc|mkshrc|cshrc|tcshrc|login|logout|xinitrc|xprofile|xsession|xsessionrc|xserverrc|pam_environment"
        r"|tmux\.conf|screenrc|vimrc|gvimrc|exrc|emacs|inputrc|gdbinit|lldbinit|pythonrc(\.py)?|irbrc|pryrc|psqlrc"
        r"|config/(fish|autostart|systemd|environment\.d|nvim|i3|sway|plasma-workspace|git/hooks)"
        r"|local/share/(systemd|dbus-1/services)|vim/(plugin|after|autoload)|ssh/(rc|environment|config)|oh-my-zsh/custom)"
        r"(\b|$)",
        r"/\.git/hooks/(?!.*\.sample$)",
        _ETC + r"(profile|bash\.?|zsh|zprofile|zshrc|csh\.|rc\.|rc$|rc\d|init|cron|anacrontab|at\.|systemd|ld\.so"
        r"|modules|environment|xdg/(autostart|systemd)|update-motd|periodic|skel|motd|NetworkManager/dispatcher|udev"
        r"|apt/apt\.conf|dnf/plugins|yum/pluginconf|X11/(xinit|Xsession)|emond\.d|launchd|inetd|xinetd|inittab"
        r"|network/if-|dhcp/dhclient|logrotate\.d|acpi|pm/|binfmt|sysctl|grub|default/grub|initramfs|dracut"
        r"|crontab|StartupItems|newsyslog|rsyslog\.d|audit/plugins|docker/daemon\.json|containerd|pulse|trap\.d)",
        _VAR + r"(spool/(cron|at|anacron)|at/(tabs|jobs)|db/(emondClients|launchd)|lib/(systemd|NetworkManager))",
        _LIBRARY + r"(Launch(Agents|Daemons)|StartupItems|Preferences/(loginwindow|com\.apple\.loginwindow)"
        r"|Services/|Scripts/Folder Action|Security/SecurityAgentPlugins|DirectoryServices/PlugIns|Extensions)",
        r"^/(usr/(local/)?)?lib/(systemd|udev/rules\.d|modules-load\.d|sysctl\.d)|^/usr/share/(xsessions|dbus-1)",
        r"/(sitecustomize|usercustomize)(\.py$|/)|/(site|dist)-packages/(sitecustomize|usercustomize)|\.pth$|^/boot/(grub|efi|loader)|^/efi/",
        r"/(release_agent|notify_on_release)$",
        r"(?i:/start menu/programs/startup/|/windows/(tasks|system32/(tasks|grouppolicy))/)",
        r"(?i:/(my )?documents/(windows)?powershell/|/windowspowershell/v1\.0/profile)",
    ),
    "log": (
        _VAR + r"(log|audit|spool/(mail|rsyslog)|mail|account|crash|run/utmp)(/|$)|^/run/utmp$",
        _LIBRARY + r"Logs(/|$)|^/(private/var/)?db/diagnostics|(?i:/winevt/logs/)|^/var/lib/docker/containers/.*\.log$",
        r"^/(sys/kernel/debug/tracing|dev/kmsg)",
    ),
    "program": (r"^/(usr/|usr/local/)?(s?bin|lib(32|64|x32)?|libexec)(/|$)|^/opt/homebrew|^/boot(/|$)",),
    "cache": (
        _VAR + r"(lib/apt/lists|cache/(apt/archives|apk|dnf|yum|pacman/pkg))(/|$)",
        r"/(node_modules|__pycache__|\.pytest_cache|\.mypy_cache|\.ruff_cache|\.cache|\.parcel-cache|_cacache)(/|$)",
    ),
    "generated": (
        r"/(node_modules|__pycache__|\.pytest_cache|\.mypy_cache|\.ruff_cache|\.tox|\.nox|\.nyc_output|\.venv|venv"
        r"|dist|build|target|out|output|bin|obj|coverage|htmlcov|\.next|\.nuxt|\.cache|\.parcel-cache"
        r"|\.gradle|\.eggs|[\w.-]+\.egg-info|_build|_site|site|tmp|temp|\.tmp|logs?|cmake-build-[\w-]+"
        r"|\.terraform|\.turbo|\.svelte-kit|\.hypothesis|generated|artifacts?|test-results|\.coverage"
        r"|build[-_][\w.-]+|[\w-]+[-_]build|testdata/out|playwright-report|bazel-[\w-]+|\.bloop|\.metals)"
        r"(/|$)|\.(o|pyc|pyo|class|log|tmp|bak|swp|orig|obj|a|so|tsbuildinfo|lcov|prof|profraw|gcda|gcno)$"
        r"|/\.DS_Store$|~$|/\.coverage|/(package-lock\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?|npm-shrinkwrap\.json)$",
    ),
}
_PLACES = tuple((place, re.compile("|".join(patterns))) for place, patterns in _PATTERNS.items())
_DRIVE = re.compile(r"([A-Za-z]):(?=[\\/])|\\\\(?=[\w.?])")
_ON_DRIVE = re.compile(r"/(?:mnt/)?([A-Za-z]:?)(?=/|$)")
_WINDOWS_SYSTEM = re.compile(
    r"(?i)/(windows|winnt|program files( \(x86\))?|programdata|boot|efi|recovery|system volume information|perflogs)"
    r"(/|$)"
)


def place_of(path: str) -> str:
    """What lies at an absolute path; of a path in a project (beginning with ``./``) only what holds anywhere."""
    for place, pattern in _PLACES:
        if pattern.search(path):
            return place
    return ""


def from_windows(text: str) -> str:
    """``C:\\Users\\x`` as ``/C:/Users/x``; any other text as it is."""
    found = _DRIVE.match(text)
    if found is None:
        return text
    return f"/{(found[1] or 'N').upper()}:/{text[found.end() :].replace(chr(92), '/').lstrip('/')}"


def on_drive(path: str) -> str | None:
    """The path on a drive of Windows (``/C:/x``, in WSL ``/mnt/c/x``) below its root; None for any other."""
    found = _ON_DRIVE.match(path)
    if found is None or (len(found[1]) == 2) == path.startswith("/mnt/"):
        return None
    return path[found.end() :] or "/"


def of_windows(path: str) -> bool:
    """Whether a path below the root of a drive belongs to Windows or its programs."""
    return _WINDOWS_SYSTEM.match(path) is not None

"""What of the configuration can change while the daemon runs, and what takes a restart. Pure."""

from lighthoused.config import SECTIONS, Config

LIVE = frozenset({"access", "notify"})
"""Sections that are put in force by a reload."""
ELSEWHERE = frozenset({"backup", "sandbox"})
"""Sections that only `lighthousectl` reads, each time anew."""


def differences(before: Config, after: Config) -> tuple[str, ...]:
    """The settings that are not the same, as ``section.key``."""
    found = [
        f"{section}.{key}"
        for section, kind in SECTIONS.items()
        for key in kind.__struct_fields__
        if getattr(getattr(before, section), key) != getattr(getattr(after, section), key)
    ]
    return (*found, *(["rights"] if before.rights != after.rights else []))


def takes_restart(setting: str) -> bool:
    """Whether a setting counts only from the next start on."""
    return setting.partition(".")[0] not in LIVE | ELSEWHERE

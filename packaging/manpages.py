"""Writes the manual pages, from what the command lines and the configuration say about themselves.

    python packaging/manpages.py DIRECTORY

makes lighthousectl.1, lighthoused.8 and lighthouse-config.5 there (man(7), man-pages(7)).
"""

import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from lighthoused import __version__, config, paths
from lighthoused.cli import daemon, main
from lighthoused.cli.lazily import commands_of
from lighthoused.settings import Kind, Mode, Size, in_toml, sized

MANUAL = "Lighthouse"
CODES = (
    ("0", "done; for check: allow"),
    ("1", "refused; for check: deny"),
    ("2", "wrong usage; for check: escalate"),
    ("3", "the daemon cannot be reached; for check: any error"),
)
SHARED = (
    ("--json", "print JSON; every command takes it, before or after its name"),
    ("--socket PATH", "where the daemon listens"),
    ("--token TOKEN", "whom to speak for, where the socket's credentials do not suffice"),
)
COMMON = {term.split()[0] for term, _ in SHARED}
ENVIRONMENT = (
    (paths.STATE, "directory of the daemon's own data"),
    (paths.MOUNT, "directory to mount at"),
    (paths.SOCKET, "path of the Unix socket"),
    (paths.CONFIG, "configuration file"),
)
PAGES = (("lighthoused", 8), ("lighthousectl", 1), ("lighthouse-config", 5))


def program(name: str, section: int, group: click.Group) -> Iterator[str]:
    """The page of a command line."""
    yield from heading(name, section, sentence(group))
    yield from part("SYNOPSIS", f".B {name}", r"[\fIOPTIONS\fR] \fICOMMAND\fR [\fIARGUMENTS\fR]")
    yield from part("DESCRIPTION", *prose(group.help or ""))
    yield from part("OPTIONS", *listed(SHARED)) if section == 1 else ()
    yield from part("COMMANDS")
    for path, command in commands(group, name):
        yield from described(path, command)
    yield from part("ENVIRONMENT", *listed(ENVIRONMENT))
    if section == 1:
        yield from part("EXIT STATUS", *listed(CODES))
    yield from files()
    yield from see_also(name)


def configuration() -> Iterator[str]:
    """The page of the configuration file: each setting with what is allowed and its default."""
    yield from heading("lighthouse-config", 5, "configuration of the Lighthouse daemon")
    yield from part(
        "DESCRIPTION",
        "A file in TOML, /etc/lighthouse/config.toml for root and ~/.config/lighthouse/config.toml for others.",
        "A flag wins over the environment, that over the file, that over the default.",
        "What is wrong is refused with file, key and what is allowed:",
        ".B lighthousectl config check",
    )
    for section, kind in config.SECTIONS.items():
        yield from part(f"[{section}]", *prose(kind.__doc__ or ""))
        defaults = dict(zip(reversed(kind.__struct_fields__), reversed(kind.__struct_defaults__), strict=False))
        for key, allowed in config.kinds_of(kind).items():
            yield from (".TP", f".B {text(key)}", text(f"{allowed.allowed[0].upper()}{allowed.allowed[1:]}."))
            if key in defaults:
                yield text(f"Default: {spelled(allowed, defaults[key])}.")
    yield from see_also("lighthouse-config")


def spelled(kind: Kind, default: object) -> str:
    """A default as one would write it in the file."""
    if isinstance(kind, Size):
        return in_toml(sized(default)) if isinstance(default, int) else "none"
    return in_toml(default, octal=isinstance(kind, Mode)) if default != () else "see above"


def heading(name: str, section: int, what: str) -> Iterator[str]:
    """The title, and the line that apropos(1) finds."""
    day = time.strftime("%Y-%m-%d", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))))
    yield f'.TH {name.upper()} {section} {day} "lighthouse {__version__}" "{MANUAL}"'
    yield from part("NAME", rf"{name} \- {text(what)}")


def part(title: str, *lines: str) -> Iterator[str]:
    """A section."""
    yield f'.SH "{title}"'
    yield from lines


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command below a group, with what one types to call it."""
    for name, command in sorted(commands_of(group).items()):
        if isinstance(command, click.Group) and not command.invoke_without_command:
            yield from commands(command, f"{path} {name}")
        elif not command.hidden:
            yield f"{path} {name}", command
            if isinstance(command, click.Group):
                yield from commands(command, f"{path} {name}")


def described(path: str, command: click.Command) -> Iterator[str]:
    """One command: how it is called, what it does, its options."""
    context = click.Context(command, info_name=path)
    yield f'.SS "{text(" ".join((path, *command.collect_usage_pieces(context))))}"'
    yield from prose(command.help or "")
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is not None and record[1] and (parameter.opts[0] not in COMMON or "ctl" not in path):
            yield from (".TP", f".B {text(record[0])}", *prose(record[1]))


def files() -> Iterator[str]:
    """Where things are for root, for whom the environment does not matter."""
    none: dict[str, str] = {}
    yield from part(
        "FILES",
        *listed(
            (
                (paths.default_config(none, 0), "configuration, see lighthouse-config(5)"),
                (paths.default_state(none, 0), "events, versions and content"),
                (paths.default_mount(none, 0), "the mount"),
                (paths.default_socket(none, 0), "the socket"),
            )
        ),
        ".PP",
        "Users other than root have theirs below ~/.config, ~/.local/state, ~/lighthouse and $XDG_RUNTIME_DIR.",
    )


def see_also(name: str) -> Iterator[str]:
    """The other pages."""
    yield from part("SEE ALSO", ", ".join(f"{page}({section})" for page, section in PAGES if page != name))


def listed(rows: tuple[tuple[str, str], ...]) -> Iterator[str]:
    """Terms and what they mean."""
    for term, meaning in rows:
        yield from (".TP", f".B {text(term)}", text(meaning))


def prose(help_text: str) -> Iterator[str]:
    r"""Paragraphs of a docstring; of what click shows as it stands (``\b``) each line."""
    for number, paragraph in enumerate(re.split(r"\n\s*\n", help_text.strip().replace("\f", ""))):
        if number:
            yield ".PP"
        if paragraph.startswith("\b"):
            yield from (".nf", *map(text, paragraph.strip("\b\n").splitlines()), ".fi")
        else:
            yield text(" ".join(paragraph.replace("`", "").split()))


def sentence(group: click.Group) -> str:
    """What a program is, without capital and full stop."""
    said = " ".join((group.help or "").split("\n\n")[0].split()).rstrip(".")
    return said[:1].lower() + said[1:]


def text(plain: str) -> str:
    """As roff takes it literally."""
    escaped = plain.replace("\\", r"\e").replace("-", r"\-").replace('"', r"\(dq").replace("'", r"\(aq")
    return "\\&" + escaped if escaped.startswith((".", "\\(aq")) else escaped


def write(directory: Path) -> None:
    """All pages into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    made = {
        "lighthousectl.1": program("lighthousectl", 1, main.cli),
        "lighthoused.8": program("lighthoused", 8, daemon.cli),
        "lighthouse-config.5": configuration(),
    }
    for name, lines in made.items():
        (directory / name).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]))

"""With which words an agent's program starts our hook, so that it answers in some 10 ms.

That takes an interpreter that imports nothing, and the hook as a source file. The packaged form (PyInstaller) has no
interpreter to lend: the system's python3 runs the file that lies in the package or, where the package is one file that
unpacks itself for each run, a copy below the user's data. Without a python3 the program itself is the hook: right, but
slower. Must not know whose settings these words go into.
"""

import os
import sys
from pathlib import Path

from platformdirs import site_data_path, user_data_path

from lighthoused import __version__
from lighthoused.cli import hook
from lighthoused.cli.jsonfile import write

PYTHONS = ("/usr/bin/python3", "/usr/local/bin/python3")
WHERE = Path("lighthoused/cli/hook.py")
BARE = ("-I", "-S")


def words() -> list[str]:
    """The hook's command, up to its flags."""
    if not getattr(sys, "frozen", False):
        return [sys.executable, *BARE, os.path.abspath(hook.__file__)]
    python = next((path for path in PYTHONS if os.access(path, os.X_OK)), None)
    if python is None:
        return [sys.executable, "ctl", "hook"]
    return [python, *BARE, str(_file())]


def provide() -> None:
    """Make sure that what `words` names is there. Raises Invalid where it cannot be written."""
    if getattr(sys, "frozen", False) and not _is_lasting() and words()[0] != sys.executable:
        write(_file(), _packed().read_text("utf-8"))


def _file() -> Path:
    """Where root puts it, everybody can read it: root may install hooks for all."""
    if _is_lasting():
        return _packed()
    data = site_data_path if os.geteuid() == 0 else user_data_path
    return data("lighthouse") / __version__ / WHERE


def _packed() -> Path:
    return Path(sys._MEIPASS) / WHERE  # type: ignore[attr-defined]


def _is_lasting() -> bool:
    """Whether the package's files stay when this process ends: they lie beside the program."""
    return _packed().is_relative_to(Path(sys.executable).parent)

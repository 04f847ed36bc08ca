"""Programs that print settings for the shell that evaluates them: ``eval "$(direnv hook bash)"`` and its like.

What they print is known to set variables, functions and completions only; any other use of them is for their families.
"""

from lighthoused.gate.programs.commands import Family
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State

_FIRST: dict[str, frozenset[str]] = {
    **dict.fromkeys(("direnv", "mise", "rtx"), frozenset({"hook", "activate", "export"})),
    **dict.fromkeys(("pyenv", "rbenv", "nodenv", "goenv", "jenv", "plenv"), frozenset({"init", "virtualenv-init"})),
    **dict.fromkeys(("zoxide", "starship", "atuin", "mcfly", "oh-my-posh", "thefuck"), frozenset({"init", "--alias"})),
    **dict.fromkeys(("fnm", "opam", "luarocks", "go", "asdf"), frozenset({"env", "path"})),
    **dict.fromkeys(("kubectl", "helm", "gh", "docker", "minikube", "kind", "rustup"), frozenset({"completion"})),
    "minikube": frozenset({"docker-env", "completion"}),
    "docker-machine": frozenset({"env"}),
    "brew": frozenset({"shellenv"}),
    "ssh-agent": frozenset({"", "-s", "-c"}),
    "dircolors": frozenset({"", "-b"}),
    "lesspipe": frozenset({""}),
    "conda": frozenset({"shell.bash", "shell.zsh"}),
    "micromamba": frozenset({"shell"}),
    "resize": frozenset({""}),
    "register-python-argcomplete": frozenset(),
    "fzf": frozenset({"--bash", "--zsh"}),
    "keychain": frozenset({"--eval"}),
}


def printing(name: str, family: Family | None) -> Family:
    """The family of a program, but where it prints settings it prints nothing that does harm."""
    first = _FIRST[name]

    def runs(run: Run, argv: list[str], state: State) -> str | None:
        if argv[:3] == ["go", "env", "-w"]:
            for setting, _, value in (word.partition("=") for word in argv[3:]):
                run.assign(setting, (value,), state.fork())
        if not first or (argv[1] if len(argv) > 1 else "") in first:
            return ""
        return family(run, argv, state) if family else None

    return runs


SETTINGS = tuple(_FIRST)

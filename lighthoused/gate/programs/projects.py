"""Files that tools of a project run when they start: build files, test set-ups, settings, sources that are compiled.

Only what was written before in the same command, or by an earlier call, is read, and only for programs that read files
of its kind. Whatever in such a file may be a command is tried; what would do harm counts.
"""

import json
import posixpath
import re
import shlex
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from lighthoused.gate.programs.embedded import maybe
from lighthoused.gate.programs.interpreters import read
from lighthoused.gate.programs.recipes import recipes
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import opaque, unmarked

MAX_READ = 24
MAX_CANDIDATES = 96
MAX_CANDIDATE = 2048
_VALUES = "values"
_RECIPES = "make"


class Kind(NamedTuple):
    """Files by their base name, the language in them, and the programs that run what they say."""

    names: re.Pattern[str]
    language: str
    programs: frozenset[str]


def _kind(names: str, language: str, programs: str) -> Kind:
    return Kind(re.compile(names), language, frozenset(programs.split()))


_PYTHON = """
pip pip3 pipx pytest py.test nox tox inv invoke sphinx-build sphinx-autobuild scons waf snakemake fab locust
doit gunicorn uvicorn hypercorn celery flask django-admin uv poetry hatch pdm rye hg gdb lldb coverage mkdocs
behave robot ipython jupyter airflow dagster streamlit conan meson ansible-playbook easy_install python-build
build trial nose2 nosetests green pyinvoke buildout snakeviz scrapy luigi prefect kedro dvc mitmproxy mitmdump
pre-commit ranger qutebrowser weechat blender gimp inkscape calibre kitty sublime_text pdb ipdb bpython ptpython
"""
_NODE = """
npx npm pnpm yarn bun bunx gulp grunt eslint mocha jest vitest webpack vite rollup babel next nuxt playwright
cypress karma nyc c8 ava tap prettier postcss stylelint metro parcel esbuild turbo nx lerna hardhat truffle pm2
nodemon forever electron jasmine wdio storybook astro svelte-kit remix tsup tsc ng vue-cli-service react-scripts
semantic-release commitlint lint-staged husky codeceptjs nightwatch testcafe gatsby eleventy hexo snowpack swc
microbundle ncu plop zx
"""
_RUBY = """
rake bundle bundler gem pod vagrant brew guard cap fastlane rspec rails jekyll puma rackup irb pry thor nanoc
middleman chef-client chef-apply kitchen berks danger cucumber unicorn sidekiq foodcritic overcommit
"""
_JVM = "gradle gradlew mvn mvnw ant sbt mill lein kotlin kotlinc java javac scala scala-cli groovy jbang bazel bazelisk"
_TASKS = """
task go-task just npm pnpm yarn bun deno composer poe pdm hatch rye pixi tox nox pre-commit prek lefthook act
gitlab-runner foreman honcho overmind hivemind goreman supervisord supervisorctl pm2 circus mise rtx direnv
cargo cargo-make makers ansible-playbook ansible-pull ninja samu earthly dagger process-compose tilt skaffold
devspace drone woodpecker-cli buildkite-agent wrangler netlify vercel husky lint-staged turbo nx lerna
concurrently mprocs watchman systemctl entr goreleaser air reflex modd melos moon xmake xc mask run lage vagrant
packer terraform tofu terragrunt logrotate monit snakemake nextflow cwltool swift zellij tmuxinator tmuxp
teamocil taskfile hatchling poetry uv
"""
KINDS = (
    _kind(r"(?:GNU)?[Mm]akefile|.*\.mk|.*\.make", _RECIPES, "make gmake bmake remake cargo-make"),
    _kind(r"[Jj]ustfile|\.justfile|.*\.just", _RECIPES, "just"),
    _kind(
        r".*\.pyw?|SConstruct|SConscript|wscript|Snakefile|Tiltfile|\.?pythonrc|\.pdbrc|BUILD", "python", _PYTHON
    ),
    _kind(r".*\.[mc]?[jt]sx?|\.pnp.*|\.\w+rc", "node", _NODE),
    _kind(r"\w+file|.*\.(?:rb|rake|gemspec|ru|podspec)|\.irbrc|\.pryrc|\.rspec", "ruby", _RUBY),
    _kind(r".*\.(?:gradle|kts|groovy|java|kt|scala|sc|sbt|clj)", "generic", _JVM),
    _kind(r".*\.rs", "generic", "cargo rustc rust-script cargo-script evcxr cargo-play scriptisto"),
    _kind(r".*\.go", "generic", "go gore yaegi mage air wails gomobile tinygo"),
    _kind(r".*\.(?:exs?|erl|heex)|rebar\.config", "generic", "mix elixir iex rebar3 rebar erl"),
    _kind(r".*\.(?:php|phar)|artisan", "php", "composer phpunit pest artisan phpstan psalm laravel drush wp phing"),
    _kind(r".*\.(?:pl|PL|pm|t)|cpanfile", "perl", "prove cpan cpanm perl carton dzil"),
    _kind(r".*\.(?:d|nim|nims|zig|dart|swift|cs|csx|fsx|v|cr|jl|R|hs|ml)|dune|Setup\.l?hs", "generic", """dub dmd rdmd
nim nimble zig dart flutter swift swiftc dotnet csi dotnet-script v crystal shards julia R Rscript cabal stack runghc
ghc dune ocaml ocamlopt opam esy"""),
    _kind(r".*\.(?:el|elc)|\.emacs|Cask|Eask", "lisp", "emacs emacsclient cask eask eldev"),
    _kind(r".*\.lua|.*\.rockspec|\.busted", "lua", "luarocks busted nvim nmap wireshark tshark mpv awesome"),
    _kind(r".*\.(?:cmake|cmake\.in)|CMakeLists\.txt|meson\.build|configure\.ac|.*\.m4", "generic", """cmake ctest cpack
meson autoconf autoreconf aclocal m4 automake"""),
    _kind(
        r".*\.(?:ya?ml|json5?|jsonc|toml|ini|cfg|conf|xml|ninja|service|tf|hcl|pkl|envrc|kdl|nu|nf|ron|properties|target"
        r"|pp|desktop|timer|socket|path|cue|dhall|csproj|props|targets|sln|nix)|\.envrc|Procfile.*|.*rc|Taskfile\..*"
        r"|Dangerfile|maskfile\.md|\w+file",
        _VALUES,
        f"{_TASKS} {_JVM} msbuild dotnet xbuild nix-build nix-shell puppet",
    ),
)  # fmt: skip
PROGRAMS = frozenset(program for kind in KINDS for program in kind.programs)
_DOCUMENTS = re.compile(r"(?i).*\.(?:md|txt|rst|adoc|html?|csv|tsv|log|svg|tex|lock|sum|patch|diff|sql|css)")


def loads(run: Run, argv: list[str], state: State) -> None:
    """Read the files written before that a program runs."""
    program = posixpath.basename(argv[0])
    if program not in PROGRAMS:
        return
    for path, text in islice(_written(run, argv, state), MAX_READ):
        name = posixpath.basename(path)
        kind = next((kind for kind in KINDS if program in kind.programs and kind.names.fullmatch(name)), None)
        if kind is None or opaque(text[:64]) or (_DOCUMENTS.fullmatch(name) and not name.startswith(("CMake", "mask"))):
            continue
        source = unmarked(text)
        if kind.language == _VALUES:
            values(run, source, state)
        elif kind.language == _RECIPES:
            maybe(run, partial(recipes, run, source, {}, state.fork()))
        else:
            maybe(run, partial(read, run, source, state.fork(), kind.language))
            if kind.language == "generic":
                values(run, source, state)


def _written(run: Run, argv: list[str], state: State) -> Iterator[tuple[str, str]]:
    """What this command wrote, and what the program names that an earlier one did."""
    yield from [(path, text) for path, text in state.files.items() if not path.startswith("/dev/")]
    for word in argv[1:33]:
        path = run.findings.targets.absolute(word.rpartition("=")[2], state.cwd)
        if path in state.files and not dict.__contains__(state.files, path):
            yield path, state.files[path]
    for name in _DEFAULTS.get(posixpath.basename(argv[0]), ()):
        path = run.findings.targets.absolute(name, state.cwd)
        if path in state.files and not dict.__contains__(state.files, path):
            yield path, state.files[path]


_DEFAULTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("pytest", "py.test"), ("conftest.py", "pytest.ini", "tests/conftest.py")),
    **dict.fromkeys(("pip", "pip3", "uv"), ("setup.py",)),
    "cargo": ("build.rs", "src/main.rs", ".cargo/config.toml"),
    "go": ("main.go", "generate.go"),
    **dict.fromkeys(("task", "go-task"), ("Taskfile.yml", "Taskfile.yaml")),
    "rake": ("Rakefile",),
    "bundle": ("Gemfile",),
    "nox": ("noxfile.py",),
    "tox": ("tox.ini", "pyproject.toml"),
    "ninja": ("build.ninja",),
    "pre-commit": (".pre-commit-config.yaml",),
    "lefthook": ("lefthook.yml",),
    **dict.fromkeys(("gradle", "gradlew"), ("build.gradle", "build.gradle.kts", "settings.gradle")),
    "mvn": ("pom.xml",),
    "ant": ("build.xml",),
    "deno": ("deno.json", "deno.jsonc"),
    "composer": ("composer.json",),
    "scons": ("SConstruct",),
    "cmake": ("CMakeLists.txt",),
    **dict.fromkeys(("inv", "invoke"), ("tasks.py",)),
    "vagrant": ("Vagrantfile",),
    **dict.fromkeys(("foreman", "honcho", "overmind"), ("Procfile",)),
    "direnv": (".envrc",),
}


def values(run: Run, source: str, state: State) -> None:
    """Whatever in settings may be a command: values, items of lists, lines."""
    for command in islice(dict.fromkeys(_candidates(source)), MAX_CANDIDATES):
        maybe(run, partial(run.script, command, state.fork()))


def _candidates(source: str) -> Iterator[str]:
    try:
        yield from _strings(json.loads(source))
    except (ValueError, RecursionError):
        pass
    for found in _EXECUTABLE.finditer(source):
        rest = source[found.end() : found.end() + MAX_CANDIDATE]
        yield " ".join([found[1] or found[2], *(each[1] or each[2] for each in _ARGUMENTS.finditer(rest))])
    for found in _LIST.finditer(source):
        yield shlex.join(part[0] or part[1] for part in _QUOTED.findall(found[0]))
    for line in source.replace("\\\n", " ").splitlines():
        text = line.strip()
        if len(text) > MAX_CANDIDATE or text.startswith(_COMMENTS):
            continue
        generated = text.partition("//go:generate ")[2]
        for candidate in (generated, text.lstrip("-+@!>| \t"), _VALUE.sub("", text)):
            words = _unquoted(candidate)
            if " " in words and _FIRST.match(words):
                yield words


_COMMENTS = ("#", "<!--", "/*", "*", ";")
_VALUE = re.compile(r"^(?:-\s++)?[\"']?[\w$.:{}/-]+[\"']?\s*+(?::|=>|[:?+]?=)\s*+")
_FIRST = re.compile(r"[\w./~${(\"'!-]")
_EXECUTABLE = re.compile(r"executable\s*+=\s*+[\"']([^\"']++)[\"']|<executable>([^<]++)")
_ARGUMENTS = re.compile(r"<arg(?:ument)?\s++(?:line|value)\s*+=\s*+[\"']([^\"']++)[\"']|<argument>([^<]++)")
_QUOTED = re.compile(r"\"((?:[^\"\\]|\\.)*+)\"|'([^']*+)'")
_LIST = re.compile(
    r"\[\s*+(?:\"(?:[^\"\\\n]|\\.)*+\"|'[^'\n]*+')(?:\s*+,\s*+(?:\"(?:[^\"\\\n]|\\.)*+\"|'[^'\n]*+'))++\s*+,?\s*+\]"
)


def _unquoted(text: str) -> str:
    """A value without what a format puts around it."""
    text = text.strip().rstrip(",")
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`":
        text = text[1:-1]
    return re.sub(r"<[^<>]{1,200}>", " ", text).strip() if text.startswith("<") else text


def _strings(value: Any, depth: int = 0) -> Iterator[str]:
    """All texts in what JSON holds; a list of texts is a command, too."""
    if isinstance(value, str):
        if " " in value and len(value) <= MAX_CANDIDATE:
            yield value
    elif depth < 16 and isinstance(value, list):
        if len(value) > 1 and all(isinstance(each, str) for each in value):
            yield shlex.join(value)
        for each in value:
            yield from _strings(each, depth + 1)
    elif depth < 16 and isinstance(value, dict):
        for each in value.values():
            yield from _strings(each, depth + 1)


_COMPILERS = """gcc g++ cc c++ clang clang++ tcc musl-gcc rustc ghc ocamlopt ocamlc ocamlfind dmd ldc2 gdc swiftc
crystal fpc zig gfortran gnat go"""
_SOURCE = re.compile(r".*\.(?:c|cc|cpp|cxx|C|m|rs|hs|ml|nim|d|swift|cr|go|zig|f90|v)$")
_RUNS_AT_ONCE = frozenset({"-run", "run", "r", "-r", "--run", "exec"})


def compiled(run: Run, argv: list[str], state: State) -> str | None:
    """A compiler: its product, when it runs, does what the source says that was written before. It leaves the rest."""
    texts = [text for word in argv[1:] if (text := _source(run, word, state)) is not None]
    if not texts and ("-" in argv[1:] or "/dev/stdin" in argv) and state.stdin.text is not None:
        texts = [state.stdin.text]
    if texts:
        source = "\n".join(map(unmarked, texts))
        for path in _products(argv):
            state.write(run.findings.targets.absolute(path, state.cwd), f"#!{_LOADER}\n{source}", False)
        if argv[0] == "tcc" or _RUNS_AT_ONCE & set(argv[1:4]):
            read(run, source, state, "c")
    return None


_LOADER = "/lib/ld-linux.so"
"""Stands for what runs the product of a compiler."""


def product(run: Run, argv: list[str], state: State) -> str | None:
    """The product of a compiler runs."""
    text = state.files.get(run.findings.targets.absolute(argv[1], state.cwd)) if len(argv) > 1 else None
    if text is None or not text.startswith(f"#!{_LOADER}\n"):
        return run.command(argv[1:], state) if len(argv) > 1 else ""
    read(run, text.partition("\n")[2], state, "c", tuple(argv[2:]))
    return None


def _source(run: Run, word: str, state: State) -> str | None:
    path = run.findings.targets.absolute(word, state.cwd)
    found = state.files[path] if _SOURCE.match(word) and path in state.files else None
    return None if found is None else str(found)


def _products(argv: list[str]) -> list[str]:
    """The names that the product may have."""
    for at, word in enumerate(argv[1:], 1):
        if word in ("-o", "--output") and at + 1 < len(argv):
            return [argv[at + 1]]
        if word.startswith(("-o", "--out:", "-out:", "--output=")) and len(word) > 2:
            return [re.sub(r"^(?:--?out(?:put)?[:=]|-o)", "", word)]
    stems = [posixpath.basename(word).rpartition(".")[0] for word in argv[1:] if _SOURCE.match(word)]
    return ["a.out", *stems[:4]]


Family = Callable[[Run, list[str], State], str | None]
COMPILERS: dict[str, Family] = {
    **dict.fromkeys(_COMPILERS.split(), compiled),
    posixpath.basename(_LOADER): product,
}

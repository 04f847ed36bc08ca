"""What code tells databases and services: statements and methods, by languages.toml. Must not know who reads it."""

from typing import Any

from lighthoused.gate import languages
from lighthoused.gate.shell.run import Run


def said(run: Run, language: str, text: str, program: str) -> None:
    """Add what the statements of a text do; commands for a shell are not looked for in code."""
    for rule, statement, shell in languages.load()[language].read(text):
        if not shell:
            more: dict[str, Any] = {"place": rule.place, "note": rule.note, "instead": rule.instead}
            run.findings.add(rule.kind, statement[:200], rule.scope, certainty=rule.certainty, program=program, **more)

"""Text of agents made safe to look at: what a terminal would obey or hide is spelled out, and stands out."""

import re
import unicodedata

from rich.text import Text

HIDDEN = "bold white on red"
FOREIGN = "bold yellow"
_WORD = re.compile(r"\w+")
_ALIKE = ("CYRILLIC", "GREEK", "FULLWIDTH", "MATHEMATICAL", "ARMENIAN", "CHEROKEE")
"""Scripts with letters that look like Latin ones."""


def marked(text: str, style: str = "", keep: str = "") -> Text:
    """The text with hidden characters spelled out and coloured, but for those in `keep`."""
    out = Text(style=style, overflow="fold")
    plain: list[str] = []
    for letter in text:
        if letter.isprintable() or letter in keep:
            plain.append(letter)
            continue
        out.append("".join(plain))
        plain.clear()
        out.append(spelled(letter), HIDDEN)
    out.append("".join(plain))
    return out


def spelled(letter: str) -> str:
    """A character by its number."""
    return letter.encode("unicode_escape").decode()


def hidden(text: str) -> list[str]:
    """The hidden characters in a text, each once, in words: ``\\u202e (right-to-left override)``."""
    found = dict.fromkeys(letter for letter in text if not letter.isprintable() and letter not in "\n\t")
    return [f"{spelled(letter)}{_named(letter)}" for letter in found]


def alike(text: str) -> list[str]:
    """Words that mix Latin letters with others that look like them."""
    return [word for word in dict.fromkeys(_WORD.findall(text)) if not word.isascii() and _is_mixed(word)]


def _is_mixed(word: str) -> bool:
    names = [unicodedata.name(letter, "") for letter in word if letter.isalpha()]
    return any(letter.isascii() and letter.isalpha() for letter in word) and any(
        name.startswith(_ALIKE) for name in names
    )


def _named(letter: str) -> str:
    name = unicodedata.name(letter, "")
    return f" ({name.lower()})" if name else ""

"""The language of the pages (界面语言): Chinese first, English by a cookie. Catalogues are compiled in memory."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from io import BytesIO

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

CHINESE, ENGLISH = "zh", "en"
LANGUAGES = (CHINESE, ENGLISH)
COOKIE = "cunyi_language"
_FOLDERS = {CHINESE: "zh_CN", ENGLISH: "en"}


def chosen(value: str | None) -> str:
    """The language of a cookie's value; Chinese for anything that is not known."""
    return value if value in LANGUAGES else CHINESE


@cache
def catalogue(language: str) -> Translations:
    """The translations of a language, from its .po files: one for each part of the pages."""
    folder = files("cunyi.web") / "locale" / _FOLDERS[language] / "LC_MESSAGES"
    joined: Translations | None = None
    for source in sorted(folder.iterdir(), key=lambda source: source.name):
        if not source.name.endswith(".po"):
            continue
        compiled = BytesIO()
        write_mo(compiled, read_po(BytesIO(source.read_bytes())))
        compiled.seek(0)
        translations = Translations(compiled)
        joined = translations if joined is None else joined.merge(translations)
    assert joined is not None
    return joined

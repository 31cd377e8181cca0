"""What goes wrong and is told to a person: one shape for every interface."""

from __future__ import annotations

from collections.abc import Callable, Sequence


class UserError(Exception):
    """Bad input (使用错误), told in the user's language: which field, what is wrong, the way out. No traceback is shown for it.

    `field` names the input (a case field, a command-line argument), `message` is Chinese prose that says what to do. Words
    that differ each time stand in it as `{name}` and are given as `values`, so that the sentence can be translated.
    """

    def __init__(self, message: str, *, field: str | None = None, **values: object) -> None:
        self.sentence = message
        self.values = values
        self.message = self.told(lambda sentence: sentence)
        super().__init__(self.message)
        self.field = field

    def told(self, translated: Callable[[str], str]) -> str:
        """The message in the words of a catalogue."""
        sentence = translated(self.sentence)
        return sentence.format(**self.values) if self.values else sentence

    def to_dict(self) -> dict[str, str | None]:
        """The error as every interface gives it: `{"field": …, "message": …}`."""
        return {"field": self.field, "message": self.message}


class KnowledgeError(UserError):
    """The compiled knowledge (知识库错误) is missing, damaged or made by another version of the program."""


class InvalidFormError(UserError):
    """Several fields of a form that cannot be used (填写有误): every one of them with its own message; nothing typed is lost."""

    def __init__(self, errors: Sequence[UserError]) -> None:
        self.errors = tuple(errors)
        super().__init__("；".join(error.message for error in errors), field=errors[0].field)

    def told(self, translated: Callable[[str], str]) -> str:
        """The messages in the words of a catalogue."""
        return translated("；").join(error.told(translated) for error in self.errors)

    def by_field(self, translated: Callable[[str], str] = str) -> dict[str, str]:
        """The messages by field, in the words of a catalogue; the first one where a field has several."""
        found: dict[str, str] = {}
        for error in self.errors:
            found.setdefault(error.field or "", error.told(translated))
        return found


class NotAllowedError(UserError):
    """The account may not do this (没有权限): said plainly, with whom to ask."""


class NeedsReasonError(UserError):
    """It can be done, but a reason has to be given first (需要说明理由)."""

"""What goes wrong and is told to a person: one shape for every interface."""


class UserError(Exception):
    """Bad input (使用错误), told in the user's language: which field, what is wrong, the way out. No traceback is shown for it.

    `field` names the input (a case field, a command-line argument), `message` is Chinese prose that says what to do.
    """

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field

    def to_dict(self) -> dict[str, str | None]:
        """The error as every interface gives it: `{"field": …, "message": …}`."""
        return {"field": self.field, "message": self.message}


class KnowledgeError(UserError):
    """The compiled knowledge (知识库错误) is missing, damaged or made by another version of the program."""

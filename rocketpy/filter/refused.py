"""The one exception of the compiler's inside; compile_expression makes a FilterSyntaxError of it."""


class Refused(Exception):
    """What stands at character `at` of the expression cannot mean anything; `hint` says what could."""

    def __init__(self, at: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.at = at
        self.message = message
        self.hint = hint

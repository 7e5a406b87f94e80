"""Errors, by what is at fault."""

from __future__ import annotations

from collections.abc import Iterable


class Error(Exception):
    """What is wrong (`what`), what it is about, from the outside in (`where`, may be empty), and what to do (`advice`).

    `code` is the exit code that the program `gradcam` has for the same error. `row` is the line of a table that says so,
    if a picture failed that had a name; else None.
    """

    code = 70
    row: str | None = None

    def __init__(self, message: str, *, what: str = "", where: str = "", advice: str | None = None) -> None:
        super().__init__(message)
        self.what, self.where, self.advice = what or message, where, advice


class UsageError(Error, ValueError):
    """An argument, or a name in it, cannot be used."""

    code = 64


class DataError(Error, ValueError):
    """A model, picture or array has invalid contents."""

    code = 65


class ReadError(Error, OSError):
    """A file cannot be opened or read."""

    code = 66


class UnsupportedError(Error, NotImplementedError):
    """An operator or a feature is not supported."""

    code = 69


class DefectError(Error, RuntimeError):
    """An internal error of the library."""

    code = 70


class Cancelled(Error):
    """The caller ended the work."""

    code = 130


_CLASSES: dict[int, type[Error]] = {
    kind.code: kind for kind in (UsageError, DataError, ReadError, UnsupportedError, DefectError, Cancelled)
}


def error_class(code: int) -> type[Error]:
    return _CLASSES.get(code, Error)


def error(kind: type[Error], where: str, what: str, advice: str) -> Error:
    """An error in the words of the library's own."""
    return kind(f"{where}: {what}; {advice}", what=what, where=where, advice=advice)


def extents(shape: Iterable[int]) -> str:
    """A shape in words, such as `1 x 3 x 224 x 224`."""
    return " x ".join(map(str, shape))

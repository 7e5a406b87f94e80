"""What to know about maps."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """Something to know about a map: `code` does not change from version to version."""

    code: str
    text: str


class NoteWarning(UserWarning):
    """The text of a note, which is shown once for each network."""


class Notes:
    """Shows notes as Python's warnings, each once, unless they are ignored."""

    def __init__(self) -> None:
        self.ignored = False
        self._shown: set[Note] = set()

    def show(self, notes: Iterable[Note]) -> None:
        for note in notes:
            if not self.ignored and note not in self._shown:
                self._shown.add(note)
                warnings.warn(note.text, NoteWarning, stacklevel=_users_level())


def _users_level() -> int:
    """The stack level of the first caller outside this package, as `warnings.warn` counts from the caller of this."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == "gradcam":
        frame, level = frame.f_back, level + 1
    return level

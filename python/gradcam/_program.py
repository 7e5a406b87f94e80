"""The program `gradcam`, which compares and evaluates."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ._errors import ReadError, error_class

#: Options that are of all networks together, and which of them take lists.
SHARED = ("models", "plugin", "prefer", "threads")
LISTS = ("plugin", "prefer")


#: Options whose files and output the package has for itself.
_OWN = ("output", "report", "json", "resume", "quiet", "terminal", "terminal_protocol", "fail_if", "help", "version")


def check(options: Mapping[str, Any]) -> None:
    """Raises TypeError for options that the program has, but not the package."""
    for name in options:
        if name in _OWN:
            raise TypeError(f"{name} is an option of the program only")


def path(value: str | os.PathLike[str]) -> str:
    """A path that the program does not take for an option."""
    name = os.fspath(value)
    return f"./{name}" if name.startswith("-") else name


def run(*arguments: str, options: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """The JSON document that the program prints, and its warnings.

    options: by their names without dashes, `_` for `-`; True for one without a value, several values for one that is
    repeated, None for the default.
    """
    command = [_path(), *arguments, "--json"]
    for name, value in options.items():
        command += _flags("--" + name.replace("_", "-"), value)
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    lines = done.stderr.splitlines()
    # Pictures that were skipped give an exit code, too.
    if done.returncode != 0 and not done.stdout:
        errors = [line for line in lines if line.startswith(("gradcam: error: ", "Error: "))]
        message = (errors or lines or [f"gradcam ended with {done.returncode}"])[0]
        raise error_class(done.returncode)(message.removeprefix("gradcam: error: ").removeprefix("Error: "))
    warning = "gradcam: warning: "
    return json.loads(done.stdout), [line.removeprefix(warning) for line in lines if line.startswith(warning)]


def _path() -> str:
    packaged = Path(__file__).parent / "bin" / "gradcam"
    found = os.environ.get("GRADCAM") or (str(packaged) if packaged.exists() else shutil.which("gradcam"))
    if found is None:
        raise ReadError("the program gradcam is not installed; put it into PATH, or its path into GRADCAM")
    return found


def _flags(name: str, value: Any) -> list[str]:
    if value is None or value is False:
        return []
    if value is True:
        return [name]
    single = isinstance(value, (str, os.PathLike)) or not isinstance(value, Iterable)
    return [f"{name}={os.fspath(one) if isinstance(one, os.PathLike) else one}" for one in ([value] if single else value)]

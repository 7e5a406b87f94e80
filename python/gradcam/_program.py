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
        message = lines[-1].removeprefix("gradcam: error: ") if lines else f"gradcam ended with {done.returncode}"
        raise error_class(done.returncode)(message)
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

"""The wheel's platform: it has a program and libraries for Linux on x86-64, and runs with any Python 3."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Platform(BuildHookInterface):  # type: ignore[type-arg]
    """auditwheel puts the oldest Linux in place of `linux` that has what they need."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        build_data["pure_python"] = False
        build_data["tag"] = "py3-none-linux_x86_64"

"""Tables with a row for each map: lines of JSON and CSV as the program writes them, and Parquet. Needs pyarrow."""

from __future__ import annotations

import csv
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from ctypes import byref, c_size_t, create_string_buffer
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

from . import _native as native
from ._errors import DataError, UsageError, error

#: A `pyarrow.Table`; the package is checked without pyarrow, so its types are not named.
Table: TypeAlias = Any
#: A row by its columns; those that are missing are None.
Row: TypeAlias = Mapping[str, Any]

#: The columns of all rows, in the program's order, and what they hold.
COLUMNS = {
    "image": "string", "configuration": "string", "model": "string", "node": "string", "method": "string",
    "concept": "int32", "target": "string", "class": "int32", "label": "string", "box": "list<float64>",
    "score": "float32", "probability": "float32", "output": "string", "warnings": "list<string>", "error": "string", "sha256": "string",
}
#: Where the columns of metrics stand, after the others of a map.
_METRICS_BEFORE = "error"
#: The line of the configuration, in the metadata of a table.
_CONFIGURATION = b"gradcam.configuration"
#: Columns of maps and pictures, which lines have no place for.
DRAWN = {"map": "list<float32>", "map_shape": "list<int32>", "picture": "binary"}


def schema(metrics: Iterable[str] = (), *, maps: bool = False, pictures: bool = False) -> Any:
    """The `pyarrow.Schema` of rows: also a float64 for each metric, and the columns of maps and pictures if wanted."""
    columns = {}
    for name, kind in COLUMNS.items():
        if name == _METRICS_BEFORE:
            columns.update(dict.fromkeys(metrics, "float64"))
        columns[name] = kind
    if maps:
        columns.update({name: DRAWN[name] for name in ("map", "map_shape")})
    if pictures:
        columns["picture"] = DRAWN["picture"]
    arrow = import_module("pyarrow")
    return arrow.schema([arrow.field(name, _type(arrow, kind)) for name, kind in columns.items()])


def _type(arrow: Any, kind: str) -> Any:
    if kind.startswith("list<"):
        return arrow.list_(_type(arrow, kind[5:-1]))
    return getattr(arrow, kind)()


def read(file: str | os.PathLike[str]) -> Table:
    """The rows of a file, .jsonl, .csv or .parquet, or of all Parquet files in a folder, such as Ray and Spark write.

    Every metric is a column of its own. What a file of lines says first, its configuration, is in the metadata of the
    table's schema. Raises UsageError for another extension, DataError for what is no table of rows, naming the line.
    """
    path = Path(file)
    kind = path.suffix.lower()
    if kind == ".parquet" or path.is_dir():
        return import_module("pyarrow.parquet").read_table(path)
    if kind not in (".jsonl", ".json", ".csv"):
        raise error(UsageError, os.fspath(file), "the name has no known extension", "use .jsonl, .csv or .parquet")
    try:
        found, metrics, configuration = _json_rows(path) if kind != ".csv" else (*_csv_rows(path), None)
    except (ValueError, KeyError, TypeError, AttributeError) as cause:
        if isinstance(cause, DataError):
            raise
        advice = "give a file that gradcam wrote"
        raise error(DataError, os.fspath(file), f"is no table of rows ({cause})", advice) from cause
    described = schema(metrics)
    if configuration is not None:
        described = described.with_metadata({_CONFIGURATION: configuration.encode()})
    return import_module("pyarrow").Table.from_pylist(found, schema=described)


def to_parquet(files: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], path: str | os.PathLike[str]) -> None:
    """Writes the rows of files, each as `read` takes it, to one Parquet file, which appears whole or not at all."""
    listed = [files] if isinstance(files, (str, os.PathLike)) else list(files)
    arrow = import_module("pyarrow")
    tables = [read(one) for one in listed]
    joined = arrow.concat_tables(tables, promote_options="default") if tables else schema().empty_table()
    with _appearing(path) as temporary:
        import_module("pyarrow.parquet").write_table(joined, temporary)


def write_jsonl(
    rows: Table | Iterable[Row], path: str | os.PathLike[str], *, configuration: str | None = None
) -> None:
    """Writes rows as the program writes them, a JSON document a line, to a file that appears whole or not at all.

    rows: a table, such as Parquet that Ray or Spark wrote, or dictionaries; columns of float64 that rows do not have by
    themselves are metrics, others are left out. configuration: the line before them, as `Model.configuration` gives it;
    by default what `read` found.
    """
    metadata = getattr(getattr(rows, "schema", None), "metadata", None) or {}
    head = configuration or metadata.get(_CONFIGURATION, b"").decode()
    with _appearing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as file:
        if head:
            file.write(head + "\n")
        file.writelines(line(row) + "\n" for row in _rows(rows))


def line(row: Row) -> str:
    """A row as the program writes it, without a line end; floats that rows do not have by themselves are metrics.

    Raises DataError for what is no row.
    """
    plain = {name: _plain(name, row[name]) for name in COLUMNS if row.get(name) is not None}
    metrics = {name: value for name, value in row.items()
               if name not in COLUMNS and name not in DRAWN and (value is None or isinstance(value, float))}
    if metrics and "method" in plain:
        plain["metrics"] = metrics
    text = json.dumps(plain).encode()
    length = c_size_t()
    written = create_string_buffer(2 * len(text) + 64)
    native.call("gradcam_format_row", text, written, c_size_t(len(written)), byref(length))
    return written.raw[:length.value].decode()


def parse(line: str) -> dict[str, Any]:
    """The row that a line says; -0 is a number of its own, as it is for the program."""
    row: dict[str, Any] = json.loads(line, parse_int=lambda digits: -0.0 if digits == "-0" else int(digits))
    return row


def _plain(name: str, value: Any) -> Any:
    """A value as JSON has it: float32 by its own digits, not by those of the float64 that is nearest."""
    kind = COLUMNS[name]
    if kind == "float32":
        return float(str(import_module("numpy").float32(value)))
    if kind == "int32":
        return int(value)
    return list(value) if kind.startswith("list") else value


def _rows(rows: Any) -> Iterator[Row]:
    if not hasattr(rows, "to_batches"):
        yield from rows
        return
    arrow = import_module("pyarrow")
    kept = [field.name for field in rows.schema
            if field.name in COLUMNS or field.type == arrow.float64() and field.name not in DRAWN]
    for batch in rows.select(kept).to_batches(1024):
        yield from batch.to_pylist()


def _json_rows(path: Path) -> tuple[list[dict[str, Any]], list[str], str | None]:
    """The rows of lines of JSON, the names of their metrics, and the first line of a configuration."""
    found: list[dict[str, Any]] = []
    metrics: dict[str, None] = {}
    configuration = None
    with path.open(encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            row = parse(text)
            if isinstance(row.get("configuration"), dict):
                configuration = configuration or text.rstrip("\n")
                continue
            if "image" not in row:
                advice = "give a file that gradcam wrote"
                raise error(DataError, f"{path}: line {number}", "is no row of a table", advice)
            measured = row.pop("metrics", None) or {}
            metrics.update(dict.fromkeys(measured))
            found.append({**row, **measured})
    return found, sorted(metrics), configuration


def _csv_rows(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows of a table with a heading, and the names of its metrics, the columns that other rows do not have."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        names = reader.fieldnames or []
        if not set(COLUMNS) <= set(names):
            raise error(DataError, f"{path}: line 1", "is no heading of rows", "give a file that gradcam wrote")
        found = [{name: _parsed(name, text) for name, text in row.items() if text} for row in reader]
        return found, [name for name in names if name not in COLUMNS]


def _parsed(name: str, text: str) -> Any:
    kind = COLUMNS.get(name, "float64")
    if kind == "string":
        return text
    if kind == "int32":
        return int(text)
    if kind == "list<float64>":
        return [float(number) for number in text.split(" ")]
    return text.split(" ") if kind.startswith("list") else float(text)


@contextmanager
def _appearing(path: str | os.PathLike[str]) -> Iterator[str]:
    """The name of a temporary file beside a path, which then replaces it; it is removed if anything is raised."""
    target = Path(path)
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    os.close(handle)
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise

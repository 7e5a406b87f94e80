#!/usr/bin/env python3
"""Explains pictures by Ray, Spark and GNU parallel on this machine, kills workers, and compares tables with one process's.

    engines.py [--pictures N] [--rounds N] [--engines ray spark parallel] [--seed N]

Needs the library (LIBGRADCAM), the program (GRADCAM), and a Python with Pillow, pyarrow, ray[data], pyspark, pandas, and
Java. Pictures are made from models/samples into .build/engines, some of which cannot be explained. In every round, workers
are killed by SIGKILL at random moments until the engine is done; then `gradcam merge` must make the same table of its rows
as of the rows of a single process, and rows must be the same byte for byte.
"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

import gradcam
from gradcam import rows

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python" / "tests"))
from test_ray import at_usual_priority  # noqa: E402
from test_rows import bad_pictures, expected  # noqa: E402

FOLDER = ROOT / ".build" / "engines"
MODEL = ROOT / "models" / "shapes-resnet.onnx"
PROGRAM = os.environ.get("GRADCAM", "gradcam")
#: Two maps for each picture.
ASKED = {"methods": ["gradcam", "layercam"]}


def make_pictures(count: int) -> Path:
    """Makes so many pictures, some of which cannot be explained."""
    folder = FOLDER / f"pictures-{count}"
    if folder.exists():
        return folder
    partial = FOLDER / "partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    samples = [np.asarray(Image.open(path).convert("RGB"))
               for path in sorted((ROOT / "models" / "samples").iterdir()) if path.suffix in (".png", ".jpg")]
    draw = np.random.default_rng(7)
    bad = bad_pictures(partial)
    for index in range(count - len(bad)):
        pixels = np.roll(samples[index % len(samples)], draw.integers(-20, 20, 2), (0, 1))
        path = partial / f"part {index % 7}" / f"bild-{index}ü.{'jpg' if index % 3 == 0 else 'png'}"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.clip(pixels * draw.uniform(0.7, 1.3), 0, 255).astype(np.uint8)).save(path)
    partial.rename(folder)
    return folder


def run_ray(folder: Path, output: Path) -> None:
    import ray
    from gradcam.ray import Explainer

    at_usual_priority()
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False)
    made = ray.data.read_binary_files(str(folder), include_paths=True, override_num_blocks=8).map_batches(
        Explainer, fn_constructor_kwargs={"model": str(MODEL), "folder": str(folder), **ASKED}, batch_size=16,
        num_cpus=1, compute=ray.data.ActorPoolStrategy(size=2))
    made.write_parquet(str(output))


def run_spark(folder: Path, output: Path) -> None:
    from pyspark.sql import SparkSession

    from gradcam.spark import explain_iterator, schema

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # Each of two threads runs a task up to a hundred times.
    spark = SparkSession.builder.master("local[2,100]").config(map={
        "spark.ui.enabled": False, "spark.driver.host": "127.0.0.1", "spark.sql.execution.arrow.maxRecordsPerBatch": 16,
        "spark.sql.files.maxPartitionBytes": "2m", "spark.sql.files.openCostInBytes": "8k"}).getOrCreate()
    found = spark.read.format("binaryFile").option("recursiveFileLookup", True).load(f"file:{folder}").select("path", "content")
    empty = spark.createDataFrame([(f"file:{folder}/empty.png", bytearray())], found.schema)  # which Spark leaves out
    found.union(empty).mapInPandas(
        explain_iterator(str(MODEL), folder=str(folder), **ASKED), schema=schema).write.parquet(str(output))
    spark.stop()


def run_parallel(folder: Path, output: Path) -> None:
    """The shards' rows, until all shards are done; those that were killed are continued."""
    output.mkdir()
    asked = " ".join(f"--method {name}" for name in ASKED["methods"])
    command = (f"{PROGRAM} explain {MODEL} '{folder}' {asked} --threads 1 --shard {{}}/16 --rows '{output}'/{{}}.jsonl "
               "--resume --quiet")
    for _ in range(100):
        done = subprocess.run(
            ["parallel", "--will-cite", "--joblog", output / "jobs.log", "--resume-failed", "--jobs", "2", command],
            input="".join(f"{number}\n" for number in range(1, 17)), text=True, check=False)
        if done.returncode == 0:
            return
    sys.exit("the shards do not end")


#: What runs in a process of its own, and what the command line of a worker says; Ray's own agents are none.
ENGINES = {"ray": (run_ray, r"^ray::(MapWorker|ReadBinary|Write|IDLE)", 4), "spark": (run_spark, r"pyspark\.daemon", 4),
           "parallel": (run_parallel, r"--shard \d", 0.5)}


def descendants(of: int) -> dict[int, str]:
    """The processes that a process has started, and those that these have: their command lines."""
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path("/proc", entry, "stat").read_text()
            except OSError:
                continue
            parents[int(entry)] = int(stat.rpartition(")")[2].split()[1])
    found: dict[int, str] = {}
    for process in parents:
        above = process
        while above in parents and above != of:
            above = parents[above]
        if above == of and process != of:
            try:
                found[process] = Path("/proc", str(process), "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
    return found


def killed_while(process: subprocess.Popen[bytes], worker: str, longest: float, draw: random.Random) -> int:
    """Kills a worker now and then, until a process ends; how many."""
    count = 0
    while True:
        try:
            process.wait(timeout=draw.uniform(longest / 8, longest))
            return count
        except subprocess.TimeoutExpired:
            workers = [number for number, command in descendants(process.pid).items() if re.search(worker, command)]
            if workers:
                try:
                    os.kill(draw.choice(workers), signal.SIGKILL)
                    count += 1
                except ProcessLookupError:
                    continue


def merged(lines: Path) -> bytes | None:
    """The rows of a file as `gradcam merge` joins them, sorted; None if the program has no such command."""
    if subprocess.run([PROGRAM, "merge", "--help"], capture_output=True, check=False).returncode != 0:
        return None
    output = lines.with_suffix(".merged.jsonl")
    output.unlink(missing_ok=True)
    subprocess.run([PROGRAM, "merge", lines, "--output", output], check=True, capture_output=True)
    return b"\n".join(sorted(output.read_bytes().splitlines()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--run", nargs=3, metavar=("ENGINE", "FOLDER", "OUTPUT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        engine, folder, output = arguments.run
        return ENGINES[engine][0](Path(folder), Path(output))

    folder = make_pictures(arguments.pictures)
    head = gradcam.Model(MODEL, threads=1).configuration(**ASKED)
    start = time.monotonic()
    truth = expected(folder, *ASKED["methods"])
    print(f"one process: {len(truth)} rows in {time.monotonic() - start:.0f} s", flush=True)
    alone = FOLDER / "alone.jsonl"
    alone.write_text("".join(line + "\n" for line in [head, *truth]), encoding="utf-8")
    table = merged(alone)
    draw = random.Random(arguments.seed)
    for engine in arguments.engines:
        for number in range(arguments.rounds):
            output, lines = FOLDER / f"{engine}-{number}", FOLDER / f"{engine}-{number}.jsonl"
            shutil.rmtree(output, ignore_errors=True)
            start = time.monotonic()
            with open(FOLDER / f"{engine}-{number}.log", "wb") as log:
                process = subprocess.Popen([sys.executable, __file__, "--run", engine, folder, output], stdout=log, stderr=log)
                count = killed_while(process, *ENGINES[engine][1:], draw)
            if process.returncode != 0:
                sys.exit(f"{engine}, round {number + 1}: ended with {process.returncode}; see {log.name}")
            if engine == "parallel":
                subprocess.run([PROGRAM, "merge", *output.glob("*.jsonl"), "--output", lines, "--expect", folder], check=True)
            else:
                rows.write_jsonl(rows.read(output), lines, configuration=head)
            found = sorted(lines.read_text(encoding="utf-8").splitlines()[1:])
            same = found == truth and merged(lines) == table
            print(f"{engine}, round {number + 1}: {count} workers killed, {time.monotonic() - start:.0f} s, {len(found)} rows: "
                  f"{'the same' if same else 'NOT the same'}{'' if table else ' (not merged: no gradcam merge)'}", flush=True)
            if not same:
                sys.exit(1)


if __name__ == "__main__":
    main()

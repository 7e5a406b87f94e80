"""Explains all pictures in a folder with Spark and writes a table of Parquet files: spark_explain.py MODEL FOLDER OUTPUT

Spark runs a task again when its worker dies, and commits the rows of one run of each: `local[4,4]` allows four runs.
"""

import argparse
import os
from pathlib import Path

from pyspark.sql import SparkSession

from gradcam.spark import explain_iterator, schema

KINDS = (".png", ".jpg", ".jpeg", ".webp")

parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("model")
parser.add_argument("folder")
parser.add_argument("output")
parser.add_argument("--method", default="gradcam")
parser.add_argument("--master", default=f"local[{os.cpu_count()},4]")
arguments = parser.parse_args()
model, folder = os.path.abspath(arguments.model), os.path.abspath(arguments.folder)

spark = (
    SparkSession.builder.master(arguments.master)
    .config("spark.sql.execution.arrow.maxRecordsPerBatch", 64)  # pictures that a worker holds at a time
    .config("spark.sql.files.maxPartitionBytes", "32m")  # bytes of pictures in a task
    .config("spark.sql.files.openCostInBytes", "64k")  # what a picture counts besides; 4 MB by default
    .getOrCreate()
)
pictures = (
    spark.read.format("binaryFile").option("recursiveFileLookup", True).option("pathGlobFilter", "*.{png,jpg,jpeg,webp}")
    .load(f"file:{folder}").select("path", "content")
)
# Spark leaves out files that are empty, which are to have rows as well.
empty = [str(path) for path in Path(folder).rglob("*.*") if path.suffix in KINDS and path.stat().st_size == 0]
if empty:
    pictures = pictures.union(spark.createDataFrame([(f"file:{path}", bytearray()) for path in empty], pictures.schema))
rows = pictures.mapInPandas(explain_iterator(model, folder=folder, methods=arguments.method), schema=schema)
rows.write.mode("overwrite").parquet(arguments.output)

table = spark.read.parquet(arguments.output)
failed = table.where("error is not null").count()
print(f"{arguments.output}: {table.count()} rows, {failed} of pictures that could not be explained")
spark.stop()

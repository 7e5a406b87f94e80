"""Explains all pictures in a folder with Ray and writes a table of Parquet files: ray_explain.py MODEL FOLDER OUTPUT

Started again, after a crash or with more pictures in the folder, it goes on with those that have no rows yet: Ray's
checkpoints in OUTPUT.checkpoints say which ones have. Then gradcam.rows.write_jsonl writes them as lines.
"""

import argparse
import os

import ray
from ray.data import DataContext

from gradcam.ray import Explainer

parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("model")
parser.add_argument("folder")
parser.add_argument("output")
parser.add_argument("--method", default="gradcam")
parser.add_argument("--actors", type=int, default=os.cpu_count(), help="processes that explain, each on a core")
arguments = parser.parse_args()
model, folder, output = (os.path.abspath(path) for path in (arguments.model, arguments.folder, arguments.output))

# On this machine, what reads, looks for checkpoints and writes has places besides the actors; a cluster has its own.
ray.init(**({} if "RAY_ADDRESS" in os.environ else {"num_cpus": arguments.actors + 3}))
try:
    from ray.data.checkpoint import CheckpointConfig
except ImportError:  # older versions of Ray start from the beginning
    if os.path.exists(output):
        raise SystemExit(f"{output} exists: this version of Ray has no checkpoints; remove it to start again") from None
else:
    DataContext.get_current().checkpoint_config = CheckpointConfig(
        id_column="path", checkpoint_path=f"{output}.checkpoints", delete_checkpoint_on_success=False)

rows = ray.data.read_binary_files(folder, include_paths=True, file_extensions=["png", "jpg", "jpeg", "webp"]).map_batches(
    Explainer, fn_constructor_kwargs={"model": model, "folder": folder, "methods": arguments.method},
    batch_size=32, num_cpus=1, compute=ray.data.ActorPoolStrategy(min_size=1, max_size=arguments.actors))
rows.write_parquet(output)

table = ray.data.read_parquet(output)
failed = table.filter(lambda row: row["error"] is not None).count()
print(f"{output}: {table.count()} rows, {failed} of pictures that could not be explained")

#!/usr/bin/env python3
"""Writes ONNX's backend tests as folders of cases, from the installed `onnx` package.

    make-conformance-cases.py OUT                                     all suites, under OUT/SUITE/CASE
    make-conformance-cases.py OUT --sample FOLDER --manifest FILE     copies a small selection of passing cases

A case is a folder with model.onnx and test_data_set_*/input_*.pb and output_*.pb.
"""

import argparse
import shutil
import warnings
from pathlib import Path

import onnx
from onnx import TensorProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.runner import Runner

DATA = Path(onnx.__file__).parent / "backend/test/data"


def serialized(value, information):
    """The bytes that ONNX's own runner would read for a value of this declaration."""
    if isinstance(value, TensorProto):
        return value.SerializeToString()
    convert = {
        "map_type": numpy_helper.from_dict,
        "sequence_type": numpy_helper.from_list,
        "optional_type": numpy_helper.from_optional,
    }.get(information.type.WhichOneof("value"), numpy_helper.from_array)
    return convert(value, information.name).SerializeToString()


def write_node(out):
    """The cases of single operators, which the package computes on demand."""
    for case in collect_testcases(None):
        folder = out / case.name
        for number, (inputs, outputs) in enumerate(case.data_sets):
            data_set = folder / f"test_data_set_{number}"
            data_set.mkdir(parents=True)
            graph = case.model.graph
            for kind, values, declared in (("input", inputs, graph.input), ("output", outputs, graph.output)):
                for index, value in enumerate(values):
                    (data_set / f"{kind}_{index}.pb").write_bytes(serialized(value, declared[index]))
        (folder / "model.onnx").write_bytes(case.model.SerializeToString())


def write_light(out):
    """Classification networks with constant weights; inputs as the package's runner makes them."""
    for path in sorted((DATA / "light").glob("*.onnx")):
        data_set = out / path.stem / "test_data_set_0"
        data_set.mkdir(parents=True)
        graph = onnx.load(path).graph
        weights = {weight.name for weight in graph.initializer}
        for index, information in enumerate(value for value in graph.input if value.name not in weights):
            value = Runner.generate_dummy_data(information, name=path.stem)
            (data_set / f"input_{index}.pb").write_bytes(numpy_helper.from_array(value).SerializeToString())
        for index in range(len(graph.output)):
            shutil.copy(path.with_name(f"{path.stem}_output_{index}.pb"), data_set / f"output_{index}.pb")
        shutil.copy(path, data_set.parent / "model.onnx")


def write_all(out):
    for suite in ("node", "simple", "pytorch-converted", "pytorch-operator", "light"):
        folder = out / suite
        shutil.rmtree(folder, ignore_errors=True)
        if suite == "node":
            write_node(folder)
        elif suite == "light":
            write_light(folder)
        else:
            shutil.copytree(DATA / suite, folder, ignore=shutil.ignore_patterns("__init__.py"))
        print(f"{suite}: {sum(1 for _ in folder.glob('*/model.onnx'))} cases")


def write_sample(cases, sample, manifest):
    """Copies passing cases of at most 4 KB until every operator, version, suite and type among them is covered."""
    passing = {line.split()[1] for line in manifest.read_text().splitlines() if line.startswith("pass ")}
    small = []
    for model in cases.glob("*/*/model.onnx"):
        size = sum(file.stat().st_size for file in model.parent.rglob("*") if file.is_file())
        if model.parent.name in passing and size <= 4096:
            small.append((size, model.parent))
    shutil.rmtree(sample, ignore_errors=True)
    met, count = set(), 0
    for size, case in sorted(small):
        model = onnx.load(case / "model.onnx")
        opsets = {opset.domain: opset.version for opset in model.opset_import}
        features = {(node.domain, node.op_type, opsets.get(node.domain)) for node in model.graph.node}
        features.add(case.parent.name)
        features |= {value.type.tensor_type.elem_type for value in model.graph.output}
        if not features <= met:
            met |= features
            count += 1
            shutil.copytree(case, sample / case.parent.name / case.name)
    print(f"{count} cases")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the folder of all cases")
    parser.add_argument("--sample", type=Path, help="choose from the cases in OUT and copy them here")
    parser.add_argument("--manifest", type=Path, help="the list of cases that pass, for --sample")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # overflows that cases test
    if arguments.sample:
        write_sample(arguments.out, arguments.sample, arguments.manifest)
    else:
        write_all(arguments.out)


if __name__ == "__main__":
    main()

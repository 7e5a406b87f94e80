"""Explains a picture with libgradcam: why does this network see what it sees?

    python3 heat_map.py MODEL.onnx PICTURE HEAT.npy [MAP.npy]

Writes the heat at the picture's size, in 0 ... 1, and the map at the node. Needs NumPy; see gradcam.py for the library.
"""

import sys

import numpy

from gradcam import Error, Model


def main(path, picture, *outputs):
    with Model(path) as model:
        result = model.explain(picture)[0]
    name = result.label or f"class {result.class_index}"
    print(f"{result.probability:.1%} {name}, seen at {result.node}")
    for output, values in zip(outputs, [result.heat, result.map]):
        numpy.save(output, values)


if __name__ == "__main__":
    if not 4 <= len(sys.argv) <= 5:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except Error as error:
        sys.exit(str(error))

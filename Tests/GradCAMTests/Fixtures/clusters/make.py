#!/usr/bin/env python3
"""Writes clusters.json: how SciPy and scikit-learn group maps, each of which is a bump on a grid of 20 x 20.

Needs scipy 1.17 and scikit-learn 1.9. A map is its bump's column, row and width.
"""
import json
from pathlib import Path

import numpy as np
import scipy.linalg
import scipy.sparse.csgraph
from sklearn.cluster import SpectralClustering
from sklearn.neighbors import kneighbors_graph

SIDE = 20


def maps(bumps):
    rows, columns = np.mgrid[:SIDE, :SIDE]
    x, y, width = (bumps[:, index, None, None] for index in range(3))
    values = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * width**2)).reshape(len(bumps), -1)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def around(rng, count, x, y, spread):
    return np.stack([rng.normal(x, spread, count), rng.normal(y, spread, count), rng.uniform(2, 3, count)], 1)


def line(rng, count):
    x = np.sort(rng.uniform(2, 17, count))
    return np.stack([x, x, np.full(count, 2.0)], 1)


def case(name, bumps, count):
    bumps = np.round(bumps, 4)
    vectors = maps(bumps)
    neighbours = int(np.ceil(np.log(len(bumps))))
    # In single precision, too, it is clear which are nearest.
    likeness = np.sort(vectors @ vectors.T, axis=1)[:, ::-1]
    assert (likeness[:, neighbours] - likeness[:, neighbours + 1]).min() > 1e-6, name
    graph = kneighbors_graph(vectors, neighbours, include_self=False)
    graph = graph.maximum(graph.T)
    laplacian = scipy.sparse.csgraph.laplacian(graph, normed=True).toarray()
    labels = SpectralClustering(count, affinity="precomputed", n_init=20, random_state=0).fit_predict(graph)
    degrees = np.asarray(graph.sum(1)).ravel()
    outside = [
        float(graph[labels == label][:, labels != label].sum() / degrees[labels == label].sum())
        for label in range(count)]
    return {
        "name": name, "count": count, "bumps": bumps.tolist(),
        "eigenvalues": scipy.linalg.eigvalsh(laplacian)[:count + 1].tolist(),
        "groups": [np.flatnonzero(labels == label).tolist() for label in range(count)], "outside": outside}


def main():
    rng = np.random.default_rng(7)
    apart = np.concatenate([around(rng, n, x, y, 1) for n, x, y in ((30, 4, 4), (18, 15, 5), (12, 9, 15))])
    near = np.concatenate([around(rng, 40, 7, 8, 1.5), around(rng, 40, 13, 11, 1.5)])
    cases = [
        case("three places apart", apart[rng.permutation(len(apart))], 3),
        case("two places that overlap", near[rng.permutation(len(near))], 2),
        case("a line with neither gap nor end", line(np.random.default_rng(0), 100), 4),
    ]
    text = ",\n".join(json.dumps(each) for each in cases)
    Path(__file__).with_name("clusters.json").write_text(f"[\n{text}\n]\n")
    for each in cases:
        print(each["name"], [round(v, 5) for v in each["eigenvalues"]], [len(g) for g in each["groups"]], each["outside"])


main()

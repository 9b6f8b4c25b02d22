"""Runs the recipes of docs/files.md as they stand, each on a small model of its framework, and has qnn check a spec that names what they saved.

Usage: python recipes.py --qnn PATH [NAME…]; NAMEs are the beginnings of the recipes' headings.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def recipes():
    """Name and code of each recipe."""
    page = (Path(__file__).parents[2] / "docs/files.md").read_text()
    part = page.split("## Recipes", 1)[1].split("\n## ", 1)[0]
    return [(text.split(",")[0].split(" (")[0].strip(), code) for text, code in re.findall(r"\n\n([A-Za-z][^\n]*):\n\n```python\n(.*?)```", part, re.S)]


def pytorch():
    import torch
    model = torch.nn.Sequential()
    model.add_module("conv1", torch.nn.Conv2d(1, 2, 2))
    model.add_module("flatten", torch.nn.Flatten())
    model.add_module("fc1", torch.nn.Linear(8, 3))
    return {"model": model}, "model.safetensors", "[1, 3, 3]", "dense(flatten(conv2d(x, m.conv1)), m.fc1)"


def keras():
    import keras
    model = keras.Sequential([keras.layers.Input((3, 3, 1)), keras.layers.Conv2D(2, 2, name="conv"), keras.layers.Flatten(), keras.layers.Dense(3, name="dense")], name="sequential")
    body = """dense(flatten(transpose(conv2d(x, transpose(m."conv/kernel", [3, 2, 0, 1]), m."conv/bias"), [1, 2, 0])), transpose(m."sequential/dense/kernel"), m."sequential/dense/bias")"""
    names = [weight.path for weight in model.weights]
    return {"model": model}, "model.npz", "[1, 3, 3]", body.replace('"conv/', '"sequential/conv/' if names[0].startswith("sequential/") else '"conv/')


def jax_and_flax():
    import jax
    from flax import linen
    model = linen.Dense(3)
    variables = model.init(jax.random.key(0), jax.numpy.ones(2, dtype=jax.numpy.bfloat16))
    variables = jax.tree_util.tree_map(lambda w: w.astype(jax.numpy.bfloat16), variables)
    return {"variables": variables}, "model.npz", "[2]", "dense(x, transpose(m.kernel), m.bias)"


def scikit_learn():
    import numpy
    from sklearn.neural_network import MLPClassifier
    random = numpy.random.default_rng(0)
    model = MLPClassifier((4,), max_iter=5).fit(random.normal(size=(30, 2)), numpy.arange(30) % 3)
    return {"model": model}, "model.npz", "[2]", "dense(relu(dense(x, m.fc0)), m.fc1)"


def qkeras():
    import os
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    from qkeras import QDense, quantized_bits
    from tensorflow import keras as legacy
    inputs = legacy.layers.Input((2,))
    outputs = QDense(3, kernel_quantizer=quantized_bits(6, 1, alpha=1), bias_quantizer=quantized_bits(6, 1, alpha=1), name="q_dense")(inputs)
    return {"model": legacy.Model(inputs, outputs)}, "model.npz", "[2]", "dense(x, transpose(m.q_dense.kernel), m.q_dense.bias)"


def brevitas():
    import brevitas.nn
    import torch
    model = torch.nn.Sequential()
    model.add_module("fc1", brevitas.nn.QuantLinear(2, 3, bias=False, weight_bit_width=8))
    return {"model": model.eval()}, "model.npz", "[2]", "dense(x, m.fc1.weight)"


MODELS = {"PyTorch": pytorch, "Keras": keras, "JAX and Flax": jax_and_flax, "scikit-learn": scikit_learn, "QKeras": qkeras, "Brevitas": brevitas}
RULES = {"Brevitas": "*: affine<int<8>, 0.0123, 0> raw;", "QKeras": "*: fixed<6, 4, overflow = error>;"}


def run(name, code, qnn):
    """What is wrong with a recipe; None if nothing."""
    if name not in MODELS:
        return "no model is made for it"
    names, file, shape, body = MODELS[name]()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        exec(compile(code.replace('"model.', f'"{folder}/model.'), name, "exec"), names)
        rule = RULES.get(name, "*: fixed<12, 8>;")
        spec = work / "spec.qnn"
        spec.write_text(f'network f(x: fixed<6, 4>{shape}) -> real[3] {{\n    params m = "{file}" {{ {rule} }}\n    {body}\n}}\nproperty p = forall x: fixed<6, 4>{shape}: f(x)[0] <= 1000;\n')
        done = subprocess.run([qnn, "check", spec], capture_output=True, text=True)
        return None if done.returncode == 0 and "W0" not in done.stderr else f"{spec.read_text()}\n{done.stdout}{done.stderr}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--qnn", required=True)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    found = recipes()
    if len(found) != len(MODELS):
        sys.exit(f"docs/files.md has the recipes {[name for name, _ in found]}")
    failed = []
    for name, code in found:
        if options.names and not name.lower().startswith(tuple(n.lower() for n in options.names)):
            continue
        # Each in a process of its own: one of the frameworks wants another Keras than the others.
        if len(options.names) != 1:
            if subprocess.run([sys.executable, __file__, "--qnn", options.qnn, name]).returncode != 0:
                failed.append(name)
            continue
        wrong = run(name, code, options.qnn)
        print(f"{name}: {wrong or 'ok'}", flush=True)
        if wrong:
            failed.append(name)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()

"""Fetches the four MNIST files into this folder and checks their contents.

    python3 fetch.py

The checksums are of the uncompressed contents: mirrors compress the same files differently.
"""

import gzip
import hashlib
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
MIRRORS = [
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
]
CONTENTS = {
    "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def is_right(data, name):
    try:
        return hashlib.sha256(gzip.decompress(data)).hexdigest() == CONTENTS[name]
    except (OSError, EOFError):
        return False


def fetch(name):
    for mirror in MIRRORS:
        try:
            with urllib.request.urlopen(mirror + name, timeout=60) as answer:
                data = answer.read()
        except OSError as error:
            print(f"{mirror}{name}: {error}")
            continue
        if is_right(data, name):
            return data
        print(f"{mirror}{name}: not the file that we know")
    raise SystemExit(f"no mirror gave {name}")


def main():
    for name in CONTENTS:
        path = HERE / name
        if path.exists() and is_right(path.read_bytes(), name):
            print(f"{name}: already here")
            continue
        path.write_bytes(fetch(name))
        print(f"{name}: fetched")


if __name__ == "__main__":
    main()

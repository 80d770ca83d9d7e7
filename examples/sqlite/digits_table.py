"""Makes a database of the held-out digits, with nothing of mlc in it.

    digits_table.py DATABASE

`digits` has a row for each image: its label, and its 64 pixels as one blob of f32. `wide`
has the same pixels as 64 columns of numbers.
"""

import pathlib
import sqlite3
import sys

import numpy as np

DIGITS = pathlib.Path(__file__).parents[1] / "digits"


def make(database):
    pathlib.Path(database).unlink(missing_ok=True)
    images = np.load(DIGITS / "heldout-images.npy").astype("<f4")
    labels = np.load(DIGITS / "heldout-labels.npy")
    columns = [f"p{i}" for i in range(images.shape[1])]
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE digits (id INTEGER PRIMARY KEY, label INTEGER, pixels BLOB)")
        connection.execute(f"CREATE TABLE wide (id INTEGER PRIMARY KEY, {' REAL, '.join(columns)} REAL)")
        for i, (image, label) in enumerate(zip(images, labels)):
            connection.execute("INSERT INTO digits VALUES (?, ?, ?)", (i, int(label), image.tobytes()))
            connection.execute(f"INSERT INTO wide VALUES (?{', ?' * len(columns)})", (i, *map(float, image)))
    connection.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: digits_table.py DATABASE")
    make(sys.argv[1])

"""VALUEs: numpy files, literals, made tensors, and what is wrong with others."""

import struct

import numpy as np
import tool


class Values(tool.ToolTest):
    def run_add(self, *arguments, dims=(2, 3), dtype="f32"):
        return self.succeeds(self.add_model(dims=dims, dtype=dtype), "--exec=reference", "--output=y=@y.npy",
                             *arguments) or np.load(self.dir / "y.npy")

    def refused(self, value, says, code=5, dims=(2, 3), dtype="f32", extra=()):
        model = self.add_model(dims=dims, dtype=dtype)
        self.fails(code, model, "--exec=reference", "--input", "x=" + value, "--input=z=zeros", *extra,
                   says=says)

    def test_literals(self):
        got = self.run_add("--input", "x=2x3xf32=1 2 3,4, -5\n6.5e1", "--input=z=zeros")
        np.testing.assert_array_equal(got, np.float32([[1, 2, 3], [4, -5, 65]]))
        got = self.run_add("--input=x=3xf32=nan inf -inf", "--input=z=zeros", dims=[3])
        np.testing.assert_array_equal(got, np.float32([np.nan, np.inf, -np.inf]))
        got = self.run_add("--input=x=i64=9223372036854775807", "--input=z=i64=1", dims=[], dtype="i64")
        self.assertEqual(got, -1 << 63)
        got = self.run_add("--input=x=0x3xi32=", "--input=z=zeros", dims=[0, 3], dtype="i32")
        self.assertEqual(got.shape, (0, 3))

    def test_bad_literals(self):
        self.refused("", "expected @FILE.npy")
        self.refused("1", "expected @FILE.npy")
        self.refused("2x3x=1 2 3 4 5 6", "expected @FILE.npy")
        self.refused("-2x3xf32=1", "expected @FILE.npy")
        self.refused("2x3xq8=1 2 3 4 5 6", "expected @FILE.npy")
        self.refused("2x3xf32=1 2 3", "the shape [2, 3] has 6 elements, 3 are given")
        self.refused("2x3xf32=1 2 3 4 5 six", "six")
        self.refused("2x3xi32=1 2 3 4 5 6", "input 'x' is i32[2,3], expected f32[2,3]")
        self.refused("3x2xf32=1 2 3 4 5 6", "input 'x' is f32[3,2], expected f32[2,3]")
        self.refused("99999999999x99999999999xf32=1", "too many elements")
        self.refused("i32=2147483648", "2147483648", dims=[], dtype="i32")
        self.refused("i32=1.5", "1.5", dims=[], dtype="i32")

    def test_numpy_files(self):
        x = np.arange(6, dtype=np.float32).reshape(2, 3)
        self.npy("x.npy", x)
        np.savez(self.dir / "all.npz", x=x, other=x + 1)
        np.testing.assert_array_equal(self.run_add("--input=x=@x.npy", "--input=z=@all.npz:other"),
                                      2 * x + 1)

    def test_bad_numpy_files(self):
        x = np.arange(6, dtype=np.float32).reshape(2, 3)
        np.savez(self.dir / "all.npz", x=x)
        np.savez_compressed(self.dir / "deflated.npz", x=x)
        self.npy("fortran.npy", np.asfortranarray(x))
        self.npy("big.npy", x.astype(">f4"))
        self.npy("double.npy", x.astype(np.float64))
        self.npy("good.npy", x)
        self.write("short.npy", (self.dir / "good.npy").read_bytes()[:-1])
        self.write("empty.npy", b"")
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999), }\n"
        self.write("huge.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
        self.refused("@", "file name")
        self.refused("@none.npy", "none.npy")
        self.refused("@.", "regular file")
        self.refused("@all.npz", "expected @all.npz:NAME")
        self.refused("@all.npz:z", "z")
        self.refused("@deflated.npz:x", "deflated.npz", code=4)
        for name in ("fortran", "big", "short", "empty", "huge"):
            with self.subTest(name):
                self.refused(f"@{name}.npy", f"{name}.npy")
        self.refused("@double.npy", "input 'x' is f64[2,3], expected f32[2,3]")

    def test_ones_and_zeros(self):
        for dtype in ("f32", "i32", "i64"):
            got = self.run_add("--input=x=ones", "--input=z=zeros", dtype=dtype)
            np.testing.assert_array_equal(got, np.ones((2, 3), got.dtype))
        self.refused("twos", "expected @FILE.npy")

    def test_random(self):
        def draw(value, dtype="f32", name="x"):
            other = "z" if name == "x" else "x"
            return self.run_add(f"--input={name}={value}", f"--input={other}=zeros", dims=[100, 100], dtype=dtype)

        first = draw("random:1")
        np.testing.assert_array_equal(first, draw("random:1"))
        self.assertTrue(np.all((first >= -1) & (first < 1)))
        self.assertLess(abs(first.mean()), 0.05)
        self.assertGreater(len(np.unique(first)), 9000)
        self.assertFalse(np.array_equal(first, draw("random:2")))
        self.assertFalse(np.array_equal(first, draw("random:1", name="z")))
        # Frozen: a benchmark of next year has the same inputs.
        np.testing.assert_array_equal(first[0, :3], np.float32(FIRST_RANDOM))
        whole = draw("random:18446744073709551615", "i32")
        self.assertEqual((whole.min(), whole.max()), (-100, 100))
        self.assertEqual(len(np.unique(whole)), 201)
        self.refused("random:", "expected a SEED")
        self.refused("random:-1", "expected a SEED")
        self.refused("random:18446744073709551616", "expected a SEED")

    def test_symbolic_dimensions(self):
        self.assertEqual(self.run_add("--input=x=ones", "--input=z=ones", "--dim=batch=4",
                                      dims=["batch", 2]).shape, (4, 2))
        # A tensor with a shape of its own says how large a dimension is.
        self.assertEqual(self.run_add("--input=x=ones", "--input=z=3x2xf32=1 2 3 4 5 6",
                                      dims=["batch", 2]).shape, (3, 2))
        self.refused("ones", ["--input x: its type is f32[batch,2]", "give --dim batch=SIZE"],
                     dims=["batch", 2])
        self.refused("1x2xf32=1 2", "'batch' is 1, but --dim says 4", dims=["batch", 2],
                     extra=["--dim=batch=4"])
        model = self.add_model(dims=["batch", 2])
        self.fails(5, model, "--exec=reference", "--input=x=1x2xf32=1 2", "--input=z=2x2xf32=1 2 3 4",
                   says="dimension 'batch' is 1 in input 'x' but 2 in input 'z'")
        self.fails(2, model, "--exec=reference", "--input=x=1x2xf32=1 2", "--input=z=ones", "--dim=n=1",
                   says="no symbolic dimension 'n'")

    def test_missing_and_unknown(self):
        model = self.add_model(dims=["batch", 2])
        self.assertEqual(
            self.fails(5, model, "--input=q=ones"),
            "mlc-run: error: missing --input x=VALUE: f32[batch,2]\n"
            "missing --input z=VALUE: f32[batch,2]\n"
            "unknown input 'q'; the inputs are: x, z\n")

    def test_parameters(self):
        model = self.dense_model()
        arguments = [model, "--exec=reference", "--input=x=1x2xf32=1 1"]
        self.assertIn("[[2, 2, 2]]", self.succeeds(*arguments, "--parameter=w=ones"))
        self.fails(5, *arguments, "--parameter=v=ones",
                   says="unknown parameter 'v'; the parameters are: w, bias")
        self.fails(5, *arguments, "--parameter=w=f32=1", says="parameter 'w' is f32[], expected f32[2,3]")


FIRST_RANDOM = [0.2642899751663208, -0.4339972734451294, -0.8404556512832642]

tool.main()

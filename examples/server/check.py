"""Starts the server, asks it rightly and wrongly, and stops it while it is busy.

    check.py SERVER LOAD
"""

import http.client
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

import numpy as np

DIGITS = pathlib.Path(__file__).parents[1] / "digits"
MODEL = DIGITS / "digits.safetensors"
FANCY = DIGITS.parent / "fancy/fancy.json"
IMAGES, LOGITS = DIGITS / "heldout-images.npy", DIGITS / "heldout-logits.npy"
SERVER, LOAD = sys.argv[1:3]
JSON, BYTES = "application/json", "application/octet-stream"


class Running:
    """A server on a port of its own, and what came of it."""

    def __init__(self, model=MODEL, *options):
        self.process = subprocess.Popen([SERVER, "--port=0", *options, model], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = self.process.stdout.readline()
        match = re.fullmatch(r"listening on http://127\.0\.0\.1:(\d+)\n", line)
        if not match:
            raise AssertionError(line + self.process.communicate()[1])
        self.port = int(match.group(1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def ask(self, method, path, body=None, content_type=None, connection=None, **headers):
        """Status, headers and body of the reply."""
        one = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        if content_type:
            headers["Content-Type"] = content_type
        one.request(method, path, body, headers)
        response = one.getresponse()
        content = response.read()
        if not connection:
            one.close()
        return response.status, response.headers, content

    def raw(self, *pieces):
        """All that comes back for bytes, until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            for piece in pieces:
                connection.sendall(piece)
            received = b""
            while more := connection.recv(65536):
                received += more
            return received

    def half_a_request(self, body):
        """A connection on which the server waits for the second half of a body."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        connection.sendall(f"POST /v1/predict HTTP/1.1\r\nContent-Type: {BYTES}\r\nContent-Length: {len(body)}\r\n"
                           "Expect: 100-continue\r\n\r\n".encode())
        begun = b"HTTP/1.1 100 Continue\r\n\r\n"  # as the server says when it has read the headers
        received = b""
        while len(received) < len(begun) and (more := connection.recv(1)):
            received += more
        if received != begun:
            raise AssertionError(received)
        connection.sendall(body[:len(body) // 2])
        return connection

    def send(self, how):
        """Returns when the server has taken it."""
        self.process.send_signal(how)
        return self.process.stderr.readline()

    def stop(self, how=signal.SIGTERM):
        """Exit code and totals."""
        self.process.send_signal(how)
        return self.finish()

    def finish(self):
        _, said = self.process.communicate(timeout=60)
        match = re.search(r"answered (\d+), refused (\d+), failed (\d+) requests; computed (\d+) rows\n$", said)
        return self.process.returncode, tuple(map(int, match.groups())) if match else said


class ServerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.images = np.load(IMAGES).astype("<f4")
        cls.logits = np.load(LOGITS)

    def near(self, got, first, count=1):
        np.testing.assert_allclose(np.reshape(got, (count, 10)), self.logits[first:first + count],
                                   rtol=1e-4, atol=1e-4)

    def load(self, port, threads, requests):
        return subprocess.Popen([LOAD, str(port), IMAGES, LOGITS, str(threads), str(requests)], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def totals_of(self, load):
        output, said = load.communicate(timeout=300)
        self.assertEqual((load.returncode, said), (0, ""))
        return json.loads(output.splitlines()[-1])

    def test_many_clients_share_the_model(self):
        with Running() as server:
            totals = self.totals_of(self.load(server.port, 4, 4000))
            print(f"\n4 clients: {totals['per_second']} requests a second, p50 {totals['p50_us']} us,"
                  f" p99 {totals['p99_us']} us", file=sys.stderr)
            self.assertEqual(totals["replies"], 4000)
            self.assertEqual(server.stop(), (0, (4000, 0, 0, totals["rows"])))

    def test_routes(self):
        with Running() as server:
            self.assertEqual(server.ask("GET", "/healthz")[::2], (200, b"ok\n"))
            status, headers, body = server.ask("GET", "/v1/model")
            self.assertEqual((status, headers["Content-Type"]), (200, JSON))
            self.assertEqual(json.loads(body), {
                "function": "main",
                "inputs": [{"name": "images", "dtype": "f32", "shape": ["batch", 64]}],
                "outputs": [{"name": "logits", "dtype": "f32", "shape": ["batch", 10]}]})
            self.assertEqual(server.ask("HEAD", "/healthz")[0], 200)
            status, _, body = server.ask("GET", "/v2/model")
            self.assertEqual((status, json.loads(body)["error"].split(",")[0]), (404, "there is no GET /v2/model"))
            status, headers, _ = server.ask("GET", "/v1/predict")
            self.assertEqual((status, headers["Allow"]), (405, "POST"))
            self.assertEqual(server.stop(), (0, (3, 2, 0, 0)))

    def test_one_row_and_several(self):
        with Running() as server:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)

            def ask(body, content_type):
                status, headers, content = server.ask("POST", "/v1/predict", body, content_type, connection)
                self.assertEqual((status, headers["Content-Type"]), (200, content_type.split(";")[0]), content)
                return content
            for first, count in ((0, 1), (5, 3), (7, 1), (0, 360)):
                images = self.images[first:first + count]
                as_bytes = np.frombuffer(ask(images.tobytes(), BYTES), "<f4")
                self.near(as_bytes, first, count)
                replied = json.loads(ask(json.dumps({"images": images.tolist()}), JSON + "; charset=utf-8"))
                np.testing.assert_array_equal(np.array(replied["logits"]).astype("<f4").ravel(), as_bytes)
            self.assertEqual(json.loads(ask('{"images": []}', JSON)), {"logits": []})
            connection.close()

    def test_scalars_by_name(self):
        with Running(FANCY) as server:
            _, _, body = server.ask("POST", "/v1/predict", '{"d": 4, "a": 1, "b": 2.0, "c": 3e0}', JSON)
            self.assertEqual(json.loads(body), {"result": 10})
            for text, said in (('{"a": 1, "b": 2, "c": 3}', "there is no `d`; expected an object with an array for"
                                " each input: `a` : f32[], `b` : f32[], `c` : f32[], `d` : f32[]"),
                               ('{"a": 1, "b": 2, "c": 3, "d": [4]}', "`d`: expected f32, got [4]"),
                               ('{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}', "`e` is no input; expected an object")):
                status, _, body = server.ask("POST", "/v1/predict", text, JSON)
                self.assertEqual((status, json.loads(body)["error"][:len(said)]), (400, said))
            status, _, body = server.ask("POST", "/v1/predict", bytes(4), BYTES)
            self.assertEqual(status, 400)
            self.assertIn("4 inputs and 1 outputs", json.loads(body)["error"])

    def test_wrong_requests(self):
        image = [0.5] * 64
        cases = [
            (JSON, "", 400, "the body is not JSON: "),
            (JSON, "{\"images\": [[0.5", 400, "the body is not JSON: "),
            (JSON, "[" * 100000, 400, "the body is not JSON: "),
            (JSON, b"{\"\xff\": 1}", 400, "the body is not JSON: "),
            (JSON, json.dumps(image), 400, "expected an object with an array for each input: `images` :"
             " f32[batch,64]; got array"),
            (JSON, "{}", 400, "there is no `images`; expected an object"),
            (JSON, '{"images": 5}', 400, "`images`: expected an array, as of f32[batch,64], got number"),
            (JSON, json.dumps({"images": image}), 400, "`images[0]`: expected an array of 64, got number"),
            (JSON, json.dumps({"images": [image, image[:63]]}), 400,
             "`images[1]`: expected an array of 64, got one of 63"),
            (JSON, json.dumps({"images": [image[:9] + ["x"] + image[10:]]}), 400,
             "`images[0][9]`: expected f32, got \"x\""),
            (JSON, json.dumps({"images": [image[:63] + [None]]}), 400, "`images[0][63]`: expected f32, got null"),
            (JSON, json.dumps({"images": [image[:63] + [[1]]]}), 400, "`images[0][63]`: expected f32, got [1]"),
            (JSON, json.dumps({"images": [image[:63] + [1e39]]}), 400, "the body is not JSON: "),
            (JSON, json.dumps({"images": [image], "image": 1}), 400, "`image` is no input"),
            (BYTES, b"", 400, "the body has 0 bytes, expected 256 or a multiple of that for `images` : f32[batch,64]"),
            (BYTES, bytes(255), 400, "the body has 255 bytes, expected 256"),
            (BYTES, bytes(257), 400, "the body has 257 bytes, expected 256"),
            (BYTES, bytes(100001), 413, "the body is too large, expected at most 100000 bytes"),
            ("text/csv", "0.5", 415, "Content-Type is 'text/csv', expected application/json or"),
        ]
        with Running(MODEL, "--max-body=100000", "--threads=2") as server:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            for content_type, body, expected, said in cases:
                status, headers, content = server.ask("POST", "/v1/predict", body, content_type, connection)
                error = json.loads(content)["error"]
                self.assertEqual((status, headers["Content-Type"], error[:len(said)]), (expected, JSON, said))
                # The connection goes on, and so does the server.
                status, _, content = server.ask("POST", "/v1/predict", self.images[3].tobytes(), BYTES, connection)
                self.assertEqual(status, 200)
                self.near(np.frombuffer(content, "<f4"), 3)
            connection.close()
            self.assertEqual(server.stop(), (0, (len(cases), len(cases), 0, len(cases))))

    def test_requests_that_are_no_http(self):
        def post(*headers, body=b""):
            return "\r\n".join(["POST /v1/predict HTTP/1.1", "Host: x", f"Content-Type: {BYTES}", *headers, "",
                                ""]).encode() + body
        cases = [
            (post("Transfer-Encoding: chunked", body=b"5\r\n"), b"411", "expected a Content-Length"),
            (post(), b"411", "expected a Content-Length"),
            (post("Content-Length: 1e3"), b"400", "expected one Content-Length, a number"),
            (post("Content-Length: -1"), b"400", "expected one Content-Length, a number"),
            (post("Content-Length: 1", "Content-Length: 2", body=b"1"), b"400", "expected one Content-Length"),
            (post("Content-Length: 5", "Content-Encoding: gzip", body=b"12345"), b"415", "without Content-Encoding"),
            (post("Content-Length: 100001", "Expect: 100-continue", "Connection: close"), b"413", "at most 100000"),
            (b"what is this?\r\nConnection: close\r\n\r\n", b"400", "malformed"),
        ]
        with Running(MODEL, "--max-body=100000", "--threads=2") as server:
            for request, status, said in cases:
                head, _, body = server.raw(request).partition(b"\r\n\r\n")
                self.assertEqual(head.split()[1], status, head)
                self.assertIn(said, json.loads(body)["error"])
            # Clients that go away in the middle.
            for part in (b"POST /v1/predict HT", post("Content-Length: 256", body=bytes(100)), b""):
                with socket.create_connection(("127.0.0.1", server.port)) as connection:
                    connection.sendall(part)
            self.assertEqual(server.ask("GET", "/healthz")[0], 200)
            code, totals = server.stop()
            self.assertEqual((code, totals[0], totals[2], totals[3]), (0, 1, 0, 0))

    def test_a_check_of_the_model_that_fails(self):
        scalar = {"dtype": "f32", "dims": []}
        nodes = [{"name": "holds", "op": "compare", "operands": ["x", "zero"], "attributes": {"direction": "ge"},
                  "results": [{"name": "holds", "dtype": "bool", "dims": []}]},
                 {"name": "test", "op": "check", "operands": ["holds"], "results": [],
                  "attributes": {"message": "prices are not negative"}}]
        main = {"name": "main", "inputs": [{"name": "x", **scalar}, {"name": "zero", **scalar}], "nodes": nodes,
                "outputs": [{"name": "y", "value": "holds"}]}
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "checked.json"
            path.write_text(json.dumps({"format_version": 1, "parameters": [], "functions": [main]}))
            with Running(path) as server:
                status, _, body = server.ask("POST", "/v1/predict", '{"x": 1, "zero": 0}', JSON)
                self.assertEqual((status, json.loads(body)), (200, {"y": True}))
                status, _, body = server.ask("POST", "/v1/predict", '{"x": -1, "zero": 0}', JSON)
                self.assertEqual(status, 400)
                self.assertIn("prices are not negative", json.loads(body)["error"])
                self.assertEqual(server.stop(), (0, (1, 1, 0, 1)))

    # The end

    def test_stopping_loses_nothing(self):
        image = self.images[9].tobytes()
        for how, name in ((signal.SIGTERM, "Terminated"), (signal.SIGINT, "Interrupt")):
            with Running() as server:
                load = self.load(server.port, 4, 0)
                self.assertEqual(load.stdout.readline(), "busy\n")
                idle = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
                self.assertEqual(server.ask("GET", "/healthz", connection=idle)[0], 200)
                with server.half_a_request(image) as half:
                    self.assertEqual(server.send(how), f"example-server: stopping on {name}\n")
                    with self.assertRaises(OSError):
                        while True:  # the listening socket is closed right after that line
                            socket.create_connection(("127.0.0.1", server.port), timeout=60).close()
                    self.assertIsNone(server.process.poll())
                    half.sendall(image[len(image) // 2:])
                    head, _, body = half.makefile("rb").read().partition(b"\r\n\r\n")
                    self.assertEqual(head.split()[1], b"200")
                    self.assertIn(b"Connection: close", head)
                    self.near(np.frombuffer(body, "<f4"), 9)
                    self.assertEqual(idle.sock.recv(1), b"")
                    idle.close()
                totals = self.totals_of(load)
                self.assertGreater(totals["replies"], 0)
                # Every request that was answered has come to the client that made it.
                self.assertEqual(server.finish(), (0, (totals["replies"] + 2, 0, 0, totals["rows"] + 1)))

    def test_a_signal_at_once(self):
        for _ in range(10):
            with Running() as server:
                self.assertEqual(server.stop(), (0, (0, 0, 0, 0)))

    def test_a_second_signal_ends_it_at_once(self):
        with Running() as server, server.half_a_request(self.images[9].tobytes()):
            self.assertIn("stopping on Terminated", server.send(signal.SIGTERM))
            self.assertIsNone(server.process.poll())
            self.assertEqual(server.stop(), (1, ""))

    # The command line

    def test_command_line(self):
        with Running() as server:
            cases = [
                (["--help"], 0, "usage: example-server"),
                ([], 2, "expected a model file"),
                ([MODEL, MODEL], 2, "expected one model"),
                (["--prot=1", MODEL], 2, "there is no option --prot"),
                (["--port", MODEL], 2, "--port needs a value"),
                (["--port=65536", MODEL], 2, "--port=65536: expected a number from 0 to 65535"),
                (["--threads=0", MODEL], 2, "--threads=0: expected a number from 1 to 1024"),
                (["--max-body=1k", MODEL], 2, "--max-body=1k: expected a number"),
                (["no-such-model"], 5, "no-such-model"),
                ([f"--port={server.port}", MODEL], 1, f"cannot listen on 127.0.0.1:{server.port}"),
                (["--host=no.such.host.invalid", MODEL], 1, "cannot listen on no.such.host.invalid:8080"),
            ]
            for arguments, code, said in cases:
                done = subprocess.run([SERVER, *arguments], capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(said, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])

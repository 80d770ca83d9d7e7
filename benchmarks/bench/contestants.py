"""Who takes part, in which configuration, and how they are talked to (see benchmarks/contestants/Driver.h)."""

import dataclasses
import os
import pathlib
import select
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
VENV = ROOT / "build/bench-venv"
REQUIREMENTS = ROOT / "benchmarks/contestants/requirements.txt"
APT = ("libdnnl-dev", "libopenblas-dev", "libblis-dev", "libxsmm-dev")

PATIENCE = 600  # seconds for an answer: machines are busy, and some compile for long


def environment(threads):
    """Is there before a process starts: set later, some libraries do not look or crawl."""
    counts = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS", "MKL_NUM_THREADS",
              "NPROC")  # which JAX reads
    return dict.fromkeys(counts, str(threads)) | {
        "XLA_FLAGS": "" if threads > 1 else "--xla_cpu_multi_thread_eigen=false", "JAX_PLATFORMS": "cpu",
        "TORCHINDUCTOR_COMPILE_THREADS": "1", "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1",
        "TORCHINDUCTOR_CACHE_DIR": str(ROOT / "build/bench-inductor"),
        "OPENVINO_TELEMETRY": "0", "PYTHONDONTWRITEBYTECODE": "1",
    }


EXACT = 2e-5  # sums may be taken in any order, but neither bf16 nor TF32 pass


@dataclasses.dataclass(frozen=True)
class Kind:
    """A contestant by name: its driver (a program of the build, or a Python file) with an argument, whether it is a
    rival or another way to use mlc, how it is configured, how far its results may be off, as a share of the
    largest, and, if it cannot use several threads, why."""
    name: str
    driver: str
    argument: str
    rival: bool
    configuration: str
    allowed: float = EXACT
    one_thread: str = ""

    @property
    def is_python(self):
        return self.driver.endswith(".py")


KINDS = {kind.name: kind for kind in (
    Kind("mlc", "contestant-mlc", "jit", False, "one native function, weights constant, bound once, `Call::run`"),
    Kind("mlc again", "contestant-mlc", "jit", False, "the same in another process: what differs is noise"),
    Kind("mlc raw", "contestant-mlc", "raw", False, "the same function called by its pointer"),
    Kind("mlc any batch", "contestant-mlc", "any", False, "the same with a symbolic batch: one image for every size"),
    Kind("mlc bf16", "contestant-mlc", "bf16", False, "weights stored as bf16 (`--weights=bf16`)", 2e-2),
    Kind("mlc int8", "contestant-mlc", "int8", False, "weights stored as int8 (`--weights=int8`)", 5e-2),
    Kind("mlc int8-dynamic", "contestant-mlc", "int8-dynamic", False,
         "weights and what they multiply as int8 (`--weights=int8-dynamic`)", 5e-2),
    Kind("mlc eager", "contestant-mlc", "eager", False, "`EagerRunner`: every op compiled alone, called one by one"),
    Kind("empty call", "contestant-mlc", "empty", False, "a function that does nothing, called by its pointer"),
    Kind("C++", "contestant-loops", "", True, "a loop by hand, g++ -O3 -march=native, fused multiply-adds allowed",
         one_thread="a plain loop runs on one thread"),
    Kind("oneDNN", "contestant-onednn", "", True,
         "Debian's 2.6.3; one primitive a layer with bias and relu inside; constant weights reordered once to the "
         "format it asks for (`format_tag::any`); the faster of inner product and matmul; attention is three "
         "primitives"),
    Kind("OpenBLAS", "contestant-openblas", "", True,
         "Debian's 0.3.21; `cblas_sgemm`, for one row `cblas_sgemv`, then a vectorised loop for bias and relu"),
    Kind("BLIS", "contestant-blis", "", True, "Debian's 0.9.0; as OpenBLAS; `BLIS_ARCH_TYPE` says "
         "skx where there is AVX-512, which it does not find out on new processors"),
    Kind("libxsmm", "contestant-libxsmm", "", True,
         "Debian's 1.17; a kernel generated for the shape, called by its pointer",
         one_thread="its kernels run on the thread that calls them"),
    Kind("torch", "run_torch.py", "eager", True, "`torch.inference_mode`, `addmm`, scaled_dot_product_attention"),
    Kind("torch.compile", "run_torch.py", "compile", True,
         "mode `max-autotune`, `freezing` (constant weights are packed), static shapes, `torch.inference_mode`"),
    Kind("jax", "run_jax.py", "jit", True, "`jax.jit`, weights constants of the function, `block_until_ready`"),
    Kind("jax eager", "run_jax.py", "eager", True, "the same function without `jax.jit`"),
    Kind("ONNX Runtime", "run_onnxruntime.py", "", True,
         "all graph optimisations, weights as initializers (prepacked), `Gemm`, inputs and outputs bound once"),
    Kind("OpenVINO", "contestant-openvino", "", True,
         "the C++ API of its Python package: `inference_precision` f32, latency hint, one stream, inputs and "
         "outputs bound once, `infer()` on the calling thread"),
    Kind("IREE", "run_iree.py", "", True,
         "StableHLO from JAX with constant weights, `--iree-opt-level=O3`, data tiling, `--iree-llvmcpu-target-cpu="
         "host`, driver local-sync (several threads: local-task), invoked with prepared lists of arguments"),
)}


class Unsupported(Exception):
    """A contestant has no means for a case."""


class Failed(Exception):
    """A contestant gave a wrong answer or none."""


class Contestant:
    """A process that is pinned to a core (or to several) and answers lines."""

    def __init__(self, command, core, log, extra_environment=None, threads=1):
        cores = core if isinstance(core, set) else {core}
        self.about = ""
        self._folder = pathlib.Path(log).parent
        self.log = open(log, "ab")
        self._log_begin = self.log.tell()
        self._process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
            cwd=self._folder,
            env=os.environ | environment(threads) | (extra_environment or {}),
            preexec_fn=lambda: os.sched_setaffinity(0, cores))
        self._pending = b""
        try:
            word, _, self.about = self._line(PATIENCE).partition(" ")
            if word != "ready":
                raise Failed(f"{word} {self.about}")
        except Failed:
            self.close()
            raise

    def _line(self, seconds):
        deadline = time.monotonic() + seconds
        while b"\n" not in self._pending:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                self.close()
                raise Failed(f"no answer for {seconds} s")
            data = os.read(self._process.stdout.fileno(), 1 << 16)
            if not data:
                raise Failed(self._end())
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode(errors="replace")

    def _end(self):
        """Closes what has no more to say, and returns why it ended: a signal, or its last words."""
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            pass  # all that it closed is its output
        self.close()
        if self._process.returncode < 0:
            return f"the process ended by {signal.Signals(-self._process.returncode).name}"
        said = pathlib.Path(self.log.name).read_bytes()[self._log_begin:].decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(said) if line.strip()), "it said nothing")
        return f"the process ended: {last.replace(f'{ROOT}/', '')}"

    def ask(self, *words, seconds=PATIENCE):
        """The words of an answer. Paths are given as seen from the folder it runs in, since words have no spaces."""
        words = [os.path.relpath(w, self._folder) if isinstance(w, pathlib.Path) else str(w) for w in words]
        try:
            self._process.stdin.write((" ".join(words) + "\n").encode())
            self._process.stdin.flush()
        except (OSError, ValueError):
            raise Failed(self._end()) from None
        word, _, rest = self._line(seconds).partition(" ")
        if word == "unsupported":
            raise Unsupported(rest)
        if word != "ok":
            raise Failed(rest or word)
        return rest.split()

    def time(self, calls):
        wall, cpu = self.ask("time", calls)
        return float(wall), float(cpu)

    @property
    def alive(self):
        return self._process.poll() is None

    def close(self):
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self.log):
            try:
                stream.close()
            except OSError:
                pass  # what was still to be written


class ThreadedContestant(Contestant):
    """One with several threads, which spin for a while, or sleep, when there is nothing to do. So that they take no
    core from others, its process is stopped while it has not been asked; and a turn begins with a call that wakes
    them and is not timed."""

    def __init__(self, command, cores, log, extra_environment, threads):
        super().__init__(command, cores, log, extra_environment, threads)
        self._threads = threads
        self._stop()

    def _stop(self):
        if self.alive:
            self._process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def ask(self, *words, seconds=PATIENCE):
        self._process.send_signal(signal.SIGCONT)
        try:
            return super().ask(*words, seconds=seconds)
        finally:
            self._stop()

    def time(self, calls):
        """Threads that wait for one another are no sign that others took their cores: the wall's time counts twice."""
        self.ask("time", 1)
        wall, cpu = super().time(calls)
        return wall, cpu if self._threads == 1 else wall


def command_of(kind, build, python=VENV / "bin/python"):
    if kind.is_python:
        return [python, ROOT / "benchmarks/contestants" / kind.driver, kind.argument]
    return [build / "bin" / kind.driver, *([kind.argument] if kind.argument else [])]


def environment_of(kind, build):
    """What one contestant alone needs."""
    if kind.is_python:
        return {}
    # Beside mlc's, a folder that was packed has the libraries of others.
    paths = [str(build / "lib"), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
    special = {"LD_LIBRARY_PATH": ":".join(paths)}
    if kind.name == "BLIS" and " avx512dq " in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"):
        special["BLIS_ARCH_TYPE"] = "0"  # skx: it takes processors that it does not know for a Haswell
    return special


def absence(kind, build, python=VENV / "bin/python"):
    """Why a contestant cannot start, and what helps; nothing if it can."""
    program = command_of(kind, build, python)[0]
    if program.exists():
        return ""
    if kind.is_python:
        return "the virtual environment build/bench-venv is not there: scripts/bench --install"
    return f"{program.name} is not built: its library is not there, which scripts/bench --install fetches"


def install(say):
    """Debian's packages and the virtual environment. Returns what failed."""
    failures = []
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    root = [] if os.geteuid() == 0 else ["sudo"]
    say(f"apt-get install {' '.join(APT)}")
    try:
        subprocess.run([*root, "apt-get", "-q", "update"], stdout=sys.stderr)  # without it, the lists at hand
        subprocess.run([*root, "apt-get", "-q", "-y", "install", "--no-install-recommends", *APT],
                       stdout=sys.stderr, env=environment, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        failures.append(f"packages: {error}")
    if not (VENV / "bin/pip").exists():
        say(f"a virtual environment in {VENV.relative_to(ROOT)}")
        done = subprocess.run(["/usr/bin/python3", "-m", "venv", VENV], stdout=sys.stderr)
        if done.returncode != 0:
            return [*failures, "the virtual environment (scripts/bootstrap installs python3-venv)"]
    for requirement in REQUIREMENTS.read_text(encoding="ascii").split("\n"):
        if not requirement or requirement.startswith("#"):
            continue
        say(f"pip install {requirement}")  # one by one: what cannot be had does not stop the others
        done = subprocess.run([VENV / "bin/pip", "install", "-q", *requirement.split()], stdout=sys.stderr)
        if done.returncode != 0:
            failures.append(f"pip install {requirement}")
    return failures

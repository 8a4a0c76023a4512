"""The commands of scripts/local-model."""

import argparse
import os
import pathlib
import signal
import sys

import servers
from catalogue import MODELS
from servers import RunningServer
from store import LocalModelError, Store, say

DESCRIPTION = """\
A real language model on this machine, for trying rkat without a provider's key.

  fetch    download the engine and a model
  start    the same if need be, then serve it on 127.0.0.1; the last line on standard output is the base URL
  stop     end the servers started here, or the one on --port
  status   tell what is running; standard output holds the base URLs, the exit status is 1 when there are none

models: 1.5b   1.1 GB, answers sensibly and calls tools
        0.5b   0.5 GB, quicker, rarely calls tools
        135m   0.1 GB, for trying the plumbing
"""


def default_directory() -> pathlib.Path:
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(cache) / "meerkat/local-model"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="local-model", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("fetch", "start", "stop", "status"))
    parser.add_argument("--model", choices=MODELS, default="1.5b")
    parser.add_argument("--port", type=int, help="8080 unless given; 0: any free port")
    parser.add_argument("--dir", type=pathlib.Path, default=default_directory(), help="where it is kept (%(default)s)")
    parser.add_argument("--with-parent", type=int, metavar="PID", help="end the server when that process has ended")
    return parser.parse_args()


def fetch(store: Store, options: argparse.Namespace) -> int:
    with store.locked():
        print(store.fetch(MODELS[options.model]))
    return 0


def start(store: Store, options: argparse.Namespace) -> int:
    port = 8080 if options.port is None else options.port
    with store.locked():
        url = servers.start(store, MODELS[options.model], port, options.with_parent)
    say(f"{MODELS[options.model].name} is ready")
    print(url)
    return 0


def stop(store: Store, options: argparse.Namespace) -> int:
    for server in chosen(store, options.port):
        server.stop()
        say(f"stopped {server.model}")
    return 0


def status(store: Store, options: argparse.Namespace) -> int:
    found = chosen(store, options.port)
    for server in found:
        say(f"process {server.pid} {'serves' if server.url else 'is loading'} {server.model}")
        if server.url:
            print(server.url)
    if not found:
        say("nothing is running")
    return 0 if found else 1


def chosen(store: Store, port: int | None) -> list[RunningServer]:
    return [
        server for server in RunningServer.all(store) if port is None or server.file == servers.state_file(store, port)]


def main() -> int:
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        options.dir.mkdir(parents=True, exist_ok=True)
        store = Store(options.dir.resolve())
        commands = {"fetch": fetch, "start": start, "stop": stop, "status": status}
        return commands[options.command](store, options)
    except LocalModelError as error:
        say(str(error))
    except OSError as error:
        say(f"{error}. Name a place that can be written with --dir DIR if this is about {options.dir}")
    except KeyboardInterrupt:
        say("interrupted; finished parts are kept")
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main())

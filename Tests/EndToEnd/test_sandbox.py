"""What commands of a model reach: not the runtime, and not what the sandbox keeps from them."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rkat_process import RKAT, Folder, Message, Provider, Rkat
from test_exhaustion import UNPRIVILEGED, become_unprivileged
from test_shell import call

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="there is no sandbox but on Linux")

PROMISES = [
    "privileges", "files", "truncation", "network", "signals", "abstract_sockets", "system_calls", "protected_paths",
    "limits",
]

#: What a command can try with its supervisor and with the process that has started that one.
ROB = """
rkat=$(cut -d' ' -f4 /proc/$PPID/stat)
for pid in $PPID $rkat; do
    cat /proc/$pid/environ
    ls -l /proc/$pid/fd | grep -e '->'
    head -c 1 /proc/$pid/mem
    for file in /proc/$pid/fd/0 /proc/$pid/fd/1; do head -c 1 $file; echo forged > $file; done
done
echo done
"""

#: Calls system calls by number; prints those that did not fail with EPERM.
SYSTEM_CALLS = """
import ctypes, errno, os, platform
libc = ctypes.CDLL(None, use_errno=True)
arm = platform.machine() == "aarch64"
calls = {
    "ptrace": (117 if arm else 101, 16, os.getppid(), 0, 0), "process_vm_readv": (270 if arm else 310, os.getpid()),
    "io_uring_setup": (425, 1, 0), "mount": (40 if arm else 165, 0, 0, 0, 0), "umount2": (39 if arm else 166, 0, 0),
    "bpf": (280 if arm else 321, 0, 0, 0), "keyctl": (219 if arm else 250, 0, 0), "add_key": (217 if arm else 248,),
    "perf_event_open": (241 if arm else 298,), "userfaultfd": (282 if arm else 323, 0), "pidfd_getfd": (438, 0, 0, 0),
    "setns": (268 if arm else 308, 0, 0), "unshare": (97 if arm else 272, 0x10000000),
    "clone": (220 if arm else 56, 0x10000011, 0, 0, 0, 0), "kexec_load": (104 if arm else 246,),
    "finit_module": (273 if arm else 313,), "prlimit64": (261 if arm else 302, os.getppid(), 7, 0, 0),
    "tiocsti": (29 if arm else 16, 0, 0x5412, 0), "tioclinux": (29 if arm else 16, 0, 0x541C, 0),
    "setpriority": (140 if arm else 141, 0, os.getppid(), 19), "setpriority of all": (140 if arm else 141, 2, 0, 19),
    "ioprio_set": (30 if arm else 251, 1, os.getppid(), 0x6000), "ioprio_set of all": (30 if arm else 251, 3, 0, 0x6000),
    "sched_setaffinity": (122 if arm else 203, os.getppid(), 0, 0), "sched_setattr": (274 if arm else 314, os.getppid(), 0, 0),
    "sched_setscheduler": (119 if arm else 144, os.getppid(), 0, 0), "sched_setparam": (118 if arm else 142, os.getppid(), 0),
    "netlink": (198 if arm else 41, 16, 3, 9), "packet": (198 if arm else 41, 17, 3, 0), "vsock": (198 if arm else 41, 40, 1, 0),
}
if not arm:
    calls["x32"] = (0x40000000 + 39,)
for name, arguments in calls.items():
    ctypes.set_errno(0)
    if libc.syscall(*(ctypes.c_long(argument) for argument in arguments)) != -1 or ctypes.get_errno() != errno.EPERM:
        print(name, errno.errorcode.get(ctypes.get_errno()))
os.nice(1); os.sched_setaffinity(0, os.sched_getaffinity(0))
if libc.syscall(ctypes.c_long(435), 0, 0) != -1 or ctypes.get_errno() != errno.ENOSYS:
    print("clone3")
"""


class World:
    """A home with keys, settings and a project, where processes of one user run."""

    def __init__(self, path: Path, provider: Provider, user: int | None) -> None:
        self.path = path
        self.provider = provider
        self.user = user
        self.home = path / "home"
        self.project = self.home / "code"
        self.running: list[Rkat] = []
        for directory in (self.home / ".rkat", self.home / ".ssh", self.project / ".rkat"):
            directory.mkdir(parents=True)
        (self.home / ".ssh" / "id_ed25519").write_text("secret key\n")
        (self.home / ".gitconfig").write_text("[user]\nname = a\nemail = b@example.com\n")
        subprocess.run(["git", "init", "-q", str(self.project)], check=True)

    def start(self, config: str = "", prepare: Callable[[], None] = lambda: None, **environment: str) -> Rkat:
        (self.home / ".rkat" / "config.toml").write_text(config)
        if self.user is not None:
            for place in [self.path, *self.path.rglob("*")]:
                os.chown(place, self.user, self.user, follow_symlinks=False)

        def become() -> None:
            if self.user is not None:
                become_unprivileged()
            prepare()

        rkat = Rkat(
            Folder(self.project), prepare=become,
            **{"RKAT_LOCAL_URL": self.provider.url + "/v1", "HOME": str(self.home), **environment})
        self.running.append(rkat)
        return rkat


@pytest.fixture(params=["this user", "unprivileged"])
def world(request: pytest.FixtureRequest, provider: Provider) -> Iterator[World]:
    assert RKAT
    user = None
    if request.param == "unprivileged":
        if os.geteuid() != 0:
            pytest.skip("this user is unprivileged")
        if closed := [path for path in Path(RKAT).parents if not path.stat().st_mode & 0o001]:
            pytest.skip(f"an unprivileged user cannot enter {closed[0]}, where rkat is")
        user = UNPRIVILEGED
    # Not in /tmp, of which confined commands have one of their own.
    path = Path(tempfile.mkdtemp(prefix="rkat-sandbox-", dir="/var/tmp"))
    try:
        world = World(path, provider, user)
        yield world
        for rkat in world.running:
            rkat.discard()
    finally:
        shutil.rmtree(path, ignore_errors=True)


def shell(rkat: Rkat, command: str, session: str | None = None) -> Message:
    """Runs one command, in a session of its own unless there is one; what its tool returned."""
    prompt = call("shell", command=command)
    before = len(rkat.messages)
    if session is None:
        rkat.call("session/create", {"prompt": prompt, "enable_shell": True})
    else:
        rkat.turn(session, prompt)
    result = next(
        event for message in rkat.messages[before:]
        if (event := message.get("params", {}).get("event", {})).get("type") == "tool_execution_completed")
    return json.loads(result["result"])


def sandbox(rkat: Rkat) -> Message:
    capabilities = rkat.call("capabilities/get")["capabilities"]
    return next(entry for entry in capabilities if entry["id"] == "shell")["sandbox"]


def deny_system_call(*numbers: int) -> None:
    """Makes the system of the process one that lacks system calls."""
    code = struct.pack("HBBI", 0x20, 0, 0, 0)
    for number in numbers:
        code += struct.pack("HBBI", 0x15, 0, 1, number) + struct.pack("HBBI", 0x06, 0, 0, 0x00050000 + 38)
    code += struct.pack("HBBI", 0x06, 0, 0, 0x7FFF0000)
    buffer = ctypes.create_string_buffer(code)
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer)))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0


def lack_landlock() -> None:
    deny_system_call(444)


def lack_namespaces() -> None:
    deny_system_call(97 if platform.machine() == "aarch64" else 272)


# What is promised


def test_everything_is_enforced_where_these_tests_run(world: World) -> None:
    rkat = world.start('[shell]\nsandbox = "required"\n')
    assert sandbox(rkat) == {"mode": "required", "enforced": PROMISES, "missing": []}
    shown = shell(rkat, "echo hello")
    assert (shown["stdout"], shown["exit_code"]) == ("hello\n", 0)
    assert "sandbox_missing" not in shown


@pytest.mark.parametrize("mode", ["auto", "off"])
def test_a_command_does_not_reach_the_runtime(world: World, mode: str) -> None:
    if mode == "off" and world.user is None and os.geteuid() == 0:
        pytest.skip("the administrator reaches every process that nothing confines")
    rkat = world.start(f'[shell]\nsandbox = "{mode}"\n', RKAT_SECRET="very secret")
    shown = shell(rkat, ROB)
    assert shown["stdout"] == "done\n"
    assert rkat.garbage == []


def test_a_command_does_not_reach_its_supervisor(world: World) -> None:
    rkat = world.start()
    shown = shell(rkat, "kill -0 $PPID || kill -STOP $PPID || prlimit --pid $PPID --nofile=0:0 || echo $?")
    assert shown["stdout"] == "1\n"
    assert shown["stderr"].count("not permitted") == 3


def test_files_are_read_and_written_where_the_rules_allow_it(world: World) -> None:
    rkat = world.start()
    shown = shell(
        rkat,
        """
        cat ~/.ssh/id_ed25519 ~/.rkat/config.toml /proc/1/environ; ls ~
        for file in ~/new /var/tmp/new /usr/new /etc/passwd; do echo x > $file; done
        echo mine > file; cat file; grep -c ^root: /etc/passwd; git --version | cut -c1-3
        echo x > $TMPDIR/t; cat $TMPDIR/t; echo x > /tmp/u; echo x > /dev/null
        """)
    assert shown["stdout"] == "mine\n1\ngit\nx\n"
    assert (shown["stderr"].count("denied"), shown["stderr"].count("Read-only file system")) == (4, 4)
    assert (world.project / "file").read_text() == "mine\n"


def test_permissions_and_dates_change_where_files_may_be_written(world: World) -> None:
    key = world.home / ".ssh" / "id_ed25519"
    key.chmod(0o600)
    rkat = world.start()
    before = key.stat()
    shown = shell(
        rkat,
        """
        chmod 777 ~/.ssh/id_ed25519; touch -d 2000-01-01 ~/.ssh/id_ed25519; chown $(id -u) ~/.ssh/id_ed25519
        echo x > f; chmod 700 f; touch -d 2000-01-01 f; chmod 700 $TMPDIR; stat -c %a f
        """)
    assert shown["stdout"] == "700\n"
    assert shown["stderr"].count("Read-only file system") == 3
    after = key.stat()
    assert (after.st_mode, after.st_mtime, after.st_ctime) == (before.st_mode, before.st_mtime, before.st_ctime)


def test_a_session_has_a_temporary_directory_until_its_end(world: World) -> None:
    outside = world.path / "temporary"
    outside.mkdir()
    rkat = world.start(TMPDIR=str(outside))
    session = rkat.call("session/create", {"initial_turn": False, "enable_shell": True})["session_id"]
    shell(rkat, "mkdir $TMPDIR/a; echo kept > $TMPDIR/a/b; chmod 0 $TMPDIR/a", session)
    assert shell(rkat, "chmod 700 $TMPDIR/a; cat $TMPDIR/a/b; ls /tmp", session)["stdout"] == "kept\na\n"
    shell(rkat, "chmod 0 $TMPDIR/a", session)
    assert len(list(outside.iterdir())) == 1
    rkat.call("session/archive", {"session_id": session})
    assert rkat.exit() == 0
    assert list(outside.iterdir()) == []


def test_a_temporary_directory_is_removed_whatever_is_in_it(world: World) -> None:
    outside = world.path / "temporary"
    outside.mkdir()
    (world.home / "kept").mkdir()
    rkat = world.start(TMPDIR=str(outside))
    shown = shell(rkat, r"""
        cd $TMPDIR; mkdir "$(printf 'a\377')"; echo x > "$(printf 'a\377/b\376')"; ln -s ~ link; chmod 0 a*
        mkdir -p many/a many/b/c many/b/d; touch many/b/e; chmod 500 many/b
        python3 -c "
import os
for i in range(2000):
    os.mkdir('d' * 40); os.chdir('d' * 40)
os.mkdir('e'); open('f', 'w').close(); os.chmod('.', 0)
" && echo done
        """)
    assert shown["stdout"] == "done\n"
    assert rkat.exit() == 0
    assert list(outside.iterdir()) == []
    assert (world.home / "kept").exists()


def test_what_a_killed_process_has_left_is_removed(world: World) -> None:
    outside = world.path / "temporary"
    outside.mkdir()
    living, killed = world.start(TMPDIR=str(outside)), world.start(TMPDIR=str(outside))
    shell(living, "echo x > $TMPDIR/f")
    [kept] = outside.iterdir()
    shell(killed, "echo x > $TMPDIR/f")
    killed.kill()
    for path in outside.iterdir():
        os.utime(path, (0, 0))
    shell(world.start(TMPDIR=str(outside)), "true")
    left = list(outside.iterdir())
    assert kept in left and len(left) == 2


def test_git_runs_nothing_that_a_command_has_written(world: World) -> None:
    rkat = world.start()
    hooks = world.project / ".git" / "hooks"
    shutil.rmtree(hooks)
    config = (world.project / ".git" / "config").read_bytes()
    shell(
        rkat,
        """
        echo evil > .git/hooks/pre-commit; echo evil >> .git/config; git config core.fsmonitor evil
        mv .git/hooks .git/h; mv .git g; rm -rf .git; echo evil > .git/config.worktree
        """)
    assert list(hooks.iterdir()) == []
    assert (world.project / ".git" / "config").read_bytes() == config
    assert not (world.project / "g").exists()


def git(world: World, *arguments: str) -> str:
    """As the user runs it, outside of the sandbox."""
    environment = {"PATH": os.defpath, "HOME": str(world.home)}
    user = {} if world.user is None else {"user": world.user, "group": world.user, "extra_groups": []}
    return subprocess.run(
        ["git", *arguments], cwd=world.project, env=environment, capture_output=True, text=True, check=True,
        **user).stdout  # type: ignore[call-overload]


#: Makes a repository with settings that run a program, and names it in a file of git.
EVIL = """
mkdir -p evil/hooks; cp -r .git/objects .git/refs .git/HEAD .git/config evil
printf '[core]\\n\\tfsmonitor = "touch ran; false"\\n' >> evil/config
printf '#!/bin/sh\\ntouch ran\\n' > evil/hooks/pre-commit; chmod 755 evil/hooks/pre-commit
for file in .git .git/worktrees/w; do
    rm -f $file/commondir $file/gitdir; mv $file/commondir x; echo $PWD/evil > $file/commondir
    cp evil/config $file/config.worktree; echo $PWD/evil > $file/gitdir
done
mv .git/worktrees/w .git/worktrees/v; mv .git/worktrees .git/v; rm -rf .git/hooks; cp -r evil/hooks .git
echo done
"""


@pytest.mark.parametrize("extension", [True, False])
def test_git_takes_no_settings_that_a_command_has_written(world: World, extension: bool) -> None:
    rkat = world.start('[shell]\nsandbox = "required"\n')
    git(world, "commit", "-q", "--allow-empty", "-m", "one")
    git(world, "worktree", "add", "-q", str(world.project / "w"))
    if extension:
        git(world, "config", "extensions.worktreeConfig", "true")
    assert shell(rkat, EVIL)["stdout"] == "done\n"
    for place in (".", "w"):
        git(world, "-C", place, "status")
        git(world, "-C", place, "commit", "-q", "--allow-empty", "-m", "two")
    assert [*world.project.rglob("ran")] == []
    shown = shell(rkat, "echo b > b; git add b; git commit -qm three && git -C w commit -q --allow-empty -m four && git gc -q && echo $?")
    assert shown["stdout"] == "0\n", shown
    assert git(world, "log", "--format=%s").split() == ["three", "two", "one"]
    assert git(world, "rev-parse", "--is-bare-repository", "--show-toplevel").split() == ["false", str(world.project)]


@pytest.mark.parametrize("kind", ["link", "bare", "worktree"])
def test_a_repository_of_a_rare_kind_is_not_written(world: World, kind: str) -> None:
    repository = world.project / ".git"
    if kind == "link":
        shutil.rmtree(repository / "hooks")
        (world.project / "hooks").mkdir()
        (repository / "hooks").symlink_to("../hooks")
    else:
        setting = ("core.bare", "true") if kind == "bare" else ("core.worktree", str(world.project))
        subprocess.run(["git", "config", *setting], cwd=world.project, check=True)
    rkat = world.start()
    before = sorted(repository.rglob("*"))
    shell(rkat, "rm .git/hooks; mkdir .git/hooks; echo evil > hooks/evil; echo . > .git/commondir; echo x > .git/config.worktree")
    assert sorted(repository.rglob("*")) == before
    assert not (world.project / "hooks" / "evil").exists()


def test_a_repository_that_was_made_unreadable_is_not_left_unprotected(world: World) -> None:
    if world.user is None and os.geteuid() == 0:
        pytest.skip("permissions do not hold for this user")
    rkat = world.start()
    shell(rkat, "chmod 0 .git")
    shown = shell(rkat, "chmod 700 .git; echo evil > .git/hooks/evil")
    assert "cannot be protected" in shown["message"]
    (world.project / ".git").chmod(0o700)
    assert not (world.project / ".git" / "hooks" / "evil").exists()


def test_git_works(world: World) -> None:
    shown = shell(world.start(), "echo a > a; git add a; git commit -qm one && git log --format=%s; git status --short")
    assert shown["stdout"] == "one\n"


def test_a_link_in_place_of_a_toolchain_leads_nowhere(world: World) -> None:
    (world.project / ".venv" / "bin").mkdir(parents=True)
    rkat = world.start(PATH=f"{world.project}/.venv/bin:{os.defpath}")
    session = rkat.call("session/create", {"initial_turn": False, "enable_shell": True})["session_id"]
    shell(rkat, "rm -rf .venv/bin; ln -s ~/.ssh .venv/bin", session)
    assert shell(rkat, "cat ~/.ssh/id_ed25519; ls -d .venv/bin", session)["stdout"] == ".venv/bin\n"


@pytest.mark.parametrize("prepare", [lambda: None, lack_namespaces])
def test_a_link_in_place_of_the_temporary_directory_leads_nowhere(world: World, prepare: Callable[[], None]) -> None:
    (world.project / "a" / "b").mkdir(parents=True)
    rkat = world.start(prepare=prepare, TMPDIR=str(world.project / "a" / "b"))
    session = rkat.call("session/create", {"initial_turn": False, "enable_shell": True})["session_id"]
    directory = shell(rkat, "grep -o 'rkat-scratch[^ ]*' /proc/self/mountinfo; echo $TMPDIR", session)["stdout"]
    name = next(part for part in directory.replace("\n", "/").split("/") if part.startswith("rkat-scratch"))
    shell(
        rkat,
        f"""
        rm -rf $TMPDIR; ln -s ~ $TMPDIR; mv $TMPDIR/../tmp $TMPDIR/../t; mv a moved; mkdir -p a/b/{name}
        ln -s ~/.ssh a/b/{name}/tmp; ln -s ~/.ssh a/b/{name}/shm; ls -d a/b/{name}/tmp
        """, session)
    shown = shell(rkat, "cat ~/.ssh/id_ed25519; echo evil > ~/.ssh/evil; echo evil > ~/evil; echo x > $TMPDIR/x; echo done", session)
    assert shown["stdout"] == "done\n"
    assert not (world.home / ".ssh" / "evil").exists() and not (world.home / "evil").exists()


def test_a_link_in_place_of_a_configured_directory_leads_nowhere(world: World) -> None:
    for directory in (world.home / ".cache" / "go-build", world.project / "docs", world.project / "out" / "cache"):
        directory.mkdir(parents=True)
    (world.home / ".cache" / "go-build" / "kept").write_text("kept\n")
    rkat = world.start(
        '[shell]\nwritable = ["~/.cache/go-build", "~/.cache", "out/cache"]\nreadable = ["docs", "~/.cache/missing"]\n')
    session = rkat.call("session/create", {"initial_turn": False, "enable_shell": True})["session_id"]
    command = "cat ~/.ssh/id_ed25519; echo evil > ~/.ssh/evil; touch -d 2000-01-01 ~/.ssh/id_ed25519; echo done"
    assert shell(rkat, "cat ~/.cache/go-build/kept; echo x > ~/.cache/go-build/x && rm -r docs out", session)["stdout"] == "kept\n"
    for link in ("~/.cache/go-build", "~/.cache/missing", "docs", "out/cache"):
        shell(rkat, f"rm -rf {link}; mkdir -p $(dirname {link}); ln -s ~/.ssh {link}", session)
        assert shell(rkat, command, session)["stdout"] == "done\n", link
    assert not (world.home / ".ssh" / "evil").exists()
    assert (world.home / ".ssh" / "id_ed25519").stat().st_mtime > 1e9


def test_the_working_directory_of_a_command_is_no_project(world: World) -> None:
    shutil.rmtree(world.project / ".git")
    rkat = world.start()
    prompt = call("shell", command="cat id_ed25519; echo evil > evil; echo done", working_dir=str(world.home / ".ssh"))
    before = len(rkat.messages)
    rkat.call("session/create", {"prompt": prompt, "enable_shell": True, "cwd": "/"})
    result = next(
        event for message in rkat.messages[before:]
        if (event := message.get("params", {}).get("event", {})).get("type") == "tool_execution_completed")
    assert json.loads(result["result"])["stdout"] == "done\n"
    assert not (world.home / ".ssh" / "evil").exists()


def test_programs_in_a_home_directory_do_not_open_it(world: World) -> None:
    other = world.path / "other"
    for directory in ("bin", ".local/bin", ".local/share/keyrings", ".ssh"):
        (other / directory).mkdir(parents=True)
    (other / ".ssh" / "key").write_text("secret\n")
    (other / ".local" / "share" / "keyrings" / "key").write_text("secret\n")
    (world.home / "bin").mkdir()
    for home in ("", str(world.home)):
        path = f"{world.home}/bin:{other}/bin:{other}/.local/bin:{os.defpath}"
        command = f"cat {world.home}/.ssh/id_ed25519 {other}/.ssh/key {other}/.local/share/keyrings/key; ls {other}/bin; echo done"
        assert shell(world.start(HOME=home, PATH=path), command)["stdout"] == "done\n"


def test_there_is_no_network(world: World) -> None:
    command = f"""python3 - <<'X'
import socket
socket.socket(socket.AF_UNIX)
for family, kind in ((2, 1), (2, 2), (10, 1), (10, 2)):
    try: socket.socket(family, kind)
    except PermissionError: print("denied")
try: socket.create_connection({(world.provider.url.split("/")[2].split(":")[0], int(world.provider.url.split(":")[2]))})
except PermissionError: print("denied")
X"""
    assert shell(world.start(), command)["stdout"] == "denied\n" * 5


def test_the_network_can_be_allowed(world: World) -> None:
    rkat = world.start("[shell]\nnetwork = true\n")
    host, port = world.provider.url.split("/")[2].split(":")
    command = f"python3 -c 'import socket; socket.create_connection((\"{host}\", {port})); print(\"connected\")'"
    assert shell(rkat, command)["stdout"] == "connected\n"
    assert sandbox(rkat)["enforced"] == [promise for promise in PROMISES if promise != "network"]


def test_system_calls_that_reach_further_are_denied(world: World) -> None:
    assert shell(world.start(), f"python3 - <<'X'\n{SYSTEM_CALLS}X")["stdout"] == ""


def test_signals_and_abstract_sockets_stay_within_a_command(world: World) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0rkat-test-{os.getpid()}")
        server.listen()
        shown = shell(
            world.start("[shell]\nnetwork = true\n"),
            f"""
            kill -0 {os.getpid()}; sleep 100 & kill $! && echo ended
            python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect("\\0rkat-test-{os.getpid()}")'
            """)
    assert shown["stdout"] == "ended\n"
    assert shown["stderr"].count("not permitted") == 2


def test_more_can_be_read_and_written(world: World) -> None:
    for name in ("data", "cache"):
        (world.home / name).mkdir()
        (world.home / name / "file").write_text(name)
    rkat = world.start('[shell]\nreadable = ["~/data"]\nwritable = ["~/cache"]\n')
    shown = shell(rkat, "cat ~/data/file ~/cache/file; echo x > ~/cache/new && echo x > ~/data/new")
    assert shown["stdout"] == "datacache"
    assert (world.home / "cache" / "new").exists() and not (world.home / "data" / "new").exists()


def test_programs_below_the_home_directory_work_and_their_neighbours_are_not_read(world: World) -> None:
    for directory in (".tool/bin", ".tool/lib", ".local/bin", ".local/share/keyrings", "bin", ".cargo/bin"):
        (world.home / directory).mkdir(parents=True)
    (world.home / ".tool" / "lib" / "text").write_text("from the library\n")
    (world.home / ".local" / "share" / "keyrings" / "k").write_text("secret")
    (world.home / ".cargo" / "credentials.toml").write_text("secret")
    for directory, text in ((".tool/bin", "cat ~/.tool/lib/text"), (".local/bin", "echo local"), ("bin", "echo own")):
        program = world.home / directory / f"run-{directory.strip('.').split('/')[0]}"
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
    path = ":".join(str(world.home / name) for name in (".tool/bin", ".local/bin", "bin", ".cargo/bin"))
    rkat = world.start(PATH=f"{path}:{os.defpath}")
    shown = shell(
        rkat, "run-tool; run-local; run-bin; cat ~/.local/share/keyrings/k ~/.ssh/id_ed25519 ~/.cargo/credentials.toml")
    assert shown["stdout"] == "from the library\nlocal\nown\n"
    assert "secret" not in shown["stderr"]


def test_data_of_the_runtime_within_the_project_is_hidden(world: World) -> None:
    rkat = world.start(f'[storage]\ndirectory = "{world.project}/state/here"\n')
    session = rkat.call("session/create", {"prompt": "Hello. @@n=1@@"})["session_id"]
    assert (world.project / "state" / "here" / "sessions" / "meerkat.db").exists()
    shown = shell(
        rkat, "ls state/here/sessions; mv state s; mv state/here s; rm -rf state; echo x > state/here/sessions/meerkat.db")
    assert shown["stdout"] == ""
    assert rkat.call("session/read", {"session_id": session})["message_count"] == 2
    assert (world.project / "state" / "here" / "sessions" / "meerkat.db").stat().st_size > 1000


def test_where_the_home_directory_is_the_project_keys_are_hidden(world: World) -> None:
    (world.home / ".bashrc").write_text("echo mine\n")
    rkat = world.start()
    request = {"prompt": call("shell", command="""
        cat ~/.ssh/id_ed25519 ~/.rkat/config.toml; echo evil >> ~/.bashrc; mv ~/.ssh ~/s; mv ~/.rkat ~/r; echo x > ~/f; cat f
        """), "enable_shell": True, "cwd": str(world.home)}
    before = len(rkat.messages)
    shutil.rmtree(world.project / ".git")
    rkat.call("session/create", request)
    result = next(
        event for message in rkat.messages[before:]
        if (event := message.get("params", {}).get("event", {})).get("type") == "tool_execution_completed")
    assert json.loads(result["result"])["stdout"] == "x\n"
    assert (world.home / ".bashrc").read_text() == "echo mine\n"
    assert (world.home / ".ssh" / "id_ed25519").exists() and (world.home / ".rkat" / "config.toml").exists()


def test_resources_have_limits(world: World) -> None:
    shown = shell(world.start(), "ulimit -H -u; ulimit -H -f; ulimit -H -d; ulimit -H -v; ulimit -H -c")
    limits = [int(limit) for limit in shown["stdout"].split()]
    assert limits[0] <= 4096 and limits[1] <= 16 << 20 and limits[2] <= 64 << 20 and limits[3] <= 1 << 30
    assert limits[4] == 0


def test_the_sandbox_can_be_turned_off(world: World) -> None:
    rkat = world.start('[shell]\nsandbox = "off"\n')
    assert sandbox(rkat) == {"mode": "off", "enforced": [], "missing": []}
    shown = shell(rkat, "cat ~/.ssh/id_ed25519")
    assert shown["stdout"] == "secret key\n"
    assert "sandbox_missing" not in shown


# What a system lacks


@pytest.mark.parametrize(
    "lack, missing",
    [
        (lack_landlock, ["files", "truncation", "signals"]),
        (lack_namespaces, ["protected_paths"]),
    ])
def test_what_is_missing_is_reported_once(world: World, lack: Callable[[], None], missing: list[str]) -> None:
    rkat = world.start(prepare=lack)
    assert sandbox(rkat)["missing"] == missing
    session = rkat.call("session/create", {"initial_turn": False, "enable_shell": True})["session_id"]
    assert shell(rkat, "true", session)["sandbox_missing"] == missing
    assert "sandbox_missing" not in shell(rkat, "true", session)


@pytest.mark.parametrize("lack", [lack_landlock, lack_namespaces])
def test_what_is_required_and_missing_keeps_a_command_from_running(world: World, lack: Callable[[], None]) -> None:
    rkat = world.start('[shell]\nsandbox = "required"\n', prepare=lack)
    shown = shell(rkat, "touch ran; echo ran")
    assert shown["error"] == "execution_failed"
    assert "cannot confine" in shown["message"]
    assert not (world.project / "ran").exists()

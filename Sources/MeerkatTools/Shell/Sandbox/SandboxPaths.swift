internal import MeerkatIO

/// The paths of a usual system that a sandbox allows, hides and protects.
enum SandboxPaths {
    /// Programs, libraries and settings; read by every command.
    static let system = [
        "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix", "/gnu", "/snap",
        "/proc", "/sys", "/var/lib/dpkg", "/var/lib/apt", "/var/lib/rpm", "/var/lib/pacman", "/var/lib/alternatives",
        "/var/cache/fontconfig", "/run/current-system", "/run/opengl-driver", "/run/systemd/resolve",
        "/run/resolvconf", "/run/NetworkManager/resolv.conf",
    ]

    static let devices = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"]

    /// Sockets of services that do what a command asks for outside of its sandbox.
    static let services = [
        "/run/user", "/run/dbus", "/run/docker.sock", "/run/docker", "/run/containerd", "/run/podman", "/run/crio",
        "/run/libvirt", "/run/systemd/private", "/run/snapd.socket", "/run/snapd-snap.socket",
        "/var/lib/lxd/unix.socket",
        "/var/snap/lxd/common/lxd/unix.socket",
    ]

    /// Settings of git that hold no credentials.
    static let readableAtHome = [
        ".gitconfig", ".gitignore", ".gitignore_global", ".config/git/config", ".config/git/ignore",
        ".config/git/attributes",
    ]

    /// Keys and credentials, hidden where the home directory is the project.
    static let secretsAtHome = [
        ".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".config/gcloud", ".config/gh", ".config/hub",
        ".config/git/credentials", ".git-credentials", ".netrc", ".pgpass", ".my.cnf", ".npmrc", ".pypirc",
        ".cargo/credentials", ".cargo/credentials.toml", ".password-store", ".local/share/keyrings", ".mozilla",
        ".thunderbird", ".config/google-chrome", ".config/chromium", ".config/BraveSoftware", ".vault-token",
        ".terraform.d/credentials.tfrc.json", ".config/op", ".bash_history", ".zsh_history",
    ]

    /// What other programs of the user execute, read-only where the home directory is the project.
    static let executedAtHome = [
        ".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".profile", ".zshrc", ".zshenv", ".zprofile",
        ".zlogin", ".kshrc", ".config/fish", ".gitconfig", ".config/git", ".config/systemd", ".config/autostart",
        ".local/bin", "bin", ".cargo/bin", ".vscode", ".vimrc", ".config/nvim", ".emacs.d", ".tmux.conf",
    ]

    /// Credentials that lie beside programs, by the name of the directory.
    static let secretsOfToolchains = [".cargo": ["credentials", "credentials.toml"]]

    /// Where programs below `~/.local/bin` keep themselves.
    private static let besideLocalPrograms = [
        "lib", "share/uv", "share/pipx", "share/mise", "share/pnpm", "share/fnm", "share/swiftly", "share/virtualenvs",
    ]

    /// What the programs in a directory of `PATH` need to be read.
    ///
    /// A directory named `bin`, `sbin` or `shims` stands for the one that holds it, with libraries and versions beside
    /// the programs. Exceptions are a parent that is a home directory of anyone, above one or directly below `/`, and
    /// `~/.local`, which holds much else. Where no home directory is known, the parent does not count.
    ///
    /// - Parameters:
    ///   - path: without links.
    ///   - homes: those of the users that are known, without links.
    /// - Returns: Paths, which may not exist; empty for a directory that does not contain programs.
    static func toolchain(_ path: String, homes: [String]) -> [String] {
        guard path != "/", !homes.contains(where: { $0.isWithin(path) }), !isHome(path) else { return [] }
        let parent = path.parent
        guard ["bin", "sbin", "shims"].contains(path.lastName), parent.parent != "/", !homes.isEmpty,
            !homes.contains(where: { $0.isWithin(parent) }), !isHome(parent)
        else { return [path] }
        if parent.lastName == ".local" {
            return [path] + besideLocalPrograms.map { "\(parent)/\($0)" }
        }
        // The programs in ~/.cargo/bin are links to rustup, which finds the toolchains there.
        return parent.lastName == ".cargo" ? [parent, parent.parent + "/.rustup"] : [parent]
    }

    /// Whether a directory is the home of a user that may not be in the password database of this system.
    private static func isHome(_ path: String) -> Bool {
        path == "/root" || path.parent == "/home"
            || [".ssh", ".gnupg", ".profile", ".bashrc", ".zshrc"].contains { Directories.mayExist("\(path)/\($0)") }
    }
}

extension String {
    /// Of an absolute path; `/` has itself.
    var parent: String {
        guard let slash = lastIndex(of: "/"), slash > startIndex else { return "/" }
        return String(self[..<slash])
    }

    /// Of an absolute path.
    var lastName: String { split(separator: "/").last.map(String.init) ?? "" }

    /// Whether an absolute path is another one or below it.
    func isWithin(_ directory: String) -> Bool {
        self == directory || directory == "/" || utf8.starts(with: "\(directory)/".utf8)
    }
}

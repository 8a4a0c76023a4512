/// The version of the contract with other processes.
///
/// Additions do not change it.
public enum ContractVersion {
    public static let major = 0
    public static let minor = 1
    public static let patch = 0
    public static let text = "0.1.0"

    /// The version of this package, as `--version` and `initialize` tell it.
    public static let package = "0.1.0"
    /// The name that clients of the reference expect.
    public static let serverName = "meerkat-rpc"
}

package import MeerkatCore
internal import MeerkatIO
package import MeerkatProtocol

extension SandboxStatus {
    /// Asks the system what it can enforce of the settings; the default ones when they cannot be read.
    package init(of configuration: any ConfigurationStore) {
        // What needs the settings reports the fault.
        let settings = (try? configuration.current())?.shell ?? Configuration.Shell()
        var (enforced, missing): ([String], [String]) = ([], [])
        if settings.sandbox != .off {
            let system = SystemSandbox.current
            // Of a usual project.
            let rules = SandboxRules(
                protections: [.hideDirectory("/run/user")], allowsNetwork: settings.allowsNetwork)
            for promise in rules.promises {
                if system.canKeep(promise, for: rules) {
                    enforced.append(promise.rawValue)
                } else {
                    missing.append(promise.rawValue)
                }
            }
        }
        self.init(mode: settings.sandbox.rawValue, enforced: enforced, missing: missing)
    }
}

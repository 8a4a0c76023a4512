/// Why a text is not a regular expression that this validator understands.
package enum PatternError: Error, Hashable, Sendable {
    case syntax(String)
    case unsupported(String)
    case tooLarge(limit: Int)
}

extension PatternError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .syntax(let what): what
        case .unsupported(let what): "\(what) not supported"
        case .tooLarge(let limit): "its repetitions unfold to more than \(limit) steps"
        }
    }
}

internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPCompression
internal import NIOPosix
internal import NIOSSL

extension HTTPError {
    init(_ error: any Error) {
        switch error {
        case let error as HTTPClientError where error == .cancelled: self = .cancelled
        case let error as HTTPClientError where error == .connectTimeout: self = .connectTimedOut
        case let error as HTTPClientError where error == .tlsHandshakeTimeout:
            self = .tlsFailed("the TLS handshake took too long")
        case let error as HTTPClientError where error == .remoteConnectionClosed:
            self = .broken("the server closed the connection")
        case let error as HTTPClientError: self = .broken(error.shortDescription)
        case let error as NIOHTTPDecompression.DecompressionError where error == .limit: self = .tooLong
        // The server has closed the connection without saying so.
        case let error as NIOSSLError where error.isUncleanShutdown: self = .broken("the server closed the connection")
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError: self = .tlsFailed(Self.words(forTLS: error))
        case let error as NIOConnectionError:
            let first = error.connectionErrors.first.map { "\($0.error)" }
            self = .connectFailed("cannot connect to \(error.host):\(error.port)" + (first.map { ": \($0)" } ?? ""))
        case let error as ChannelError:
            if case .connectTimeout = error { self = .connectTimedOut } else { self = .broken("\(error)") }
        case is HTTPParserError: self = .broken("the answer broke off or is not HTTP")
        case let error as IOError: self = .broken(error.description)
        default: self = .broken("\(type(of: error))")
        }
    }

    /// What went wrong with TLS; the descriptions of the library name files of the machine that it was built on.
    private static func words(forTLS error: any Error) -> String {
        if error as? NIOSSLExtraError == .failedToValidateHostname {
            return "the server's certificate is for another host"
        }
        guard let text = "\(error)".split(separator: " at ").first, text.contains("OPENSSL_internal:"),
            let reason = text.split(separator: ":").last
        else { return error is NIOSSLExtraError ? "the TLS handshake failed" : "the TLS connection broke" }
        switch reason.prefix(while: { !$0.isWhitespace }) {
        case "CERTIFICATE_VERIFY_FAILED": return "the server's certificate is not trusted"
        case "WRONG_VERSION_NUMBER", "HTTP_REQUEST": return "the server does not speak TLS"
        case let other: return "the TLS handshake failed: \(other.lowercased().replacing("_", with: " "))"
        }
    }
}

extension NIOSSLError {
    fileprivate var isUncleanShutdown: Bool { if case .uncleanShutdown = self { true } else { false } }
}

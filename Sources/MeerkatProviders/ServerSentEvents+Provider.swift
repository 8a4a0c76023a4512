internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

extension ServerSentEvents.Event {
    /// Whether this is the mark that ends the streams of most providers.
    var isDoneMark: Bool {
        let mark: StaticString = "[DONE]"
        guard data.first == UInt8(ascii: "["), data.count < 16 else { return false }
        return data.filter { $0 > 0x20 }
            .elementsEqual(UnsafeBufferPointer(start: mark.utf8Start, count: mark.utf8CodeUnitCount))
    }
}

extension ProviderError {
    init(_ failure: ServerSentEvents.Failure<ProviderError>) {
        switch failure {
        case .consumer(let error): self = error
        case .tooLong(let limit): self = ProviderFailure.malformed("an event is longer than \(limit) bytes")
        }
    }
}

/// Reads one JSON value of a provider's answer; what is no JSON makes the answer malformed.
func readForeign<T>(
    _ bytes: UnsafeRawBufferPointer, _ body: (inout JSONReader) throws(JSONError) -> T
) throws(ProviderError) -> T {
    do throws(JSONError) {
        return try JSONReader.read(bytes, body)
    } catch {
        throw ProviderFailure.malformed(error.description)
    }
}

internal import MeerkatCore
internal import MeerkatJSON

/// A session's settled groups in a provider's format, each rendered once and never again.
///
/// A cache: it is rebuilt from the history after a restart, byte for byte, so that what a provider has cached of the
/// conversation goes on matching.
struct RenderBuffer: Sendable {
    private static let chunkSize = 64 * 1024

    private var format: WireFormat?
    private var model = ""
    /// Providers of one format may differ in what they want to see.
    private var provider = ""
    /// The last change of the history that it has taken in.
    private var rewriteSeq = 0
    private var chunks: [[UInt8]] = []
    private var groupCount = 0
    private(set) var byteCount = 0
    private var images = ImageTally()
    /// What the provider counted for the last request, and how long its history was; nil before the first.
    private(set) var lastBill: Bill?

    /// The tokens of a request beside what was rendered for it.
    struct Bill: Sendable {
        var inputTokens: UInt64
        var history: RenderedHistory.Size
        /// The entry that set its instructions and tools.
        var contextSeq: Int
    }

    /// Takes what the provider counted for a request of this session.
    mutating func note(_ bill: Bill, of provider: any ModelProvider, model: String) {
        if format == provider.wireFormat, self.provider == provider.name, self.model == model { lastBill = bill }
    }

    /// The history of `state` for a request to `model`, with words for pictures that it does not see.
    mutating func history(
        of state: SessionState, by provider: any ModelProvider, model: String, imageTypes: Set<Image.MediaType>
    ) -> RenderedHistory {
        if format != provider.wireFormat || self.provider != provider.name || self.model != model
            || rewriteSeq != state.rewriteSeq
        {
            self = RenderBuffer()
            self.provider = provider.name
            rewriteSeq = state.rewriteSeq
            format = provider.wireFormat
            self.model = model
        }
        while groupCount < state.settledGroupCount {
            let group = state.closedGroups[groupCount].shown(with: imageTypes)
            append(Self.render(group, by: provider, model: model))
            images.add(group)
            groupCount += 1
        }
        guard let open = state.openInput ?? state.closedGroups.dropFirst(groupCount).last else {
            return RenderedHistory(chunks: chunks, images: images)
        }
        let shown = open.shown(with: imageTypes)
        let tail = Self.render(shown, by: provider, model: model)
        guard !tail.isEmpty else { return RenderedHistory(chunks: chunks, images: images) }
        var images = images
        images.add(shown)
        return RenderedHistory(chunks: chunks + [tail], images: images)
    }

    private mutating func append(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        byteCount += bytes.count
        guard let last = chunks.indices.last, chunks[last].count + bytes.count < Self.chunkSize else {
            chunks.append(bytes)
            return
        }
        chunks[last].append(UInt8(ascii: ","))
        chunks[last].append(contentsOf: bytes)
    }

    private static func render(_ group: MessageGroup, by provider: any ModelProvider, model: String) -> [UInt8] {
        var writer = JSONWriter()
        provider.render(group, model: model, into: &writer)
        return writer.bytes
    }
}

extension MessageGroup {
    /// The group, with words in place of pictures of other types.
    fileprivate func shown(with types: Set<Image.MediaType>) -> MessageGroup {
        func isHidden(_ block: Block) -> Bool { block.image.map { !types.contains($0.mediaType) } ?? false }
        guard types.count < Image.MediaType.allCases.count, case .input(let results, let messages) = self,
            messages.joined().contains(where: isHidden)
        else { return self }
        return .input(
            results: results,
            messages: messages.map { blocks in
                blocks.map { block in isHidden(block) ? .text(block.image?.label ?? "") : block }
            })
    }
}

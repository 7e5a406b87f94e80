import NIOCore
import NIOHTTP1

/// One client's connection: takes its requests one after the other, and sends the answers in this order.
///
/// Belongs to the server's event loop.
final class HTTPConnection: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  /// What the connection is at, those first whose end harms least.
  enum Phase: Int {
    /// Nothing more is sent; what still comes is dropped.
    case closing
    case idle, head, body
    /// All of an answer is on its way.
    case sending
    case answering
  }

  private(set) var phase = Phase.idle
  /// When the phase began.
  private(set) var since = NIODeadline.now()

  private let channel: any Channel
  private let server: ServerState
  private var timer: Scheduled<Void>?
  private var incoming: IncomingRequest?
  private var exchange: Exchange?
  private var call: HTTPCall?
  /// Parts of requests that came before the current one was answered, and why nothing follows them.
  private var backlog = CircularBuffer<HTTPServerRequestPart>(initialCapacity: 0)
  private var failure: HTTPParserError?
  private var isReadDue = false

  init(_ channel: any Channel, of server: ServerState) {
    self.channel = channel
    self.server = server
  }

  /// Ends the connection at once.
  func close() {
    channel.close(promise: nil)
  }

  private var isBusy: Bool { phase == .sending || phase == .answering }

  private func enter(_ phase: Phase, for seconds: Double?) {
    self.phase = phase
    since = .now()
    timer?.cancel()
    timer = seconds.map { seconds in
      channel.eventLoop.assumeIsolated().scheduleTask(in: .seconds(seconds)) { self.expire() }
    }
  }

  private func expire() {
    switch phase {
    case .head, .body: refuse(Refusal(408, "The request took too long to arrive."))
    case .closing, .idle, .sending, .answering: close()
    }
  }

  // MARK: Events of the channel

  func channelActive(context: ChannelHandlerContext) {
    enter(.idle, for: server.settings.idleSeconds)
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    enter(.closing, for: nil)
    if let call {
      call.cancel(.clientLeft)
      server.queue.withdraw(call)
    }
    dropBody()
    if let exchange { server.settings.log?(exchange.line + ", cancelled") }
    (exchange, call) = (nil, nil)
    backlog.removeAll()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let part = Self.unwrapInboundIn(data)
    if isBusy { backlog.append(part) } else { take(part) }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if phase == .idle { enter(.head, for: server.settings.headerSeconds) }
    context.fireChannelReadComplete()
  }

  /// Leaves further requests to the system while one is answered.
  func read(context: ChannelHandlerContext) {
    if isBusy { isReadDue = true } else { context.read() }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch error {
    case let error as HTTPParserError:
      failure = error
      if !isBusy { refuseFailure() }
    // What arrives after an error of the parser.
    case is ByteToMessageDecoderError: break
    default: close()
    }
  }

  // MARK: Requests

  private func take(_ part: HTTPServerRequestPart) {
    switch part {
    case .head(let head) where phase == .idle || phase == .head:
      enter(.body, for: server.settings.bodySeconds)
      exchange = Exchange(head)
      let incoming = IncomingRequest(head)
      self.incoming = incoming
      if let refusal = incoming.refusal(server) {
        refuse(refusal)
      } else if incoming.awaitsContinue {
        write(.head(HTTPResponseHead(version: .http1_1, status: .continue)))
        channel.flush()
      }
    case .body(let bytes) where phase == .body:
      guard (incoming?.body.count ?? 0) + bytes.readableBytes <= server.settings.maximumBodyBytes else {
        return refuse(.tooLarge(server.settings.maximumBodyBytes))
      }
      guard server.queue.hold(bytes.readableBytes) else { return refuse(.busy) }
      incoming?.body.append(contentsOf: bytes.readableBytesView)
    case .end where phase == .body: dispatch()
    default: break
    }
  }

  private func dispatch() {
    guard let request = incoming?.request else { return }
    let (handler, seconds) = (server.handler, server.settings.answerSeconds)
    let call = HTTPCall(self, on: channel)
    guard
      server.queue.submit(
        call, holding: request.body.count, { call.run(handler, on: request, seconds: seconds) })
    else { return refuse(.busy) }
    incoming = nil
    self.call = call
    enter(.answering, for: nil)
  }

  private func next() {
    enter(.idle, for: server.settings.idleSeconds)
    while !isBusy, let part = backlog.popFirst() { take(part) }
    if isBusy { return }
    if failure != nil { refuseFailure() }
    readIfDue()
  }

  private func readIfDue() {
    guard isReadDue else { return }
    isReadDue = false
    channel.read()
  }

  private func dropBody() {
    if let incoming { server.queue.release(incoming.body.count) }
    incoming = nil
  }

  // MARK: Answers

  /// Sends the answer to this call.
  func send(_ response: HTTPResponse, for call: HTTPCall) {
    if call === self.call { send(response) }
  }

  /// Sends the head of the answer to this call.
  func begin(_ response: HTTPResponse, for call: HTTPCall) {
    guard call === self.call else { return }
    if exchange?.takesChunks == false { exchange?.keepsAlive = false }
    writeHead(response, length: nil)
    channel.flush()
  }

  /// Sends a piece of the answer to this call, and says when the system has taken it.
  func write(_ bytes: ByteBuffer, for call: HTTPCall, _ written: EventLoopPromise<Void>) {
    guard call === self.call else { return written.fail(HTTPServerError.cancelled) }
    if exchange?.isHead == true { return written.succeed() }
    write(.body(.byteBuffer(bytes)), written)
    channel.flush()
  }

  /// Ends the answer to this call.
  func end(for call: HTTPCall) {
    if call === self.call { finish() }
  }

  private func send(_ response: HTTPResponse) {
    writeHead(response, length: response.body.count)
    if exchange?.isHead == false, Exchange.mayHaveBody(response.status), !response.body.isEmpty {
      write(.body(.byteBuffer(ByteBuffer(bytes: response.body))))
    }
    finish()
  }

  /// Answers and closes: the rest of the request is not read.
  private func refuse(_ refusal: Refusal) {
    var response = server.handler.refusal(
      status: refusal.status, text: refusal.text, path: incoming?.path)
    response.status = refusal.status
    response.headers += refusal.headers
    dropBody()
    if exchange == nil { exchange = Exchange() }
    exchange?.keepsAlive = false
    send(response)
  }

  private func refuseFailure() {
    guard phase != .closing else { return }
    switch failure {
    case .headerOverflow: refuse(Refusal(431, "The head of the request is too large."))
    case .invalidVersion: refuse(Refusal(505, "The server speaks HTTP/1.1."))
    // The parser says so when the client leaves in the middle of a request.
    case .invalidEOFState: close()
    default: refuse(Refusal(400, "The request is not in the form of HTTP/1.1."))
    }
  }

  private func writeHead(_ response: HTTPResponse, length: Int?) {
    guard let exchange else { return }
    self.exchange?.status = response.status
    let head = exchange.head(of: response, length: length, policy: server.settings.contentSecurityPolicy)
    write(.head(head))
  }

  /// Ends the answer, and goes on once the system has taken all of it: a client that does not read gets no further.
  private func finish() {
    call = nil
    enter(.sending, for: server.settings.answerSeconds)
    let sent = channel.eventLoop.makePromise(of: Void.self)
    sent.futureResult.assumeIsolated().whenComplete { result in
      guard case .success = result, let exchange = self.exchange else { return self.close() }
      self.server.settings.log?(exchange.line)
      self.exchange = nil
      if exchange.keepsAlive { self.next() } else { self.linger() }
    }
    write(.end(nil), sent)
    channel.flush()
  }

  /// Lets the client read the answer first: closing with input unread would tell it that the connection broke.
  private func linger() {
    enter(.closing, for: 2)
    channel.close(mode: .output, promise: nil)
    backlog.removeAll()
    readIfDue()
  }

  private func write(_ part: HTTPServerResponsePart, _ promise: EventLoopPromise<Void>? = nil) {
    channel.write(part, promise: promise)
  }
}

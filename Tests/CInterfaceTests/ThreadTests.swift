import CGradCAM
import Foundation
import Testing

/// Calls from several threads.
struct ThreadTests {
  /// A model's handle for other threads.
  private struct Handle: @unchecked Sendable {
    let model: OpaquePointer?
  }

  private func inAnotherThread(_ body: @escaping @Sendable () -> Void) -> DispatchSemaphore {
    let done = DispatchSemaphore(value: 0)
    Thread {
      body()
      done.signal()
    }.start()
    return done
  }

  @Test func everyThreadHasItsOwnLastError() {
    #expect(Int(gradcam_run(nil, nil)) == GRADCAM_USAGE && lastError.contains("'image'"))
    inAnotherThread {
      #expect(lastError == "")
      #expect(Int(gradcam_get_model_info(nil, nil)) == GRADCAM_USAGE && lastError.contains("'model'"))
    }.wait()
    #expect(lastError.contains("'image'"))
  }

  @Test func aModelInUseRefusesAnotherThread() throws {
    let client = try Client()
    try client.run(sample)
    let handle = Handle(model: client.model)
    let done = inAnotherThread {
      var request = gradcam_request(), made: OpaquePointer?
      request.size = MemoryLayout<gradcam_request>.size
      let status = "sscam".withCString { method in
        request.method = method
        return gradcam_explain(handle.model, &request, &made)
      }
      #expect(status == 0)
      gradcam_close_explanation(made)
    }
    var isRefused = false, isDone = false
    while !isRefused, !isDone {
      var label: UnsafePointer<CChar>?
      isRefused = gradcam_get_label(client.model, 0, &label) != 0
      isDone = !isRefused && done.wait(timeout: .now() + 0.001) == .success
    }
    #expect(isRefused && lastError.contains("argument 'model': is in use by another thread"))
    if !isDone { done.wait() }
    #expect(try client.info.class_count == 8)
  }

  @Test func differentModelsWorkAtATime() throws {
    let clients = try [Client(), Client()]
    for client in clients { try client.run(sample) }
    let truth = try clients[0].explain().map()
    let handles = clients.map { Handle(model: $0.model) }
    let waits = handles.map { handle in
      inAnotherThread {
        for _ in 0..<20 {
          var made: OpaquePointer?, values = [Float](repeating: 0, count: truth.count)
          #expect(gradcam_explain(handle.model, nil, &made) == 0)
          #expect(gradcam_copy_map(made, &values, values.count) == 0 && values == truth)
          gradcam_close_explanation(made)
        }
      }
    }
    withExtendedLifetime(clients) { for wait in waits { wait.wait() } }
  }
}

// Runs tests of the page's modules: loaded after them and before the files *.test.js. Results are {name, error}, where
// error is null for a test that passed.
globalThis.results = [];
globalThis.running = [];

/** Runs a test, one that waits among them, and notes how it ended. */
function test(name, body) {
  const run = async () => {
    try {
      await body();
      results.push({ name, error: null });
    } catch (error) {
      results.push({ name, error: String(error.stack ?? error) });
    }
  };
  running.push(run());
}

/** Fails unless two values are equal, numbers, texts, arrays and objects alike. */
function equal(actual, expected) {
  const plain = (value) => JSON.stringify(value, (key, inner) => {
    if (ArrayBuffer.isView(inner)) return [...inner];
    if (inner instanceof Set) return [...inner];
    if (inner instanceof Map) return [...inner.entries()];
    return inner === undefined ? "undefined" : inner;
  });
  if (plain(actual) !== plain(expected)) throw new Error(`${plain(actual)} is not ${plain(expected)}`);
}

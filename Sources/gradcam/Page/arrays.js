// Arrays of numbers as the documents of the interface hold them, and as files hold them.

/** The bytes that a base64 text stands for. */
export function bytesOfBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

/** Bytes as a base64 text. */
export function base64OfBytes(bytes) {
  if (bytes.toBase64) return bytes.toBase64();
  const parts = [];
  for (let i = 0; i < bytes.length; i += 0x6000) parts.push(btoa(String.fromCharCode(...bytes.subarray(i, i + 0x6000))));
  return parts.join("");
}

/** The numbers of `{shape, data}`, where `data` is the base64 of little-endian 32-bit floats. */
export function floatsOf(array) {
  const bytes = bytesOfBase64(array.data);
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >> 2);
}

/** Numbers as `{shape, data}`: the inverse of `floatsOf`. */
export function arrayDocument(values, shape) {
  return { shape, data: base64OfBytes(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)) };
}

/** A NumPy file, version 1.0, of 32-bit floats in C order. */
export function npyBytes(values, shape) {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`;
  // Magic, version and length take 10 bytes; the values start at a multiple of 64.
  const length = Math.ceil((10 + header.length + 1) / 64) * 64 - 10;
  const bytes = new Uint8Array(10 + length + 4 * values.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 255, length >> 8]);
  bytes.set(new TextEncoder().encode(header.padEnd(length - 1) + "\n"), 10);
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 10 + length);
  return bytes;
}

/** An object as JSON with its keys in order, so that equal objects give equal texts. */
export function canonicalJSON(value) {
  return JSON.stringify(value, (key, inner) =>
    inner && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner);
}

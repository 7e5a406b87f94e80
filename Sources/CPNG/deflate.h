#ifndef DEFLATE_H
#define DEFLATE_H

#include <stddef.h>
#include <stdint.h>

/// The bytes that one block takes at most.
enum { DEFLATE_BLOCK = 65535, DEFLATE_BLOCK_CAPACITY = DEFLATE_BLOCK + DEFLATE_BLOCK / 4 + 1024 };

/// Bits on their way out; the last ones are written by `deflate_finish`.
typedef struct {
  uint8_t *next;
  uint64_t bits;
  unsigned count;
} DeflateOutput;

/// Codes `count` ≤ DEFLATE_BLOCK bytes as one block of the deflate format (RFC 1951): runs of one byte, and a Huffman
/// code of the block's own. There is no search for other repetitions: what filters of a picture leave has few.
void deflate_block(DeflateOutput *output, const uint8_t *bytes, size_t count, int is_last);

/// Writes the bits that do not fill a byte yet.
void deflate_finish(DeflateOutput *output);

#endif

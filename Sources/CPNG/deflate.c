#include "deflate.h"

#include <stdlib.h>
#include <string.h>

// Tokens of a block: a byte, or 256 + the length of a run of the byte before.
enum { SYMBOLS = 286, END = 256, LONGEST_RUN = 258, SHORTEST_RUN = sizeof(uint32_t), TOKENS = 256 + LONGEST_RUN + 1 };

typedef struct {
  uint32_t bits;
  uint32_t count;
} Code;

static const uint16_t length_base[29] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                         31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t length_extra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                         2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};

static unsigned length_symbol(unsigned length) {
  unsigned symbol = 28;
  while (length < length_base[symbol]) symbol--;
  return symbol;
}

typedef struct {
  uint32_t frequency;
  uint16_t symbol;
} Leaf;

static int by_frequency(const void *left, const void *right) {
  const Leaf *a = left, *b = right;
  if (a->frequency != b->frequency) return a->frequency < b->frequency ? -1 : 1;
  return (int)a->symbol - (int)b->symbol;
}

/// Lengths of a Huffman code of at most `limit` bits; symbols of frequency 0 get none.
static void code_lengths(const uint32_t *frequencies, unsigned symbols, unsigned limit, uint8_t *lengths) {
  Leaf leaves[SYMBOLS];
  unsigned count = 0;
  memset(lengths, 0, symbols);
  for (unsigned symbol = 0; symbol < symbols; symbol++) {
    if (frequencies[symbol] > 0) leaves[count++] = (Leaf){frequencies[symbol], (uint16_t)symbol};
  }
  if (count == 1) lengths[leaves[0].symbol] = 1;
  if (count < 2) return;
  qsort(leaves, count, sizeof(Leaf), by_frequency);

  // Inner nodes arise by rising weight, so that the lightest two are at the head of one of two queues.
  uint32_t weights[SYMBOLS];
  uint16_t leaf_parents[SYMBOLS], parents[SYMBOLS], depths[SYMBOLS];
  unsigned leaf = 0, inner = 0;
  for (unsigned made = 0; made < count - 1; made++) {
    uint32_t weight = 0;
    for (int child = 0; child < 2; child++) {
      if (inner == made || (leaf < count && leaves[leaf].frequency <= weights[inner])) {
        weight += leaves[leaf].frequency;
        leaf_parents[leaf++] = (uint16_t)made;
      } else {
        weight += weights[inner];
        parents[inner++] = (uint16_t)made;
      }
    }
    weights[made] = weight;
  }
  unsigned of_length[SYMBOLS + 1] = {0};
  depths[count - 2] = 0;
  for (unsigned node = count - 2; node-- > 0;) depths[node] = depths[parents[node]] + 1;
  for (unsigned index = 0; index < count; index++) {
    unsigned depth = depths[leaf_parents[index]] + 1u;
    of_length[depth < limit ? depth : limit]++;
  }
  // Codes that were cut short claim too much of the space: others are made longer until all fit.
  uint32_t space = 0;
  for (unsigned length = 1; length <= limit; length++) space += of_length[length] << (limit - length);
  for (; space > 1u << limit; space--) {
    unsigned length = limit - 1;
    while (of_length[length] == 0) length--;
    of_length[length]--;
    of_length[length + 1] += 2;
    of_length[limit]--;
  }
  unsigned index = 0;
  for (unsigned length = limit; length > 0; length--) {
    for (unsigned i = 0; i < of_length[length]; i++) lengths[leaves[index++].symbol] = (uint8_t)length;
  }
}

/// The canonical code of some lengths, first bit lowest.
static void make_codes(const uint8_t *lengths, unsigned symbols, Code *codes) {
  uint32_t next[17] = {0}, of_length[17] = {0};
  for (unsigned symbol = 0; symbol < symbols; symbol++) of_length[lengths[symbol]]++;
  of_length[0] = 0;
  for (unsigned length = 1; length < 17; length++) next[length] = (next[length - 1] + of_length[length - 1]) << 1;
  for (unsigned symbol = 0; symbol < symbols; symbol++) {
    unsigned length = lengths[symbol];
    uint32_t code = length > 0 ? next[length]++ : 0, reversed = 0;
    for (unsigned bit = 0; bit < length; bit++) reversed |= (code >> bit & 1) << (length - 1 - bit);
    codes[symbol] = (Code){reversed, length};
  }
}

static inline void add(DeflateOutput *output, uint32_t bits, unsigned count) {
  output->bits |= (uint64_t)bits << output->count;
  output->count += count;
}

/// Writes whole bytes; room for eight is needed.
static inline void flush(DeflateOutput *output) {
  uint64_t bits = output->bits;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  bits = __builtin_bswap64(bits);
#endif
  memcpy(output->next, &bits, 8);
  output->next += output->count >> 3;
  output->bits >>= output->count & ~7u;
  output->count &= 7;
}

static void write_header(DeflateOutput *output, const uint8_t *lengths, int is_last) {
  static const uint8_t order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
  uint32_t frequencies[19] = {0};
  uint8_t meta_lengths[19];
  Code meta[19];
  for (unsigned symbol = 0; symbol < SYMBOLS; symbol++) frequencies[lengths[symbol]]++;
  frequencies[1]++;  // of the one distance
  code_lengths(frequencies, 19, 7, meta_lengths);
  make_codes(meta_lengths, 19, meta);
  add(output, is_last ? 1 : 0, 1);
  add(output, 2, 2);
  add(output, SYMBOLS - 257, 5);
  add(output, 0, 5);
  add(output, 19 - 4, 4);
  flush(output);
  for (unsigned index = 0; index < 19; index++) {
    add(output, meta_lengths[order[index]], 3);
    flush(output);
  }
  for (unsigned symbol = 0; symbol <= SYMBOLS; symbol++) {
    Code code = meta[symbol < SYMBOLS ? lengths[symbol] : 1];
    add(output, code.bits, code.count);
    flush(output);
  }
}

/// Splits bytes into tokens.
static size_t tokenize(const uint8_t *bytes, size_t count, uint16_t *tokens) {
  size_t made = 0, at = 0;
  while (at < count) {
    uint8_t byte = bytes[at];
    tokens[made++] = byte;
    at++;
    if (at + SHORTEST_RUN > count) continue;
    uint32_t next;
    memcpy(&next, bytes + at, SHORTEST_RUN);
    if (next != byte * 0x01010101u) continue;
    size_t end = at + SHORTEST_RUN, limit = at + LONGEST_RUN < count ? at + LONGEST_RUN : count;
    while (end < limit && bytes[end] == byte) end++;
    tokens[made++] = (uint16_t)(256 + (end - at));
    at = end;
  }
  return made;
}

/// How often each token stands; four tables in turn, for equal neighbours would wait for each other.
static void count_tokens(const uint16_t *tokens, size_t count, uint32_t *counts) {
  uint32_t tables[4][TOKENS] = {{0}};
  for (size_t index = 0; index < count; index++) tables[index & 3][tokens[index]]++;
  for (unsigned token = 0; token < TOKENS; token++) {
    counts[token] = tables[0][token] + tables[1][token] + tables[2][token] + tables[3][token];
  }
}

void deflate_block(DeflateOutput *output, const uint8_t *bytes, size_t count, int is_last) {
  uint16_t tokens[DEFLATE_BLOCK];
  uint32_t counts[TOKENS], frequencies[SYMBOLS] = {0};
  size_t made = tokenize(bytes, count, tokens);
  count_tokens(tokens, made, counts);

  memcpy(frequencies, counts, 256 * sizeof(uint32_t));
  frequencies[END] = 1;
  for (unsigned length = SHORTEST_RUN; length <= LONGEST_RUN; length++) {
    frequencies[257 + length_symbol(length)] += counts[256 + length];
  }
  uint8_t lengths[SYMBOLS];
  Code symbols[SYMBOLS], codes[TOKENS];
  code_lengths(frequencies, SYMBOLS, 15, lengths);
  make_codes(lengths, SYMBOLS, symbols);
  memcpy(codes, symbols, 256 * sizeof(Code));
  for (unsigned length = SHORTEST_RUN; length <= LONGEST_RUN; length++) {
    unsigned symbol = length_symbol(length);
    Code code = symbols[257 + symbol];
    // Behind the extra bits comes the code of the one distance: a single 0.
    codes[256 + length] = (Code){code.bits | (uint32_t)(length - length_base[symbol]) << code.count,
                                 code.count + length_extra[symbol] + 1};
  }

  write_header(output, lengths, is_last);
  DeflateOutput local = *output;
  size_t index = 0;
  for (; index + 1 < made; index += 2) {
    add(&local, codes[tokens[index]].bits, codes[tokens[index]].count);
    add(&local, codes[tokens[index + 1]].bits, codes[tokens[index + 1]].count);
    flush(&local);
  }
  if (index < made) add(&local, codes[tokens[index]].bits, codes[tokens[index]].count);
  add(&local, symbols[END].bits, symbols[END].count);
  flush(&local);
  *output = local;
}

void deflate_finish(DeflateOutput *output) {
  flush(output);
  if (output->count > 0) *output->next++ = (uint8_t)output->bits;
  output->bits = output->count = 0;
}

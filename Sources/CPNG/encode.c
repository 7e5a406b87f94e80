#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CPNG.h"

#if defined(__x86_64__) && defined(__linux__) && !defined(SIMD_ONE_LEVEL)
#define SIMD __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define SIMD
#endif

enum { samples = 3, paeth = 4 };

static inline int16_t magnitude(int16_t value) { return value < 0 ? -value : value; }

// Writes the differences of `count` samples from what Paeth's predictor makes of the pixel before, the one above and the
// one before that. The first `samples` of `row` and `above` belong to the pixel before the first, and are 0.
SIMD static void filter(const uint8_t *restrict row, const uint8_t *restrict above, size_t count, uint8_t *restrict to) {
  for (size_t i = 0; i < count; i++) {
    const int16_t left = row[i], up = above[i + samples], corner = above[i];
    const int16_t from_left = magnitude(up - corner), from_up = magnitude(left - corner);
    const int16_t from_corner = magnitude(left + up - 2 * corner);
    const int16_t nearest = from_up <= from_corner ? up : corner;
    to[i] = row[i + samples] - (from_left <= from_up && from_left <= from_corner ? left : nearest);
  }
}

// The filtered rows, each after the number of its filter; NULL if there is no memory.
static uint8_t *filtered(const uint8_t *rgb, uint32_t width, uint32_t height) {
  const size_t count = samples * (size_t)width, row_size = count + 1;
  uint8_t *rows = malloc(row_size * height), *two = calloc(2, count + samples);
  if (rows == NULL || two == NULL) {
    free(rows);
    free(two);
    return NULL;
  }
  uint8_t *row = two, *above = two + count + samples;
  for (uint32_t y = 0; y < height; y++) {
    memcpy(row + samples, rgb + y * count, count);
    rows[y * row_size] = paeth;
    filter(row, above, count, rows + y * row_size + 1);
    uint8_t *last = row;
    row = above;
    above = last;
  }
  free(two);
  return rows;
}

typedef struct {
  uint8_t *bytes;
  size_t count;
} Sink;

static void store_number(uint8_t *to, uint32_t number) {
  for (int i = 0; i < 4; i++) to[i] = (uint8_t)(number >> (24 - 8 * i));
}

// The length of a chunk, its type and a checksum stand around its data.
enum { chunk_overhead = 12 };

// Where the data of a chunk goes; `end_chunk` follows.
static uint8_t *begin_chunk(const Sink *sink, const char *type) {
  memcpy(sink->bytes + sink->count + 4, type, 4);
  return sink->bytes + sink->count + 8;
}

static void end_chunk(Sink *sink, size_t count) {
  uint8_t *chunk = sink->bytes + sink->count;
  store_number(chunk, (uint32_t)count);
  store_number(chunk + 8 + count, crc32_gzip_refl(0, chunk + 4, 4 + count));
  sink->count += chunk_overhead + count;
}

// A keyword and its end; of an international text, no compression, no language and no translated keyword.
static size_t text_prefix(const GradCAMPNGText *text) { return strlen(text->keyword) + (text->is_international ? 5 : 1); }

static void put_text(Sink *sink, const GradCAMPNGText *text) {
  const size_t prefix = text_prefix(text), length = strlen(text->text);
  uint8_t *to = begin_chunk(sink, text->is_international ? "iTXt" : "tEXt");
  memset(to, 0, prefix);
  memcpy(to, text->keyword, strlen(text->keyword));
  memcpy(to + prefix, text->text, length);
  end_chunk(sink, prefix + length);
}

// Compresses rows in zlib's format; returns the number of bytes written, 0 if there is no memory.
static size_t compress_rows(uint8_t *rows, size_t count, uint8_t *to, size_t capacity) {
  struct isal_zstream *stream = malloc(sizeof *stream);
  uint8_t *buffer = malloc(ISAL_DEF_LVL1_DEFAULT);
  size_t written = 0;
  if (stream != NULL && buffer != NULL) {
    isal_deflate_init(stream);
    stream->level = 1;
    stream->level_buf = buffer;
    stream->level_buf_size = ISAL_DEF_LVL1_DEFAULT;
    stream->gzip_flag = IGZIP_ZLIB;
    stream->end_of_stream = 1;
    stream->next_in = rows;
    stream->avail_in = (uint32_t)count;
    stream->next_out = to;
    stream->avail_out = (uint32_t)capacity;
    if (isal_deflate(stream) == COMP_OK && stream->internal_state.state == ZSTATE_END) written = stream->total_out;
  }
  free(stream);
  free(buffer);
  return written;
}

int gradcam_png_encode(const uint8_t *rgb, uint32_t width, uint32_t height, const GradCAMPNGText *texts,
                       size_t text_count, uint8_t **bytes, size_t *count, char *message) {
  static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  // Numbers that cannot be compressed are stored, with a few bytes for each block.
  const size_t raw = (samples * (size_t)width + 1) * height, bound = raw + raw / 16 + 4096;
  if (bound > INT32_MAX) {
    snprintf(message, 256, "it is too large");
    return -1;
  }
  size_t capacity = sizeof signature + 3 * chunk_overhead + 13 + bound;
  for (size_t i = 0; i < text_count; i++) {
    capacity += chunk_overhead + text_prefix(&texts[i]) + strlen(texts[i].text);
  }
  uint8_t *rows = filtered(rgb, width, height);
  Sink sink = {rows == NULL ? NULL : malloc(capacity), 0};
  size_t compressed = 0;
  if (sink.bytes != NULL) {
    memcpy(sink.bytes, signature, sizeof signature);
    sink.count = sizeof signature;
    // Width, height, 8 bits, RGB, and the only methods of compression, filters and order of rows that there are.
    uint8_t header[13] = {[8] = 8, [9] = 2};
    store_number(header, width);
    store_number(header + 4, height);
    memcpy(begin_chunk(&sink, "IHDR"), header, sizeof header);
    end_chunk(&sink, sizeof header);
    for (size_t i = 0; i < text_count; i++) put_text(&sink, &texts[i]);
    compressed = compress_rows(rows, raw, begin_chunk(&sink, "IDAT"), bound);
  }
  free(rows);
  if (compressed == 0) {
    snprintf(message, 256, "out of memory");
    free(sink.bytes);
    return -1;
  }
  end_chunk(&sink, compressed);
  begin_chunk(&sink, "IEND");
  end_chunk(&sink, 0);
  *bytes = sink.bytes;
  *count = sink.count;
  return 0;
}

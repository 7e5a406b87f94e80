#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

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

// Filters rows [first, last), each after the number of its filter; returns 0 if there is no memory.
static int filter_rows(const uint8_t *rgb, uint32_t width, uint32_t first, uint32_t last, uint8_t *to) {
  const size_t count = samples * (size_t)width;
  uint8_t *two = calloc(2, count + samples), *row = two, *above = two + count + samples;
  if (two == NULL) return 0;
  if (first > 0) memcpy(above + samples, rgb + (first - 1) * count, count);
  for (uint32_t y = first; y < last; y++, to += 1 + count) {
    memcpy(row + samples, rgb + y * count, count);
    to[0] = paeth;
    filter(row, above, count, to + 1);
    uint8_t *before = row;
    row = above;
    above = before;
  }
  free(two);
  return 1;
}

static void store_number(uint8_t *to, uint32_t number) {
  for (int i = 0; i < 4; i++) to[i] = (uint8_t)(number >> (24 - 8 * i));
}

// The length of a chunk, its type and a checksum stand around its data.
enum { chunk_overhead = 12 };

// Where the data of a chunk goes; `end_chunk` follows.
static uint8_t *begin_chunk(uint8_t *to, const char *type) {
  memcpy(to + 4, type, 4);
  return to + 8;
}

// Returns where the next chunk goes.
static uint8_t *end_chunk(uint8_t *chunk, size_t count) {
  store_number(chunk, (uint32_t)count);
  store_number(chunk + 8 + count, crc32_gzip_refl(0, chunk + 4, 4 + count));
  return chunk + chunk_overhead + count;
}

// A keyword and its end; of an international text, no compression, no language and no translated keyword.
static size_t text_prefix(const GradCAMPNGText *text) { return strlen(text->keyword) + (text->is_international ? 5 : 1); }

static uint8_t *put_text(uint8_t *to, const GradCAMPNGText *text) {
  const size_t prefix = text_prefix(text), length = strlen(text->text);
  uint8_t *data = begin_chunk(to, text->is_international ? "iTXt" : "tEXt");
  memset(data, 0, prefix);
  memcpy(data, text->keyword, strlen(text->keyword));
  memcpy(data + prefix, text->text, length);
  return end_chunk(to, prefix + length);
}

// The number of bytes of rows with their filters' numbers.
static size_t row_bytes(uint32_t width, uint32_t rows) { return (samples * (size_t)width + 1) * rows; }

// Before and after all that is compressed.
enum { zlib_header_size = 2, checksum_size = 4 };

// A picture that is compressed in bands of rows, each in a chunk of its own.
typedef struct {
  const uint8_t *rgb;
  uint32_t width, height, band_height;
  // Where chunks of bands go, `capacity` bytes apart, and how many bytes of data they have; 0 if there was no memory.
  uint8_t *bytes;
  size_t capacity;
  size_t *counts;
  // Adler's checksum of each band.
  uint32_t *checksums;
} Bands;

// The first row after a band.
static uint32_t band_end(const Bands *bands, size_t band) {
  const uint32_t first = (uint32_t)band * bands->band_height, left = bands->height - first;
  return left > bands->band_height ? first + bands->band_height : bands->height;
}

static void compress_band(void *all, size_t band) {
  const Bands *bands = all;
  const uint32_t first = (uint32_t)band * bands->band_height, last = band_end(bands, band);
  const size_t raw = row_bytes(bands->width, last - first);
  uint8_t *rows = malloc(raw), *buffer = malloc(ISAL_DEF_LVL1_DEFAULT);
  uint8_t *data = begin_chunk(bands->bytes + band * bands->capacity, "IDAT");
  // Deflated with a window of 32 kB, by the fastest algorithm.
  const size_t before = band == 0 ? zlib_header_size : 0;
  memcpy(data, "\x78\x01", before);
  struct isal_zstream *stream = malloc(sizeof *stream);
  bands->counts[band] = 0;
  if (rows != NULL && buffer != NULL && stream != NULL && filter_rows(bands->rgb, bands->width, first, last, rows)) {
    bands->checksums[band] = isal_adler32(1, rows, raw);
    isal_deflate_init(stream);
    stream->level = 1;
    stream->level_buf = buffer;
    stream->level_buf_size = ISAL_DEF_LVL1_DEFAULT;
    // Filtered pixels seldom repeat but in runs: references farther back than 256 bytes take more bits than they save.
    // With 6 bits or fewer, ISA-L 2.30 misses a match, or finds one more, if `stream` lies at certain addresses: the same
    // picture would not always be the same file.
    stream->hist_bits = 8;
    stream->flush = FULL_FLUSH;
    stream->end_of_stream = last == bands->height;
    stream->next_in = rows;
    stream->avail_in = (uint32_t)raw;
    stream->next_out = data + before;
    stream->avail_out = (uint32_t)(bands->capacity - chunk_overhead - before - checksum_size);
    if (isal_deflate(stream) == COMP_OK && stream->avail_in == 0 && stream->avail_out > 0)
      bands->counts[band] = before + stream->total_out;
  }
  free(rows);
  free(buffer);
  free(stream);
}

int gradcam_png_encode(const uint8_t *rgb, uint32_t width, uint32_t height, const GradCAMPNGText *texts,
                       size_t text_count, GradCAMPNGLoop loop, void *runner, uint8_t **bytes, size_t *count,
                       char *message) {
  static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  enum { header_size = 13, band_bytes = 256 << 10 };
  const size_t row = row_bytes(width, 1);
  if (row > INT32_MAX / 2 || height > INT32_MAX) {
    snprintf(message, 256, "it is too large");
    return -1;
  }
  const uint32_t band_height = row < band_bytes ? (uint32_t)(band_bytes / row) : 1;
  const size_t band_count = (height - 1) / band_height + 1, raw = row_bytes(width, band_height);
  // Numbers that cannot be compressed are stored, with a few bytes for each block.
  const size_t capacity = raw + raw / 16 + 4096;
  size_t head = sizeof signature + chunk_overhead + header_size;
  for (size_t i = 0; i < text_count; i++) head += chunk_overhead + text_prefix(&texts[i]) + strlen(texts[i].text);
  uint8_t *file = malloc(head + band_count * capacity + chunk_overhead);
  Bands bands = {rgb, width, height, band_height, file + head, capacity};
  bands.counts = calloc(band_count, sizeof *bands.counts);
  bands.checksums = calloc(band_count, sizeof *bands.checksums);
  int is_complete = file != NULL && bands.counts != NULL && bands.checksums != NULL;
  if (is_complete) {
    memcpy(file, signature, sizeof signature);
    uint8_t *end = file + sizeof signature;
    // Width, height, 8 bits, RGB, and the only methods of compression, filters and order of rows that there are.
    uint8_t header[header_size] = {[8] = 8, [9] = 2};
    store_number(header, width);
    store_number(header + 4, height);
    memcpy(begin_chunk(end, "IHDR"), header, sizeof header);
    end = end_chunk(end, sizeof header);
    for (size_t i = 0; i < text_count; i++) end = put_text(end, &texts[i]);

    loop(runner, band_count, compress_band, &bands);
    uint32_t checksum = 1;
    for (size_t band = 0; band < band_count; band++) {
      const uint32_t rows = band_end(&bands, band) - (uint32_t)band * band_height;
      checksum = (uint32_t)adler32_combine(checksum, bands.checksums[band], (z_off_t)row_bytes(width, rows));
      size_t size = bands.counts[band];
      is_complete &= size > 0;
      memmove(end, bands.bytes + band * capacity, chunk_overhead + size);
      if (band + 1 == band_count) {
        store_number(end + 8 + size, checksum);
        size += checksum_size;
      }
      end = end_chunk(end, size);
    }
    begin_chunk(end, "IEND");
    *count = (size_t)(end_chunk(end, 0) - file);
    *bytes = file;
  }
  free(bands.counts);
  free(bands.checksums);
  if (!is_complete) {
    snprintf(message, 256, "out of memory");
    free(file);
    return -1;
  }
  return 0;
}

#include "CGzip.h"

#include <stdlib.h>
#include <zlib.h>

// zlib counts in unsigned int.
static const size_t most = 1 << 30;

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

int gradcam_gunzip(const uint8_t *bytes, size_t count, uint8_t *result, size_t capacity, size_t *written) {
  z_stream stream = {0};
  *written = 0;
  // 16: a gzip header is expected.
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) return -1;
  size_t read = 0;
  int state = Z_OK;
  while (*written < capacity) {
    size_t given = smaller(count - read, most), room = smaller(capacity - *written, most);
    stream.next_in = (Bytef *)bytes + read;
    stream.avail_in = (uInt)given;
    stream.next_out = result + *written;
    stream.avail_out = (uInt)room;
    state = inflate(&stream, Z_NO_FLUSH);
    size_t used = given - stream.avail_in, made = room - stream.avail_out;
    read += used;
    *written += made;
    if (state == Z_STREAM_END) {
      // Another member may follow, as if the files were one.
      if (read + 2 > count || bytes[read] != 0x1F || bytes[read + 1] != 0x8B || inflateReset(&stream) != Z_OK) break;
    } else if (state != Z_OK || (used == 0 && made == 0)) {
      break;
    }
  }
  inflateEnd(&stream);
  return state == Z_OK || state == Z_STREAM_END || state == Z_BUF_ERROR ? 0 : -1;
}

int gradcam_gzip(const uint8_t *bytes, size_t count, uint8_t **result, size_t *written) {
  z_stream stream = {0};
  *result = NULL;
  *written = 0;
  if (deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) return -1;
  size_t capacity = deflateBound(&stream, count), read = 0;
  uint8_t *made = malloc(capacity);
  int state = made ? Z_OK : Z_MEM_ERROR;
  while (state == Z_OK) {
    size_t given = smaller(count - read, most), room = smaller(capacity - *written, most);
    stream.next_in = (Bytef *)bytes + read;
    stream.avail_in = (uInt)given;
    stream.next_out = made + *written;
    stream.avail_out = (uInt)room;
    state = deflate(&stream, read + given == count ? Z_FINISH : Z_NO_FLUSH);
    read += given - stream.avail_in;
    *written += room - stream.avail_out;
  }
  deflateEnd(&stream);
  if (state != Z_STREAM_END) {
    free(made);
    return -1;
  }
  *result = made;
  return 0;
}

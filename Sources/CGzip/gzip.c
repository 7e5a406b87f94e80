#include "CGzip.h"

#include <stdlib.h>
#include <zlib.h>

// zlib counts in unsigned int.
static const size_t most = 1 << 30;

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

struct gradcam_inflater {
  z_stream stream;
};

gradcam_inflater *gradcam_inflater_new(void) {
  gradcam_inflater *inflater = calloc(1, sizeof *inflater);
  // 16: a gzip header is expected.
  if (inflater && inflateInit2(&inflater->stream, 16 + MAX_WBITS) == Z_OK) return inflater;
  free(inflater);
  return NULL;
}

void gradcam_inflater_free(gradcam_inflater *inflater) {
  if (!inflater) return;
  inflateEnd(&inflater->stream);
  free(inflater);
}

int gradcam_inflate(gradcam_inflater *inflater, const uint8_t *bytes, size_t count, size_t *read, uint8_t *result,
                    size_t capacity, size_t *written) {
  z_stream *stream = &inflater->stream;
  size_t given = smaller(count, most), room = smaller(capacity, most);
  // zlib takes no null pointers, even if there is nothing.
  stream->next_in = (Bytef *)(bytes ? bytes : (const uint8_t *)"");
  stream->avail_in = (uInt)given;
  stream->next_out = result;
  stream->avail_out = (uInt)room;
  int state = inflate(stream, Z_NO_FLUSH);
  *read = given - stream->avail_in;
  *written = room - stream->avail_out;
  if (state == Z_STREAM_END) return inflateReset(stream) == Z_OK ? 1 : -1;
  return state == Z_OK || state == Z_BUF_ERROR ? 0 : -1;
}

int gradcam_gunzip(const uint8_t *bytes, size_t count, uint8_t *result, size_t capacity, size_t *written) {
  *written = 0;
  gradcam_inflater *inflater = gradcam_inflater_new();
  if (!inflater) return -1;
  size_t read = 0;
  int state = 0;
  while (*written < capacity) {
    size_t used, made;
    state = gradcam_inflate(inflater, bytes + read, count - read, &used, result + *written, capacity - *written, &made);
    read += used;
    *written += made;
    if (state < 0 || (used == 0 && made == 0)) break;
    // Another member may follow, as if the files were one.
    if (state == 1 && (read + 2 > count || bytes[read] != 0x1F || bytes[read + 1] != 0x8B)) break;
  }
  gradcam_inflater_free(inflater);
  return state < 0 ? -1 : 0;
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

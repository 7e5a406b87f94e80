#include "winograd.h"

#include <string.h>

#include "packed_product.h"
#include "simd.h"

static inline int64_t row_pitch(int64_t tiles) { return (tiles * winograd_tile + 2 + 31) & ~(int64_t)15; }

int64_t winograd_scratch(int64_t tiles) { return 12 * row_pitch(tiles); }

// The filters of one panel of outputs are transformed at a time, one a lane.
enum { lanes = product_rows_limit };

static inline void transform_filter_column(const float k[3][lanes], float t[6][lanes]) {
  for (int l = 0; l < lanes; l++) {
    float a = k[0][l], b = k[1][l], c = k[2][l];
    t[0][l] = a * 0.25f;
    t[1][l] = (a + b + c) * (-1.0f / 6);
    t[2][l] = (a - b + c) * (-1.0f / 6);
    t[3][l] = a * (1.0f / 24) + b * (1.0f / 12) + c * (1.0f / 6);
    t[4][l] = a * (1.0f / 24) - b * (1.0f / 12) + c * (1.0f / 6);
    t[5][l] = c;
  }
}

SIMD_KERNEL void winograd_weights(
    const float *weights, int64_t outputs, int64_t inputs, int64_t output_stride, int64_t input_stride, int rotated,
    int64_t first, int64_t last, float *u, int64_t cell_stride) {
  const int64_t height = product_rows();
  float k[3][3][lanes];  // [column][row]
  memset(k, 0, sizeof k);
  for (int64_t panel = first; panel < last; panel += height) {
    const int64_t present = smaller(height, outputs - panel);
    if (present < height) memset(k, 0, sizeof k);
    for (int64_t c = 0; c < inputs; c++) {
      for (int64_t l = 0; l < present; l++) {
        const unaligned_float *from =
            (const unaligned_float *)(weights + (panel + l) * output_stride + c * input_stride);
        for (int i = 0; i < 9; i++) k[i % 3][i / 3][l] = from[rotated ? 8 - i : i];
      }
      float t[3][6][lanes];  // [column][transformed row]
      for (int column = 0; column < 3; column++) transform_filter_column(k[column], t[column]);
      float *to = u + panel * inputs + c * height;
      for (int i = 0; i < 6; i++) {
        float row[3][lanes], done[6][lanes];
        for (int column = 0; column < 3; column++) memcpy(row[column], t[column][i], sizeof row[column]);
        transform_filter_column(row, done);
        for (int j = 0; j < 6; j++) memcpy(to + (i * 6 + j) * cell_stride, done[j], height * sizeof(float));
      }
    }
  }
}

SIMD_KERNEL void winograd_input(
    const float *x, int64_t height, int64_t width, int64_t pad_top, int64_t pad_left, int64_t tile_row, int64_t tiles,
    float *v, int64_t plane, float *scratch) {
  const int64_t padded = tiles * winograd_tile + 2, pitch = row_pitch(tiles);
  float *row[6], *mixed[6];
  for (int i = 0; i < 6; i++) row[i] = scratch + i * pitch, mixed[i] = scratch + (6 + i) * pitch;
  const int64_t present = width < padded - pad_left ? width : padded - pad_left;
  for (int i = 0; i < 6; i++) {
    int64_t h = tile_row * winograd_tile + i - pad_top;
    memset(row[i], 0, pitch * sizeof(float));
    if (h >= 0 && h < height) memcpy(row[i] + pad_left, x + h * width, present * sizeof(float));
  }
  for (int64_t k = 0; k < padded; k++) {
    float a = row[0][k], b = row[1][k], c = row[2][k], d = row[3][k], e = row[4][k], f = row[5][k];
    mixed[0][k] = 4 * a - 5 * c + e;
    mixed[1][k] = -4 * (b + c) + d + e;
    mixed[2][k] = 4 * (b - c) - d + e;
    mixed[3][k] = 2 * (d - b) - c + e;
    mixed[4][k] = 2 * (b - d) - c + e;
    mixed[5][k] = 4 * b - 5 * d + f;
  }
  for (int i = 0; i < 6; i++) {
    const float *restrict q = mixed[i];
    float *restrict o = v + i * 6 * plane;
    for (int64_t t = 0; t < tiles; t++) {
      float a = q[4 * t], b = q[4 * t + 1], c = q[4 * t + 2], d = q[4 * t + 3], e = q[4 * t + 4], f = q[4 * t + 5];
      o[t] = 4 * a - 5 * c + e;
      o[plane + t] = -4 * (b + c) + d + e;
      o[2 * plane + t] = 4 * (b - c) - d + e;
      o[3 * plane + t] = 2 * (d - b) - c + e;
      o[4 * plane + t] = 2 * (b - d) - c + e;
      o[5 * plane + t] = 4 * b - 5 * d + f;
    }
  }
}

SIMD_KERNEL void winograd_output(
    const float *m, int64_t plane, int64_t tiles, int64_t height, int64_t width, int64_t tile_row, float bias,
    float low, float high, float *y, float *scratch) {
  const int64_t pitch = row_pitch(tiles);
  for (int i = 0; i < 6; i++) {
    const float *restrict s = m + i * 6 * plane;
    float *restrict part = scratch + i * pitch;
    for (int64_t t = 0; t < tiles; t++) {
      float a = s[t], b = s[plane + t], c = s[2 * plane + t], d = s[3 * plane + t], e = s[4 * plane + t],
            f = s[5 * plane + t];
      part[4 * t] = a + b + c + d + e;
      part[4 * t + 1] = b - c + 2 * (d - e);
      part[4 * t + 2] = b + c + 4 * (d + e);
      part[4 * t + 3] = b - c + 8 * (d - e) + f;
    }
  }
  const float *restrict p0 = scratch, *restrict p1 = scratch + pitch, *restrict p2 = scratch + 2 * pitch;
  const float *restrict p3 = scratch + 3 * pitch, *restrict p4 = scratch + 4 * pitch, *restrict p5 = scratch + 5 * pitch;
  // value(r, k) for the four output rows of the tiles.
#define OUTPUT_ROW(r, expression)                                  \
  if (tile_row * winograd_tile + r < height) {                     \
    float *restrict o = y + (tile_row * winograd_tile + r) * width; \
    for (int64_t k = 0; k < width; k++) {                          \
      float value = (expression) + bias;                           \
      value = value < low ? low : value;                           \
      o[k] = value > high ? high : value;                          \
    }                                                              \
  }
  OUTPUT_ROW(0, p0[k] + p1[k] + p2[k] + p3[k] + p4[k])
  OUTPUT_ROW(1, p1[k] - p2[k] + 2 * (p3[k] - p4[k]))
  OUTPUT_ROW(2, p1[k] + p2[k] + 4 * (p3[k] + p4[k]))
  OUTPUT_ROW(3, p1[k] - p2[k] + 8 * (p3[k] - p4[k]) + p5[k])
#undef OUTPUT_ROW
}

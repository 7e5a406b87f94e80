#include "CTIFF.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

// As in the headers of libtiff 4.5 and later, libtiff.so.6.
typedef struct tiff TIFF;
typedef struct TIFFOpenOptions TIFFOpenOptions;
typedef ssize_t (*transfer)(void *source, void *buffer, ssize_t count);
typedef int (*report)(TIFF *file, void *user, const char *module, const char *format, va_list arguments);
enum {
  IMAGE_WIDTH = 256,
  IMAGE_LENGTH = 257,
  BITS_PER_SAMPLE = 258,
  COMPRESSION = 259,
  PHOTOMETRIC = 262,
  ORIENTATION = 274,
  SAMPLES_PER_PIXEL = 277,
  PLANAR_CONFIG = 284,
  COLOR_MAP = 320,
  TILE_WIDTH = 322,
  TILE_LENGTH = 323,
  SAMPLE_FORMAT = 339,
  ROWS_PER_STRIP = 278,
  JPEG_COLOR_MODE = 65538,
};
enum { COMPRESSION_JPEG = 7, COLOR_MODE_RGB = 1, SEPARATE_PLANES = 2, UPPER_LEFT = 1 };
enum { WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, MASK, SEPARATED, YCBCR };

static struct {
  TIFFOpenOptions *(*options_alloc)(void);
  void (*options_free)(TIFFOpenOptions *);
  void (*set_max_single_alloc)(TIFFOpenOptions *, ssize_t);
  void (*set_error_handler)(TIFFOpenOptions *, report, void *user);
  void (*set_warning_handler)(TIFFOpenOptions *, report, void *user);
  TIFF *(*open)(const char *name, const char *mode, void *source, transfer read, transfer write,
                uint64_t (*seek)(void *, uint64_t, int), int (*close)(void *), uint64_t (*size)(void *),
                int (*map)(void *, void **, uint64_t *), void (*unmap)(void *, void *, uint64_t), TIFFOpenOptions *);
  void (*close)(TIFF *);
  int (*set_directory)(TIFF *, uint32_t);
  int (*get_field)(TIFF *, uint32_t tag, ...);
  int (*get_field_defaulted)(TIFF *, uint32_t tag, ...);
  int (*set_field)(TIFF *, uint32_t tag, ...);
  int (*is_tiled)(TIFF *);
  ssize_t (*strip_size)(TIFF *);
  ssize_t (*tile_size)(TIFF *);
  ssize_t (*scanline_size)(TIFF *);
  ssize_t (*tile_row_size)(TIFF *);
  uint32_t (*compute_strip)(TIFF *, uint32_t row, uint16_t sample);
  uint32_t (*compute_tile)(TIFF *, uint32_t x, uint32_t y, uint32_t z, uint16_t sample);
  ssize_t (*read_strip)(TIFF *, uint32_t strip, void *buffer, ssize_t size);
  ssize_t (*read_tile)(TIFF *, uint32_t tile, void *buffer, ssize_t size);
  int (*can_convert)(TIFF *, char message[1024]);
  int (*read_converted)(TIFF *, uint32_t width, uint32_t height, uint32_t *raster, int orientation, int stop);
} library;
static int is_complete;

static void load(void) {
  void *const found = dlopen("libtiff.so.6", RTLD_NOW | RTLD_LOCAL);
  if (!found) return;
  const struct {
    void *to;
    const char *name;
  } functions[] = {
      {&library.options_alloc, "TIFFOpenOptionsAlloc"},
      {&library.options_free, "TIFFOpenOptionsFree"},
      {&library.set_max_single_alloc, "TIFFOpenOptionsSetMaxSingleMemAlloc"},
      {&library.set_error_handler, "TIFFOpenOptionsSetErrorHandlerExtR"},
      {&library.set_warning_handler, "TIFFOpenOptionsSetWarningHandlerExtR"},
      {&library.open, "TIFFClientOpenExt"},
      {&library.close, "TIFFClose"},
      {&library.set_directory, "TIFFSetDirectory"},
      {&library.get_field, "TIFFGetField"},
      {&library.get_field_defaulted, "TIFFGetFieldDefaulted"},
      {&library.set_field, "TIFFSetField"},
      {&library.is_tiled, "TIFFIsTiled"},
      {&library.strip_size, "TIFFStripSize"},
      {&library.tile_size, "TIFFTileSize"},
      {&library.scanline_size, "TIFFScanlineSize"},
      {&library.tile_row_size, "TIFFTileRowSize"},
      {&library.compute_strip, "TIFFComputeStrip"},
      {&library.compute_tile, "TIFFComputeTile"},
      {&library.read_strip, "TIFFReadEncodedStrip"},
      {&library.read_tile, "TIFFReadEncodedTile"},
      {&library.can_convert, "TIFFRGBAImageOK"},
      {&library.read_converted, "TIFFReadRGBAImageOriented"},
  };
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    void *const function = dlsym(found, functions[i].name);
    if (!function) return;
    *(void **)functions[i].to = function;
  }
  is_complete = 1;
}

typedef struct {
  const uint8_t *bytes;
  size_t count, place;
  char *message;
} source;

static ssize_t read_bytes(void *of, void *buffer, ssize_t count) {
  source *const from = of;
  const size_t left = from->place < from->count ? from->count - from->place : 0;
  const size_t taken = count < 0 ? 0 : (size_t)count < left ? (size_t)count : left;
  memcpy(buffer, from->bytes + (taken ? from->place : 0), taken);
  from->place += taken;
  return (ssize_t)taken;
}

static ssize_t write_nothing(void *of, void *buffer, ssize_t count) { return (void)of, (void)buffer, (void)count, -1; }

static uint64_t seek(void *of, uint64_t offset, int whence) {
  source *const from = of;
  from->place = (size_t)(whence == SEEK_SET   ? offset
                         : whence == SEEK_CUR ? from->place + offset
                                              : from->count + offset);
  return from->place;
}

static int close_nothing(void *of) { return (void)of, 0; }
static uint64_t size_of(void *of) { return ((source *)of)->count; }
static int map_nothing(void *of, void **base, uint64_t *size) { return (void)of, (void)base, (void)size, 0; }
static void unmap_nothing(void *of, void *base, uint64_t size) { (void)of, (void)base, (void)size; }

// Keeps the first error.
static int keep_error(TIFF *file, void *user, const char *module, const char *format, va_list arguments) {
  (void)file, (void)module;
  char *const message = ((source *)user)->message;
  if (!*message) vsnprintf(message, 256, format, arguments);
  return 1;
}

static int ignore_warning(TIFF *file, void *user, const char *module, const char *format, va_list arguments) {
  return (void)file, (void)user, (void)module, (void)format, (void)arguments, 1;
}

static int failure(source *from, const char *reason) {
  if (!*from->message) snprintf(from->message, 256, "%s", reason);
  return -1;
}

// Opens a page; its status as of the functions of the header.
static int open_page(source *from, uint32_t page, size_t allocation, TIFF **file) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  *from->message = 0;
  *file = NULL;
  if (!is_complete) return failure(from, "libtiff.so.6 is not found"), 1;
  TIFFOpenOptions *const options = library.options_alloc();
  if (!options) return failure(from, "out of memory");
  library.set_max_single_alloc(options, (ssize_t)allocation);
  library.set_error_handler(options, keep_error, from);
  library.set_warning_handler(options, ignore_warning, from);
  // Neither mapped nor opened for writing, and strips are not listed before they are needed.
  *file = library.open("picture", "rmO", from, read_bytes, write_nothing, seek, close_nothing, size_of, map_nothing,
                       unmap_nothing, options);
  library.options_free(options);
  if (!*file) return failure(from, "it cannot be opened");
  if (page == 0 || library.set_directory(*file, page)) return 0;
  library.close(*file);
  // The library says what is wrong with a page that is there.
  return *from->message ? -1 : (failure(from, "it has no such page"), 2);
}

static uint16_t number(TIFF *file, uint32_t tag) {
  uint16_t found = 0;
  library.get_field_defaulted(file, tag, &found);
  return found;
}

static int describe(source *from, TIFF *file, GradCAMTIFFPage *page) {
  uint16_t photometric = 0;
  if (!library.get_field(file, IMAGE_WIDTH, &page->width) || !library.get_field(file, IMAGE_LENGTH, &page->height) ||
      page->width == 0 || page->height == 0) {
    return failure(from, "it does not say its size");
  }
  page->bits = number(file, BITS_PER_SAMPLE);
  page->samples = number(file, SAMPLES_PER_PIXEL);
  page->format = number(file, SAMPLE_FORMAT);
  page->orientation = number(file, ORIENTATION);
  page->is_converted = 0;
  if (!library.get_field(file, PHOTOMETRIC, &photometric)) photometric = page->samples < 3 ? BLACK_IS_ZERO : RGB;
  if (photometric == YCBCR && number(file, COMPRESSION) == COMPRESSION_JPEG && page->samples == 3 && page->bits == 8 &&
      library.set_field(file, JPEG_COLOR_MODE, COLOR_MODE_RGB)) {
    photometric = RGB;
  }
  page->photometric = photometric;
  if (photometric <= PALETTE || photometric == SEPARATED) return 0;
  char reason[1024] = "";
  if (!library.can_convert(file, reason)) return failure(from, reason);
  page->is_converted = 1;
  page->bits = 8, page->samples = 3, page->format = 1, page->photometric = RGB;
  return 0;
}

int gradcam_tiff_describe(const uint8_t *bytes, size_t count, uint32_t page, size_t allocation, GradCAMTIFFPage *result,
                          char *message) {
  source from = {bytes, count, 0, message};
  TIFF *file;
  int status = open_page(&from, page, allocation, &file);
  if (status) return status;
  status = describe(&from, file, result);
  library.close(file);
  return status;
}

static int read_converted(source *from, TIFF *file, const GradCAMTIFFPage *page, uint8_t *samples) {
  const size_t pixels = (size_t)page->width * page->height;
  uint32_t *const raster = calloc(pixels, sizeof *raster);
  if (!raster) return failure(from, "out of memory");
  // In the order in which they are stored, so that nothing is turned.
  const int orientation = page->orientation >= 1 && page->orientation <= 8 ? page->orientation : UPPER_LEFT;
  const int is_read = library.read_converted(file, page->width, page->height, raster, orientation, 1) && !*from->message;
  for (size_t i = 0; is_read && i < pixels; i++) {
    for (int channel = 0; channel < 3; channel++) samples[3 * i + channel] = (uint8_t)(raster[i] >> 8 * channel);
  }
  free(raster);
  return is_read ? 0 : failure(from, "it cannot be converted to RGB");
}

// Copies a row of samples, of which `from` holds every one of a pixel or only one, to every `step`th place.
static void spread(const uint8_t *from, uint8_t *to, size_t count, uint16_t bits, size_t step) {
  if (bits >= 8) {
    const size_t size = bits / 8;
    if (step == 1) {
      memcpy(to, from, count * size);
    } else {
      for (size_t i = 0; i < count; i++) memcpy(to + i * step * size, from + i * size, size);
    }
    return;
  }
  for (size_t i = 0; i < count; i++) {
    const size_t bit = i * bits;
    to[i * step] = (uint8_t)(from[bit / 8] >> (8 - bits - bit % 8)) & ((1u << bits) - 1);
  }
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static int read_samples(source *from, TIFF *file, size_t allocation, const GradCAMTIFFPage *page, uint8_t *samples) {
  const int is_tiled = library.is_tiled(file), is_separate = number(file, PLANAR_CONFIG) == SEPARATE_PLANES;
  uint32_t across = page->width, down = page->height;
  if (is_tiled) {
    if (!library.get_field(file, TILE_WIDTH, &across) || !library.get_field(file, TILE_LENGTH, &down)) across = 0;
  } else {
    library.get_field_defaulted(file, ROWS_PER_STRIP, &down);
    if (down > page->height) down = page->height;
  }
  const ssize_t size = is_tiled ? library.tile_size(file) : library.strip_size(file);
  const ssize_t row = is_tiled ? library.tile_row_size(file) : library.scanline_size(file);
  const size_t together = is_separate ? 1 : page->samples;
  // What is read must hold what its extents say.
  const uint64_t row_bits = (uint64_t)across * together * page->bits;
  if (across == 0 || down == 0 || size <= 0 || row <= 0 || (uint64_t)row < (row_bits + 7) / 8 ||
      (uint64_t)row > (uint64_t)size / down) {
    return failure(from, "its strips or tiles have no sizes that fit");
  }
  if ((size_t)size > allocation) return failure(from, "its strips or tiles are too large");
  uint8_t *const buffer = calloc(1, (size_t)size);
  if (!buffer) return failure(from, "out of memory");
  const size_t sample_size = page->bits < 8 ? 1 : page->bits / 8, pixel = sample_size * page->samples;
  int status = 0;
  for (uint16_t plane = 0; !status && plane < (is_separate ? page->samples : 1); plane++) {
    for (uint32_t y = 0; !status && y < page->height; y += smaller(down, page->height - y)) {
      const size_t rows = smaller(down, page->height - y);
      for (uint32_t x = 0; !status && x < page->width; x += smaller(across, page->width - x)) {
        const size_t columns = smaller(across, page->width - x);
        // The last strip may be shorter than the others.
        const size_t needed = is_tiled ? (size_t)size : rows * (size_t)row;
        const ssize_t found =
            is_tiled ? library.read_tile(file, library.compute_tile(file, x, y, 0, plane), buffer, size)
                     : library.read_strip(file, library.compute_strip(file, y, plane), buffer, (ssize_t)needed);
        if (found < 0 || (size_t)found < needed || *from->message) {
          status = failure(from, "it ends too early");
          break;
        }
        for (size_t line = 0; line < rows; line++) {
          spread(buffer + line * (size_t)row, samples + ((y + line) * page->width + x) * pixel + plane * sample_size,
                 columns * together, page->bits, is_separate ? page->samples : 1);
        }
      }
    }
  }
  free(buffer);
  return status;
}

int gradcam_tiff_read(const uint8_t *bytes, size_t count, uint32_t page, size_t allocation,
                      const GradCAMTIFFPage *described, uint8_t *samples, char *message) {
  source from = {bytes, count, 0, message};
  TIFF *file;
  GradCAMTIFFPage found;
  int status = open_page(&from, page, allocation, &file);
  if (status) return status;
  status = describe(&from, file, &found);
  if (!status && (found.width != described->width || found.height != described->height ||
                  found.bits != described->bits || found.samples != described->samples ||
                  found.is_converted != described->is_converted)) {
    status = failure(&from, "the page differs from what was asked for");
  }
  if (!status && found.is_converted) {
    status = read_converted(&from, file, &found, samples);
  } else if (!status) {
    status = read_samples(&from, file, allocation, &found, samples);
  }
  library.close(file);
  return status;
}

int gradcam_tiff_palette(const uint8_t *bytes, size_t count, uint32_t page, size_t allocation, uint16_t *colors,
                         char *message) {
  source from = {bytes, count, 0, message};
  TIFF *file;
  int status = open_page(&from, page, allocation, &file);
  if (status) return status;
  uint16_t *parts[3];
  const uint16_t bits = number(file, BITS_PER_SAMPLE);
  if (bits <= 8 && library.get_field(file, COLOR_MAP, &parts[0], &parts[1], &parts[2])) {
    for (size_t i = 0; i < (size_t)1 << bits; i++) {
      for (int channel = 0; channel < 3; channel++) colors[3 * i + channel] = parts[channel][i];
    }
  } else {
    status = failure(&from, "it has no palette");
  }
  library.close(file);
  return status;
}

// All that LAPACK's dsyevx needs of the Fortran runtime.
#include <stddef.h>
#include <string.h>

void _gfortran_concat_string(size_t, char *, size_t, const char *, size_t, const char *);

// Fortran's to = a // b: cut, or filled with spaces, to `size` characters.
void _gfortran_concat_string(
    size_t size, char *to, size_t a_size, const char *a, size_t b_size, const char *b) {
  if (a_size > size) a_size = size;
  if (b_size > size - a_size) b_size = size - a_size;
  memcpy(to, a, a_size);
  memcpy(to + a_size, b, b_size);
  memset(to + a_size + b_size, ' ', size - a_size - b_size);
}

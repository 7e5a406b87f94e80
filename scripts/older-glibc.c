// What the packages would need a newer glibc for than their systems have. Swift's library refers to hypotf, of which glibc
// 2.35 has a new version; nothing of the program calls it.
#include <math.h>

__attribute__((visibility("hidden"))) float hypotf(float x, float y) {
  return isinf(x) || isinf(y) ? INFINITY : (float)sqrt((double)x * x + (double)y * y);
}

// What the wheel installs as the script `gradcam`: it runs the program inside the package, wherever an installer put
// that beside the script. DISTRIBUTION is the package's metadata folder, such as "onnx_gradcam-0.2.0.dist-info".
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// Where installers put packages, from the folder above the script's; the last is that of `pip install --target`.
static const char *const folders[] = {
  "lib/python3*/site-packages/", "lib64/python3*/site-packages/", "lib/python3*/dist-packages/", "",
};

int main(int count, char **arguments) {
  (void)count;
  char script[PATH_MAX], path[2 * PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", script, sizeof script - 1);
  if (length < 0) return perror("gradcam: error: /proc/self/exe"), 66;
  script[length] = 0;
  for (int levels = 0; levels < 2; ++levels) {
    char *slash = strrchr(script, '/');
    if (slash) *slash = 0;
  }
  for (size_t index = 0; index < sizeof folders / sizeof *folders; ++index) {
    glob_t found;
    snprintf(path, sizeof path, "%s/%s" DISTRIBUTION, script, folders[index]);
    if (glob(path, 0, NULL, &found) == 0) {
      snprintf(path, sizeof path, "%.*sgradcam/bin/gradcam",
               (int)(strlen(found.gl_pathv[0]) - strlen(DISTRIBUTION)), found.gl_pathv[0]);
      execv(path, arguments);
    }
    globfree(&found);
  }
  fprintf(stderr, "gradcam: error: %s: the package onnx-gradcam is not installed beside this script; "
                  "install it again with pip\n", script);
  return 66;
}

/* A plugin that tries what a sandbox forbids, and refuses to be loaded with a report of what it could do. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gradcam_plugin.h"

GRADCAM_EXPORT const gradcam_plugin *gradcam_plugin_entry(
    const gradcam_host *host, int64_t version, gradcam_call *call) {
  (void)version;
  char report[200];
  const int reads = open(SECRET, O_RDONLY), writes = open(SECRET ".new", O_WRONLY | O_CREAT, 0600);
  const int connects = socket(AF_INET, SOCK_STREAM, 0);
  snprintf(
      report, sizeof report, "reads %d, writes %d, connects %d", reads >= 0, writes >= 0, connects >= 0);
  host->fail(call, GRADCAM_FAILED, report);
  return NULL;
}

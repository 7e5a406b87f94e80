/* An operator with its gradient: example.SoftClip, y = limit · tanh(x ⁄ limit), as PyTorch exports it from a
 * torch.autograd.Function. `limit` is an attribute, 1 by default. */
#include <math.h>
#include <stdlib.h>

#include "gradcam_plugin.h"

static const gradcam_host *host;

struct soft_clip {
  float limit;
};

static gradcam_status create(gradcam_call *call, void **state) {
  float limit = 1;
  const gradcam_status status = host->attribute_float(call, "limit", &limit);
  if (status != GRADCAM_OK) return status;
  if (!(limit > 0)) return host->fail(call, GRADCAM_FAILED, "attribute 'limit' is not above 0");
  struct soft_clip *clip = malloc(sizeof *clip);
  if (clip == NULL) return host->fail(call, GRADCAM_FAILED, "out of memory");
  clip->limit = limit;
  *state = clip;
  return GRADCAM_OK;
}

/* Elements are split into blocks, whose size does not depend on the number of threads. */
enum { BLOCK = 1 << 14 };

struct work {
  float limit;
  size_t count;
  const float *y, *dy;
  const float *x;
  float *result;
};

static void run(gradcam_call *call, struct work *work, void (*body)(void *, size_t, size_t)) {
  host->parallel_for(call, (work->count + BLOCK - 1) / BLOCK, body, work);
}

static void forward_block(void *context, size_t block, size_t worker) {
  const struct work *work = context;
  (void)worker;
  for (size_t i = block * BLOCK; i < work->count && i < (block + 1) * BLOCK; i++)
    work->result[i] = work->limit * tanhf(work->x[i] / work->limit);
}

static gradcam_status forward(void *state, const gradcam_forward_arguments *run_of) {
  const struct soft_clip *clip = state;
  struct work work = {.limit = clip->limit, .count = run_of->inputs[0]->count};
  work.x = run_of->inputs[0]->floats;
  work.result = run_of->outputs[0]->floats;
  run(run_of->call, &work, forward_block);
  return GRADCAM_OK;
}

/* dy⁄dx = 1 − (y ⁄ limit)², so the rule reads only the output. */
static void vjp_block(void *context, size_t block, size_t worker) {
  const struct work *work = context;
  (void)worker;
  for (size_t i = block * BLOCK; i < work->count && i < (block + 1) * BLOCK; i++) {
    const float t = work->y[i] / work->limit;
    work->result[i] = work->dy[i] * (1 - t * t);
  }
}

static gradcam_status vjp(void *state, const gradcam_vjp_arguments *run_of) {
  const struct soft_clip *clip = state;
  struct work work = {.limit = clip->limit, .count = run_of->inputs[0]->count};
  work.y = run_of->outputs[0]->floats;
  work.dy = run_of->output_gradients[0];
  work.result = run_of->input_gradients[0];
  run(run_of->call, &work, vjp_block);
  return GRADCAM_OK;
}

static const gradcam_operator soft_clip = {
    .size = sizeof soft_clip,
    .domain = "example",
    .type = "SoftClip",
    .since_version = 1,
    .create = create,
    .destroy = free,
    .forward = forward, /* no shape function: the output is like the input */
    .vjp = vjp,
    .vjp_reads_outputs = 1,
};

static const gradcam_operator *const operators[] = {&soft_clip};

static const gradcam_plugin plugin = {
    .size = sizeof plugin,
    .abi_version = GRADCAM_ABI_VERSION,
    .name = "soft-clip",
    .version = "1.0",
    .description = "A clip with soft edges, and its gradient",
    .operator_count = 1,
    .operators = operators,
};

const gradcam_plugin *gradcam_plugin_entry(const gradcam_host *the_host, int64_t host_version, gradcam_call *call) {
  (void)host_version;
  (void)call;
  host = the_host;
  return &plugin;
}

/* A plugin that brings example.SoftClip, to be compiled with -DFAULT=NAME: what is wrong with it. */
#include <math.h>
#include <stddef.h>

#include "gradcam_plugin.h"

enum { NONE, NO_ENTRY, NEWER, OLDER_THAN_ALL, NULL_TABLE, REFUSING_ENTRY, SMALL_TABLE, NO_FORWARD, BOTH_FORMS, HALF_TARGET,
       UNREAD_ATTRIBUTE, FAILING_CREATE, FAILING_SHAPE, SILENT_SHAPE, NO_OUTPUT, NEGATIVE_SHAPE, HUGE_SHAPE, EXTRA_OUTPUT,
       SMALL_SHAPE, CHANGING_SHAPE, FAILING_FORWARD, UNSUPPORTED_FORWARD, SILENT_FORWARD, NAN_FORWARD, LONG_FORWARD,
       LONG_SCRATCH, ENDLESS_SCRATCH, NO_VJP, FAILING_VJP, LONG_VJP, NAN_VJP, CRASHING_FORWARD, ATTRIBUTE_IN_FORWARD,
       INTEGERS_ONLY, TWICE, OPERATOR_TWICE, FAILING_METHOD, LONG_METHOD, FAILING_TARGET };

#ifndef TYPE
#define DOMAIN "example"
#define TYPE "SoftClip"
#endif

static const gradcam_host *host;

static gradcam_status create(gradcam_call *call, void **state) {
  static float limit;
  (void)state;
  if (FAULT == UNREAD_ATTRIBUTE) return GRADCAM_OK;
  if (FAULT == FAILING_CREATE) return host->fail(call, GRADCAM_FAILED, "limit is not to my taste");
  limit = 1;
  return host->attribute_float(call, "limit", &limit);
}

static gradcam_status shape(void *state, const gradcam_shape_arguments *of) {
  static int times;
  const gradcam_tensor *x = of->inputs[0];
  int64_t extents[8];
  (void)state;
  for (size_t i = 0; i < x->rank; i++) extents[i] = x->dimensions[i];
  if (FAULT == FAILING_SHAPE) return host->fail(of->call, GRADCAM_FAILED, "shapes are not my trade");
  if (FAULT == SILENT_SHAPE) return 7;
  if (FAULT == NO_OUTPUT) return GRADCAM_OK;
  if (FAULT == NEGATIVE_SHAPE) extents[1] = -1;
  if (FAULT == HUGE_SHAPE) extents[1] = INT64_MAX;
  if (FAULT == SMALL_SHAPE) extents[3] -= 1;
  if (FAULT == CHANGING_SHAPE) extents[1] += times++;
  return host->set_output(of->call, FAULT == EXTRA_OUTPUT ? 1 : 0, GRADCAM_FLOAT, extents, x->rank);
}

static gradcam_status forward(void *state, const gradcam_forward_arguments *of) {
  const gradcam_tensor *x = of->inputs[0], *y = of->outputs[0];
  int64_t number = 0;
  (void)state;
  if (FAULT == FAILING_FORWARD) return host->fail(of->call, GRADCAM_FAILED, "no forward today");
  if (FAULT == UNSUPPORTED_FORWARD) return host->fail(of->call, GRADCAM_UNSUPPORTED, "no such picture");
  if (FAULT == SILENT_FORWARD) return 3;
  if (FAULT == ATTRIBUTE_IN_FORWARD) host->attribute_int(of->call, "limit", &number);
  if (FAULT == CRASHING_FORWARD) *(volatile int *)0 = 1;
  if (FAULT == LONG_SCRATCH) ((char *)host->scratch(of->call, 10))[10] = 1;
  if (FAULT == ENDLESS_SCRATCH) host->scratch(of->call, SIZE_MAX / 4);
  /* Where the shape function told less than is written here, this is the lie that the host finds. */
  for (size_t i = 0; i < x->count + (FAULT == LONG_FORWARD); i++) y->floats[i] = tanhf(i < x->count ? x->floats[i] : 0);
  if (FAULT == NAN_FORWARD) y->floats[3] = NAN;
  return GRADCAM_OK;
}

static gradcam_status vjp(void *state, const gradcam_vjp_arguments *of) {
  const float *y = of->outputs[0]->floats, *dy = of->output_gradients[0];
  float *dx = of->input_gradients[0];
  (void)state;
  if (FAULT == FAILING_VJP) return host->fail(of->call, GRADCAM_FAILED, "no way back");
  for (size_t i = 0; i < of->inputs[0]->count; i++) dx[i] = dy[i] * (1 - y[i] * y[i]);
  if (FAULT == LONG_VJP) dx[of->inputs[0]->count] = 0;
  if (FAULT == NAN_VJP) dx[0] = NAN;
  return GRADCAM_OK;
}

static gradcam_status map(const gradcam_feature_map *at, float *map) {
  if (FAULT == FAILING_METHOD) return host->fail(at->call, GRADCAM_FAILED, "nothing to see");
  for (size_t i = 0; i < at->height * at->width + (FAULT == LONG_METHOD); i++) map[i] = 1;
  return GRADCAM_OK;
}

static gradcam_status score(const gradcam_target_arguments *of, float *score) {
  if (FAULT == FAILING_TARGET) return host->fail(of->call, GRADCAM_FAILED, "no number for this");
  *score = of->elements->floats[0];
  return GRADCAM_OK;
}

static gradcam_status gradient(const gradcam_target_arguments *of, float *gradient) {
  for (size_t i = 0; i < of->elements->count; i++) gradient[i] = i == 0;
  return GRADCAM_OK;
}

static const int64_t integers[] = {GRADCAM_INT64};
static const gradcam_operator soft_clip = {
    .size = sizeof soft_clip, .domain = DOMAIN, .type = TYPE, .since_version = 1,
    .element_type_count = FAULT == INTEGERS_ONLY, .element_types = integers, .create = create, .shape = shape,
    .forward = FAULT == NO_FORWARD ? NULL : forward, .vjp = FAULT == NO_VJP ? NULL : vjp, .vjp_reads_outputs = 1};
static const gradcam_operator *const operators[] = {&soft_clip, &soft_clip};
static const gradcam_method method = {
    .size = sizeof method, .name = "flat", .map = map, .weights = FAULT == BOTH_FORMS ? map : NULL};
static const gradcam_method *const methods[] = {&method, &method};
static const gradcam_target target = {
    .size = sizeof target, .name = "first", .score = score, .gradient = FAULT == HALF_TARGET ? NULL : gradient};
static const gradcam_target *const targets[] = {&target};
static const gradcam_plugin plugin = {
    .size = FAULT == SMALL_TABLE ? offsetof(gradcam_plugin, methods) : sizeof plugin,
    .abi_version = FAULT == NEWER ? GRADCAM_ABI_VERSION + 1 : FAULT == OLDER_THAN_ALL ? 0 : GRADCAM_ABI_VERSION,
    .name = "faulty", .version = "0.9", .description = "For tests", .operator_count = FAULT == OPERATOR_TWICE ? 2 : 1, .operators = operators,
    .method_count = FAULT == TWICE ? 2 : 1, .methods = methods, .target_count = 1, .targets = targets};

#define ENTRY(name) \
  const gradcam_plugin *name(const gradcam_host *the_host, int64_t host_version, gradcam_call *call) { \
    (void)host_version; \
    host = the_host; \
    host->log(call, "is loaded"); \
    if (FAULT == REFUSING_ENTRY) host->fail(call, GRADCAM_UNSUPPORTED, "this processor is too old"); \
    return FAULT == NULL_TABLE ? NULL : &plugin; \
  }
#if defined(HIDES_ENTRY)
ENTRY(some_other_entry)
#else
ENTRY(gradcam_plugin_entry)
#endif

/* A plugin as it was written for version 1 of the interface, with every part of it in use: operators with all kinds of
 * attributes, both forms of methods, a target. It stays as it is. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gradcam_plugin.h"

static const gradcam_host *host;

/* v1.Mix: y = (gain · x + offset[channel] + shift) · scales[0] · powers[0], and for mode "negated" the negative of it. */
struct mix {
  float factor, shift;
  int64_t channels;
  const float *offset;
};

static gradcam_status create(gradcam_call *call, void **state) {
  int64_t gain = 1;
  float shift = 0;
  const char *mode = "plain";
  const int64_t *powers = NULL;
  const float *scales = NULL;
  size_t power_count = 0, scale_count = 0;
  const gradcam_tensor *offset = NULL;
  host->attribute_int(call, "gain", &gain);
  host->attribute_float(call, "shift", &shift);
  host->attribute_string(call, "mode", &mode);
  host->attribute_ints(call, "powers", &powers, &power_count);
  host->attribute_floats(call, "scales", &scales, &scale_count);
  host->attribute_tensor(call, "offset", &offset);
  if (host->has_attribute(call, "nothing") || !host->has_attribute(call, "mode") || host->opset_version(call) != 3 ||
      power_count != 2 || scale_count != 1 || offset == NULL || offset->rank != 1 || offset->dimensions[0] != 8 ||
      offset->element_type != GRADCAM_FLOAT || offset->integers != NULL)
    return host->fail(call, GRADCAM_FAILED, "the attributes are not what they were");
  struct mix *mix = malloc(sizeof *mix);
  mix->factor = (strcmp(mode, "negated") == 0 ? -1 : 1) * scales[0] * (float)powers[0];
  mix->shift = shift;
  mix->channels = gain;
  mix->offset = offset->floats;
  *state = mix;
  return GRADCAM_OK;
}

/* Two outputs: the mix, and its shape. */
static gradcam_status shape(void *state, const gradcam_shape_arguments *of) {
  const gradcam_tensor *x = of->inputs[0], *gain = of->inputs[2];
  const int64_t rank = (int64_t)x->rank;
  (void)state;
  if (of->input_count != 3 || of->inputs[1] != NULL || gain == NULL || gain->floats == NULL || gain->count != 1)
    return host->fail(of->call, GRADCAM_FAILED, "the inputs are not what they were");
  if (x->floats != NULL) return host->fail(of->call, GRADCAM_FAILED, "the image is known before the run");
  const gradcam_status status = host->set_output(of->call, 0, x->element_type, x->dimensions, x->rank);
  if (status != GRADCAM_OK || of->output_count < 2) return status;
  return host->set_output(of->call, 1, GRADCAM_INT64, &rank, 1);
}

struct work {
  const struct mix *mix;
  const gradcam_tensor *x;
  float gain;
  float *rows;
  float *y;
};

static void channel(void *context, size_t index, size_t worker) {
  struct work *work = context;
  const size_t plane = work->x->count / (size_t)work->x->dimensions[1];
  float *row = work->rows + worker * plane; /* through the worker's own memory */
  for (size_t i = 0; i < plane; i++) row[i] = work->gain * work->x->floats[index * plane + i];
  for (size_t i = 0; i < plane; i++)
    work->y[index * plane + i] = (row[i] + work->mix->offset[index] + work->mix->shift) * work->mix->factor;
}

static gradcam_status forward(void *state, const gradcam_forward_arguments *of) {
  const gradcam_tensor *x = of->inputs[0];
  const size_t channels = (size_t)x->dimensions[1];
  struct work work = {state, x, of->inputs[2]->floats[0] * (float)((struct mix *)state)->channels, NULL,
                      of->outputs[0]->floats};
  work.rows = host->scratch(of->call, host->worker_count(of->call) * (x->count / channels) * sizeof(float));
  if (work.rows == NULL) return GRADCAM_FAILED;
  host->parallel_for(of->call, channels, channel, &work);
  if (of->output_count > 1 && of->outputs[1] != NULL)
    for (size_t i = 0; i < x->rank; i++) of->outputs[1]->integers[i] = x->dimensions[i];
  return GRADCAM_OK;
}

static gradcam_status vjp(void *state, const gradcam_vjp_arguments *of) {
  const struct mix *mix = state;
  if (of->inputs[0]->floats != NULL || of->outputs[0]->floats != NULL || of->inputs[2]->floats == NULL)
    return host->fail(of->call, GRADCAM_FAILED, "other values were kept than were asked for");
  const float slope = of->inputs[2]->floats[0] * (float)mix->channels * mix->factor;
  for (size_t i = 0; i < of->inputs[0]->count; i++) of->input_gradients[0][i] = slope * of->output_gradients[0][i];
  return GRADCAM_OK;
}

static gradcam_status map(const gradcam_feature_map *at, float *map) {
  for (size_t i = 0; i < at->height * at->width; i++) map[i] = at->activation[i] * at->gradient[i];
  return GRADCAM_OK;
}

static gradcam_status weights(const gradcam_feature_map *at, float *weights) {
  for (size_t i = 0; i < at->channels; i++) weights[i] = at->gradient[i * at->height * at->width];
  return GRADCAM_OK;
}

static gradcam_status score(const gradcam_target_arguments *of, float *score) {
  *score = of->elements->floats[0] * (float)atof(of->argument);
  return of->elements->rank == 1 ? GRADCAM_OK : host->fail(of->call, GRADCAM_UNSUPPORTED, "takes one row of scores");
}

static gradcam_status gradient(const gradcam_target_arguments *of, float *gradient) {
  for (size_t i = 0; i < of->elements->count; i++) gradient[i] = i == 0 ? (float)atof(of->argument) : 0;
  return GRADCAM_OK;
}

static const int64_t types[] = {GRADCAM_FLOAT, GRADCAM_FLOAT16};
static const gradcam_operator mix = {
    sizeof mix, "v1", "Mix", 3, 2, types, create, free, shape, forward, vjp, 1u << 2, 0};
static const gradcam_operator *const operators[] = {&mix};
static const gradcam_method first = {sizeof first, "v1-map", map, NULL, 1}, second = {sizeof second, "v1-weights", NULL, weights, 0};
static const gradcam_method *const methods[] = {&first, &second};
static const gradcam_target scaled = {sizeof scaled, "v1-first", score, gradient};
static const gradcam_target *const targets[] = {&scaled};
static const gradcam_plugin plugin = {sizeof plugin, GRADCAM_ABI_VERSION, "v1", "1.0", "Version 1", 1, operators, 2,
                                      methods, 1, targets};

const gradcam_plugin *gradcam_plugin_entry(const gradcam_host *the_host, int64_t host_version, gradcam_call *call) {
  host = the_host;
  if (host_version < 1 || host->size < sizeof *host) {
    host->fail(call, GRADCAM_FAILED, "the host is smaller than version 1");
    return NULL;
  }
  host->log(call, "speaks version 1");
  return &plugin;
}

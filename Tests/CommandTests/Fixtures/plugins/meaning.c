/* A plugin whose operators say what they mean: one moves channels last, one normalises by fixed numbers, and one takes
 * the place of the built-in Sigmoid. */
#include <math.h>
#include <string.h>

#include "gradcam_plugin.h"

static const gradcam_host *host;

/* ---- meaning.ChannelsLast: N × C × H × W to N × H × W × C ---- */

static gradcam_status last_shape(void *state, const gradcam_shape_arguments *arguments) {
  (void)state;
  const gradcam_tensor *x = arguments->inputs[0];
  if (x->rank != 4) return host->fail(arguments->call, GRADCAM_FAILED, "takes four dimensions");
  const int64_t extents[4] = {x->dimensions[0], x->dimensions[2], x->dimensions[3], x->dimensions[1]};
  return host->set_output(arguments->call, 0, x->element_type, extents, 4);
}

static void move(const int64_t *d, const float *from, float *to, int back) {
  const int64_t plane = d[2] * d[3];
  for (int64_t n = 0; n < d[0]; n++)
    for (int64_t c = 0; c < d[1]; c++)
      for (int64_t p = 0; p < plane; p++) {
        const int64_t first = (n * d[1] + c) * plane + p, last = (n * plane + p) * d[1] + c;
        if (back) to[first] = from[last];
        else to[last] = from[first];
      }
}

static gradcam_status last_forward(void *state, const gradcam_forward_arguments *run) {
  (void)state;
  move(run->inputs[0]->dimensions, run->inputs[0]->floats, run->outputs[0]->floats, 0);
  return GRADCAM_OK;
}

static gradcam_status last_vjp(void *state, const gradcam_vjp_arguments *run) {
  (void)state;
  move(run->inputs[0]->dimensions, run->output_gradients[0], run->input_gradients[0], 1);
  return GRADCAM_OK;
}

static gradcam_status last_meaning(
    void *state, const gradcam_shape_arguments *arguments, gradcam_meaning *meaning) {
  (void)state;
  int64_t **labels = host->scratch(arguments->call, sizeof(int64_t *) + 8 * sizeof(int64_t));
  if (labels == NULL) return GRADCAM_FAILED;
  int64_t *of_input = (int64_t *)(labels + 1), *of_result = of_input + 4;
  memcpy(of_input, (const int64_t[]){0, 1, 2, 3}, 4 * sizeof(int64_t));
  memcpy(of_result, (const int64_t[]){0, 2, 3, 1}, 4 * sizeof(int64_t));
  labels[0] = of_input;
  meaning->axes = GRADCAM_AXES_LABELLED;
  meaning->input_labels = (const int64_t *const *)labels;
  meaning->result_labels = of_result;
  meaning->result_rank = 4;
  return GRADCAM_OK;
}

/* ---- meaning.Centred: x − 1 for each of three channels ---- */

static gradcam_status centred_forward(void *state, const gradcam_forward_arguments *run) {
  (void)state;
  for (size_t i = 0; i < run->inputs[0]->count; i++) run->outputs[0]->floats[i] = run->inputs[0]->floats[i] - 1;
  return GRADCAM_OK;
}

static gradcam_status pass(void *state, const gradcam_vjp_arguments *run) {
  (void)state;
  memcpy(run->input_gradients[0], run->output_gradients[0], run->inputs[0]->count * sizeof(float));
  return GRADCAM_OK;
}

static gradcam_status centred_meaning(
    void *state, const gradcam_shape_arguments *arguments, gradcam_meaning *meaning) {
  static const float bias[3] = {-1, -1, -1};
  (void)state, (void)arguments;
  meaning->axes = GRADCAM_AXES_CHANNELS_FIRST;
  meaning->channel_bias = bias;
  meaning->channel_count = 3;
  return GRADCAM_OK;
}

/* ---- ONNX's own Sigmoid ---- */

static gradcam_status sigmoid_forward(void *state, const gradcam_forward_arguments *run) {
  (void)state;
  for (size_t i = 0; i < run->inputs[0]->count; i++)
    run->outputs[0]->floats[i] = 1 / (1 + expf(-run->inputs[0]->floats[i]));
  return GRADCAM_OK;
}

static gradcam_status sigmoid_vjp(void *state, const gradcam_vjp_arguments *run) {
  (void)state;
  for (size_t i = 0; i < run->inputs[0]->count; i++) {
    const float y = run->outputs[0]->floats[i];
    run->input_gradients[0][i] = run->output_gradients[0][i] * y * (1 - y);
  }
  return GRADCAM_OK;
}

static const gradcam_operator channels_last = {
    .size = sizeof(gradcam_operator), .domain = "meaning", .type = "ChannelsLast", .since_version = 1,
    .shape = last_shape, .forward = last_forward, .vjp = last_vjp, .meaning = last_meaning};
static const gradcam_operator centred = {
    .size = sizeof(gradcam_operator), .domain = "meaning", .type = "Centred", .since_version = 1,
    .forward = centred_forward, .vjp = pass, .role = GRADCAM_ROLE_NORMALIZATION, .meaning = centred_meaning};
static const gradcam_operator sigmoid = {
    .size = sizeof(gradcam_operator), .domain = "", .type = "Sigmoid", .since_version = 1,
    .forward = sigmoid_forward, .vjp = sigmoid_vjp, .vjp_reads_outputs = 1, .role = GRADCAM_ROLE_SIGMOID};
static const gradcam_operator *const operators[] = {&channels_last, &centred, &sigmoid};
static const gradcam_plugin plugin = {
    .size = sizeof(gradcam_plugin), .abi_version = GRADCAM_ABI_VERSION, .name = "meaning", .version = "1.0",
    .operator_count = 3, .operators = operators};

GRADCAM_EXPORT const gradcam_plugin *gradcam_plugin_entry(
    const gradcam_host *given, int64_t host_version, gradcam_call *call) {
  (void)host_version, (void)call;
  host = given;
  return &plugin;
}

/* The interface between gradcam and its plugins, version 2.
 *
 * A plugin is a shared library that exports gradcam_plugin_entry. It may provide operators (with their gradients), CAM
 * methods and targets. This header needs only a C compiler; any language that can export a C function and read these
 * structures will do.
 *
 * Versions. GRADCAM_ABI_VERSION rises with every change, and a change only ever appends: members at the end of a
 * structure, functions at the end of the host's table. Every structure begins with its own size, as compiled by the
 * side that made it; the other side reads no member beyond that size. So a plugin built for an older version keeps
 * working with a newer program. One built for a newer version than the program's is refused, with both versions named.
 *
 * Numbers. Tensors are dense and row-major, in ONNX's order of dimensions. Elements of every floating-point type are
 * stored as float, those of every integer type as int64_t, and Booleans as one byte, 0 or 1; `element_type` is the type
 * that the model declares. Addresses are multiples of the element's size, no more.
 *
 * Ownership. What the program passes to a function belongs to the program and is valid until the function returns,
 * unless stated otherwise. Inputs must not be written. The tables and strings that a plugin returns, and the functions
 * in them, must stay valid as long as the process lives; libraries are never unloaded.
 *
 * Threads. Any function of a plugin may be called from any thread, and by several threads at a time, even with the same
 * state: `create` makes the state once, and from then on it is only read. The functions of the host that take a
 * `gradcam_call` may be used only on the thread that called the plugin, and only until its function returns; inside the
 * body of `parallel_for` no function of the host may be called. A plugin should start no threads of its own, and
 * results should not depend on the number of workers.
 *
 * Errors. A function that fails calls `fail` with a sentence for the user, without a full stop, and returns what `fail`
 * returned. No exception and no longjmp may leave a function. A crash ends the program; it cannot be contained. The
 * program checks the 64 bytes after every buffer that a plugin writes: a plugin that writes past the end is stopped
 * with an error after the damage is done.
 */
#ifndef GRADCAM_PLUGIN_H
#define GRADCAM_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define GRADCAM_EXPORT __declspec(dllexport)
#else
#define GRADCAM_EXPORT __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header. */
#define GRADCAM_ABI_VERSION 2

/* What a function returns: GRADCAM_OK, or what `fail` returned. */
typedef int32_t gradcam_status;
#define GRADCAM_OK 0
/* The model, its inputs or its attributes are wrong. */
#define GRADCAM_FAILED 1
/* The plugin does not support what is asked for. */
#define GRADCAM_UNSUPPORTED 2

/* Element types: the numbers of ONNX's TensorProto.DataType. */
#define GRADCAM_FLOAT 1
#define GRADCAM_UINT8 2
#define GRADCAM_INT8 3
#define GRADCAM_UINT16 4
#define GRADCAM_INT16 5
#define GRADCAM_INT32 6
#define GRADCAM_INT64 7
#define GRADCAM_BOOL 9
#define GRADCAM_FLOAT16 10
#define GRADCAM_DOUBLE 11
#define GRADCAM_UINT32 12
#define GRADCAM_UINT64 13
#define GRADCAM_BFLOAT16 16

/* One call of a function of the plugin; opaque to the plugin. */
typedef struct gradcam_call gradcam_call;

/* A tensor. */
typedef struct gradcam_tensor {
  size_t size;
  /* The type that the model declares, GRADCAM_FLOAT and so on. */
  int64_t element_type;
  /* The number of dimensions; 0 for a scalar. */
  size_t rank;
  /* The extents, outermost first. */
  const int64_t *dimensions;
  /* The number of elements: the product of the extents, 1 for a scalar. */
  size_t count;
  /* The elements. At most one of these three is not NULL: the one for the element type; none if the contents are
   * unknown or not to be read. */
  float *floats;
  int64_t *integers;
  uint8_t *booleans;
} gradcam_tensor;

/* ---- What the host offers ---------------------------------------------------------------------------------------- */

/* The functions of the host; the table is valid as long as the process lives. */
typedef struct gradcam_host {
  size_t size;

  /* Records why a function fails; the message is copied. Returns `status`, so that one can write
   *   return host->fail(call, GRADCAM_FAILED, "limit is negative"); */
  gradcam_status (*fail)(gradcam_call *call, gradcam_status status, const char *message);

  /* Writes a line to the program's log, which is standard error; the message is copied. */
  void (*log)(gradcam_call *call, const char *message);

  /* Allocates so many bytes, not initialised, at a multiple of 64; freed when the plugin's function returns. May be
   * used any number of times per call. NULL if there is not enough memory; the failure is then already recorded. */
  void *(*scratch)(gradcam_call *call, size_t byte_count);

  /* Calls `body(context, index, worker)` once for every index below `count`, in no fixed order, on the program's
   * threads, and returns when all are done. `worker` is below `worker_count`; no two concurrent calls have the same. */
  void (*parallel_for)(
      gradcam_call *call, size_t count, void (*body)(void *context, size_t index, size_t worker), void *context);

  /* The number of workers of `parallel_for`, at least 1: one `scratch` may be divided among them. */
  size_t (*worker_count)(gradcam_call *call);

  /* Attributes of the node; for `create` only. If the node does not have the attribute, `*value` is left unchanged, so
   * set it to the default first. A function fails if the attribute has another type. What is pointed to is valid as
   * long as the state being created. A node with an attribute that `create` did not ask for is refused, because
   * ignoring it could give a wrong result. */
  gradcam_status (*attribute_int)(gradcam_call *call, const char *name, int64_t *value);
  gradcam_status (*attribute_float)(gradcam_call *call, const char *name, float *value);
  gradcam_status (*attribute_string)(gradcam_call *call, const char *name, const char **value);
  gradcam_status (*attribute_ints)(gradcam_call *call, const char *name, const int64_t **values, size_t *count);
  gradcam_status (*attribute_floats)(gradcam_call *call, const char *name, const float **values, size_t *count);
  gradcam_status (*attribute_tensor)(gradcam_call *call, const char *name, const gradcam_tensor **value);
  /* Whether the node has the attribute, 1 or 0; does not count as asking for it. */
  int32_t (*has_attribute)(gradcam_call *call, const char *name);
  /* The opset version that the model uses for the operator's domain. */
  int64_t (*opset_version)(gradcam_call *call);

  /* Sets the type and extents of one output; for `shape` only. The extents are copied. */
  gradcam_status (*set_output)(
      gradcam_call *call, size_t index, int64_t element_type, const int64_t *dimensions, size_t rank);
} gradcam_host;

/* ---- Operators --------------------------------------------------------------------------------------------------- */

/* The arguments of a shape function. */
typedef struct gradcam_shape_arguments {
  size_t size;
  gradcam_call *call;
  /* The inputs in the operator's order, NULL for an omitted one. They have contents if those are known before the model
   * runs, like constants. */
  size_t input_count;
  const gradcam_tensor *const *inputs;
  /* The number of outputs that the node has. */
  size_t output_count;
} gradcam_shape_arguments;

/* The arguments of a forward function. */
typedef struct gradcam_forward_arguments {
  size_t size;
  gradcam_call *call;
  /* The inputs, NULL for an omitted one. */
  size_t input_count;
  const gradcam_tensor *const *inputs;
  /* The outputs, with the types and extents that the shape function set, NULL for one that is not wanted. They are not
   * initialised: every element must be written. They never overlap an input. */
  size_t output_count;
  const gradcam_tensor *const *outputs;
} gradcam_forward_arguments;

/* The arguments of a vector-Jacobian product. */
typedef struct gradcam_vjp_arguments {
  size_t size;
  gradcam_call *call;
  /* The inputs, NULL for an omitted one; with contents if `vjp_reads_inputs` says so. */
  size_t input_count;
  const gradcam_tensor *const *inputs;
  /* The outputs; with contents if `vjp_reads_outputs` says so. */
  size_t output_count;
  const gradcam_tensor *const *outputs;
  /* The gradient of the score with respect to each output, NULL if it is zero; the first is never NULL if the node has
   * only one output. */
  const float *const *output_gradients;
  /* Where to write the gradient with respect to each input: every element, written, not added. NULL if an input's
   * gradient is not wanted. Only gradients of floating-point inputs are ever wanted. */
  float *const *input_gradients;
} gradcam_vjp_arguments;

/* The role of an operator in a network. Since version 2. */
#define GRADCAM_ROLE_OTHER 0
/* Passes on the elements of its first input in order, at most with another shape or type. */
#define GRADCAM_ROLE_IDENTITY 1
/* Convolves its first input with its second, the weights. */
#define GRADCAM_ROLE_CONVOLUTION 2
/* Multiplies two tensors as matrices, summing over the axes that they share. */
#define GRADCAM_ROLE_PRODUCT 3
/* Adds its inputs. */
#define GRADCAM_ROLE_SUM 4
/* Normalises numbers to a common mean and scale. */
#define GRADCAM_ROLE_NORMALIZATION 5
/* Turns competing scores into probabilities, or their logarithms. */
#define GRADCAM_ROLE_SOFTMAX 6
/* Turns each score independently into a probability. */
#define GRADCAM_ROLE_SIGMOID 7
/* Mixes tokens with an internal softmax. */
#define GRADCAM_ROLE_ATTENTION 8
/* Concatenates its inputs. */
#define GRADCAM_ROLE_CONCATENATION 9
/* Selects elements of its first input. */
#define GRADCAM_ROLE_SELECTION 10

/* How the axes of the results follow from those of the inputs: what their indices count. Since version 2. */
/* Element by element with broadcasting; an axis whose extent is that of no input counts something unknown. */
#define GRADCAM_AXES_ELEMENTWISE 0
/* Batch, channels, then positions: batch and positions are those of the first input, at most with other extents; a
 * convolution makes new channels. */
#define GRADCAM_AXES_CHANNELS_FIRST 1
/* The elements of the first input in order, with other extents. */
#define GRADCAM_AXES_RESHAPED 2
/* By `input_labels` and `result_labels`: an axis of the results counts what the input axes with its label count. */
#define GRADCAM_AXES_LABELLED 3
/* All inputs concatenated along `joined_axis`. */
#define GRADCAM_AXES_JOINED 4
/* For each axis of the first input, its indices from `starts` on, `steps` apart. */
#define GRADCAM_AXES_SLICED 5

/* What a node means to code that analyses a network instead of running it: all zero for an elementwise function. What
 * is pointed to must be valid until the function returns; it may lie in the host's scratch memory. Since version 2. */
typedef struct gradcam_meaning {
  size_t size;
  /* One of GRADCAM_AXES_…. */
  int64_t axes;
  /* With GRADCAM_AXES_LABELLED: for every input a label for each of its axes, NULL for an input that does not matter;
   * and a label for each axis of the results. A label that no input has marks an axis that counts something unknown. */
  const int64_t *const *input_labels;
  const int64_t *result_labels;
  size_t result_rank;
  /* With GRADCAM_AXES_JOINED; not negative. */
  int64_t joined_axis;
  /* With GRADCAM_AXES_SLICED: one number for each axis of the first input. */
  const int64_t *starts;
  const int64_t *steps;
  /* The constants that it adds to each channel of its result; NULL if it adds none. */
  const float *channel_bias;
  size_t channel_count;
  /* The constant weights with which it maps features linearly at each position: results × inputs. NULL if it does
   * anything else. */
  const float *linear_weights;
  size_t weight_result_count;
  size_t weight_input_count;
  /* The axes of its first input over which it takes the mean; NULL if it does anything else. */
  const int64_t *averaged_axes;
  size_t averaged_axis_count;
} gradcam_meaning;

/* An operator. */
typedef struct gradcam_operator {
  size_t size;
  /* The domain of the operator, such as "example"; "" is ONNX's own. */
  const char *domain;
  /* Its name, such as "SoftClip". */
  const char *type;
  /* The first version of the domain that this operator serves, at least 1; a model gets the operator with the highest
   * version that is not above its own. */
  int64_t since_version;
  /* The element types that its inputs may have; a count of 0 means any floating-point type. */
  size_t element_type_count;
  const int64_t *element_types;

  /* Creates the state of a node: reads its attributes. NULL for an operator without attributes, whose state is NULL.
   * May be called several times for a node; each state is destroyed. */
  gradcam_status (*create)(gradcam_call *call, void **state);
  /* Frees a state that `create` made; NULL if there is nothing to free. */
  void (*destroy)(void *state);
  /* Sets the type and extents of every output with the host's `set_output`; the same for the same inputs. NULL means
   * one output like the first input. */
  gradcam_status (*shape)(void *state, const gradcam_shape_arguments *arguments);
  /* Computes the outputs. */
  gradcam_status (*forward)(void *state, const gradcam_forward_arguments *arguments);
  /* Computes the inputs' gradients. NULL for an operator without a gradient: nothing upstream can be explained. */
  gradcam_status (*vjp)(void *state, const gradcam_vjp_arguments *arguments);
  /* The inputs and outputs whose contents `vjp` reads: bit i stands for number i, bit 63 for number 63 and all after
   * it. All others may have been overwritten when it runs. */
  uint64_t vjp_reads_inputs;
  uint64_t vjp_reads_outputs;

  /* Since version 2. Its role in a network: one of GRADCAM_ROLE_…. */
  int64_t role;
  /* 1 if the operator ends in max(x, 0): guided backpropagation then blocks negative gradients. */
  int64_t is_rectifier;
  /* Fills in what the node means; `meaning` is all zero before. NULL for an elementwise function. If it fails, the node
   * counts as one. */
  gradcam_status (*meaning)(void *state, const gradcam_shape_arguments *arguments, gradcam_meaning *meaning);
} gradcam_operator;

/* ---- CAM methods ------------------------------------------------------------------------------------------------- */

/* What a CAM method receives: a node's activation and gradient for one image. */
typedef struct gradcam_feature_map {
  size_t size;
  gradcam_call *call;
  size_t channels;
  size_t height;
  size_t width;
  /* Channels × height × width numbers. */
  const float *activation;
  /* The gradient of the target with respect to each activation. */
  const float *gradient;
} gradcam_feature_map;

/* A CAM method; one of `map` and `weights` is NULL. */
typedef struct gradcam_method {
  size_t size;
  /* Its name for --method: lower-case, such as "contrastcam". */
  const char *name;
  /* Writes height × width numbers. The program rectifies, resizes and rescales them to 0 … 1. */
  gradcam_status (*map)(const gradcam_feature_map *at, float *map);
  /* Writes one weight per channel; the map is the sum over channels of weight × activation, and the method then works
   * with --smooth eigen too. */
  gradcam_status (*weights)(const gradcam_feature_map *at, float *weights);
  /* 1 if negative values of the map count too; 0 if they are rectified, as is usual. */
  int64_t keeps_negative;
} gradcam_method;

/* ---- Targets ----------------------------------------------------------------------------------------------------- */

/* What a target is computed from. */
typedef struct gradcam_target_arguments {
  size_t size;
  gradcam_call *call;
  /* Floating-point numbers: an output of the model or another of its values, for one image, or the part of it that the
   * user selected. */
  const gradcam_tensor *elements;
  /* What the user wrote after the elements, such as 3 in --target 'margin(logits, 3)'; "" if nothing. */
  const char *argument;
} gradcam_target_arguments;

/* A target: a number that can be explained. */
typedef struct gradcam_target {
  size_t size;
  /* Its name, which comes before the parenthesis in --target 'NAME(OUTPUT)'. */
  const char *name;
  /* Computes the number. */
  gradcam_status (*score)(const gradcam_target_arguments *arguments, float *score);
  /* Writes its gradient with respect to every element. */
  gradcam_status (*gradient)(const gradcam_target_arguments *arguments, float *gradient);
} gradcam_target;

/* ---- The plugin -------------------------------------------------------------------------------------------------- */

/* What a plugin provides. */
typedef struct gradcam_plugin {
  size_t size;
  /* GRADCAM_ABI_VERSION, as compiled into the plugin. */
  int64_t abi_version;
  /* A short name, which errors and --prefer use. */
  const char *name;
  /* The plugin's own version, such as "1.0". */
  const char *version;
  /* A description in one line. */
  const char *description;
  size_t operator_count;
  const gradcam_operator *const *operators;
  size_t method_count;
  const gradcam_method *const *methods;
  size_t target_count;
  const gradcam_target *const *targets;
} gradcam_plugin;

/* The function that every plugin exports. Called once, before any other function of the plugin.
 *
 *   host          the host's functions; keep it.
 *   host_version  the GRADCAM_ABI_VERSION of the program: how much of the host's table there is.
 *   call          for `fail` and `log`.
 *
 * Returns the plugin's table, or NULL after `fail`. */
GRADCAM_EXPORT const gradcam_plugin *gradcam_plugin_entry(
    const gradcam_host *host, int64_t host_version, gradcam_call *call);

#ifdef __cplusplus
}
#endif

#endif

/* The interface between gradcam and its plugins, version 1.
 *
 * A plugin is a shared library that exports gradcam_plugin_entry. It may bring operators (with their gradients), CAM
 * methods and targets. This header needs nothing but a C compiler; every language that can export a C function and read
 * these structures will do.
 *
 * Versions. GRADCAM_ABI_VERSION rises with every change, and a change only ever appends: members at the end of a
 * structure, functions at the end of the host's table. Every structure begins with its own size, as the side that made
 * it was compiled; the other side reads no member beyond that size. So a plugin built for an older version keeps working
 * with a newer program. One built for a newer version than the program's is refused, with both versions named.
 *
 * Numbers. Tensors are dense and row-major, in ONNX's order of dimensions. Elements of every floating-point type lie in
 * memory as float, of every integer type as int64_t, and truth values as one byte, 0 or 1; the type that the model
 * declares is told beside them. Addresses are multiples of the element's size, no more.
 *
 * Ownership. What the program hands to a function belongs to the program and is valid until the function returns, unless
 * something else is said. Inputs must not be written. The tables and texts that a plugin hands over, and the functions in
 * them, must stay valid as long as the process lives; libraries are never unloaded.
 *
 * Threads. Any function of a plugin may be called from any thread, and by several threads at a time, also with the same
 * state: state is made once by `create` and only read from then on. The functions of the host that take a `gradcam_call`
 * may be used on the thread that the plugin was called on, and until it returns; inside the body of `parallel_for` no
 * function of the host may be called. A plugin should start no threads of its own, and results should not depend on the
 * number of workers.
 *
 * Errors. A function that fails calls `fail` with a sentence for the user, without a full stop, and returns what `fail`
 * returned. No exception may leave a function, and nothing may jump out of it. A crash ends the program; it cannot be
 * contained. The program watches the 64 bytes behind every buffer that a plugin writes: a plugin that writes further
 * than the buffer is stopped with an error after the damage is done.
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
#define GRADCAM_ABI_VERSION 1

/* What a function returns: GRADCAM_OK, or what `fail` returned. */
typedef int32_t gradcam_status;
#define GRADCAM_OK 0
/* The model, its inputs or its attributes are wrong. */
#define GRADCAM_FAILED 1
/* The plugin cannot do what is asked for. */
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

/* One call of a function of the plugin; only the host knows what is in it. */
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
  /* The elements. One of these three at most is not NULL: that of the element type's form, and none where the contents
   * are not known or not to be read. */
  float *floats;
  int64_t *integers;
  uint8_t *booleans;
} gradcam_tensor;

/* ---- What the host offers ---------------------------------------------------------------------------------------- */

/* The functions of the host; the table is valid as long as the process lives. */
typedef struct gradcam_host {
  size_t size;

  /* Notes why a function fails; the message is copied. Returns `status`, so that one can write
   *   return host->fail(call, GRADCAM_FAILED, "limit is negative"); */
  gradcam_status (*fail)(gradcam_call *call, gradcam_status status, const char *message);

  /* Writes a line to the program's log, which is standard error; the message is copied. */
  void (*log)(gradcam_call *call, const char *message);

  /* Memory for so many bytes, not initialised, at a multiple of 64; freed when the function returns. Any number of times
   * a call. NULL where there is not so much, which `fail` has been told already. */
  void *(*scratch)(gradcam_call *call, size_t byte_count);

  /* Calls `body(context, index, worker)` once for every index below `count`, in no order, on the threads of the program,
   * and returns when all are done. `worker` lies below `worker_count`; no two calls that run at a time have the same. */
  void (*parallel_for)(
      gradcam_call *call, size_t count, void (*body)(void *context, size_t index, size_t worker), void *context);

  /* The number of workers of `parallel_for`, at least 1: memory of their own for each may be cut out of one `scratch`. */
  size_t (*worker_count)(gradcam_call *call);

  /* Attributes of the node; for `create` only. A function leaves `*value` as it is where the node does not have the
   * attribute, so that it holds the default before. It fails where the attribute has another type. What is pointed to is
   * valid as long as the state that is being made. A node with an attribute that `create` did not ask for is refused,
   * because an attribute that is ignored is a wrong result. */
  gradcam_status (*attribute_int)(gradcam_call *call, const char *name, int64_t *value);
  gradcam_status (*attribute_float)(gradcam_call *call, const char *name, float *value);
  gradcam_status (*attribute_string)(gradcam_call *call, const char *name, const char **value);
  gradcam_status (*attribute_ints)(gradcam_call *call, const char *name, const int64_t **values, size_t *count);
  gradcam_status (*attribute_floats)(gradcam_call *call, const char *name, const float **values, size_t *count);
  gradcam_status (*attribute_tensor)(gradcam_call *call, const char *name, const gradcam_tensor **value);
  /* Whether the node has the attribute, 1 or 0; does not count as asking for it. */
  int32_t (*has_attribute)(gradcam_call *call, const char *name);
  /* The version of the operator's domain that the model uses. */
  int64_t (*opset_version)(gradcam_call *call);

  /* Tells type and extents of one output; for `shape` only. The extents are copied. */
  gradcam_status (*set_output)(
      gradcam_call *call, size_t index, int64_t element_type, const int64_t *dimensions, size_t rank);
} gradcam_host;

/* ---- Operators --------------------------------------------------------------------------------------------------- */

/* The arguments of a shape function. */
typedef struct gradcam_shape_arguments {
  size_t size;
  gradcam_call *call;
  /* The inputs in the operator's order, NULL where one is left out. They have contents where those are known before the
   * model runs, as constants are. */
  size_t input_count;
  const gradcam_tensor *const *inputs;
  /* The number of outputs that the node has. */
  size_t output_count;
} gradcam_shape_arguments;

/* The arguments of a forward function. */
typedef struct gradcam_forward_arguments {
  size_t size;
  gradcam_call *call;
  /* The inputs, NULL where one is left out. */
  size_t input_count;
  const gradcam_tensor *const *inputs;
  /* The outputs, of the types and extents that the shape function told, NULL where nobody wants one. Every element is to
   * be written; nothing is in them before. They never overlap an input. */
  size_t output_count;
  const gradcam_tensor *const *outputs;
} gradcam_forward_arguments;

/* The arguments of a vector-Jacobian product. */
typedef struct gradcam_vjp_arguments {
  size_t size;
  gradcam_call *call;
  /* The inputs, NULL where one is left out; with contents where `vjp_reads_inputs` says so. */
  size_t input_count;
  const gradcam_tensor *const *inputs;
  /* The outputs; with contents where `vjp_reads_outputs` says so. */
  size_t output_count;
  const gradcam_tensor *const *outputs;
  /* The gradient of the score with respect to each output, NULL where it is zero; the first is never NULL where the node
   * has but one output. */
  const float *const *output_gradients;
  /* Where the gradient with respect to each input is to be written, every element of it: written, not added. NULL where
   * an input's gradient is not wanted. Only inputs of floating-point types are ever wanted. */
  float *const *input_gradients;
} gradcam_vjp_arguments;

/* An operator. */
typedef struct gradcam_operator {
  size_t size;
  /* The domain of the operator, as "example"; "" is ONNX's own. */
  const char *domain;
  /* Its name, as "SoftClip". */
  const char *type;
  /* The first version of the domain that this operator serves, at least 1; a model gets the operator with the highest
   * version that is not above its own. */
  int64_t since_version;
  /* The element types that its inputs may have; 0 of them mean any floating-point type. */
  size_t element_type_count;
  const int64_t *element_types;

  /* Makes the state of a node: reads its attributes. NULL for an operator without attributes, whose state is NULL. Called
   * several times for a node; each state is destroyed. */
  gradcam_status (*create)(gradcam_call *call, void **state);
  /* Frees a state that `create` made; NULL where there is nothing to free. */
  void (*destroy)(void *state);
  /* Tells type and extents of every output with the host's `set_output`; the same for the same inputs. NULL means one
   * output like the first input. */
  gradcam_status (*shape)(void *state, const gradcam_shape_arguments *arguments);
  /* Computes the outputs. */
  gradcam_status (*forward)(void *state, const gradcam_forward_arguments *arguments);
  /* Computes the gradients of the inputs. NULL for an operator without a gradient: nothing before it can be explained. */
  gradcam_status (*vjp)(void *state, const gradcam_vjp_arguments *arguments);
  /* The inputs and outputs whose contents `vjp` reads: bit i stands for number i, bit 63 for 63 and all behind. All else
   * may have been overwritten when it runs. */
  uint64_t vjp_reads_inputs;
  uint64_t vjp_reads_outputs;
} gradcam_operator;

/* ---- CAM methods ------------------------------------------------------------------------------------------------- */

/* What a CAM method sees: a node of one image. */
typedef struct gradcam_feature_map {
  size_t size;
  gradcam_call *call;
  size_t channels;
  size_t height;
  size_t width;
  /* Channels × height × width numbers. */
  const float *activation;
  /* The gradient of what is explained with respect to each activation. */
  const float *gradient;
} gradcam_feature_map;

/* A CAM method; one of `map` and `weights` is NULL. */
typedef struct gradcam_method {
  size_t size;
  /* What is given to --method: lower-case, as "contrastcam". */
  const char *name;
  /* Writes height × width numbers. Rectifying, resizing and rescaling to 0 … 1 are the program's. */
  gradcam_status (*map)(const gradcam_feature_map *at, float *map);
  /* Writes one weight a channel; the map is the sum over channels of weight × activation, and the method then works with
   * --smooth eigen too. */
  gradcam_status (*weights)(const gradcam_feature_map *at, float *weights);
  /* 1 where values of the map below 0 count, too; 0 where they are left out, as is usual. */
  int64_t keeps_negative;
} gradcam_method;

/* ---- Targets ----------------------------------------------------------------------------------------------------- */

/* What a target is a number of. */
typedef struct gradcam_target_arguments {
  size_t size;
  gradcam_call *call;
  /* Floating-point numbers: an output of the model or another of its values, for one image, or the part of it that the
   * user picked. */
  const gradcam_tensor *elements;
  /* What the user wrote behind the elements, as 3 in --target 'margin(logits, 3)'; "" where nothing. */
  const char *argument;
} gradcam_target_arguments;

/* A target: a number that can be explained. */
typedef struct gradcam_target {
  size_t size;
  /* What stands before the parenthesis in --target 'NAME(OUTPUT)'. */
  const char *name;
  /* Computes the number. */
  gradcam_status (*score)(const gradcam_target_arguments *arguments, float *score);
  /* Writes its gradient with respect to every element. */
  gradcam_status (*gradient)(const gradcam_target_arguments *arguments, float *gradient);
} gradcam_target;

/* ---- The plugin -------------------------------------------------------------------------------------------------- */

/* What a plugin brings. */
typedef struct gradcam_plugin {
  size_t size;
  /* GRADCAM_ABI_VERSION, as the plugin was compiled. */
  int64_t abi_version;
  /* A short name, by which errors and --prefer call it. */
  const char *name;
  /* The plugin's own version, as "1.0". */
  const char *version;
  /* What it is, in a line. */
  const char *description;
  size_t operator_count;
  const gradcam_operator *const *operators;
  size_t method_count;
  const gradcam_method *const *methods;
  size_t target_count;
  const gradcam_target *const *targets;
} gradcam_plugin;

/* What every plugin exports. Called once, before anything else of it.
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

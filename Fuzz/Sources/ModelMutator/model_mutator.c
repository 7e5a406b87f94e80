// Mutates ONNX models by their schema: a model is decoded, a field of one of its messages is changed, and the model is
// encoded again. The descriptors that protoc-c generates say what fields there are, so nothing here is about one
// message or another. Values are taken from a list of awkward ones, from elsewhere in the model, or from models seen
// before.
#include "ModelMutator.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "onnx.pb-c.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t capacity);

typedef const ProtobufCMessageDescriptor *Descriptor;
typedef const ProtobufCFieldDescriptor *Field;

// ---- Memory: all of one call is released together ----

static _Alignas(16) uint8_t arena[32 << 20];
static size_t arena_used;

static void *take(void *unused, size_t size) {
  (void)unused;
  const size_t start = (arena_used + 15) & ~(size_t)15;
  if (size > sizeof arena - start) return NULL;
  arena_used = start + size;
  return arena + start;
}

static void keep(void *unused, void *pointer) { (void)unused, (void)pointer; }

static ProtobufCAllocator allocator = {take, keep, NULL};

static void *copy_of(const void *data, size_t size, size_t capacity) {
  void *copy = take(NULL, capacity ? capacity : 1);
  if (copy && size) memcpy(copy, data, size);
  return copy;
}

// ---- Chance ----

static uint64_t state;

static size_t below(size_t bound) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return bound ? state % bound : 0;
}

// ---- What a model consists of ----

enum { message_limit = 1 << 15, text_limit = 1 << 15, learnt_limit = 1 << 11 };

typedef struct {
  Field field;
  const char *text;
} Text;

typedef struct {
  ProtobufCMessage *messages[message_limit];
  size_t message_count;
  Text texts[text_limit];
  size_t text_count;
} Parts;

static Parts parts, other_parts;

// Texts of earlier models, by field, in memory of their own.
static struct {
  Field field;
  char text[64];
} learnt[learnt_limit];
static size_t learnt_count;

static void learn(Field field, const char *text) {
  if (strlen(text) >= sizeof learnt[0].text) return;
  for (size_t index = 0; index < learnt_count; index++)
    if (learnt[index].field == field && strcmp(learnt[index].text, text) == 0) return;
  const size_t index = learnt_count < learnt_limit ? learnt_count++ : below(learnt_limit);
  learnt[index].field = field;
  strcpy(learnt[index].text, text);
}

static void *member(ProtobufCMessage *message, Field field) { return (uint8_t *)message + field->offset; }

static size_t *count_of(ProtobufCMessage *message, Field field) {
  return (size_t *)((uint8_t *)message + field->quantifier_offset);
}

static size_t size_of(Field field) {
  switch (field->type) {
  case PROTOBUF_C_TYPE_STRING:
  case PROTOBUF_C_TYPE_MESSAGE: return sizeof(void *);
  case PROTOBUF_C_TYPE_BYTES: return sizeof(ProtobufCBinaryData);
  case PROTOBUF_C_TYPE_INT64:
  case PROTOBUF_C_TYPE_UINT64:
  case PROTOBUF_C_TYPE_DOUBLE: return 8;
  default: return 4;
  }
}

static void gather(ProtobufCMessage *message, Parts *into, unsigned depth) {
  if (depth > 100 || into->message_count == message_limit) return;
  into->messages[into->message_count++] = message;
  for (unsigned index = 0; index < message->descriptor->n_fields; index++) {
    Field field = message->descriptor->fields + index;
    const int is_text = field->type == PROTOBUF_C_TYPE_STRING, is_message = field->type == PROTOBUF_C_TYPE_MESSAGE;
    if (!is_text && !is_message) continue;
    const int repeats = field->label == PROTOBUF_C_LABEL_REPEATED;
    void **elements = repeats ? *(void ***)member(message, field) : (void **)member(message, field);
    const size_t count = repeats ? *count_of(message, field) : 1;
    for (size_t each = 0; each < count; each++) {
      if (!elements[each]) continue;
      if (is_message) gather(elements[each], into, depth + 1);
      else if (into->text_count < text_limit) into->texts[into->text_count++] = (Text){field, elements[each]};
    }
  }
}

// ---- New values ----

static int64_t awkward_integer(int64_t old) {
  static const int64_t values[] = {
      0, 1, -1, 2, -2, 3, 4, 7, 8, 16, 31, 32, 63, 64, 127, 128, 255, 256, 1000, 65535, 65536, INT_MAX, INT_MIN,
      (int64_t)1 << 32, (int64_t)1 << 40, (int64_t)1 << 61, (int64_t)1 << 62, INT64_MAX, INT64_MIN, INT64_MAX - 1};
  switch (below(6)) {
  case 0: return values[below(sizeof values / sizeof *values)];
  case 1: return (int64_t)((uint64_t)old + 1);
  case 2: return (int64_t)((uint64_t)old - 1);
  case 3: return (int64_t)(0 - (uint64_t)old);
  case 4: return (int64_t)((uint64_t)old * 2);
  default: return (int64_t)below(20);
  }
}

static double awkward_number(void) {
  static const double values[] = {0,    -0.0,  1,       -1,       0.5,     2,         1e-8, 1e8,
                                  1e30, -1e30, FLT_MAX, -FLT_MAX, DBL_MAX, INFINITY, -INFINITY, NAN};
  return below(3) ? values[below(sizeof values / sizeof *values)] : ((double)below(2001) - 1000) / 100;
}

static char *new_text(Field field, const char *old) {
  const size_t way = below(16);
  if (way == 0) return "";
  if (way == 1) {
    const size_t size = old ? strlen(old) : 0;
    char *text = copy_of(old, size, size + 9);
    if (!text) return "";
    text[LLVMFuzzerMutate((uint8_t *)text, size, size + 8)] = 0;
    return text;
  }
  // Another of the same field: of this model, or of an earlier one; or any of this model.
  for (unsigned attempt = 0; attempt < 64; attempt++) {
    if (way < 6 && learnt_count) {
      const size_t index = below(learnt_count);
      if (learnt[index].field == field) return copy_of(learnt[index].text, sizeof learnt[0].text, sizeof learnt[0].text);
    } else if (parts.text_count) {
      const Text text = parts.texts[below(parts.text_count)];
      if (text.field == field || way > 12) return (char *)text.text;
    }
  }
  return old ? (char *)old : "";
}

// A copy of a message of the kind, or an empty one; there must be some memory left.
static ProtobufCMessage *new_message(Descriptor descriptor, const Parts *from) {
  for (unsigned attempt = 0; attempt < 64 && from->message_count; attempt++) {
    ProtobufCMessage *message = from->messages[below(from->message_count)];
    // Encoded and decoded again, so that the two can differ from now on.
    if (message->descriptor != descriptor) continue;
    const size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = size < 1 << 18 ? take(NULL, size + 1) : NULL;
    if (!bytes) continue;
    protobuf_c_message_pack(message, bytes);
    ProtobufCMessage *copy = protobuf_c_message_unpack(descriptor, &allocator, size, bytes);
    if (copy) return copy;
  }
  ProtobufCMessage *message = take(NULL, descriptor->sizeof_message);
  if (message) descriptor->message_init(message);
  return message;
}

static void change_bytes(ProtobufCBinaryData *bytes) {
  const size_t size = bytes->len;
  const size_t wanted = below(8) ? size : below(2) ? size / 2 : size * 2 < 1 << 16 ? size * 2 + below(9) : size;
  uint8_t *copy = take(NULL, wanted + 17);
  if (!copy) return;
  memset(copy, 0, wanted + 17);
  if (size) memcpy(copy, bytes->data, size < wanted ? size : wanted);
  bytes->data = copy;
  bytes->len = below(4) ? LLVMFuzzerMutate(copy, wanted, wanted + (wanted && below(4) ? 0 : 16)) : wanted;
}

static void change_element(Field field, void *element, const Parts *from) {
  switch (field->type) {
  case PROTOBUF_C_TYPE_INT64:
  case PROTOBUF_C_TYPE_UINT64: *(int64_t *)element = awkward_integer(*(int64_t *)element); break;
  case PROTOBUF_C_TYPE_FLOAT: *(float *)element = (float)awkward_number(); break;
  case PROTOBUF_C_TYPE_DOUBLE: *(double *)element = awkward_number(); break;
  case PROTOBUF_C_TYPE_STRING: *(char **)element = new_text(field, *(char **)element); break;
  case PROTOBUF_C_TYPE_BYTES: change_bytes(element); break;
  case PROTOBUF_C_TYPE_MESSAGE: *(ProtobufCMessage **)element = new_message(field->descriptor, from); break;
  // A number outside of an enumeration is one in C too.
  default: *(int32_t *)element = (int32_t)(below(4) ? (int64_t)below(31) : awkward_integer(*(int32_t *)element));
  }
}

static void change_list(ProtobufCMessage *message, Field field, const Parts *from) {
  size_t *count = count_of(message, field);
  const size_t size = size_of(field), old = *count, position = below(old), way = below(8);
  uint8_t *elements = copy_of(*(void **)member(message, field), old * size, (old + 1) * size);
  // Without memory left, the list stays as it is.
  if (!elements || arena_used > sizeof arena / 2) return;
  *(void **)member(message, field) = elements;
  if (old == 0 || way == 0) {  // one more, somewhere
    // Made before it is in the list: it may become a copy of what the list belongs to.
    union {
      ProtobufCBinaryData bytes;
      char *text;
    } fresh = {{0, NULL}};
    if (field->type == PROTOBUF_C_TYPE_STRING) fresh.text = "";
    change_element(field, &fresh, from);
    memmove(elements + (position + 1) * size, elements + position * size, (old - position) * size);
    memcpy(elements + position * size, &fresh, size);
    *count = old + 1;
  } else if (way == 1) {  // one less
    memmove(elements + position * size, elements + (position + 1) * size, (old - position - 1) * size);
    *count = old - 1;
  } else if (way == 2) {  // one twice; two messages that are one are encoded twice
    memcpy(elements + old * size, elements + position * size, size);
    *count = old + 1;
  } else if (way == 3) {  // two change places
    uint8_t swapped[sizeof(ProtobufCBinaryData)], *a = elements + position * size, *b = elements + below(old) * size;
    memcpy(swapped, a, size), memmove(a, b, size), memcpy(b, swapped, size);
  } else if (way == 4 && below(4) == 0) {
    *count = position;
  } else {
    change_element(field, elements + position * size, from);
  }
}

static void change_field(ProtobufCMessage *message, const Parts *from) {
  if (!message->descriptor->n_fields) return;
  Field field = message->descriptor->fields + below(message->descriptor->n_fields);
  if (field->label == PROTOBUF_C_LABEL_REPEATED) return change_list(message, field, from);
  const int points = field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
  if (below(8) == 0) {  // left out
    if (points) *(void **)member(message, field) = NULL;
    else *(protobuf_c_boolean *)count_of(message, field) = 0;
    return;
  }
  if (!points) *(protobuf_c_boolean *)count_of(message, field) = 1;
  change_element(field, member(message, field), from);
}

// ---- Models ----

static ProtobufCMessage *decode(const uint8_t *data, size_t size, Parts *into) {
  Onnx__ModelProto *model = onnx__model_proto__unpack(&allocator, size, data);
  into->message_count = into->text_count = 0;
  if (model) gather(&model->base, into, 0);
  return model ? &model->base : NULL;
}

static size_t encode(const ProtobufCMessage *model, uint8_t *out, size_t capacity) {
  return protobuf_c_message_get_packed_size(model) <= capacity ? protobuf_c_message_pack(model, out) : 0;
}

// A message, most often a node or what belongs to one, where the operators are.
static ProtobufCMessage *some_message(Descriptor preferred) {
  for (unsigned attempt = 0; preferred && attempt < 16; attempt++) {
    ProtobufCMessage *message = parts.messages[below(parts.message_count)];
    if (message->descriptor == preferred) return message;
  }
  return parts.messages[below(parts.message_count)];
}

size_t mutate_model(uint8_t *data, size_t size, size_t capacity, unsigned seed) {
  arena_used = 0;
  state = seed * 0x9E3779B97F4A7C15u + 1;
  ProtobufCMessage *model = decode(data, size, &parts);
  if (!model) return 0;
  for (size_t index = 0; index < parts.text_count; index++) learn(parts.texts[index].field, parts.texts[index].text);
  const size_t changes = 1 + below(4) * (below(3) == 0);
  for (size_t index = 0; index < changes; index++) {
    static const Descriptor preferred[] = {
        NULL, &onnx__node_proto__descriptor, &onnx__attribute_proto__descriptor,
        &onnx__tensor_shape_proto__dimension__descriptor, &onnx__tensor_proto__descriptor};
    change_field(some_message(preferred[below(5)]), &parts);
  }
  return encode(model, data, capacity);
}

size_t cross_models(
    const uint8_t *first, size_t first_size, const uint8_t *second, size_t second_size, uint8_t *out, size_t capacity,
    unsigned seed) {
  arena_used = 0;
  state = seed * 0x9E3779B97F4A7C15u + 1;
  ProtobufCMessage *model = decode(first, first_size, &parts);
  if (!model || !decode(second, second_size, &other_parts)) return 0;
  for (unsigned attempt = 0; attempt < 64; attempt++) {
    ProtobufCMessage *message = parts.messages[below(parts.message_count)];
    if (!message->descriptor->n_fields) continue;
    Field field = message->descriptor->fields + below(message->descriptor->n_fields);
    if (field->type != PROTOBUF_C_TYPE_MESSAGE) continue;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) change_list(message, field, &other_parts);
    else change_element(field, member(message, field), &other_parts);
    break;
  }
  return encode(model, out, capacity);
}

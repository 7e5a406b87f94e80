/* The C interface of libgradcam.so: heat maps that explain the decisions of a convolutional network, from its exported
   .onnx file.

     gradcam_model *model = NULL;
     gradcam_explanation *explanation = NULL;
     gradcam_image image = {.size = sizeof image, .path = "photo.jpg"};
     if (gradcam_open("vgg19.onnx", NULL, &model) || gradcam_run(model, &image) ||
         gradcam_explain(model, NULL, &explanation))
       fprintf(stderr, "%s\n", gradcam_last_error());

   Status. Functions that can fail return a gradcam_status: 0, or the exit code that the program gradcam has for the
   same error. gradcam_last_error() then says in one line what is wrong, where, and what to do; it names settings like
   the fields below, or like the program's options without their dashes. Wrong arguments, including null pointers and
   closed handles, are such errors too; a pointer to invalid memory cannot be detected.

   Threads. Any thread may call any function. A model or an explanation serves one caller at a time: a call during
   another on the same object fails with GRADCAM_USAGE. Different objects are independent of each other, even an
   explanation and the model that made it. A model has its own threads, so a process must fork before it opens models.

   Memory. The caller owns what it passes; the library keeps none of it after a call. Strings and arrays that a function
   returns belong to the model or explanation passed to it and are valid until that is closed. All strings are
   null-terminated UTF-8.

   Versions. Every struct that is passed by pointer begins with its size in bytes, which the caller sets. Later versions
   only add fields at the end: programs need not be recompiled. Fields that are 0 or NULL mean the default, so start
   with a zeroed struct. */

#ifndef GRADCAM_H
#define GRADCAM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The result of a call. */
typedef int32_t gradcam_status;
enum {
  GRADCAM_OK = 0,
  GRADCAM_USAGE = 64,       /* an argument, or a name in it, cannot be used */
  GRADCAM_BAD_DATA = 65,    /* a model, picture or tensor has invalid contents */
  GRADCAM_UNREADABLE = 66,  /* a file cannot be opened or read */
  GRADCAM_UNSUPPORTED = 69, /* an operator or a feature is not supported */
  GRADCAM_DEFECT = 70       /* an internal error of the library */
};

/* A network, planned for explanations at one node. */
typedef struct gradcam_model gradcam_model;
/* One map with its details; independent of the model that made it. */
typedef struct gradcam_explanation gradcam_explanation;

/* The library's version, such as "0.1.0"; never NULL. */
const char *gradcam_version(void);

/* The error of the last failed call on this thread; "" if none failed. Valid until the next call that fails. */
const char *gradcam_last_error(void);

/* ---- Models ---- */

typedef struct gradcam_options {
  size_t size;        /* sizeof(gradcam_options) */
  const char *node;   /* the node at which maps are taken, as for --node; default "auto", the last feature map */
  const char *labels; /* a file of class names, as for --labels; default the model's own */
  const char *preset; /* "imagenet", "raw", "caffe" or "tf"; default as the model's file says, else "imagenet" */
  const char *layout; /* "nchw" or "nhwc", if the model does not say */
  const char *models; /* the folder in which a NAME means NAME.onnx; default GRADCAM_MODELS, else "models" */
  int32_t threads;    /* default one per core */
  int32_t width;      /* of the network's input, if its file leaves it open; default 224 */
  int32_t height;
  const char *output; /* the output that holds class scores; default the one that most probably does */
} gradcam_options;

/* Opens a model: the path of an .onnx file, or a name in the models folder. Sets *model, to NULL on failure. */
gradcam_status gradcam_open(const char *path, const gradcam_options *options, gradcam_model **model);

/* Closes a model. Does nothing if it is NULL or already closed. */
void gradcam_close(gradcam_model *model);

typedef struct gradcam_model_info {
  size_t size;           /* sizeof(gradcam_model_info) */
  const char *node;      /* the node at which maps are taken */
  int32_t batch;         /* of the image input: images per run; the first is explained */
  int32_t channels;      /* 1 or 3 */
  int32_t height;
  int32_t width;
  int32_t channels_last; /* 1 if the order is batch, height, width, channels; else channels come second */
  int32_t class_count;   /* 0 if the model gives no class scores */
  int32_t node_count;
} gradcam_model_info;

/* Describes a model. */
gradcam_status gradcam_get_model_info(gradcam_model *model, gradcam_model_info *info);

/* Sets *label to the name of a class, NULL if none is known. */
gradcam_status gradcam_get_label(gradcam_model *model, int32_t class_index, const char **label);

typedef struct gradcam_node {
  size_t size;             /* sizeof(gradcam_node) */
  const char *name;        /* the node's name; may be "" */
  const char *tensor;      /* the name of its first output */
  const char *module;      /* the PyTorch module that computed it, NULL if the file does not say */
  const char *operator_name;
  const int64_t *shape;    /* the extents of the first output, NULL if they are unknown */
  int32_t rank;            /* the number of extents */
  int32_t is_mappable;     /* 1 if a map can be taken here */
  int32_t is_auto;         /* 1 for the node that "auto" means */
} gradcam_node;

/* Describes a node by its index in the file's order, from 0 to node_count - 1: "#index" is one of its names. */
gradcam_status gradcam_get_node(gradcam_model *model, int32_t index, gradcam_node *node);

/* ---- Images ---- */

/* An image, given as exactly one of path, pixels and tensor. */
typedef struct gradcam_image {
  size_t size;           /* sizeof(gradcam_image) */
  const char *path;      /* a PNG or JPEG file */
  const uint8_t *pixels; /* red, green and blue of every pixel, row by row from the top */
  int32_t width;         /* of pixels */
  int32_t height;
  size_t stride;         /* bytes from one row of pixels to the next; default 3 * width */
  const float *tensor;   /* the network's input, used without any preprocessing, in the model's order */
  size_t tensor_count;   /* its element count: batch * channels * height * width of gradcam_model_info */
} gradcam_image;

/* Runs a model forward on an image, to which the following calls refer until the next run. */
gradcam_status gradcam_run(gradcam_model *model, const gradcam_image *image);

/* A class with its score; this struct does not grow. */
typedef struct gradcam_class {
  const char *label; /* NULL if none is known; belongs to the model */
  int32_t index;
  float logit;
  float probability; /* NaN if nothing says that the model's few numbers are scores of classes */
} gradcam_class;

/* Writes the classes of the image that was run, the most probable first: all of them, but at most capacity; none if the
   model's only number may be a measurement. Sets *count, which may be NULL, to the number written. */
gradcam_status gradcam_classify(gradcam_model *model, gradcam_class *classes, size_t capacity, size_t *count);

/* ---- Explanations ---- */

typedef struct gradcam_request {
  size_t size;             /* sizeof(gradcam_request) */
  const char *method;      /* a CAM method, as for --method; default "gradcam" */
  const char *class_name;  /* a class's number or label; default the most probable class, or the only number */
  int32_t of_probability;  /* 1: explains the class's probability; default its raw score */
  int32_t counterfactual;  /* 1: shows the evidence against the class */
  int32_t concept_number;  /* which of the concepts that the method dff finds, from 1 to 5; default 1 */
} gradcam_request;

/* Explains the image that was run. Sets *explanation, to NULL on failure. */
gradcam_status gradcam_explain(
    gradcam_model *model, const gradcam_request *request, gradcam_explanation **explanation);

/* Closes an explanation. Does nothing if it is NULL or already closed. */
void gradcam_close_explanation(gradcam_explanation *explanation);

typedef struct gradcam_explanation_info {
  size_t size;           /* sizeof(gradcam_explanation_info) */
  const char *node;
  const char *method;
  const char *label;     /* NULL if none is known */
  int32_t class_index;   /* -1 if no class is explained */
  float logit;           /* NaN if the class has no score of its own, as in a segmentation */
  float probability;     /* likewise */
  float score;           /* the score that is explained */
  int32_t width;         /* of the picture and of the heat over it; for a tensor, of the network's input */
  int32_t height;
  int32_t map_width;     /* of the map at the node */
  int32_t map_height;
  int32_t warning_count;
} gradcam_explanation_info;

/* Describes an explanation. */
gradcam_status gradcam_get_explanation_info(gradcam_explanation *explanation, gradcam_explanation_info *info);

/* Gives the stable code and text of a warning, by its index from 0 to warning_count - 1. Either may be NULL. */
gradcam_status gradcam_get_warning(
    gradcam_explanation *explanation, int32_t index, const char **code, const char **text);

/* Writes the map as drawn, at the picture's size: width * height values in 0 ... 1, row by row from the top.
   Fails with GRADCAM_USAGE if capacity, in values, is too small. */
gradcam_status gradcam_copy_heat(gradcam_explanation *explanation, float *values, size_t capacity);

/* Writes the map at the node: map_width * map_height values, rectified but not scaled, as --save-map writes them. */
gradcam_status gradcam_copy_map(gradcam_explanation *explanation, float *values, size_t capacity);

typedef struct gradcam_drawing {
  size_t size;          /* sizeof(gradcam_drawing) */
  const char *style;    /* "overlay", "heat", "mask" or "side-by-side", as for --style; default "overlay" */
  const char *colormap; /* as for --colormap; default "jet" */
  float blend;          /* weight of the picture relative to the heat, up to 1; default 0.5 */
} gradcam_drawing;

/* Draws the map over the picture: 3 * width * height bytes of red, green and blue, twice as wide for "side-by-side".
   For a tensor only the heat is drawn. Fails with GRADCAM_USAGE if capacity, in bytes, is too small. */
gradcam_status gradcam_draw(
    gradcam_explanation *explanation, const gradcam_drawing *drawing, uint8_t *pixels, size_t capacity);

#ifdef __cplusplus
}
#endif

#endif

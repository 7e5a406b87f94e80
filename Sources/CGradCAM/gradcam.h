/* The C interface of libgradcam.so: heat maps of why a convolutional network decided as it did, from its exported .onnx
   file.

     gradcam_model *model = NULL;
     gradcam_explanation *explanation = NULL;
     gradcam_image image = {.size = sizeof image, .path = "photo.jpg"};
     if (gradcam_open("vgg19.onnx", NULL, &model) || gradcam_run(model, &image) ||
         gradcam_explain(model, NULL, &explanation))
       fprintf(stderr, "%s\n", gradcam_last_error());

   Status. Functions that can fail return a gradcam_status: 0, or the exit code that the program gradcam has for the same
   error. gradcam_last_error() then says in one line what is wrong, where, and what to do; what can be given it names as
   the fields below are called, or as the program's options are without their dashes. Wrong arguments, null pointers and
   handles that are closed included, are such errors too; a pointer that leads nowhere cannot be told from one that does.

   Threads. Any thread may call any function. A model, and an explanation, serve one caller at a time: a call while
   another one runs on the same fails with GRADCAM_USAGE. Different ones are independent of each other, explanations of
   the model that made them too. A model has threads of its own, so a process that forks opens models after that.

   Memory. The caller owns what it passes; nothing of it is kept behind a call. Strings and arrays that a function gives
   out belong to the model or explanation that was asked and are valid until it is closed. All strings are UTF-8 and end
   in 0.

   Versions. Every struct that is passed by pointer begins with its size in bytes, which the caller sets. Later versions
   add fields at the end alone: programs need not be compiled anew. Fields that are 0 or NULL mean the default, so begin
   with a struct that is 0 all over. */

#ifndef GRADCAM_H
#define GRADCAM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What came of a call. */
typedef int32_t gradcam_status;
enum {
  GRADCAM_OK = 0,
  GRADCAM_USAGE = 64,       /* an argument, or a name in it, cannot be used */
  GRADCAM_BAD_DATA = 65,    /* a model, picture or tensor has wrong contents */
  GRADCAM_UNREADABLE = 66,  /* a file cannot be opened or read */
  GRADCAM_UNSUPPORTED = 69, /* an operator or a feature is not there */
  GRADCAM_DEFECT = 70       /* an error of the library's own */
};

/* A network, planned for explanations at one node. */
typedef struct gradcam_model gradcam_model;
/* One map with what belongs to it; independent of the model that made it. */
typedef struct gradcam_explanation gradcam_explanation;

/* The library's version, as "0.1.0"; never NULL. */
const char *gradcam_version(void);

/* What was wrong with the last call of this thread that failed; "" where none did. Valid until the next that fails. */
const char *gradcam_last_error(void);

/* ---- Models ---- */

typedef struct gradcam_options {
  size_t size;        /* sizeof(gradcam_options) */
  const char *node;   /* where maps are taken: as --node takes it; default "auto", the last feature map */
  const char *labels; /* a file of class names, one a line; default the model's own */
  const char *preset; /* "imagenet", "raw", "caffe" or "tf"; default what the model's file says, else "imagenet" */
  const char *layout; /* "nchw" or "nhwc", where the model does not tell */
  const char *models; /* the folder in which a name means NAME.onnx; default GRADCAM_MODELS, else "models" */
  int32_t threads;    /* default one a core */
  int32_t width;      /* of the network's input, where its file leaves it open; default 224 */
  int32_t height;
} gradcam_options;

/* Opens a model: the path of an .onnx file, or a name in the models folder. Sets *model, to NULL where it fails. */
gradcam_status gradcam_open(const char *path, const gradcam_options *options, gradcam_model **model);

/* Closes a model; nothing for NULL or one that is closed. */
void gradcam_close(gradcam_model *model);

typedef struct gradcam_model_info {
  size_t size;           /* sizeof(gradcam_model_info) */
  const char *node;      /* the node that maps are taken at */
  int32_t batch;         /* of the image input: images of a run, of which the first is explained */
  int32_t channels;      /* 1 or 3 */
  int32_t height;
  int32_t width;
  int32_t channels_last; /* 1 where the order is batch, height, width, channels; else channels come second */
  int32_t class_count;   /* 0 where the model gives no class scores */
  int32_t node_count;
} gradcam_model_info;

/* Tells what a model is. */
gradcam_status gradcam_get_model_info(gradcam_model *model, gradcam_model_info *info);

/* Gives the name of a class, NULL where none is known. */
gradcam_status gradcam_get_label(gradcam_model *model, int32_t class_index, const char **label);

typedef struct gradcam_node {
  size_t size;             /* sizeof(gradcam_node) */
  const char *name;        /* the node's name; may be "" */
  const char *tensor;      /* the name of its first output */
  const char *module;      /* the PyTorch module that computed it, NULL where the file does not tell */
  const char *operator_name;
  const int64_t *shape;    /* the extents of the first output, NULL where they are not known */
  int32_t rank;            /* how many extents there are */
  int32_t is_mappable;     /* 1 where a map can be taken here */
  int32_t is_auto;         /* 1 for the node that "auto" means */
} gradcam_node;

/* Tells of the node of an index, from 0 to node_count - 1, in the file's order: "#index" is one of its names. */
gradcam_status gradcam_get_node(gradcam_model *model, int32_t index, gradcam_node *node);

/* ---- Images ---- */

/* One of path, pixels and tensor. */
typedef struct gradcam_image {
  size_t size;           /* sizeof(gradcam_image) */
  const char *path;      /* a PNG or JPEG file */
  const uint8_t *pixels; /* red, green and blue of every pixel, row by row from the top */
  int32_t width;         /* of pixels */
  int32_t height;
  size_t stride;         /* bytes from one row of pixels to the next; default 3 * width */
  const float *tensor;   /* the network's input as it is, without any preprocessing, in the model's order */
  size_t tensor_count;   /* its elements: batch * channels * height * width of gradcam_model_info */
} gradcam_image;

/* Runs a model forward on an image, which the calls that follow are about until the next run. */
gradcam_status gradcam_run(gradcam_model *model, const gradcam_image *image);

/* A class with its score; this struct does not grow. */
typedef struct gradcam_class {
  const char *label; /* NULL where none is known; belongs to the model */
  int32_t index;
  float logit;
  float probability;
} gradcam_class;

/* Gives the classes of the image that was run, by falling probability: as many as there are, at most capacity. Sets
   *count, which may be NULL, to their number. */
gradcam_status gradcam_classify(gradcam_model *model, gradcam_class *classes, size_t capacity, size_t *count);

/* ---- Explanations ---- */

typedef struct gradcam_request {
  size_t size;             /* sizeof(gradcam_request) */
  const char *method;      /* a CAM method, as --method takes it; default "gradcam" */
  const char *class_name;  /* a class's number or label; default the most probable class */
  int32_t of_probability;  /* 1: of the class's probability; default of its raw score */
  int32_t counterfactual;  /* 1: what speaks against the class */
  int32_t concept_number;  /* of the concepts that the method dff finds, from 1 to 5; default 1 */
} gradcam_request;

/* Explains the image that was run. Sets *explanation, to NULL where it fails. */
gradcam_status gradcam_explain(
    gradcam_model *model, const gradcam_request *request, gradcam_explanation **explanation);

/* Closes an explanation; nothing for NULL or one that is closed. */
void gradcam_close_explanation(gradcam_explanation *explanation);

typedef struct gradcam_explanation_info {
  size_t size;           /* sizeof(gradcam_explanation_info) */
  const char *node;
  const char *method;
  const char *label;     /* NULL where none is known */
  int32_t class_index;
  float logit;           /* NaN where the class has no score of its own, as in a segmentation */
  float probability;     /* likewise */
  float score;           /* what is explained */
  int32_t width;         /* of the picture, and of the heat over it; of a tensor the network's input's */
  int32_t height;
  int32_t map_width;     /* of the map at the node */
  int32_t map_height;
  int32_t warning_count;
} gradcam_explanation_info;

/* Tells what an explanation is of. */
gradcam_status gradcam_get_explanation_info(gradcam_explanation *explanation, gradcam_explanation_info *info);

/* Gives a warning's stable code and its text, by an index from 0 to warning_count - 1. Either pointer may be NULL. */
gradcam_status gradcam_get_warning(
    gradcam_explanation *explanation, int32_t index, const char **code, const char **text);

/* Writes the map as it is drawn, at the picture's size: width * height values in 0 ... 1, row by row from the top.
   Fails with GRADCAM_USAGE where capacity, in values, is less. */
gradcam_status gradcam_copy_heat(gradcam_explanation *explanation, float *values, size_t capacity);

/* Writes the map at the node: map_width * map_height values, rectified but not scaled, as --save-map has them. */
gradcam_status gradcam_copy_map(gradcam_explanation *explanation, float *values, size_t capacity);

typedef struct gradcam_drawing {
  size_t size;          /* sizeof(gradcam_drawing) */
  const char *style;    /* "overlay", "heat", "mask" or "side-by-side", as --style; default "overlay" */
  const char *colormap; /* as --colormap; default "jet" */
  float blend;          /* weight of the picture against the heat, up to 1; default 0.5 */
} gradcam_drawing;

/* Draws the map over the picture: 3 * width * height bytes of red, green and blue, twice as wide for "side-by-side". Of a
   tensor the heat alone is drawn. Fails with GRADCAM_USAGE where capacity, in bytes, is less. */
gradcam_status gradcam_draw(
    gradcam_explanation *explanation, const gradcam_drawing *drawing, uint8_t *pixels, size_t capacity);

#ifdef __cplusplus
}
#endif

#endif

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

   Threads. Any thread may call any function. An object serves one caller at a time: a call during another on the same
   object fails with GRADCAM_USAGE. Different objects are independent of each other, even those that were made from one
   another: the observations of a model may be asked on several threads at a time, and outlive the model. A model has its
   own threads, so a process must fork before it opens models.

   Memory. The caller owns what it passes; the library keeps none of it after a call. Strings and arrays that a function
   returns belong to the object passed to it and are valid until that is closed. All strings are
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
  GRADCAM_DEFECT = 70,      /* an internal error of the library */
  GRADCAM_CANCELLED = 130   /* the caller's progress function ended the work */
};

/* A network, planned for explanations at one node. */
typedef struct gradcam_model gradcam_model;
/* An image that a network ran on, which any questions can be asked about. */
typedef struct gradcam_observation gradcam_observation;
/* One map with its details. */
typedef struct gradcam_explanation gradcam_explanation;
/* The maps that answer one request. */
typedef struct gradcam_explanations gradcam_explanations;

/* The library's version, such as "0.2.0"; never NULL. */
const char *gradcam_version(void);

/* The error of the last failed call on this thread; "" if none failed. Valid until the next call that fails. */
const char *gradcam_last_error(void);

typedef struct gradcam_error {
  size_t size;           /* sizeof(gradcam_error) */
  gradcam_status status; /* 0 if no call failed */
  const char *place;     /* what it is about, from the outside in, such as a file, then a node; may be "" */
  const char *problem;
  const char *advice;    /* what to do about it, NULL if nothing is known */
} gradcam_error;

/* Gives the parts of which gradcam_last_error() is made; their strings are valid as long. */
gradcam_status gradcam_get_last_error(gradcam_error *error);

/* Sets how much memory the networks of the process may take together, in bytes; 0 for the default: 2 GiB and 16 times the
   size of the largest, at most half of what the process may have. A network that needs more is GRADCAM_UNSUPPORTED. */
void gradcam_set_memory_limit(uint64_t byte_count);

/* ---- Models ---- */

/* Numbers for an input of a model; this struct does not grow. */
typedef struct gradcam_named_tensor {
  const char *name;     /* the input's name */
  const float *values;  /* in C's order; the input's own type is made of them */
  const int64_t *shape;
  int32_t rank;         /* the number of extents */
} gradcam_named_tensor;

typedef struct gradcam_options {
  size_t size;        /* sizeof(gradcam_options) */
  const char *node;   /* the node at which maps are taken, as for --node; default "auto", the last feature map */
  const char *labels; /* a file of class names, as for --labels; default the model's own */
  const char *preset; /* "imagenet", "raw", "caffe" or "tf"; default as the model's file says, else "imagenet" */
  const char *layout; /* "nchw" or "nhwc", if the model does not say */
  const char *models; /* the folder in which a NAME means NAME.onnx; default GRADCAM_MODELS, else "models" */
  int32_t threads;    /* default one per core */
  int32_t width;      /* of the network's input, if its file leaves it open; default 224; of a signal its length */
  int32_t height;     /* of a signal any */
  const char *output; /* the output that holds class scores; default the one that most probably does */
  const char *compat; /* whose formulas and drawing to follow, as for --compat; default "pytorch-grad-cam" */
  /* How pictures are preprocessed where the preset, or the model's file, is not right. */
  const char *resize;        /* as for --resize: "256" for the shorter side, "224x224", or "letterbox" */
  const char *crop;          /* as for --crop */
  const char *channels;      /* "rgb" or "bgr" */
  const char *interpolation; /* as for --interpolation */
  const float *mean;         /* of each of three channels, or NULL */
  const float *std;          /* likewise */
  float range;               /* the value of full brightness, before mean and deviation are applied */
  /* Libraries of operators, methods and targets; those that GRADCAM_PLUGINS names are not loaded. */
  const char *const *plugins;
  size_t plugin_count;
  const char *const *preferred; /* as for --prefer */
  size_t preferred_count;
  /* What inputs that take no image are given in every run. */
  const gradcam_named_tensor *inputs;
  size_t input_count;
  const char *axes; /* the axes of .nii volumes as depth, height and width: "xyz" (default) or "zyx" */
  int32_t depth;    /* beside width and height: of a volume, if the file leaves it open */
} gradcam_options;

/* Opens a model: the path of an .onnx file, or a name in the models folder. Sets *model, to NULL on failure. */
gradcam_status gradcam_open(const char *path, const gradcam_options *options, gradcam_model **model);

/* Closes a model. Does nothing if it is NULL or already closed. */
void gradcam_close(gradcam_model *model);

typedef struct gradcam_model_info {
  size_t size;           /* sizeof(gradcam_model_info) */
  const char *node;      /* the node at which maps are taken */
  int32_t batch;         /* of the image input: images per run; the first is explained */
  int32_t channels;      /* 1 or 3 for pictures */
  int32_t height;        /* 1 for signals */
  int32_t width;         /* the number of samples for signals */
  int32_t channels_last; /* 1 if the order is batch, height, width, channels; else channels come second */
  int32_t class_count;   /* 0 if the model gives no class scores */
  int32_t node_count;
  int32_t metadata_count;
  const char *preprocessing; /* what is done to every picture, and what says so, in words */
  int32_t input_count;
  int32_t axes;          /* of the image input besides batch and channels: 1 for signals, 2 for pictures, 3 for volumes */
  int32_t depth;         /* 1 but for volumes; extents that the file leaves open are those of an image that would do */
} gradcam_model_info;

/* Describes a model. */
gradcam_status gradcam_get_model_info(gradcam_model *model, gradcam_model_info *info);

/* Gives an entry of the file's metadata, by its index from 0 to metadata_count - 1, sorted by their keys. */
gradcam_status gradcam_get_metadata(gradcam_model *model, int32_t index, const char **key, const char **value);

typedef struct gradcam_preprocessing {
  size_t size;               /* sizeof(gradcam_preprocessing) */
  const char *resize;        /* as in gradcam_options; NULL: to the network's input, or to cover the crop */
  const char *crop;          /* NULL: the network's input */
  const char *channels;
  const char *interpolation;
  float mean[3];
  float std[3];
  float range;
  int32_t is_assumed;        /* 1 if neither the caller nor a file says all of it */
} gradcam_preprocessing;

/* Tells how pictures are preprocessed. */
gradcam_status gradcam_get_preprocessing(gradcam_model *model, gradcam_preprocessing *preprocessing);

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

typedef struct gradcam_input {
  size_t size;           /* sizeof(gradcam_input) */
  const char *name;
  const char *type;      /* of its elements, such as "float32"; NULL if it is unknown */
  const int64_t *shape;  /* its extents, -1 for one that the file leaves open; NULL if they are unknown */
  int32_t rank;          /* the number of extents */
  int32_t takes_image;   /* 1 if it takes an image; the first such input takes that of gradcam_run */
} gradcam_input;

/* Describes an input by its index in the file's order, from 0 to input_count - 1. */
gradcam_status gradcam_get_input(gradcam_model *model, int32_t index, gradcam_input *input);

/* ---- Images ---- */

/* What a further image input of a model is given; this struct does not grow. */
typedef struct gradcam_named_image {
  const char *name;                  /* the input's name */
  const struct gradcam_image *image; /* without others of its own */
} gradcam_named_image;

/* An image, given as exactly one of path, bytes, pixels and tensor. */
typedef struct gradcam_image {
  size_t size;           /* sizeof(gradcam_image) */
  const char *path;      /* a PNG, JPEG, BMP, GIF, WebP, TIFF, PPM, PGM or PBM file, or one of numbers: .npy, .wav, .nii
                            or .nii.gz; TIFF, too, for a network that no picture is made into */
  const uint8_t *pixels; /* red, green and blue of every pixel, row by row from the top */
  int32_t width;         /* of pixels */
  int32_t height;
  size_t stride;         /* bytes from one row of pixels to the next; default 3 * width */
  const float *tensor;   /* the network's input, used without any preprocessing, in the model's order */
  size_t tensor_count;   /* its element count: batch * channels * depth * height * width of gradcam_model_info */
  int32_t item;          /* which image of a tensor of several is explained, from 0 */
  /* What the model's image inputs after the first are given. */
  const gradcam_named_image *others;
  size_t other_count;
  const int64_t *tensor_shape; /* the tensor's extents, where the model leaves some open; NULL as gradcam_model_info says */
  int32_t tensor_rank;         /* the number of its extents; those of the batch and of one channel may be missing */
  const uint8_t *bytes;        /* what such a file as path names holds; not NULL if it is empty */
  size_t byte_count;
  const char *name;            /* what rows call the image; of bytes, its extension says whether they are numbers */
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

/* Runs a model forward on an image that is then asked about as often as wanted, whatever else the model is used for.
   Sets *observation, to NULL on failure. */
gradcam_status gradcam_observe(
    gradcam_model *model, const gradcam_image *image, gradcam_observation **observation);

/* Closes an observation. Does nothing if it is NULL or already closed. */
void gradcam_close_observation(gradcam_observation *observation);

/* Writes the classes of an image, as gradcam_classify does. */
gradcam_status gradcam_get_classes(
    gradcam_observation *observation, gradcam_class *classes, size_t capacity, size_t *count);

/* ---- Explanations ---- */

typedef struct gradcam_request {
  size_t size;             /* sizeof(gradcam_request) */
  const char *method;      /* a CAM method, as for --method; default "gradcam", for boxes "odam" */
  const char *class_name;  /* a class's number or label; default the most probable class, or the only number */
  int32_t of_probability;  /* 1: explains the class's probability; default its raw score */
  int32_t counterfactual;  /* 1: shows the evidence against the class */
  int32_t concept_number;  /* which of the concepts that the method dff finds, from 1 to 5; default 1 */
  /* The following are for gradcam_ask and gradcam_sweep; what they say is as for the program's options. */
  const char *const *nodes;   /* default the node of gradcam_options; for gradcam_sweep all that have a map */
  size_t node_count;
  const char *const *methods; /* more methods than one; then method is NULL */
  size_t method_count;
  const char *const *classes; /* more classes than one; then class_name is NULL */
  size_t class_count;
  int32_t top;                /* explains that many of the most probable classes; default 1 */
  const char *contrast;       /* "A,B" */
  const char *target;         /* "OUTPUT[...]" */
  const char *mask;           /* a PNG file, with a class of a segmentation */
  const char *embedding;      /* a .npy file or a picture */
  int32_t detection;          /* 1 for the score of a detector's best box, 2 for the second ...; default none */
  const char *const *columns; /* what the numbers of its boxes mean */
  size_t column_count;
  const char *fuse;           /* how the maps of all nodes become one */
  const char *const *smooth;  /* "aug", "eigen" */
  size_t smooth_count;
  const char *compat;         /* default that of gradcam_options */
  const char *grid;           /* rows and columns of tokens, such as "14x14" */
  const char *channel_axis;   /* "first" or "last": where the channels of the nodes are */
  int32_t concept_count;      /* how many concepts the method dff looks for; default 5 */
  int32_t skips_unsupported;  /* 1: a method that cannot do what is asked is left out, with a warning in the others */
  /* Called now and then with the fraction done, on the calling thread; anything but 0 ends the work. */
  int32_t (*progress)(void *context, double fraction);
  void *context;              /* passed to progress */
  const char *boxes_of;       /* "CLASS[:SCORE]": the sum of the scores of a detector's boxes of a class */
  float iou;                  /* boxes that share more of their common area count as one; default what is usual */
  /* What attributions compare the image with: "zero", "black", "mean", "blur", or files; default "zero". */
  const char *const *baselines;
  size_t baseline_count;
  int32_t step_count;         /* pictures between baseline and image, or random ones; default 50 */
  const char *window;         /* of the method occlusion, such as "32x32" */
  const char *stride;         /* how far the window moves */
  int32_t mask_count;         /* of the method rise; default 1000 */
  int32_t is_signed;          /* 1: maps keep what speaks against the class: 0.5 of the heat is nothing */
} gradcam_request;

/* Explains an observed image: for each class, each node and each method a map, in this order. Sets *explanations, to NULL
   on failure. */
gradcam_status gradcam_ask(
    gradcam_observation *observation, const gradcam_request *request, gradcam_explanations **explanations);

/* Explains an observed image at all nodes by one method in one backward pass, if the method allows. Sets *explanations,
   to NULL on failure. */
gradcam_status gradcam_sweep(
    gradcam_observation *observation, const gradcam_request *request, gradcam_explanations **explanations);

/* Explains many images by the same request, one a thread while there are enough of them. Sets explanations[i] for each
   image, to NULL on failure; an image that cannot be read or used fails alone: every call on its explanations returns
   its status and sets its error. progress is called on the calling thread. */
gradcam_status gradcam_ask_many(
    gradcam_model *model, const gradcam_image *const *images, size_t count, const gradcam_request *request,
    gradcam_explanations **explanations);

/* Closes the maps of a request, but none that gradcam_get_explanation gave. Does nothing if it is NULL or closed. */
void gradcam_close_explanations(gradcam_explanations *explanations);

/* Sets *count to the number of maps. */
gradcam_status gradcam_count_explanations(gradcam_explanations *explanations, size_t *count);

/* Sets *explanation to the map of an index, NULL on failure; the caller closes it. */
gradcam_status gradcam_get_explanation(
    gradcam_explanations *explanations, size_t index, gradcam_explanation **explanation);

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
  const char *tensor;    /* the names of the nodes' tensors */
  const char *target;    /* what is explained, in words */
  int32_t channels;      /* of activation and gradient; 0 if there are none, as for several nodes together */
  int32_t input_width;   /* of the network's input */
  int32_t input_height;
  int32_t seen_x;        /* the part of the picture that the network sees, in pixels */
  int32_t seen_y;
  int32_t seen_width;
  int32_t seen_height;
  int32_t concept_number; /* of the method dff, from 1; else 0 */
  int32_t is_empty;      /* 1 if the map shows nothing, as a warning says */
  int32_t has_box;         /* 1 if one box of a detector is explained whose place in the picture is known */
  float box[4];            /* its left, upper, right and lower edge, in pixels of the picture */
  int32_t axes;          /* of the map: 1 of a signal, 2 of a picture, 3 of a volume; heights of signals are 1 */
  int32_t depth;         /* of the input and of the heat over it; 1 but for volumes */
  int32_t map_depth;     /* of the map at the node */
  int32_t drawn_width;   /* of what gradcam_draw draws in the style "overlay"; as width and height for pictures */
  int32_t drawn_height;
  double attribution_sum;   /* of a method whose attributions should add up to a difference of scores; else NaN */
  double score_difference;  /* the score less that of the baseline, which they should add up to; else NaN */
} gradcam_explanation_info;

/* Describes an explanation. */
gradcam_status gradcam_get_explanation_info(gradcam_explanation *explanation, gradcam_explanation_info *info);

/* Gives the stable code and text of a warning, by its index from 0 to warning_count - 1. Either may be NULL. */
gradcam_status gradcam_get_warning(
    gradcam_explanation *explanation, int32_t index, const char **code, const char **text);

/* Writes the map as drawn, at the picture's size: depth * width * height values in 0 ... 1, row by row from the top.
   Fails with GRADCAM_USAGE if capacity, in values, is too small. */
gradcam_status gradcam_copy_heat(gradcam_explanation *explanation, float *values, size_t capacity);

/* Writes the map at the node: map_depth * map_height * map_width values, rectified but not scaled, as --save-map writes
   them. */
gradcam_status gradcam_copy_map(gradcam_explanation *explanation, float *values, size_t capacity);

/* Numbers that belong to the object they were got from, in C's order; this struct does not grow. */
typedef struct gradcam_array {
  const float *values;
  int32_t rank;     /* at most 4 */
  int64_t shape[4];
} gradcam_array;

enum {
  /* The extents named here are those of pictures; a signal has a width alone, a volume a depth before the height. */
  GRADCAM_MAP = 0,        /* as gradcam_copy_map: map_height x map_width */
  GRADCAM_HEAT = 1,       /* as gradcam_copy_heat: height x width */
  GRADCAM_ACTIVATION = 2, /* of the node: channels x map_height x map_width */
  GRADCAM_GRADIENT = 3,   /* likewise */
  GRADCAM_RAW_MAP = 4     /* the map before negative values are set to 0 */
};

/* Lends an array of an explanation, without a copy, until that is closed. Fails with GRADCAM_UNSUPPORTED if there is no
   such array, as no activation of several nodes together. */
gradcam_status gradcam_get_array(gradcam_explanation *explanation, int32_t kind, gradcam_array *array);

/* Measures maps of an observed image by a metric, as for --metric, and writes one number for each: NaN where it is not
   defined. boxes holds box_count boxes in the picture, each as x, y, width and height. */
gradcam_status gradcam_measure(
    gradcam_observation *observation, gradcam_explanation *const *explanations, size_t count, const char *metric,
    const int32_t *boxes, size_t box_count, double *values);

typedef struct gradcam_drawing {
  size_t size;          /* sizeof(gradcam_drawing) */
  const char *style;    /* "overlay", "heat", "mask" or "side-by-side", as for --style; default "overlay" */
  const char *colormap; /* as for --colormap; default "jet" */
  float blend;          /* weight of the picture relative to the heat, up to 1; default 0.5 */
  const int32_t *show;  /* the channels drawn of an input that is no picture, from 1; default the usual ones */
  size_t show_count;
  double rate;          /* samples per second of a signal, for the labels; default that of its file, else none */
} gradcam_drawing;

/* Draws the map over the picture: 3 * drawn_width * drawn_height bytes of red, green and blue, twice as wide for
   "side-by-side". For a tensor of a picture's channels only the heat is drawn, over a signal its curves, over a volume
   some of its slices. Fails with GRADCAM_USAGE if capacity, in bytes, is too small. */
gradcam_status gradcam_draw(
    gradcam_explanation *explanation, const gradcam_drawing *drawing, uint8_t *pixels, size_t capacity);

/* ---- Rows of tables ---- */

/* Sets *row to what is known of a map as a line of a table, a JSON document without a line end, as the program writes them.
   The image must have had a name; output is the name of the file that the caller draws the map to, or NULL. */
gradcam_status gradcam_get_row(gradcam_explanation *explanation, const char *output, const char **row);

/* Sets *row to the line of an image of gradcam_ask_many that failed, with its error. If the image was read and what was asked
   is at fault, it fails with that error. */
gradcam_status gradcam_get_error_row(gradcam_explanations *explanations, const char **row);

/* Sets *line to the line that stands before such rows in a table: the configuration, of which they have the fingerprint. */
gradcam_status gradcam_get_configuration(
    gradcam_model *model, const gradcam_request *request, const char **line);

/* Writes a row, which is a JSON document in any form, as the program does, null-terminated, and sets *length, which may be
   NULL, to its length in bytes. Fails with GRADCAM_USAGE if capacity, in bytes, is too small. */
gradcam_status gradcam_format_row(const char *row, char *line, size_t capacity, size_t *length);

#ifdef __cplusplus
}
#endif

#endif

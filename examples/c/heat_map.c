// Explains a picture with libgradcam and writes the heat over it as a PPM file: heat_map MODEL.onnx PICTURE OUTPUT.ppm
#include <gradcam.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments) {
  if (count != 4) return fprintf(stderr, "usage: heat_map MODEL.onnx PICTURE OUTPUT.ppm\n"), GRADCAM_USAGE;
  gradcam_model *model = NULL;
  gradcam_explanation *explanation = NULL;
  const gradcam_image image = {.size = sizeof image, .path = arguments[2]};
  gradcam_explanation_info info = {.size = sizeof info};
  uint8_t *pixels = NULL;
  size_t bytes = 0;

  gradcam_status status = gradcam_open(arguments[1], NULL, &model);
  if (!status) status = gradcam_run(model, &image);
  if (!status) status = gradcam_explain(model, NULL, &explanation);
  if (!status) status = gradcam_get_explanation_info(explanation, &info);
  if (!status) pixels = malloc(bytes = (size_t)info.width * info.height * 3);
  if (!status) status = gradcam_draw(explanation, NULL, pixels, bytes);
  if (status) fprintf(stderr, "%s\n", gradcam_last_error());

  FILE *file = status ? NULL : fopen(arguments[3], "wb");
  if (file) {
    printf("%s at %s: %s\n", info.label ? info.label : "the top class", info.node, arguments[3]);
    fprintf(file, "P6\n%d %d\n255\n", info.width, info.height);
    if (fwrite(pixels, 1, bytes, file) != bytes || fclose(file)) status = 73;
  }
  free(pixels);
  gradcam_close_explanation(explanation);
  gradcam_close(model);
  return status;
}

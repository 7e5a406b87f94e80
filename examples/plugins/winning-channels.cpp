// Two CAM methods: winning-channels, which weights a channel by its mean gradient if that is among the largest tenth,
// else by 0; and signed-product, the plain product of gradient and activation, with evidence against the class left in.
#include <algorithm>
#include <numeric>
#include <vector>

#include "gradcam_plugin.h"

namespace {

const gradcam_host *host;

gradcam_status winning_channels(const gradcam_feature_map *at, float *weights) try {
  const size_t plane = at->height * at->width;
  for (size_t channel = 0; channel < at->channels; channel++) {
    const float *gradient = at->gradient + channel * plane;
    weights[channel] = std::accumulate(gradient, gradient + plane, 0.0) / plane;
  }
  std::vector<float> sorted(weights, weights + at->channels);
  const auto threshold = sorted.begin() + (at->channels - 1) / 10;
  std::nth_element(sorted.begin(), threshold, sorted.end(), std::greater<>());
  std::replace_if(weights, weights + at->channels, [=](float weight) { return weight < *threshold; }, 0.0f);
  return GRADCAM_OK;
} catch (const std::exception &error) {
  return host->fail(at->call, GRADCAM_FAILED, error.what());  // no exception may leave the plugin
}

gradcam_status signed_product(const gradcam_feature_map *at, float *map) {
  const size_t plane = at->height * at->width;
  std::fill(map, map + plane, 0.0f);
  for (size_t i = 0; i < at->channels * plane; i++) map[i % plane] += at->gradient[i] * at->activation[i];
  return GRADCAM_OK;
}

// Members are in the header's order: size, name, map, weights, keeps_negative.
const gradcam_method winning = {sizeof(gradcam_method), "winning-channels", nullptr, winning_channels, 0};
const gradcam_method product = {sizeof(gradcam_method), "signed-product", signed_product, nullptr, 1};
const gradcam_method *const methods[] = {&winning, &product};

gradcam_plugin make_plugin() {
  gradcam_plugin plugin = {};
  plugin.size = sizeof plugin;
  plugin.abi_version = GRADCAM_ABI_VERSION;
  plugin.name = "winning-channels";
  plugin.version = "1.0";
  plugin.description = "Grad-CAM of the channels that count most, and the signed product";
  plugin.method_count = 2;
  plugin.methods = methods;
  return plugin;
}

}  // namespace

const gradcam_plugin *gradcam_plugin_entry(const gradcam_host *the_host, int64_t, gradcam_call *) {
  static const gradcam_plugin plugin = make_plugin();
  host = the_host;
  return &plugin;
}

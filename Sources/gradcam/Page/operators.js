// Operators of a network by what they do, for the colours of boxes.

const kinds = {
  convolution: ["Conv", "ConvTranspose", "ConvInteger", "QLinearConv", "DeformConv", "FusedConv"],
  activation: [
    "Relu", "LeakyRelu", "PRelu", "Clip", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Gelu", "Elu", "Celu", "Selu",
    "Softplus", "Softsign", "Erf", "Mish", "Swish", "ThresholdedRelu", "Softmax", "LogSoftmax", "FastGelu", "QuickGelu",
    "BiasGelu"],
  pooling: [
    "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "LpPool", "GlobalLpPool", "ReduceMean", "ReduceMax", "Resize",
    "Upsample", "RoiAlign", "MaxRoiPool", "MaxUnpool"],
  joining: ["Add", "Sum", "Concat", "Mul", "Sub", "Div", "Max", "Min", "Mean", "Where"],
  linear: [
    "Gemm", "MatMul", "Einsum", "FusedMatMul", "MatMulInteger", "QLinearMatMul", "Attention", "MultiHeadAttention", "LSTM",
    "GRU", "RNN"],
  normalization: [
    "BatchNormalization", "LayerNormalization", "InstanceNormalization", "GroupNormalization", "LRN", "LpNormalization",
    "SimplifiedLayerNormalization", "RMSNormalization", "SkipLayerNormalization", "Dropout"],
};

const kindsByOperator = new Map(
  Object.entries(kinds).flatMap(([kind, operators]) => operators.map((operator) => [operator, kind])));

/** What an operator does: one of the kinds, or "other". */
export function kindOf(operator) {
  return kindsByOperator.get(operator) ?? "other";
}

/** A shape for people: 64 × 56 × 56, without the batch if that is 1. */
export function shapeText(shape) {
  if (!shape) return "";
  const shown = shape.length > 1 && shape[0] === 1 ? shape.slice(1) : shape;
  return shown.map((length) => (length > 0 ? length : "?")).join(" × ");
}

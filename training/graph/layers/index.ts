// The rules, by the layers' class names.
import { activationRule } from './activation.ts';
import { batchNormalizationRule } from './batch-normalization.ts';
import { conv2dRule } from './conv2d.ts';
import { denseRule } from './dense.ts';
import { dropoutRule } from './dropout.ts';
import type { LayerRule } from './layer-rule.ts';
import { globalAveragePooling2dRule, maxPooling2dRule } from './pooling.ts';
import { flattenRule, inputRule, rescalingRule } from './shapes.ts';

export const layerRules: Readonly<Record<string, LayerRule>> = {
  Activation: activationRule,
  BatchNormalization: batchNormalizationRule,
  Conv2D: conv2dRule,
  Dense: denseRule,
  Dropout: dropoutRule,
  Flatten: flattenRule,
  GlobalAveragePooling2D: globalAveragePooling2dRule,
  InputLayer: inputRule,
  MaxPooling2D: maxPooling2dRule,
  Rescaling: rescalingRule,
};

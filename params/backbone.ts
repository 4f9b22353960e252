// Parameters of the backbone: where VGG16's convolutions come from and which block's output the head is trained on.
import { z } from 'zod';

/** The official ImageNet weights without the top: read from a path, or downloaded once and checked. */
export const ImageNetParams = z.strictObject({
  /** A local copy of the file; null downloads it. */
  path: z.string().nullable(),
  url: z.url(),
  md5: z.string().regex(/^[0-9a-f]{32}$/),
});
export type ImageNetParams = z.infer<typeof ImageNetParams>;

/** A width-reduced VGG16 trained on the pictures that filter set aside. */
export const PretrainParams = z.strictObject({
  /** Share of VGG16's filters in each layer. */
  width: z.number().gt(0).max(1),
  batch: z.int().min(1),
  epochs: z.int().min(1),
  learningRate: z.number().gt(0),
});
export type PretrainParams = z.infer<typeof PretrainParams>;

/** A width-reduced VGG16 as it is before any training: the control that a transfer must beat. */
export const RandomParams = z.strictObject({
  /** Share of VGG16's filters in each layer. */
  width: z.number().gt(0).max(1),
});

export const BackboneParams = z.strictObject({
  weights: z.enum(['pretrain', 'imagenet', 'random']),
  /** The block whose pooled output the head sees; 5 is all of VGG16. */
  block: z.int().min(1).max(5),
  imagenet: ImageNetParams,
  pretrain: PretrainParams,
  random: RandomParams,
});
export type BackboneParams = z.infer<typeof BackboneParams>;

// Parameters of the resize stage.
import { z } from 'zod';

export const ResizeParams = z.strictObject({
  /** Width and height of every picture, in pixels. */
  size: z.int().min(8).max(1024),
  /** `contain` keeps the aspect ratio and pads with white; `fill` stretches, as Keras' load_img does; `cover` crops. */
  fit: z.enum(['contain', 'fill', 'cover']),
});
export type ResizeParams = z.infer<typeof ResizeParams>;
